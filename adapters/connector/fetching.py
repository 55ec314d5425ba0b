# SPDX-License-Identifier: EUPL-1.2
"""Step 8, first half: read through the source, only what remains, with the same steps for everyone.

Known, unknown, blocked, ambiguous and refused persons run the same two calls, `facts` and `read`
(promise P5). Where nothing may be read about a person, `read` looks for a number that nobody has,
with the same fields, and what it finds is thrown away.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from adapters.connector.details import Finding
from adapters.errors import SourceBroken, SourceUnavailable
from adapters.sources.base import HolderKnows
from keys.model import FileNumber
from policies.model import FieldId, HolderFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.connector.deciding import OfficeRules
    from adapters.connector.verify_order import VerifiedOrder
    from adapters.sources.base import SourceAdapter
    from keys.strict_json import JsonValue
    from policies.decision import Decision

NOBODY: Final = HolderKnows(found=False, ambiguous=False)

AMBIGUOUS: Final = "ambiguous-match"
BROKEN: Final = "source-broken"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What goes into the envelope, and what the own officer may know about it."""

    values: Mapping[str, JsonValue] = field(repr=False)
    """One per field that travels; None where nothing may be said."""
    decision: Decision
    finding: Finding
    attention: str | None
    """A code for a person to look at, if anything was odd."""


def decoy_number(pattern: str, randomness: Callable[[int], bytes]) -> FileNumber:
    """Make a file number of the agency's form that nobody has: each ``#`` becomes a digit."""
    digits = iter(str(int.from_bytes(randomness(32), "big")).zfill(78)[-70:])
    return FileNumber("".join(next(digits) if sign == "#" else sign for sign in pattern))


class Fetcher:
    """Reads for a verified order and for nothing else."""

    def __init__(
        self,
        source: SourceAdapter,
        rules: OfficeRules,
        *,
        answer_seconds: float,
        decoy_pattern: str,
        randomness: Callable[[int], bytes],
    ) -> None:
        """Take the agency's own system and the rules."""
        self._source = source
        self._rules = rules
        self._seconds = answer_seconds
        self._pattern = decoy_pattern
        self._randomness = randomness

    async def fetch(
        self, order: VerifiedOrder, file_number: FileNumber | None, *, refused: bool
    ) -> Fetched:
        """Look, decide again with what only we know, read what remains.

        `file_number` is None for a decoy. `refused`: a person here decided against it.

        Raises:
            SourceUnavailable: down or too slow; this depends on the source, not on the person.
            PolicyUnavailable: the rules cannot be evaluated.
        """
        decision = order.checked.decision
        stranger = decoy_number(self._pattern, self._randomness)
        try:
            async with asyncio.timeout(self._seconds):
                knows, broken = await self._facts(stranger if file_number is None else file_number)
        except TimeoutError:
            raise SourceUnavailable("no answer in time") from None
        if file_number is None:
            knows = NOBODY
        known = knows.found and not knows.ambiguous
        facts = replace(
            decision.input,
            holder=HolderFacts(
                info_block=known and knows.info_block,
                released_by_source=decision.input.holder.released_by_source,
                released_by_head=decision.input.holder.released_by_head,
                secret_203=tuple(FieldId(name) for name in knows.secret_203 if known),
                entrusted_65=tuple(FieldId(name) for name in knows.entrusted_65 if known),
            ),
        )
        final = await self._rules.narrowed(decision.theirs, facts, decision.rules)
        asked = frozenset(str(one.field) for one in decision.theirs.released)
        remaining: frozenset[str] = frozenset()
        if known and not refused and file_number is not None:
            remaining = frozenset(str(one.field) for one in final.released) & asked
        values: Mapping[str, JsonValue] = {}
        try:
            async with asyncio.timeout(self._seconds):
                if remaining and file_number is not None:
                    record = await self._source.read(file_number, remaining)
                    values = {name: record.values.get(name) for name in remaining}
                else:
                    await self._source.read(stranger, asked)
        except TimeoutError:
            raise SourceUnavailable("no answer in time") from None
        except SourceBroken:
            broken, values, remaining = True, {}, frozenset()
        if broken:
            await self._works_for_others(stranger, asked)
        attention = BROKEN if broken else AMBIGUOUS if knows.ambiguous else None
        return Fetched(
            values={name: values.get(name) for name in decision.sent},
            decision=final,
            finding=Finding(
                file_number=file_number,
                found=knows.found,
                ambiguous=knows.ambiguous,
                info_block=known and knows.info_block,
                fields_read=tuple(sorted(remaining)),
            ),
            attention=attention,
        )

    async def _works_for_others(self, stranger: FileNumber, fields: frozenset[str]) -> None:
        """Look for a number that nobody has: what breaks then is broken for everyone.

        That tells nothing about a person and may be said; "no data" would be untrue.

        Raises:
            SourceUnavailable: it breaks for everyone, or does not answer any more.
        """
        try:
            async with asyncio.timeout(self._seconds):
                await self._source.facts(stranger)
                await self._source.read(stranger, fields)
        except TimeoutError:
            raise SourceUnavailable("no answer in time") from None
        except SourceBroken:
            raise SourceUnavailable("the source does not fit its mapping") from None

    async def _facts(self, file_number: FileNumber) -> tuple[HolderKnows, bool]:
        # A record that does not fit its mapping concerns one person: to say so would tell that
        # the person is known. It ends as "no data" outside and as a matter for a human inside.
        try:
            return await self._source.facts(file_number), False
        except SourceBroken:
            return NOBODY, True
