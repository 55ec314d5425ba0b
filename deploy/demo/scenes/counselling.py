# SPDX-License-Identifier: EUPL-1.2
"""U05, U06, U07: the migration counselling and the foreigners' authority."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.demo import evidence
from deploy.demo.cast import ABH, MBE
from deploy.demo.scenes.model import Scene

if TYPE_CHECKING:
    from deploy.demo.scenes.model import Account, Stage

STATE: Final = ("procedure_state", "missing_documents", "stay_periods")
PAPERS: Final = ("language_level", "employment_since", "weekly_hours")


def _u05(stage: Stage, account: Account) -> None:
    person = stage.person("mariam", MBE)
    try:
        person.withdraw_everything()
        before = stage.office(MBE).ask("mariam", ABH, "P03", STATE)
        # Whether there never was a mandate or an earlier run's was withdrawn is the same here.
        outcomes = {name: item["outcome"] for name, item in before.withheld.items()}
        account.saw(
            "before the mandate: " + ", ".join(f"{n} {o}" for n, o in sorted(outcomes.items()))
        )
        account.keep(before)
        person.give("procedure-state-mandate", ABH, MBE, STATE[:2])
    finally:
        person.close()
    account.told(stage.office(MBE).ask("mariam", ABH, "P03", STATE), "with it")


def _u06(stage: Stage, account: Account) -> None:
    told = account.told(
        stage.office(ABH).ask("mariam", MBE, "P02", ("counselling_fact", "counselling_notes"))
    )
    detail = evidence.opened_detail(stage.place, MBE, told.exchange)
    account.saw(
        "the counselling's officer reads: "
        f"{detail['outcome']} {', '.join(detail['rules'])}, fields read: {len(detail['fields_read'])}"
    )


def _u07(stage: Stage, account: Account) -> None:
    person = stage.person("mariam", MBE)
    try:
        person.withdraw_everything()
        person.give("papers-for-right-to-stay", MBE, ABH, PAPERS)
    finally:
        person.close()
    declared = {"initiated_by": "client"}
    wanted = (*PAPERS, "counselling_notes")
    sent = account.told(
        stage.office(MBE).deliver("mariam", ABH, "P02", wanted, declared=declared), "sent"
    )
    arrived = stage.office(ABH).delivered(sent.exchange)
    if arrived is None:
        account.saw("received: nothing")
    else:
        account.told(arrived, "received")
    again = stage.office(MBE).deliver("mariam", ABH, "P02", PAPERS, declared=declared)
    outcomes = sorted({item["outcome"] for item in again.withheld.values()})
    account.saw(f"second use: {', '.join(outcomes) or again.outcome}")
    account.receipts += again.receipts


SCENES: Final = (
    Scene(
        "U05",
        "The counsellor needs the state of the file, with a power of attorney",
        "mbe.caritas asks abh.hannover for the state of the procedure (P03, R22)",
        (
            (
                "before the mandate: missing_documents NEED_CONSENT, procedure_state NEED_CONSENT, "
                "stay_periods DENY"
            ),
            (
                "with it: released R22: missing_documents, procedure_state; "
                "DENY R73 not_in_rule: stay_periods"
            ),
        ),
        _u05,
    ),
    Scene(
        "U06",
        "Is she a client, and what did she say about her passport?",
        "abh.hannover asks mbe.caritas for counselling secrets (P02, R20)",
        (
            "no_data: counselling_fact, counselling_notes",
            "the counselling's officer reads: NEUTRAL R20, fields read: 0",
        ),
        _u06,
    ),
    Scene(
        "U07",
        "The client releases papers through the counsellor, once",
        "mbe.caritas delivers papers to abh.hannover (P02, R21)",
        (
            "sent: DENY R73 not_in_rule: counselling_notes; sealed, waits for the recipient",
            (
                "received: released R21: employment_since, language_level, weekly_hours; "
                "DENY R73 not_in_rule: counselling_notes"
            ),
            "second use: NEED_RELEASE_203",
        ),
        _u07,
    ),
)
