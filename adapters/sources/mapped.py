# SPDX-License-Identifier: EUPL-1.2
"""The one `SourceAdapter` of the product: a mapping over a backend that only fetches rows.

What must not differ between databases, web services and files is done here once: which columns are looked at,
what an unknown, doubled or empty person looks like, conversion, and the time limit.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from adapters.errors import SourceError, SourceUnavailable
from adapters.sources.base import HolderKnows, LinkIdentity, Record, SourceReport
from adapters.sources.mapping import Category, FactSpec, FieldSpec, SourceMapping
from adapters.sources.values import Row, convert
from keys.model import FileNumber
from keys.strict_json import JsonValue

MAX_NUMBER_CHARACTERS: Final = 200
"""DSAusländer allows 25 characters for a file reference; some systems use more."""

_UNSEARCHABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which columns of which category to fetch."""

    category: Category
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a backend found."""

    matches: int
    """Persons with this file number: 0, 1, or 2 for "two or more"."""
    rows: Mapping[str, Sequence[Row]]
    """Category -> rows with exactly the wanted columns; no rows unless there is one match."""


class Backend(Protocol):
    """Fetches rows; knows nothing of fields."""

    async def fetch(self, number: str, wanted: Sequence[Wanted]) -> Fetched:
        """Find the person and fetch the columns, with the same steps whether or not the person exists.

        Raises:
            SourceUnavailable, SourceBroken: as in `adapters.errors`.
        """
        ...

    async def probe(self, wanted: Sequence[Wanted]) -> None:
        """Try everything without looking anybody up.

        Raises:
            SourceUnavailable, SourceBroken: as in `adapters.errors`.
        """
        ...

    async def close(self) -> None:
        """Give connections and threads back."""
        ...


class MappedSource:
    """A source adapter made of a mapping and a backend.

    Args:
        mapping: the checked mapping file.
        backend: fetches rows of this kind of source.
        timeout_seconds: after this time a call ends with `SourceUnavailable`.
    """

    def __init__(self, mapping: SourceMapping, backend: Backend, *, timeout_seconds: float) -> None:
        self._mapping = mapping
        self._backend = backend
        self._timeout_seconds = timeout_seconds
        facts = (mapping.info_block, mapping.secret_203, mapping.entrusted_65)
        self._fact_columns = self._wanted(
            (fact.category, (fact.column,))
            for fact in facts
            if fact and fact.category and fact.column
        )

    async def facts(self, file_number: FileNumber) -> HolderKnows:
        """Tell what the decision needs to know about this person (see `SourceAdapter`)."""
        fetched = await self._fetch(file_number, self._fact_columns)
        mapping = self._mapping
        return HolderKnows(
            found=fetched.matches == 1,
            ambiguous=fetched.matches > 1,
            info_block=None
            if mapping.info_block is None
            else bool(_standing(mapping.info_block, fetched)),
            secret_203=self._tagged(mapping.secret_203, fetched),
            entrusted_65=self._tagged(mapping.entrusted_65, fetched),
        )

    async def read(self, file_number: FileNumber, fields: frozenset[str]) -> Record:
        """Read these fields and no others (see `SourceAdapter`)."""
        specs = [spec for name, spec in self._mapping.fields.items() if name in fields]
        values = await self._values(file_number, specs)
        return Record({name: values.get(name) for name in sorted(fields)})

    async def identity(self, file_number: FileNumber) -> LinkIdentity | None:
        """Read name and birth date for the link check (see `SourceAdapter`)."""
        specs = self._mapping.identity
        if len(specs) < len(("family_name", "birth_date")):
            return None
        values = await self._values(file_number, list(specs.values()))
        name, born = values["family_name"], _date_text(values["birth_date"])
        if not isinstance(name, str) or not born:
            return None
        return LinkIdentity(family_name=name, birth_date=born)

    async def check(self) -> SourceReport:
        """Try source and mapping without looking anybody up (see `SourceAdapter`)."""
        specs = [*self._mapping.fields.values(), *self._mapping.identity.values()]
        columns = [(spec.category, spec.columns) for spec in specs]
        columns += [(wanted.category.name, wanted.columns) for wanted in self._fact_columns]
        problems: tuple[str, ...] = ()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._backend.probe(self._wanted(columns))
        except TimeoutError:
            problems = ("the source does not answer in time",)
        except SourceError as error:
            problems = (str(error),)
        return SourceReport(
            usable=not problems,
            kind=self._mapping.kind,
            fields=tuple(sorted(self._mapping.fields)),
            problems=problems,
        )

    async def close(self) -> None:
        """Give connections and threads back."""
        await self._backend.close()

    async def _values(
        self, file_number: FileNumber, specs: Sequence[FieldSpec]
    ) -> Mapping[str, JsonValue]:
        wanted = self._wanted((spec.category, spec.columns) for spec in specs)
        fetched = await self._fetch(file_number, wanted)
        return {spec.name: convert(spec, fetched.rows.get(spec.category, ())) for spec in specs}

    async def _fetch(self, file_number: FileNumber, wanted: Sequence[Wanted]) -> Fetched:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                fetched = await self._backend.fetch(_searchable(file_number), wanted)
        except TimeoutError:
            raise SourceUnavailable("the source does not answer in time") from None
        # Two persons are nobody: whatever a backend brought for them is dropped here.
        return fetched if fetched.matches == 1 else Fetched(fetched.matches, {})

    def _wanted(self, columns: Iterable[tuple[str, tuple[str, ...]]]) -> tuple[Wanted, ...]:
        by_category: defaultdict[str, set[str]] = defaultdict(set)
        for category, names in columns:
            by_category[category].update(names)
        return tuple(
            Wanted(self._mapping.categories[name], tuple(sorted(by_category[name])))
            for name in sorted(by_category)
        )

    def _tagged(self, fact: FactSpec | None, fetched: Fetched) -> frozenset[str]:
        if fact is None:
            return frozenset()
        fields = set(fact.always)
        for tag in _standing(fact, fetched):
            # An unknown tag may mean any field: the safe reading is all of them.
            fields |= fact.tags.get(tag, self._mapping.fields.keys())
        return frozenset(fields)


def _standing(fact: FactSpec, fetched: Fetched) -> set[str]:
    """The native texts that stand for this person; a text is only harmless if the mapping says so."""
    if fact.category is None or fact.column is None:
        return set()
    values = (row.get(fact.column) for row in fetched.rows.get(fact.category, ()))
    found: set[str] = set()
    for value in values:
        for item in value if isinstance(value, list) else [value]:
            text = "" if item is None else str(item).strip()
            if text and text not in fact.clear:
                found.add(text)
    return found


def _searchable(file_number: FileNumber) -> str:
    """The text to look for; one that no system can hold becomes one that nobody has, and takes the same way."""
    if (
        len(file_number) > MAX_NUMBER_CHARACTERS
        or not file_number.strip()
        or _UNSEARCHABLE.search(file_number)
    ):
        return hashlib.sha256(file_number.encode("utf-8", "surrogatepass")).hexdigest()
    return file_number


def _date_text(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return ""
    year, month, day = value.get("year"), value.get("month"), value.get("day")
    parts = [part for part in (year, month, day) if isinstance(part, int)]
    return "-".join(f"{part:0{2 if index else 4}d}" for index, part in enumerate(parts))
