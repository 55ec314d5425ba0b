# SPDX-License-Identifier: EUPL-1.2
"""U03, U04, U11: between job centre and foreigners' authority, in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.demo import evidence
from deploy.demo.cast import ABH, JC
from deploy.demo.office import Problem
from deploy.demo.scenes.model import Scene, describe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.demo.office import Told
    from deploy.demo.scenes.model import Account, Stage

ASKED: Final = ("benefit_granted", "benefit_begin", "benefit_end", "net_income", "cooperation_plan")
REPORTED: Final = ("family_name", "given_names", "birth_date", "benefit_type", "benefit_begin")


def _u03(stage: Stage, account: Account) -> None:
    _try_consent(stage, account)
    asked = stage.office(ABH).ask(
        "tewolde",
        JC,
        "P02",
        ASKED,
        declared={"decision": "grant_25b", "azr_insufficient": True},
    )
    account.told(asked, "at once")
    stage.office(JC).release(asked.exchange)
    account.told(stage.office(ABH).look(asked.id), "after the clerk's release")


def _try_consent(stage: Stage, account: Account) -> None:
    """The person tries to allow what the law leaves to her own papers."""
    person = stage.person("tewolde", JC)
    try:
        person.give("benefit-state-to-counselling", JC, ABH, ["benefit_granted"])
        account.saw("a consent is on file")
    except Problem as refused:
        account.saw(f"consent: {refused.code}")
    finally:
        person.close()


def _u04(stage: Stage, account: Account) -> None:
    declared = {"azr_insufficient": False}
    told = account.told(stage.office(ABH).ask("tewolde", JC, "P02", ASKED[:3], declared=declared))
    # Each field carries one reason; the receipt of the refusal carries all of them.
    leaf = evidence.verify(stage.place, "receipt", told.receipts[0]).said.get("leaf", {})
    account.saw("the receipt's entry says: " + ", ".join(sorted(leaf.get("reasons", []))))


def _report(stage: Stage, person: str, declared: Mapping[str, object]) -> Told:
    return stage.office(JC).deliver(
        person, ABH, "P01", REPORTED, trigger="spontaneous", declared=declared
    )


def _u11a(stage: Stage, account: Account) -> None:
    account.told(_report(stage, "nasrin", {"title_section": 5, "benefit_in_azr": False}))


def _u11b(stage: Stage, account: Account) -> None:
    reported = _report(stage, "dragana", {"title_section": 4, "benefit_in_azr": False})
    account.told(reported, "at once")
    before = stage.office(ABH).delivered(reported.exchange)
    account.saw(f"before the release: {'nothing' if before is None else describe(before)}")
    stage.office(JC).release(reported.exchange)
    arrived = stage.office(ABH).delivered(reported.exchange)
    if arrived is None:
        account.saw("received: nothing")
    else:
        account.told(arrived, "received")


def _u11c(stage: Stage, account: Account) -> None:
    account.told(_report(stage, "dragana", {"title_section": 4, "benefit_in_azr": True}))


_ALL = "benefit_begin, benefit_type, birth_date, family_name, given_names"

SCENES: Final = (
    Scene(
        "U03",
        "Livelihood for § 25b: a clerk of the job centre releases",
        "abh.hannover asks jc.hannover for benefits, income and plan (P02, R04 and R07)",
        (
            "consent: permission-not-allowed",
            (
                "at once: REDIRECT_SUBJECT R07 outside_closed_list: cooperation_plan, net_income; "
                "held: benefit_begin, benefit_end, benefit_granted"
            ),
            (
                "after the clerk's release: released R04: benefit_begin, benefit_end, benefit_granted; "
                "REDIRECT_SUBJECT R07 outside_closed_list: cooperation_plan, net_income"
            ),
        ),
        _u03,
    ),
    Scene(
        "U04",
        "The same without naming the decision, and without the AZR statement",
        "abh.hannover asks jc.hannover for benefits (P02, R04)",
        (
            "DENY R04 decision_missing: benefit_begin, benefit_end, benefit_granted",
            "the receipt's entry says: azr_not_exhausted, decision_missing",
        ),
        _u04,
    ),
    Scene(
        "U11a",
        "Report of benefits, title of section 5",
        "jc.hannover reports to abh.hannover of its own motion (P01, R05)",
        (f"DENY R05 section_not_covered: {_ALL}",),
        _u11a,
    ),
    Scene(
        "U11b",
        "Report of benefits, title of section 4, not in the AZR",
        "jc.hannover reports to abh.hannover of its own motion (P01, R05)",
        (
            f"at once: held: {_ALL}",
            "before the release: nothing",
            f"received: released R05: {_ALL}",
        ),
        _u11b,
    ),
    Scene(
        "U11c",
        "Report of benefits that the AZR has already",
        "jc.hannover reports to abh.hannover of its own motion (P01, R05)",
        (f"DENY R05 benefit_already_in_azr: {_ALL}",),
        _u11c,
    ),
)
