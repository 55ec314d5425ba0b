# SPDX-License-Identifier: EUPL-1.2
"""The same invented records in five kinds of source, each with a mapping to the same fields."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import make_url

from adapters.sources.base import SourceAdapter
from adapters.sources.build import build_source
from tests.support.processes import Processes, free_port

KNOWN: Final = "ZX-4410-KNOWN"
ONLY_A_YEAR: Final = "ZX-4411-YEAR"
MONONYM: Final = "ZX-4412-MONO"
EMPTY: Final = "ZX-4413-EMPTY"
DOUBLED: Final = "ZX-4414-TWICE"
BLOCKED: Final = "ZX-4415-BLOCK"
LIFTED: Final = "ZX-4416-LIFTED"
SECRET: Final = "ZX-4417-SECRET"
UNKNOWN_ORIGIN: Final = "ZX-4418-ORIGIN"
BROKEN: Final = "ZX-4419-BROKEN"
NOBODY: Final = "ZX-9999-NOBODY"

FIELDS: Final = frozenset(
    {"family_name", "given_names", "name_block_flag", "birth_date", "nationalities"}
    | {"benefit_granted", "benefit_begin", "benefit_amount", "net_income", "procedure_state"}
)
RUBBISH: Final = "rubbish-7731"

_BLANK: Final[dict[str, Any]] = dict.fromkeys(
    ("family", "given", "born", "granted", "begin", "amount", "state", "block", "origin")
)
_FULL: Final[dict[str, Any]] = _BLANK | {
    "family": "Hadžiahmetović-Đurđević",
    "given": "Dragana",
    "born": "1983-09-29",
    "granted": "J",
    "begin": "2026-11-08",
    "amount": "702.29",
    "state": "P",
    "states": ["122", "170"],
    "income": ["431.16", "12.5"],
}

RECORDS: Final[tuple[dict[str, Any], ...]] = (
    _FULL | {"number": KNOWN},
    _FULL | {"number": ONLY_A_YEAR, "born": "1987-00-00"},
    _FULL | {"number": MONONYM, "family": "Rahmatullahzai", "given": "-"},
    _BLANK | {"number": EMPTY},
    _FULL | {"number": DOUBLED},
    _FULL | {"number": DOUBLED, "family": "Hadziahmetovic"},
    _FULL | {"number": BLOCKED, "block": "1"},
    _FULL | {"number": LIFTED, "block": "0"},
    _FULL | {"number": SECRET, "origin": "B203"},
    _FULL | {"number": UNKNOWN_ORIGIN, "origin": "X9"},
    _FULL | {"number": BROKEN, "born": RUBBISH, "state": RUBBISH},
)

_URN: Final = "urn:de:bund:destatis:bevoelkerungsstatistik:schluessel:staatsangehoerigkeit"

_FIELDS: Final = (
    # field, category, column, further lines of the mapping
    ("family_name", "person", "family", 'type = "name"'),
    ("given_names", "person", "given", 'type = "name"\nnull = ["-"]'),
    ("name_block_flag", "person", "given", 'type = "mononym"\nmononym = ["-"]'),
    ("birth_date", "person", "born", 'type = "partial_date"'),
    ("nationalities", "states", "code", f'type = "codes"\nlist_urn = "{_URN}"\nlist_version = "1"'),
    ("benefit_granted", "person", "granted", 'type = "bool"\ntrue = ["J"]\nfalse = ["N"]'),
    ("benefit_begin", "person", "begin", 'type = "date"'),
    ("benefit_amount", "person", "amount", 'type = "decimal"'),
    ("net_income", "income", "amount", 'type = "decimals"'),
    ("procedure_state", "person", "state", 'type = "enum"\nvalues = { P = "under_review" }'),
)


@dataclass(frozen=True, slots=True)
class Case:
    """One source that holds `RECORDS`."""

    adapter: SourceAdapter
    take_away: Callable[[], None]
    """Makes the source unreachable, as when its machine is off."""


def _mapping(
    path: Path, kind: str, find: str, categories: dict[str, str], columns: dict[str, str]
) -> Path:
    parts = [f'format = 1\nkind = "{kind}"\n[find]\n{find}']
    parts += [f"[category.{name}]\n{text}" for name, text in categories.items()]
    parts.append('[facts.info_block]\ncategory = "person"\ncolumn = "block"\nclear = ["0"]')
    parts.append(
        '[facts.secret_203]\ncategory = "person"\ncolumn = "origin"\ntags = { B203 = ["net_income"] }\n'
        'always = ["procedure_state"]'
    )
    for name, category, column, more in _FIELDS:
        native = columns.get(name, column)
        parts.append(f'[field.{name}]\ncategory = "{category}"\ncolumn = "{native}"\n{more}')
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return path


# --- SQL

_TABLES: Final = (
    """CREATE TABLE person (id INTEGER PRIMARY KEY, number VARCHAR(40), family VARCHAR(90),
    given VARCHAR(60), born VARCHAR(20), granted VARCHAR(1), begin DATE, amount NUMERIC,
    state VARCHAR(20), block VARCHAR(2), origin VARCHAR(4))""",
    "CREATE TABLE states (person_id INTEGER, code VARCHAR(3))",
    "CREATE TABLE income (person_id INTEGER, month INTEGER, amount NUMERIC)",
)


def _fill(execute: Callable[[str, tuple[object, ...]], object], mark: str) -> None:
    def insert(table: str, *row: object) -> None:
        marks = ", ".join([mark] * len(row))
        execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608 - names of this file

    for statement in _TABLES:
        execute(statement, ())
    for key, record in enumerate(RECORDS, start=1):
        insert("person", key, record["number"], *(record[name] for name in _BLANK))
        for code in record.get("states", ()):
            insert("states", key, code)
        for month, amount in enumerate(record.get("income", ())):
            insert("income", key, month, amount)


def _sql(directory: Path, url: str) -> SourceAdapter:
    mapping = _mapping(
        directory / "sql.toml",
        "sql",
        'table = "person"\nnumber = "number"\nkey = "id"',
        {
            "person": 'table = "person"\nkey = "id"',
            "states": 'table = "states"\nkey = "person_id"\nrows = "many"',
            "income": 'query = "SELECT person_id, month, amount FROM income"\nkey = "person_id"\nrows = "many"',
        },
        {},
    )
    return build_source({"type": "sql", "url": url, "mapping": str(mapping)})


def sqlite_case(directory: Path) -> Case:
    """A SQLite file."""
    path = directory / "source.sqlite"
    connection = sqlite3.connect(path)
    _fill(connection.execute, "?")
    connection.commit()
    connection.close()
    return Case(_sql(directory, f"sqlite:///{path}"), path.unlink)


def postgres_case(directory: Path, url: str, drop: Callable[[str], None]) -> Case:
    """A PostgreSQL database."""
    parsed = make_url(url)
    with psycopg.connect(parsed.set(drivername="postgresql").render_as_string()) as connection:
        _fill(lambda text, values: connection.execute(text.encode(), values or None), "%s")
    return Case(_sql(directory, url), lambda: drop(str(parsed.database)))


# --- the simulated web service


def rest_case(directory: Path, processes: Processes) -> Case:
    """The job centre's web service with these records in its data file."""
    data: dict[str, Any] = {}
    for key, record in enumerate(RECORDS, start=1):
        person = {name: record[name] for name in _BLANK}
        parts = {"stammdaten": person | {"name": {"nachname": record["family"]}}}
        if "states" in record:
            parts["einkommen"] = {"netto": record["income"], "staaten": record["states"]}
        data[f"K{key}"] = {"bgNummer": record["number"], **parts}
    (directory / "data.json").write_text(json.dumps(data), encoding="utf-8")
    port, token = free_port(), directory / "token"
    command = [
        sys.executable,
        "-m",
        "adapters.simulated.jobcenter",
        "--port",
        str(port),
        "--today",
        "2026-11-22",
    ]
    service = processes.start(
        [*command, "--data", directory / "data.json", "--token-file", token], name="jobcenter"
    )
    service.wait_healthy(f"http://127.0.0.1:{port}/status")
    mapping = _mapping(
        directory / "rest.toml",
        "rest",
        'path = "/api/v1/faelle"\nparameter = "bgNummer"\nitems = "treffer"\nkey = "id"',
        {
            "person": 'path = "/api/v1/faelle/{key}/stammdaten"',
            "states": 'path = "/api/v1/faelle/{key}/einkommen"',
            "income": 'path = "/api/v1/faelle/{key}/einkommen"',
        },
        {"family_name": "name.nachname", "nationalities": "staaten", "net_income": "netto"},
    )
    settings = {
        "type": "rest",
        "url": f"http://127.0.0.1:{port}",
        "mapping": str(mapping),
        "token_file": str(token),
    }
    return Case(build_source(settings), service.kill)


