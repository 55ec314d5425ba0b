# SPDX-License-Identifier: EUPL-1.2
"""An agency's own system in a test: a dictionary that writes down what was asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.errors import SourceUnavailable
from adapters.sources.base import HolderKnows, LinkIdentity, Record, SourceReport
from keys.model import FileNumber
from keys.strict_json import JsonValue


@dataclass
class MemorySource:
    """A source adapter over a dictionary that writes down what was asked of it."""

    records: Mapping[str, Mapping[str, JsonValue]]
    ambiguous: set[str] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)
    looks_for_blocks: bool = True
    secret: frozenset[str] = frozenset()
    """Fields that came under secrecy, whoever they are about."""
    down: bool = False
    calls: list[tuple[str, str, frozenset[str]]] = field(default_factory=list)

    async def facts(self, file_number: FileNumber) -> HolderKnows:
        """Tell what stands in the dictionary."""
        self._note("facts", file_number, frozenset())
        twice = file_number in self.ambiguous
        return HolderKnows(
            found=file_number in self.records and not twice,
            ambiguous=twice,
            info_block=file_number in self.blocked if self.looks_for_blocks else None,
            secret_203=self.secret,
        )

    async def read(self, file_number: FileNumber, fields: frozenset[str]) -> Record:
        """Read these fields."""
        self._note("read", file_number, fields)
        found = self.records.get(file_number, {})
        return Record({name: found.get(name) for name in fields})

    async def identity(self, file_number: FileNumber) -> LinkIdentity | None:
        """Give the one identity that all invented files are about."""
        if file_number not in self.records:
            return None
        return LinkIdentity(family_name="Beispielova", birth_date="1990-01-01")

    async def check(self) -> SourceReport:
        """Say whether it is down."""
        return SourceReport(usable=not self.down, kind="files", fields=())

    async def close(self) -> None:
        """Nothing to give back."""

    def _note(self, call: str, file_number: str, fields: frozenset[str]) -> None:
        self.calls.append((call, file_number, fields))
        if self.down:
            raise SourceUnavailable("stopped by the test")

    def read_fields(self, file_number: str) -> set[str]:
        """Fields that were ever read of this file."""
        return {
            name
            for call, number, names in self.calls
            if call == "read" and number == file_number
            for name in names
        }
