# SPDX-License-Identifier: EUPL-1.2
"""U09, U14: the school that is not asked, and the person whom nobody may find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deploy.demo import evidence
from deploy.demo.cast import ABH, JC, MELDE, SCHULE
from deploy.demo.scenes.model import Scene

if TYPE_CHECKING:
    from deploy.demo.office import Told
    from deploy.demo.scenes.model import Account, Stage

ADDRESS: Final = ("address_street", "address_postcode_town")


def _u09(stage: Stage, account: Account) -> None:
    account.told(stage.office(ABH).ask("tewolde", SCHULE, "P02", ("school_attendance",)))


def _u14(stage: Stage, account: Account) -> None:
    office = stage.office(JC)
    blocked = account.told(office.ask("leyla", MELDE, "P04", ADDRESS))
    stranger = office.ask("zofia", MELDE, "P04", ADDRESS)
    same = _shape(stage, blocked) == _shape(stage, stranger)
    account.saw(f"same bytes as for an unknown person: {'yes' if same else 'no'}")
    account.receipts += stranger.receipts
    detail = evidence.opened_detail(stage.place, MELDE, blocked.exchange)
    account.saw(
        f"the register's officer reads: {detail['outcome']} {', '.join(detail['rules'])}, "
        f"information block: {'hit' if detail['info_block'] else 'no'}"
    )


def _shape(stage: Stage, told: Told) -> dict[str, Any]:
    """Everything in an answer but what is new in every answer: ids, indexes, times, randomness.

    Beside what the job centre's system was told: the sizes of the two log entries, of all that
    was sealed into them, and how many there are.
    """
    body = dict(told.body)
    unique = ("id", "exchange", "log_index", "receipts")
    sizes = evidence.entry_sizes(stage.place, told.exchange)
    return {**{name: body[name] for name in body if name not in unique}, "sizes": sizes}


SCENES: Final = (
    Scene(
        "U09",
        "School attendance of the children",
        "abh.hannover asks schule.ost for attendance (P02, R52)",
        ("DENY R52 school_exempt: school_attendance",),
        _u09,
    ),
    Scene(
        "U14",
        "A person with an information block",
        "jc.hannover asks melde.hannover for the address (P04, R41)",
        (
            "no_data: address_postcode_town, address_street",
            "same bytes as for an unknown person: yes",
            "the register's officer reads: NEUTRAL R41, information block: hit",
        ),
        _u14,
    ),
)
