# SPDX-License-Identifier: EUPL-1.2
"""Hostile file numbers and hostile sources: nothing is released, nothing else is read, nothing is echoed."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.errors import MappingError, SourceBroken, SourceUnavailable
from adapters.fieldmap import parse_mapping
from adapters.sources.base import SourceAdapter
from adapters.sources.build import build_source
from adapters.sources.mapped import Fetched, MappedSource, Wanted
from adapters.sources.mapping import SourceMapping
from adapters.sources.sql import SqlBackend
from keys.model import FileNumber
from tests.contract import source_cases as cases
from tests.contract.source_cases import FIELDS

INJECTIONS = (
    "' OR '1'='1",
    f"{cases.KNOWN}' --",
    f"{cases.KNOWN}'; DROP TABLE person; --",
    "x' UNION SELECT id FROM person --",
    '" OR ""="',
    "%",
    "_" * len(cases.KNOWN),
    ":number",
    "%(number)s",
    "{key}",
    f"{cases.KNOWN}\x00",
    f"{cases.KNOWN}\n",
    f" {cases.KNOWN}",
    "\ud800",
    "9" * 5000,
)
TRAVERSALS = (
    "../outside",
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    "records/00",
    "00.json",
    "..%2foutside",
    "..\\outside",
    "records/../../outside",
    "file:///etc/passwd",
    "~",
    "*",
    "\x00",
)


@pytest.fixture(params=["sqlite", "json", "csv"])
async def source(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[SourceAdapter]:
    """A database or a folder with a secret lying beside it."""
    (tmp_path / "outside.json").write_text('{"number": "x", "data": {"family": "Outside"}}')
    inside = tmp_path / "inside"
    inside.mkdir()
    make = {"sqlite": cases.sqlite_case, "json": cases.json_case, "csv": cases.csv_case}
    case = make[request.param](inside)
    yield case.adapter
    await case.adapter.close()


@pytest.mark.parametrize("number", [*INJECTIONS, *TRAVERSALS])
async def test_injection_or_traversal_in_the_file_number(
    source: SourceAdapter, number: str
) -> None:
    """A file number is compared as a text; whatever it holds, it finds nobody and breaks nothing."""
    facts = await source.facts(FileNumber(number))
    assert (facts.found, facts.ambiguous) == (False, False)
    assert (await source.read(FileNumber(number), FIELDS)).values == dict.fromkeys(FIELDS)
    assert await source.identity(FileNumber(number)) is None
    known = await source.read(FileNumber(cases.KNOWN), frozenset({"family_name"}))
    assert known.values["family_name"] == "Hadžiahmetović-Đurđević"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    number=st.text(st.characters(), max_size=300).filter(lambda text: not text.startswith("ZX-44"))
)
def test_any_text_as_file_number_finds_nobody(tmp_path: Path, number: str) -> None:
    """No text outside the records matches, raises or hangs, surrogates and controls included."""

    async def look() -> None:
        if not (tmp_path / "source.sqlite").exists():
            cases.sqlite_case(tmp_path)
        url = f"sqlite:///{tmp_path / 'source.sqlite'}"
        adapter = build_source({"type": "sql", "url": url, "mapping": str(tmp_path / "sql.toml")})
        try:
            assert not (await adapter.facts(FileNumber(number))).found
        finally:
            await adapter.close()

    asyncio.run(look())


async def test_a_mapping_cannot_make_the_database_write(tmp_path: Path) -> None:
    """SQLite is opened read-only and told so twice: not even our own code could change a row."""
    cases.sqlite_case(tmp_path)
    mapping = parse_mapping((tmp_path / "sql.toml").read_text(encoding="utf-8"), file="sql.toml")
    url = f"sqlite:///{tmp_path / 'source.sqlite'}"
    backend = SqlBackend(mapping, url, timeout_seconds=2)
    with backend._engine.connect() as open_, pytest.raises(sa.exc.OperationalError):
        open_.execute(sa.text("DELETE FROM person"))
    await backend.close()
    connection = sqlite3.connect(tmp_path / "source.sqlite")
    assert connection.execute("SELECT count(*) FROM person").fetchone() == (len(cases.RECORDS),)
    connection.close()


async def test_a_mapping_cannot_make_postgresql_write(fresh_postgres_database: str) -> None:
    """PostgreSQL transactions are read-only by the session and by the transaction."""
    mapping = _sql_mapping("SELECT 1 AS person_id, 'a' AS number")
    backend = SqlBackend(mapping, fresh_postgres_database, timeout_seconds=2)
    with (
        backend._engine.connect() as connection,
        pytest.raises(sa.exc.InternalError, match="read-only"),
    ):
        connection.execute(sa.text("CREATE TABLE planted (x INTEGER)"))
    await backend.close()


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM person",
        "SELECT 1; DROP TABLE person",
        "SELECT * FROM person WHERE number = :number",
        "PRAGMA writable_schema = 1",
        "WITH gone AS (DELETE FROM person RETURNING *) SELECT * FROM gone",
    ],
)
def test_a_mapping_with_anything_but_one_select(query: str) -> None:
    """The mapping is refused when the connector starts."""
    with pytest.raises(MappingError):
        SqlBackend(_sql_mapping(query), "sqlite:///never-opened.sqlite", timeout_seconds=1)


SLOW_SQLITE = """SELECT 1 AS person_id, (
 WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 500000000)
 SELECT max(x) FROM c) AS number"""


async def test_a_slow_sqlite_query_is_stopped(tmp_path: Path) -> None:
    """The caller is told in time, and the statement ends too: such calls do not eat the threads."""
    sqlite3.connect(tmp_path / "empty.sqlite").close()
    await _check_that_it_is_stopped(f"sqlite:///{tmp_path / 'empty.sqlite'}", SLOW_SQLITE)


async def test_a_slow_postgresql_query_is_stopped(fresh_postgres_database: str) -> None:
    """The same on PostgreSQL, by its statement timeout."""
    query = "SELECT 1 AS person_id, pg_sleep(20)::text AS number"
    await _check_that_it_is_stopped(fresh_postgres_database, query)


async def _check_that_it_is_stopped(url: str, query: str) -> None:
    backend = SqlBackend(_sql_mapping(query), url, timeout_seconds=0.3)
    started = time.monotonic()
    # More calls than threads: if a stopped call kept its thread, the fifth would wait for ever.
    for _ in range(6):
        with pytest.raises(SourceUnavailable):
            await backend.fetch("A-1", [])
    assert time.monotonic() - started < 10
    await backend.close()


async def test_a_thread_that_hangs_does_not_hold_the_caller(tmp_path: Path) -> None:
    """The adapter's own limit counts even where the backend does not keep its own."""
    mapping = _sql_mapping("SELECT 1 AS person_id, 'a' AS number")

    class Hanging:
        async def fetch(self, number: str, wanted: Sequence[Wanted]) -> Fetched:
            del number, wanted
            await asyncio.sleep(30)
            return Fetched(0, {})

        async def probe(self, wanted: Sequence[Wanted]) -> None:
            del wanted
            await asyncio.sleep(30)

        async def close(self) -> None:
            """Nothing to close."""

    adapter = MappedSource(mapping, Hanging(), timeout_seconds=0.05)
    with pytest.raises(SourceUnavailable):
        await adapter.facts(_n("A-1"))
    with pytest.raises(SourceUnavailable):
        await adapter.read(_n("A-1"), FIELDS)
    assert not (await adapter.check()).usable


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("family", b"\xff\x00blob"),
        ("family", 7.5),
        ("family", "Robert\x07"),
        ("family", "Пётр"),
        ("family", "A" * 5000),
        ("born", 19830929),
        ("born", "1983-02-30"),
        ("granted", 1),
        ("begin", "tomorrow"),
        ("amount", "1.387,43"),
        ("amount", "much"),
        ("state", "p-lower-case"),
    ],
)
async def test_wrong_types_in_the_database(tmp_path: Path, column: str, value: object) -> None:
    """SQLite stores anything in any column; what does not fit stops the answer and is not shown."""
    case = cases.sqlite_case(tmp_path)
    connection = sqlite3.connect(tmp_path / "source.sqlite")
    connection.execute(
        f"UPDATE person SET {column} = ? WHERE number = ?",  # noqa: S608 - names of this file
        (value, cases.KNOWN),
    )
    connection.commit()
    connection.close()
    with pytest.raises(SourceBroken) as raised:
        await case.adapter.read(_n(cases.KNOWN), FIELDS)
    assert str(value) not in str(raised.value)
    await case.adapter.close()


