# SPDX-License-Identifier: EUPL-1.2
"""Stand-ins that put themselves between a connector and its agency's own system."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.sources.base import HolderKnows, LinkIdentity, Record, SourceAdapter, SourceReport
    from keys.model import FileNumber
    from keys.strict_json import JsonValue


@dataclass
class Passing:
    """Passes everything on; the others change one thing."""

    inner: SourceAdapter

    async def facts(self, file_number: FileNumber) -> HolderKnows:
        """As the system says."""
        return await self.inner.facts(file_number)

    async def read(self, file_number: FileNumber, fields: frozenset[str]) -> Record:
        """As the system says."""
        return await self.inner.read(file_number, fields)

    async def identity(self, file_number: FileNumber) -> LinkIdentity | None:
        """As the system says."""
        return await self.inner.identity(file_number)

    async def check(self) -> SourceReport:
        """As the system says."""
        return await self.inner.check()

    async def close(self) -> None:
        """Close the system's adapter."""
        await self.inner.close()


@dataclass
class Other(Passing):
    """Gives other values than the system where the system has one."""

    values: Mapping[str, JsonValue]

    @override
    async def read(self, file_number: FileNumber, fields: frozenset[str]) -> Record:
        """Replace what is there."""
        record = await self.inner.read(file_number, fields)
        changed = {
            name: value if value is None else self.values.get(name, value)
            for name, value in record.values.items()
        }
        return replace(record, values=changed)


@dataclass
class Stuck(Passing):
    """Does not come back from a question until it is let go."""

    asked: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    @override
    async def facts(self, file_number: FileNumber) -> HolderKnows:
        """Wait, then say what the system says."""
        self.asked.set()
        while not self.let_go.is_set():  # noqa: ASYNC110 - set from another thread
            await asyncio.sleep(0.01)
        return await self.inner.facts(file_number)
