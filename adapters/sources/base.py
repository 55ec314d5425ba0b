# SPDX-License-Identifier: EUPL-1.2
"""What every source adapter promises to the connector; ``tests/contract/test_source_contract.py`` holds them to it.

The promises:

1. ``read`` looks only at the columns of the fields it was asked for, and at what is needed to find the person.
2. One file number, one person. No match, two matches and an empty record are answered, not raised,
   and the adapter does the same steps for each of them (promise P5 of the architecture).
3. Input is data: a file number is bound, compared or encoded, and never becomes part of a query, a path or a file name.
4. Every call ends in time: with an answer, or with `SourceUnavailable`.
5. A value that does not fit its mapping is never passed on or guessed: `SourceBroken` names the line of the mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from keys.model import FileNumber
from keys.strict_json import JsonValue


@dataclass(frozen=True, slots=True)
class HolderKnows:
    """What only the holding agency knows about a person and the decision needs."""

    found: bool
    """Exactly one person has this file number."""
    ambiguous: bool
    """Two or more have it: no data, and a human."""
    info_block: bool | None = None
    """An information block stands (Auskunftssperre, § 51 BMG); None: the mapping says nowhere where."""
    secret_203: frozenset[str] = frozenset()
    """Catalogue fields that came to the agency under professional secrecy (§ 203 StGB)."""
    entrusted_65: frozenset[str] = frozenset()
    """Catalogue fields entrusted to youth welfare (§ 65 SGB VIII)."""


@dataclass(frozen=True, slots=True)
class Record:
    """Values read for one person: exactly the fields asked for, None where the source has nothing."""

    values: Mapping[str, JsonValue] = field(repr=False)


@dataclass(frozen=True, slots=True)
class LinkIdentity:
    """Name and birth date as this agency writes them, for the check when two agencies are linked at the counter."""

    family_name: str = field(repr=False)
    """Family name in Unicode NFC; the whole name for a person with one name only."""
    birth_date: str = field(repr=False)
    """``1990-03-14``, ``1990-03`` or ``1990``, as far as it is known."""


@dataclass(frozen=True, slots=True)
class SourceReport:
    """Whether a source can be used, for `lotse connector` and its health page."""

    usable: bool
    kind: str
    """``sql``, ``rest`` or ``files``."""
    fields: tuple[str, ...]
    """Catalogue fields that the mapping serves, sorted."""
    problems: tuple[str, ...] = ()
    """One sentence each; they name lines of the mapping, never values."""


class SourceAdapter(Protocol):
    """One agency's own system, read by its connector.

    Raises (every method but `close`):
        SourceUnavailable: the system is down, slow or overloaded.
        SourceBroken: the system answered otherwise than the mapping says.
    """

    async def facts(self, file_number: FileNumber) -> HolderKnows:
        """Tell what the decision needs to know about this person."""
        ...

    async def read(self, file_number: FileNumber, fields: frozenset[str]) -> Record:
        """Read these catalogue fields and no others; all None unless exactly one person matches."""
        ...

    async def identity(self, file_number: FileNumber) -> LinkIdentity | None:
        """Read name and birth date for the link check; None unless exactly one person matches and has both."""
        ...

    async def check(self) -> SourceReport:
        """Try the source and the mapping without looking anybody up; problems are reported, not raised."""
        ...

    async def close(self) -> None:
        """Give connections and threads back; the adapter cannot be used afterwards."""
        ...
