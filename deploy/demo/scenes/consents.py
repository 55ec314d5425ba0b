# SPDX-License-Identifier: EUPL-1.2
"""U15, A: a consent that is withdrawn, and one that serves one job centre only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.demo.cast import JC, JC_CELLE, MBE
from deploy.demo.scenes.model import Scene

if TYPE_CHECKING:
    from deploy.demo.scenes.model import Account, Stage

STATE: Final = ("procedure_state", "benefit_granted")
TEMPLATE: Final = "benefit-state-to-counselling"


def _u15(stage: Stage, account: Account) -> None:
    office = stage.office(MBE)
    person = stage.person("mariam", MBE)
    try:
        person.withdraw_everything()
        given = person.give(TEMPLATE, JC, MBE, STATE)
        account.told(office.ask("mariam", JC, "P03", STATE), "with consent")
        person.withdraw(given)
    finally:
        person.close()
    account.told(office.ask("mariam", JC, "P03", STATE), "after the withdrawal")


def _other_job_centre(stage: Stage, account: Account) -> None:
    office = stage.office(MBE)
    person = stage.person("mariam", MBE)
    try:
        person.withdraw_everything()
        person.give(TEMPLATE, JC, MBE, STATE)
    finally:
        person.close()
    account.told(office.ask("mariam", JC, "P03", STATE), "the job centre she named")
    other = office.ask("mariam", JC_CELLE, "P03", STATE)
    outcomes = sorted({item["outcome"] for item in other.withheld.values()})
    account.saw(f"the other one: {', '.join(outcomes) or other.outcome}")
    account.saw(f"fields from it: {len(other.values)}")
    account.receipts += other.receipts


SCENES: Final = (
    Scene(
        "U15",
        "The client withdraws her consent",
        "mbe.caritas asks jc.hannover for the state of the benefit case (P03, R18)",
        (
            "with consent: released R18: benefit_granted, procedure_state",
            (
                "after the withdrawal: NEED_CONSENT R18 consent_revoked: "
                "benefit_granted, procedure_state"
            ),
        ),
        _u15,
    ),
    Scene(
        "A",
        "A consent for one job centre does not serve the other",
        "mbe.caritas asks jc.hannover, then jc.celle (P03, R18)",
        (
            "the job centre she named: released R18: benefit_granted, procedure_state",
            "the other one: NEED_CONSENT",
            "fields from it: 0",
        ),
        _other_job_centre,
    ),
)
