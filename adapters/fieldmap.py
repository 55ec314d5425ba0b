# SPDX-License-Identifier: EUPL-1.2
"""The mapping file of a source: which native column is which field of the catalogue, and how it is converted.

A mapping is a TOML file that the agency writes once and reviews like a contract.
It is read at start, checked completely, and never changes while the connector runs::

    format = 1
    kind = "sql"                       # sql | rest | files

    [find]                             # from a file number to the key of one person
    table = "akte"
    number = "aktenzeichen"
    key = "person_id"

    [category.titel]                   # one table, view, query, resource or file per category
    table = "aufenthaltstitel"
    key = "person_id"
    newest = "erteilt_am"              # of several rows the newest counts

    [field.permit_issued]              # the name is the catalogue's
    category = "titel"
    column = "erteilt_am"
    type = "date"

Only what stands here can ever be read: queries, paths and file names are built from the mapping, never from input.
`adapters.sources.mapping` explains every key; `adapters.sources.values` has the conversions.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from adapters.errors import MappingError
from adapters.sources import options, shape
from adapters.sources.mapping import (
    DATE_FORMATS,
    LIST_TYPES,
    Category,
    FactSpec,
    FieldSpec,
    SourceMapping,
    ValueType,
)

FORMAT: Final = 1
MAX_MAPPING_BYTES: Final = 262_144
"""A mapping of all 104 catalogue fields stays far below this."""
DEFAULT_LENGTH: Final = 4000
MAX_LENGTH: Final = 100_000
"""Characters of a text; a longer one is a file, and files do not travel as field values."""

_TOP_KEYS: Final = frozenset(
    {"format", "kind", "find", "category", "field", "identity", "facts", "csv"}
)
_IDENTITY: Final = frozenset({"family_name", "birth_date"})
_FIELD_KEYS: Final = frozenset(
    {
        "category",
        "column",
        "columns",
        "type",
        "format",
        "null",
        "max_length",
        "values",
        "list_urn",
        "list_version",
    }
    | {"true", "false", "mononym"}
)


def load_mapping(path: Path) -> SourceMapping:
    """Read and check a mapping file.

    Raises:
        MappingError: the file cannot be read, is not TOML, or a key is unknown, missing or of the wrong kind.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MappingError(f"{path.name}: cannot be read") from error
    if len(data) > MAX_MAPPING_BYTES:
        raise MappingError(f"{path.name}: larger than {MAX_MAPPING_BYTES} bytes")
    try:
        return parse_mapping(data.decode("utf-8"), file=path.name)
    except UnicodeDecodeError as error:
        raise MappingError(f"{path.name}: not UTF-8") from error


