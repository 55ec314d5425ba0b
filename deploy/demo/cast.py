# SPDX-License-Identifier: EUPL-1.2
"""Who takes part in the demo. Agencies, clerks and case references are invented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from keys.model import AgencyId


@dataclass(frozen=True, slots=True)
class Member:
    """One agency."""

    id: AgencyId
    kind: str
    """Its kind in the rules."""
    name: str
    source: Literal["sql", "rest", "files"] | None
    """What its own system is; None: it is registered and runs no connector."""
    decoy_number: str = ""
    """Form of its file numbers, ``#`` for a digit."""
    clerk: str = ""
    """Invented; distinctive, because scene C looks for it."""
    case_ref: str = ""
    """Beginning of its invented case references; distinctive as well."""


ABH: Final = AgencyId("abh.hannover")
JC: Final = AgencyId("jc.hannover")
JC_CELLE: Final = AgencyId("jc.celle")
MBE: Final = AgencyId("mbe.caritas")
MELDE: Final = AgencyId("melde.hannover")
SCHULE: Final = AgencyId("schule.ost")

MEMBERS: Final[tuple[Member, ...]] = (
    Member(
        ABH,
        "ABH",
        "Ausländerbehörde Hannover (erfunden)",
        "sql",
        "33.21-AH#######",
        "Hildegunde Quastenflösser",
        "AZ-ABH-7715-",
    ),
    Member(
        JC,
        "JC",
        "Jobcenter Hannover (erfunden)",
        "rest",
        "23702BG0######",
        "Torsten-Eike Wobbelmann",
        "VORG-JCH-4402-",
    ),
    Member(
        JC_CELLE,
        "JC",
        "Jobcenter Celle (erfunden)",
        "rest",
        "24102BG00#####",
        "Renate Knickrehbein",
        "VORG-JCC-9130-",
    ),
    Member(
        MBE,
        "MBE",
        "Migrationsberatung der Caritas (erfunden)",
        "files",
        "CMB-20##-######",
        "Yolanda Pfefferkuchner",
        "BERATUNG-6628-",
    ),
    Member(
        MELDE,
        "MELDE",
        "Meldebehörde Hannover (erfunden)",
        "sql",
        "OM88########",
        "Gundolf Zirbelstätter",
        "EWO-VG-3391-",
    ),
    Member(SCHULE, "SCHULE", "Grundschule Ost (erfunden)", None),
)

MEMBER: Final = {member.id: member for member in MEMBERS}
RUNNING: Final = tuple(member for member in MEMBERS if member.source is not None)
"""Agencies with a connector."""


@dataclass(frozen=True, slots=True)
class Flow:
    """An agreement: data may flow from one agency to another for these purposes."""

    source: AgencyId
    recipient: AgencyId
    purposes: tuple[str, ...]
    undertaking_78: bool = False
    """The recipient has signed the undertaking of section 78 SGB X."""


FLOWS: Final[tuple[Flow, ...]] = (
    Flow(ABH, JC, ("P04",)),
    Flow(ABH, JC_CELLE, ("P04",)),
    Flow(JC, ABH, ("P01", "P02")),
    Flow(JC_CELLE, ABH, ("P01", "P02")),
    Flow(ABH, MBE, ("P03",)),
    Flow(MBE, ABH, ("P02",)),
    Flow(JC, MBE, ("P03",), undertaking_78=True),
    Flow(JC_CELLE, MBE, ("P03",), undertaking_78=True),
    Flow(MELDE, JC, ("P04",)),
    Flow(MELDE, JC_CELLE, ("P04",)),
    Flow(SCHULE, ABH, ("P02",)),
)


@dataclass(frozen=True, slots=True)
class Link:
    """Two agencies' files of one invented person, connected at the counter."""

    person: str
    """Short name in ``adapters.simulated.people``."""
    one: AgencyId
    other: AgencyId


LINKS: Final[tuple[Link, ...]] = (
    Link("nasrin", ABH, JC),
    Link("tewolde", ABH, JC),
    Link("mariam", ABH, MBE),
    Link("mariam", MBE, JC),
    Link("mariam", MBE, JC_CELLE),
    Link("dragana", ABH, JC),
    Link("leyla", JC, MELDE),
)
"""What the scenes need; everybody else stays unlinked."""
