# SPDX-License-Identifier: EUPL-1.2
"""The simulated agencies: the cast has its difficulties, the programs behave, the mappings fit the catalogue."""

from __future__ import annotations

import ast
import json
import sqlite3
import sys
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

import adapters.simulated
from adapters.fieldmap import load_mapping
from adapters.simulated import abh, jobcenter, mapping_path, mbe, melde
from adapters.simulated.people import AGENCIES, PEOPLE, PERSON, canaries, number, variants
from adapters.sources.build import build_source
from keys.model import FileNumber
from keys.strict_json import dumps
from tests.support.processes import Processes, free_port

TODAY = date(2026, 11, 22)


def _catalogue() -> dict[str, dict[str, Any]]:
    text = resources.files("policies").joinpath("data/fields.json").read_text(encoding="utf-8")
    fields = json.loads(text)
    listed = fields["fields"] if isinstance(fields, dict) else fields
    return {field["id"]: field for field in listed}


def _numbers(agency: str) -> dict[str, str]:
    found = {}
    for person in PEOPLE:
        try:
            found[person.key] = number(person.key, agency)
        except LookupError:
            continue
    return found


@pytest.fixture
def systems(tmp_path: Path, processes: Processes) -> dict[str, dict[str, object]]:
    """All five systems as the demo starts them, as settings for their adapters."""
    today = TODAY.isoformat()
    assert abh.main(["--db", str(tmp_path / "abh.sqlite"), "--today", today]) == 0
    assert melde.main(["--db", str(tmp_path / "melde.sqlite"), "--today", today]) == 0
    assert mbe.main(["--folder", str(tmp_path / "mbe"), "--today", today]) == 0
    settings: dict[str, dict[str, object]] = {
        "abh.hannover": {"type": "sql", "url": f"sqlite:///{tmp_path / 'abh.sqlite'}"},
        "melde.hannover": {"type": "sql", "url": f"sqlite:///{tmp_path / 'melde.sqlite'}"},
        "mbe.caritas": {"type": "files", "folder": str(tmp_path / "mbe")},
    }
    for centre in ("hannover", "celle"):
        port, token = free_port(), tmp_path / f"{centre}.token"
        command = [sys.executable, "-m", "adapters.simulated.jobcenter", "--centre", centre]
        command += ["--port", str(port), "--data", str(tmp_path / f"{centre}.json")]
        command += ["--today", today, "--token-file", str(token)]
        service = processes.start(command, name=centre)
        service.wait_healthy(f"http://127.0.0.1:{port}/status")
        settings[f"jc.{centre}"] = {
            "type": "rest",
            "url": f"http://127.0.0.1:{port}",
            "token_file": str(token),
        }
    return {
        agency: {**one, "mapping": str(mapping_path(agency))} for agency, one in settings.items()
    }


def test_the_cast_has_the_difficulties() -> None:
    """Twelve people; each difficulty that the demo promises is really in the data."""
    assert len(PEOPLE) == len(PERSON) == 12
    abh_people = [person.abh for person in PEOPLE if person.abh is not None]
    assert any(person.born.startswith("01.01.") for person in abh_people)
    assert any(person.born.startswith("00.00.") for person in abh_people)
    assert any(person.states and person.given is None for person in abh_people)
    assert any(len(person.states) == 2 for person in abh_people)
    assert any(len(person.family) > 80 for person in abh_people)
    assert any(person.twin is not None for person in abh_people)
    assert sum(person.melde is not None and person.melde.block == "1" for person in PEOPLE) == 1
    oleksandr = PERSON["oleksandr"]
    assert oleksandr.abh is not None
    assert oleksandr.jc_hannover is not None
    assert oleksandr.abh.family.casefold() != oleksandr.jc_hannover.family.casefold()
    zofia = PERSON["zofia"]
    assert (zofia.abh, zofia.jc_celle, zofia.mbe, zofia.melde) == (None, None, None, None)


def test_file_numbers_are_distinct_and_long() -> None:
    """No number means two people, belongs to two agencies or can turn up by chance."""
    numbers = [one for agency in AGENCIES for one in _numbers(agency).values()]
    assert len(set(numbers)) == len(numbers) == 41
    assert min(map(len, numbers)) >= 12


async def test_every_system_serves_every_person(systems: dict[str, dict[str, object]]) -> None:
    """All mapped fields of all people convert, are fields of the catalogue and fit their bucket."""
    catalogue = _catalogue()
    for agency, settings in systems.items():
        source = build_source(settings)
        report = await source.check()
        assert report.usable, (agency, report.problems)
        assert set(report.fields) <= catalogue.keys()
        for person, one in _numbers(agency).items():
            facts = await source.facts(FileNumber(one))
            assert facts.found is not (person == "ngoc" and agency == "abh.hannover")
            looked = agency == "melde.hannover"
            assert facts.info_block is (person == "leyla" if looked else None)
            record = await source.read(FileNumber(one), frozenset(report.fields))
            for name, value in record.values.items():
                # Longer than its bucket, a sealed value would show its length (`keys.padding`).
                assert len(dumps(value)) < catalogue[name]["pad_bytes"], (agency, person, name)
        await source.close()


