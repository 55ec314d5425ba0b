# SPDX-License-Identifier: EUPL-1.2
"""The shape of a checked mapping file; `adapters.fieldmap` reads one, `adapters.sources.values` converts by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Final

DATE_FORMATS: Final = frozenset({"YYYY-MM-DD", "DD.MM.YYYY", "YYYYMMDD"})
"""Native ways to write a date; in a partial date an unknown part is ``00`` (DSAusländer 004.07: 00.00.0000)."""


@unique
class ValueType(StrEnum):
    """How a native value becomes a value of the catalogue."""

    TEXT = "text"
    NAME = "name"
    MONONYM = "mononym"
    DATE = "date"
    PARTIAL_DATE = "partial_date"
    BOOL = "bool"
    INTEGER = "integer"
    DECIMAL = "decimal"
    ENUM = "enum"
    CODE = "code"
    CODES = "codes"
    TEXTS = "texts"
    DECIMALS = "decimals"
    PERIODS = "periods"


LIST_TYPES: Final = frozenset(
    {ValueType.CODES, ValueType.TEXTS, ValueType.DECIMALS, ValueType.PERIODS}
)
"""Types that take one element from each row, or a list from one row."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of the catalogue and where its value comes from."""

    name: str
    place: str
    """File, line and table of the mapping, for messages."""
    category: str
    columns: tuple[str, ...]
    """Native names; for ``periods`` status, from, to; several of a text are joined by a space."""
    type: ValueType
    format: str = "YYYY-MM-DD"
    null: frozenset[str] = frozenset()
    """Native texts that mean "nothing recorded"."""
    max_length: int = 4000
    values: Mapping[str, str] = field(default_factory=dict)
    """Native code -> published code; empty means that they are the same."""
    list_urn: str = ""
    list_version: str = ""
    true: frozenset[str] = frozenset()
    false: frozenset[str] = frozenset()
    mononym: frozenset[str] = frozenset()
    """Native texts in the given-name column that mark a person with one name only."""


@dataclass(frozen=True, slots=True)
class Category:
    """One table, view, query, resource or file that holds rows about a person."""

    name: str
    place: str
    options: Mapping[str, str]
    """Keys that only the source kind understands, for example ``table`` or ``path``."""
    many: bool = False
    newest: str | None = None
    only: tuple[tuple[str, str], ...] = ()
    """Column and text that a row must have to count, fixed by the mapping."""


@dataclass(frozen=True, slots=True)
class FactSpec:
    """A fact about the person that only the holder knows: an information block, or where a field came from."""

    place: str
    category: str | None = None
    column: str | None = None
    clear: frozenset[str] = frozenset()
    """Native texts that mean "nothing stands"; every other text counts as standing."""
    always: frozenset[str] = frozenset()
    """Catalogue fields for which the fact holds for every person of this agency."""
    tags: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Native text -> catalogue fields; an unknown text counts for all fields of the mapping."""


@dataclass(frozen=True, slots=True)
class SourceMapping:
    """A whole mapping file, checked."""

    file: str
    kind: str
    find: Mapping[str, str]
    categories: Mapping[str, Category]
    fields: Mapping[str, FieldSpec]
    identity: Mapping[str, FieldSpec]
    """``family_name`` and ``birth_date`` for the link check, if the agency has them."""
    info_block: FactSpec | None
    secret_203: FactSpec | None
    entrusted_65: FactSpec | None
    csv: Mapping[str, str]
