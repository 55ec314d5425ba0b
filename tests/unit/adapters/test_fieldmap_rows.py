# SPDX-License-Identifier: EUPL-1.2
"""Which rows count: the newest, only some, and which facts stand; the same over every backend."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters.errors import SourceBroken
from adapters.fieldmap import parse_mapping
from adapters.sources.base import SourceAdapter
from adapters.sources.files import FilesBackend
from adapters.sources.mapped import Backend, Fetched, MappedSource, Wanted
from adapters.sources.sql import SqlBackend
from keys.model import FileNumber

ROWS = (
    # number, kind, issued, cancelled, block
    ("A-1", "DU", "2024-01-01", "N", ""),
    ("A-1", "AE", "2026-11-21", "N", "0"),
    ("A-1", "GE", "2026-11-22", "J", ""),
    ("A-2", "NE", "", "N", "7"),
    ("A-2", "DU", "2020-05-05", "N", "0"),
)

MAPPING = """format = 1
kind = "{kind}"
[find]
{source} = "person"
number = "number"
key = "number"
[category.newest]
{source} = "titel"
key = "number"
newest = "issued"
only = {{ cancelled = "N" }}
[category.any]
{source} = "titel"
key = "number"
[category.all]
{source} = "titel"
key = "number"
rows = "many"
[facts.info_block]
category = "all"
column = "block"
clear = ["0"]
[field.residence_status]
category = "newest"
column = "kind"
type = "text"
[field.permit_type]
category = "any"
column = "kind"
type = "text"
[field.former_names]
category = "all"
column = "kind"
type = "texts"
"""


def _write(folder: Path, name: str, rows: Sequence[Sequence[str]]) -> None:
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)


@pytest.fixture(params=["sql", "files"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> SourceAdapter:
    """One table of people, one table with several rows for each."""
    text = MAPPING.format(kind=request.param, source="table" if request.param == "sql" else "csv")
    mapping = parse_mapping(text, file="rows.toml")
    header = ("number", "kind", "issued", "cancelled", "block")
    if request.param == "sql":
        connection = sqlite3.connect(tmp_path / "rows.sqlite")
        connection.execute("CREATE TABLE person (number TEXT)")
        connection.execute(f"CREATE TABLE titel ({', '.join(header)})")
        connection.executemany("INSERT INTO person VALUES (?)", [("A-1",), ("A-2",), ("A-3",)])
        rows = [[cell or None for cell in row] for row in ROWS]
        connection.executemany("INSERT INTO titel VALUES (?, ?, ?, ?, ?)", rows)
        connection.commit()
        connection.close()
        url = f"sqlite:///{tmp_path / 'rows.sqlite'}"
        backend: Backend = SqlBackend(mapping, url, timeout_seconds=2)
    else:
        _write(tmp_path, "person", [("number",), ("A-1",), ("A-2",), ("A-3",)])
        _write(tmp_path, "titel", [header, *ROWS])
        backend = FilesBackend(mapping, tmp_path, timeout_seconds=2)
    return MappedSource(mapping, backend, timeout_seconds=2)


@pytest.mark.parametrize(("number", "expected"), [("A-1", "AE"), ("A-2", "DU"), ("A-3", None)])
async def test_the_newest_row_that_counts(
    source: SourceAdapter, number: str, expected: str | None
) -> None:
    """A cancelled later row and a row without a date do not win."""
    record = await source.read(FileNumber(number), frozenset({"residence_status"}))
    assert record.values["residence_status"] == expected
    await source.close()


async def test_several_rows_without_a_rule_stop_the_answer(source: SourceAdapter) -> None:
    """The adapter does not pick one of several rows by itself."""
    with pytest.raises(SourceBroken, match=r"rows\.toml:\d+ \[field\.permit_type\]: several rows"):
        await source.read(FileNumber("A-1"), frozenset({"permit_type"}))
    await source.close()


async def test_all_rows_of_a_list(source: SourceAdapter) -> None:
    """A list takes every row of this person and none of another's."""
    record = await source.read(FileNumber("A-1"), frozenset({"former_names"}))
    names = record.values["former_names"]
    assert isinstance(names, list)
    assert sorted(map(str, names)) == ["AE", "DU", "GE"]
    await source.close()


@pytest.mark.parametrize(("number", "blocked"), [("A-1", False), ("A-2", True), ("A-3", False)])
async def test_one_standing_block_among_lifted_ones(
    source: SourceAdapter, number: str, *, blocked: bool
) -> None:
    """Every kind of block stands unless the mapping calls it lifted, also a kind nobody has heard of."""
    assert (await source.facts(FileNumber(number))).info_block is blocked
    await source.close()


async def test_rows_of_two_persons_are_dropped_whoever_brings_them() -> None:
    """A backend that hands over rows although two persons match does not get them through."""
    mapping = parse_mapping(MAPPING.format(kind="sql", source="table"), file="rows.toml")

    class Careless:
        async def fetch(self, number: str, wanted: Sequence[Wanted]) -> Fetched:
            del number
            return Fetched(2, {one.category.name: [{"kind": "AE", "block": "7"}] for one in wanted})

        async def probe(self, wanted: Sequence[Wanted]) -> None:
            """Nothing to try."""

        async def close(self) -> None:
            """Nothing to close."""

    source = MappedSource(mapping, Careless(), timeout_seconds=1)
    record = await source.read(FileNumber("A-1"), frozenset({"residence_status"}))
    assert record.values == {"residence_status": None}
    facts = await source.facts(FileNumber("A-1"))
    assert (facts.found, facts.ambiguous, facts.info_block) == (False, True, False)