async def test_the_persons_of_the_scenes_have_their_facts(
    systems: dict[str, dict[str, object]],
) -> None:
    """What a scene releases is there to be released, and what it withholds is there to be withheld."""
    wanted = {
        ("abh.hannover", "nasrin"): {
            *("residence_status", "permit_type", "permit_issued", "permit_valid_until"),
            *("work_permission", "work_permission_until", "deportation_ban", "expulsion_interest"),
        },
        ("abh.hannover", "mariam"): {"procedure_state", "missing_documents", "stay_periods"},
        ("jc.hannover", "tewolde"): {
            *("benefit_type", "benefit_granted", "benefit_begin", "benefit_end"),
            *("net_income", "cooperation_plan", "procedure_state", "missing_documents"),
        },
        ("jc.hannover", "mariam"): {"procedure_state", "missing_documents", "benefit_granted"},
        ("jc.celle", "mariam"): {"procedure_state", "benefit_granted"},
        ("mbe.caritas", "mariam"): {
            *("language_level", "employment_since", "weekly_hours"),
            *("counselling_notes", "counselling_fact"),
        },
        ("melde.hannover", "leyla"): {"address_street", "address_postcode_town"},
    }
    for (agency, person), fields in wanted.items():
        source = build_source(systems[agency])
        record = await source.read(FileNumber(number(person, agency)), frozenset(fields))
        assert [name for name, value in record.values.items() if value is None] == []
        if agency == "abh.hannover" and person == "nasrin":
            assert record.values["permit_issued"] == "2026-11-21"
            assert record.values["residence_status"] == {
                "code": "AE",
                "list_urn": "urn:de:xauslaender:codelist:azr:aufenthaltsstatus",
                "list_version": "1",
            }
        await source.close()


def test_every_canary_stands_in_its_system(
    systems: dict[str, dict[str, object]], tmp_path: Path
) -> None:
    """A search for leaks that finds nothing means something, because here it finds everything."""
    homes = {
        "abh.hannover": [tmp_path / "abh.sqlite"],
        "melde.hannover": [tmp_path / "melde.sqlite"],
        "mbe.caritas": sorted((tmp_path / "mbe").rglob("*.*")),
        "jc.hannover": [tmp_path / "hannover.json"],
        "jc.celle": [tmp_path / "celle.json"],
    }
    assert homes.keys() == systems.keys() == set(AGENCIES)
    for agency, files in homes.items():
        data = b"".join(path.read_bytes() for path in files)
        assert len(canaries(agency)) >= 9
        assert [one for one in canaries(agency) if one.encode() not in data] == []
        assert all(len(one) >= 8 for one in (*canaries(agency), *variants(agency)))
        known = set(_numbers(agency).values())
        assert known <= set(canaries(agency))


def test_the_ddl_carries_the_sheet_numbers() -> None:
    """The database explains itself: DSAusländer numbers stand beside the columns, and SQLite keeps them."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(abh.DDL)
    kept = " ".join(row[0] for row in connection.execute("SELECT sql FROM sqlite_master") if row[0])
    connection.close()
    for sheet in ("004.01", "004.07", "034.01", "038.02", "036.01", "029.01"):
        assert f"DSA {sheet}" in kept


def test_dates_count_from_the_day_given() -> None:
    """Two set-ups with the same day are equal; another day moves the dates with it."""
    assert abh.tables(TODAY) == abh.tables(TODAY)
    issued = [
        abh.tables(day)["aufenthaltstitel"][0]["erteilt_am"] for day in (TODAY, date(2027, 1, 1))
    ]
    assert issued == ["2026-11-21", "2026-12-31"]
    assert jobcenter.cases("hannover", TODAY) == jobcenter.cases("hannover", TODAY)


@pytest.mark.parametrize("program", [abh, melde])
def test_a_database_is_not_overwritten(program: Any, tmp_path: Path) -> None:
    """A second run refuses, unless it is told to begin afresh."""
    arguments = ["--db", str(tmp_path / "x" / "db.sqlite"), "--today", "2026-11-22"]
    assert [program.main(arguments), program.main(arguments)] == [0, 2]
    assert program.main([*arguments, "--fresh"]) == 0


def test_a_folder_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same for the counselling's folder."""
    arguments = ["--folder", str(tmp_path / "mbe"), "--today", "2026-11-22"]
    assert [mbe.main(arguments), mbe.main(arguments)] == [0, 2]
    assert "--fresh" in capsys.readouterr().err
    assert mbe.main([*arguments, "--fresh"]) == 0


def test_the_mappings_ship_beside_the_programs() -> None:
    """One mapping per agency, each readable, none left over."""
    folder = Path(adapters.simulated.__file__).parent / "mappings"
    assert {path.name for path in folder.iterdir()} == {f"{agency}.toml" for agency in AGENCIES}
    for agency in AGENCIES:
        assert load_mapping(mapping_path(agency)).fields


def test_the_systems_know_nothing_of_lotse() -> None:
    """They import the standard library and each other."""
    for path in Path(adapters.simulated.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            for name in names:
                top = name.split(".")[0]
                assert top in sys.stdlib_module_names or name.startswith("adapters.simulated"), path