async def test_a_link_between_two_persons_is_nobody(tmp_path: Path) -> None:
    """Two persons under one number give no data even when the field asked is equal for both."""
    case = cases.sqlite_case(tmp_path)
    assert (await case.adapter.facts(_n(cases.DOUBLED))).ambiguous
    record = await case.adapter.read(_n(cases.DOUBLED), frozenset({"birth_date"}))
    assert record.values == {"birth_date": None}
    await case.adapter.close()


async def test_the_statements_name_only_the_columns_asked_for(tmp_path: Path) -> None:
    """Seen by the database itself: one select for the person, one per category, bound values."""
    case = cases.sqlite_case(tmp_path)
    mapping = parse_mapping((tmp_path / "sql.toml").read_text(encoding="utf-8"), file="sql.toml")
    backend = SqlBackend(mapping, f"sqlite:///{tmp_path / 'source.sqlite'}", timeout_seconds=2)
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(" ".join(statement.split()))

    sa.event.listen(backend._engine, "before_cursor_execute", note)
    adapter = MappedSource(mapping, backend, timeout_seconds=2)
    for number in (cases.KNOWN, cases.NOBODY, cases.DOUBLED):
        seen.clear()
        await adapter.read(_n(number), frozenset({"birth_date", "benefit_granted"}))
        assert seen == [
            "BEGIN",
            "SELECT DISTINCT person.id FROM person WHERE person.number = ? AND person.id IS NOT NULL LIMIT ? OFFSET ?",
            "SELECT person.born, person.granted FROM person WHERE person.id = ? ORDER BY person.born, person.granted LIMIT ? OFFSET ?",
        ]
    await adapter.close()
    await case.adapter.close()


def _n(text: str) -> FileNumber:
    return FileNumber(text)


def _sql_mapping(query: str) -> SourceMapping:
    return parse_mapping(
        f"""format = 1
kind = "sql"
[find]
query = {json.dumps(query)}
number = "number"
key = "person_id"
[category.person]
table = "person"
key = "id"
""",
        file="attack.toml",
    )