def parse_mapping(text: str, *, file: str) -> SourceMapping:
    """Check the text of a mapping; `file` is the name used in messages.

    Raises:
        MappingError: as for `load_mapping`.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"{file}: not TOML: {error}") from error
    return _Reader(text, file).mapping(document)


class _Reader:
    """Turns the parsed TOML into dataclasses; knows the line of each table for messages."""

    def __init__(self, text: str, file: str) -> None:
        self._lines = text.splitlines()
        self._file = file

    def mapping(self, doc: Mapping[str, object]) -> SourceMapping:
        shape.known(doc, _TOP_KEYS, self._file)
        kind = doc.get("kind")
        if doc.get("format") != FORMAT:
            raise MappingError(f"{self._file}: format must be {FORMAT}")
        if not isinstance(kind, str) or kind not in options.KINDS:
            raise MappingError(f"{self._file}: kind must be one of {', '.join(options.KINDS)}")
        find = self._find(kind, self._table(doc, "find"))
        categories = {
            name: self._category(kind, name, self._table_in(value, f"category.{name}"))
            for name, value in self._table(doc, "category").items()
        }
        if not categories:
            raise MappingError(f"{self._file}: at least one [category.…] is needed")
        fields = {
            name: self._field("field", name, self._table_in(value, f"field.{name}"), categories)
            for name, value in self._table(doc, "field").items()
        }
        identity = {name: spec for name, spec in fields.items() if name in _IDENTITY}
        for name, value in self._table(doc, "identity").items():
            if name not in _IDENTITY:
                raise MappingError(
                    f"{self._place(f'identity.{name}')}: only family_name and birth_date"
                )
            identity[name] = self._field(
                "identity", name, self._table_in(value, f"identity.{name}"), categories
            )
        facts = self._table(doc, "facts")
        shape.known(
            facts, frozenset({"info_block", "secret_203", "entrusted_65"}), self._place("facts")
        )
        return SourceMapping(
            file=self._file,
            kind=kind,
            find=find,
            categories=categories,
            fields=fields,
            identity=identity,
            info_block=self._fact("info_block", facts, categories, fields),
            secret_203=self._fact("secret_203", facts, categories, fields),
            entrusted_65=self._fact("entrusted_65", facts, categories, fields),
            csv=shape.texts(
                self._table(doc, "csv"), frozenset({"delimiter", "encoding"}), self._place("csv")
            ),
        )

    def _find(self, kind: str, table: Mapping[str, object]) -> Mapping[str, str]:
        return options.check(kind, "find", table, self._place("find"))

    def _category(self, kind: str, name: str, table: Mapping[str, object]) -> Category:
        place = self._place(f"category.{name}")
        shape.identifier(name, place)
        shared = frozenset({"newest", "rows", "only"})
        own = options.check(
            kind, "category", {k: v for k, v in table.items() if k not in shared}, place
        )
        rows = table.get("rows", "one")
        if rows not in {"one", "many"}:
            raise MappingError(f"{place}: rows must be one or many")
        newest = table.get("newest")
        if newest is not None and (not isinstance(newest, str) or rows == "many"):
            raise MappingError(f"{place}: newest is a column name and excludes rows = many")
        only = shape.text_table(table.get("only", {}), place)
        return Category(name, place, own, rows == "many", newest, tuple(sorted(only.items())))

    def _field(
        self, kind: str, name: str, table: Mapping[str, object], categories: Mapping[str, Category]
    ) -> FieldSpec:
        place = self._place(f"{kind}.{name}")
        shape.identifier(name, place)
        shape.known(table, _FIELD_KEYS, place)
        category = self._category_name(table.get("category"), categories, place)
        try:
            value_type = ValueType(str(table.get("type")))
        except ValueError as error:
            raise MappingError(f"{place}: type must be one of {', '.join(ValueType)}") from error
        columns = table.get("columns", table.get("column"))
        columns = [columns] if isinstance(columns, str) else columns
        if (
            not isinstance(columns, list)
            or not columns
            or not all(isinstance(c, str) and c for c in columns)
        ):
            raise MappingError(f"{place}: column (a name) or columns (a list of names) is needed")
        wanted = 3 if value_type is ValueType.PERIODS else 1
        if len(columns) != wanted and value_type is not ValueType.TEXT:
            raise MappingError(f"{place}: type {value_type} takes {wanted} column(s)")
        if categories[category].many and value_type not in LIST_TYPES:
            raise MappingError(
                f"{place}: category {category} has many rows, type {value_type} takes one"
            )
        length = table.get("max_length", DEFAULT_LENGTH)
        if not isinstance(length, int) or isinstance(length, bool) or not 0 < length <= MAX_LENGTH:
            raise MappingError(f"{place}: max_length must be a number of characters")
        spec = FieldSpec(
            name=name,
            place=place,
            category=category,
            columns=tuple(columns),
            type=value_type,
            format=shape.text(table.get("format", "YYYY-MM-DD"), place, "format"),
            null=shape.text_set(table.get("null", []), place),
            max_length=length,
            values=shape.text_table(table.get("values", {}), place),
            list_urn=shape.text(table.get("list_urn", ""), place, "list_urn"),
            list_version=shape.text(table.get("list_version", ""), place, "list_version"),
            true=shape.text_set(table.get("true", []), place),
            false=shape.text_set(table.get("false", []), place),
            mononym=shape.text_set(table.get("mononym", []), place),
        )
        self._field_is_complete(spec)
        return spec

    def _field_is_complete(self, spec: FieldSpec) -> None:
        coded = spec.type in {ValueType.CODE, ValueType.CODES, ValueType.PERIODS}
        if coded and not (spec.list_urn and spec.list_version):
            raise MappingError(f"{spec.place}: a code needs list_urn and list_version")
        if spec.type is ValueType.ENUM and not spec.values:
            raise MappingError(f"{spec.place}: an enum needs its values")
        if spec.type is ValueType.MONONYM and not spec.mononym:
            raise MappingError(f"{spec.place}: mononym needs the texts that mark it")
        if spec.format not in DATE_FORMATS:
            raise MappingError(
                f"{spec.place}: format must be one of {', '.join(sorted(DATE_FORMATS))}"
            )

    def _fact(
        self,
        name: str,
        facts: Mapping[str, object],
        categories: Mapping[str, Category],
        fields: Mapping[str, FieldSpec],
    ) -> FactSpec | None:
        if name not in facts:
            return None
        place = self._place(f"facts.{name}")
        table = self._table_in(facts[name], f"facts.{name}")
        block = name == "info_block"
        shape.known(
            table,
            frozenset({"category", "column", "clear"} | (set() if block else {"always", "tags"})),
            place,
        )
        column = table.get("column")
        category = None
        if column is not None:
            column = shape.text(column, place, "column")
            category = self._category_name(table.get("category"), categories, place)
        always = shape.text_set(table.get("always", []), place)
        tags = {
            tag: shape.text_set(value, place)
            for tag, value in self._table_in(table.get("tags", {}), f"facts.{name}").items()
        }
        if (block or tags) and column is None:
            raise MappingError(f"{place}: category and column are needed")
        if unknown := (always | frozenset().union(*tags.values())) - fields.keys():
            raise MappingError(f"{place}: no [field.…] for {', '.join(sorted(unknown))}")
        return FactSpec(
            place, category, column, shape.text_set(table.get("clear", []), place), always, tags
        )

    # The rest checks the shape of single TOML values.

    def _place(self, table: str) -> str:
        header = re.compile(rf"\s*\[\s*{re.escape(table)}\s*\]")
        for number, line in enumerate(self._lines, start=1):
            if header.match(line):
                return f"{self._file}:{number} [{table}]"
        return f"{self._file} [{table}]"

    def _table(self, doc: Mapping[str, object], name: str) -> Mapping[str, object]:
        return self._table_in(doc.get(name, {}), name)

    def _table_in(self, value: object, name: str) -> Mapping[str, object]:
        if not isinstance(value, dict):
            raise MappingError(f"{self._place(name)}: must be a table")
        return value

    def _category_name(self, value: object, categories: Mapping[str, Category], place: str) -> str:
        if not isinstance(value, str) or value not in categories:
            raise MappingError(f"{place}: category must name a [category.…]")
        return value
