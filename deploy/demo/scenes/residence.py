# SPDX-License-Identifier: EUPL-1.2
"""U01, U02: a job centre asks the foreigners' authority for title and work permission."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.simulated.model import iso
from adapters.simulated.people import PERSON
from deploy.demo.cast import ABH, JC
from deploy.demo.scenes.model import Scene

if TYPE_CHECKING:
    from deploy.demo.scenes.model import Account, Stage

WANTED: Final = (
    "residence_status",
    "permit_type",
    "permit_valid_until",
    "work_permission",
    "work_permission_until",
)
CURIOUS: Final = ("deportation_ban", "net_income", "expulsion_interest")
"""Asked in U02 although no rule names them."""


def _u01(stage: Stage, account: Account) -> None:
    account.told(
        stage.office(JC).ask("nasrin", ABH, "P04", WANTED, declared={"azr_checked": False})
    )


def _u02(stage: Stage, account: Account) -> None:
    told = account.told(
        stage.office(JC).ask(
            "nasrin",
            ABH,
            "P04",
            (*WANTED, "permit_issued", *CURIOUS),
            declared={"azr_checked": True, "reason_code": "azr_contradicts"},
        )
    )
    # The job centre reads what the authority's database holds: the permit of yesterday.
    held = PERSON["nasrin"].abh
    title = None if held is None else held.title
    as_held = title is not None and (
        told.values.get("permit_issued") == iso(stage.today, title[1])
        and told.values.get("permit_valid_until") == iso(stage.today, title[2])
    )
    account.saw("dates as the authority holds them" if as_held else "dates differ from the source")


SCENES: Final = (
    Scene(
        "U01",
        "Title and work permission, before the AZR was asked",
        "jc.hannover asks abh.hannover for title and work permission (P04, R01)",
        (
            (
                "REDIRECT_AZR R01 azr_not_exhausted: permit_type, permit_valid_until, "
                "residence_status, work_permission, work_permission_until"
            ),
        ),
        _u01,
    ),
    Scene(
        "U02",
        "The same after the AZR; the permit was issued yesterday",
        "jc.hannover asks abh.hannover for title and work permission (P04, R02)",
        (
            (
                "released R02: permit_issued, permit_type, permit_valid_until, residence_status, "
                "work_permission, work_permission_until; "
                "DENY R73 not_in_rule: deportation_ban, expulsion_interest, net_income"
            ),
            "dates as the authority holds them",
        ),
        _u02,
    ),
)