# --- folders


def json_case(directory: Path) -> Case:
    """A folder with one JSON record per person."""
    folder = directory / "records"
    folder.mkdir()
    for position, record in enumerate(RECORDS):
        body = {"states": None, "income": None} | record
        text = json.dumps({"number": body.pop("number"), "data": body}, ensure_ascii=False)
        (folder / f"{position:02d}.json").write_text(text, encoding="utf-8")
    category = 'json = "records"\nkey = "number"\nitems = "data"'
    mapping = _mapping(
        directory / "json.toml",
        "files",
        'json = "records"\nnumber = "number"\nkey = "number"',
        {"person": category, "states": category, "income": category},
        {"nationalities": "states", "net_income": "income"},
    )
    settings = {"type": "files", "folder": str(directory), "mapping": str(mapping)}
    return Case(build_source(settings), lambda: shutil.rmtree(folder))


def csv_case(directory: Path) -> Case:
    """Three CSV tables."""
    people: list[list[object]] = [["number", *_BLANK]]
    states: list[list[object]] = [["number", "code"]]
    income: list[list[object]] = [["number", "amount"]]
    for record in RECORDS:
        people.append([record["number"], *(record[name] for name in _BLANK)])
        states += [[record["number"], code] for code in record.get("states", ())]
        income += [[record["number"], amount] for amount in record.get("income", ())]
    for name, rows in (("person", people), ("states", states), ("income", income)):
        with (directory / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=";").writerows(rows)
    mapping = _mapping(
        directory / "csv.toml",
        "files",
        'csv = "person.csv"\nnumber = "number"\nkey = "number"',
        {
            "person": 'csv = "person.csv"\nkey = "number"',
            "states": 'csv = "states.csv"\nkey = "number"\nrows = "many"',
            "income": 'csv = "income.csv"\nkey = "number"\nrows = "many"',
        },
        {},
    )
    settings = {"type": "files", "folder": str(directory), "mapping": str(mapping)}
    return Case(build_source(settings), (directory / "person.csv").unlink)
