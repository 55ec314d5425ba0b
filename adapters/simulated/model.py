# SPDX-License-Identifier: EUPL-1.2
"""What each agency's own system keeps about a person, in that system's own terms.

Days are relative to the day on which the system is set up (``--today``): -1 is yesterday.
Everything is invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class AbhPerson:
    """One person record at the foreigners' authority; `twin` is the same file entered a second time."""

    number: str
    family: str
    given: str | None
    born: str
    """``TT.MM.JJJJ``; unknown parts are 00."""
    states: tuple[str, ...] = ()
    birth_place: str | None = None
    passport: str | None = None
    history: tuple[tuple[str, int, int | None], ...] = ()
    """Residence status, from day, to day."""
    title: tuple[str, int, int] | None = None
    """Legal basis, issued on day, valid until day."""
    toleration: tuple[str, int] | None = None
    """Ground, valid until day."""
    work: tuple[str, int, bool] | None = None
    """Ancillary provision, until day, bound to one employer."""
    asylum: tuple[str, str | None] | None = None
    """State of the asylum procedure, ban on deportation."""
    expulsion_interest: bool | None = None
    case: tuple[str, tuple[str, ...]] | None = None
    """State of the procedure, missing papers."""
    twin: tuple[str, str, str] | None = None
    """Family name, given names and birth date of the second entry under the same number."""


@dataclass(frozen=True, slots=True)
class JobcentrePerson:
    """One benefit case at a job centre."""

    number: str
    family: str
    given: str
    born: str
    """``JJJJ-MM-TT``; the system has no way to say that a part is unknown."""
    states: tuple[str, ...]
    benefit: tuple[str, bool, int, int | None, str] | None = None
    """Kind, granted, from day, to day, amount."""
    income: tuple[str, ...] = ()
    employer: tuple[str, int, float] | None = None
    """Name, since day, hours a week."""
    plan: str | None = None
    case: tuple[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True)
class MbePerson:
    """One client of the migration counselling."""

    number: str
    family: str | None = None
    given: str | None = None
    born: str | None = None
    """``TT.MM.JJJJ``."""
    counselled: bool | None = None
    notes: str | None = None
    language: str | None = None
    employment: tuple[int, str, str] | None = None
    """Since day, hours a week with a decimal comma, employer."""


@dataclass(frozen=True, slots=True)
class MeldePerson:
    """One resident in the residents' register."""

    number: str
    family: str
    given: str | None
    born: str
    """``JJJJMMTT``; unknown parts are 00."""
    states: tuple[str, ...]
    address: tuple[str, str, str, str, int] | None = None
    """Street, house number, postcode, town, moved in on day."""
    block: str | None = None
    """Kind of information block; ``1`` is a danger to life or health (§ 51 BMG)."""


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person as up to five agencies know them."""

    key: str
    difficulty: str
    abh: AbhPerson | None = None
    jc_hannover: JobcentrePerson | None = None
    jc_celle: JobcentrePerson | None = None
    mbe: MbePerson | None = None
    melde: MeldePerson | None = None


def iso(today: date, days: int | None) -> str | None:
    """Write the day that lies so many days from today as ``JJJJ-MM-TT``."""
    return None if days is None else (today + timedelta(days=days)).isoformat()


def german(today: date, days: int) -> str:
    """Write the day that lies so many days from today as ``TT.MM.JJJJ``."""
    return (today + timedelta(days=days)).strftime("%d.%m.%Y")
