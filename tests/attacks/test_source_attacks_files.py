# SPDX-License-Identifier: EUPL-1.2
"""A folder that somebody has tampered with, or that a program left in a mess."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from adapters.errors import MappingError, SourceBroken, SourceError, SourceUnavailable
from adapters.sources.base import SourceAdapter
from adapters.sources.build import build_source
from adapters.sources.files import MAX_RECORD_BYTES
from keys.model import FileNumber
from tests.contract import source_cases as cases
from tests.contract.source_cases import FIELDS

KNOWN = FileNumber(cases.KNOWN)
SECRET = "Sekretariat-Hohenlinden"


@pytest.fixture
async def json_source(tmp_path: Path) -> AsyncGenerator[SourceAdapter]:
    """A folder of JSON records."""
    adapter = cases.json_case(tmp_path).adapter
    yield adapter
    await adapter.close()


@pytest.fixture
async def csv_source(tmp_path: Path) -> AsyncGenerator[SourceAdapter]:
    """Three CSV tables."""
    adapter = cases.csv_case(tmp_path).adapter
    yield adapter
    await adapter.close()


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b'{"number": "a", "number": "b"}',
        b'{"number": NaN}',
        b'{"number": Infinity}',
        b'{"number": "\\ud83d"}',
        b'{"number": 123456789012345678901234567890}',
        b'{"number": ' + b'{"a":' * 2000 + b"1" + b"}" * 2001,
        b'\xef\xbb\xbf{"number": "a"}',
        '{"number": "a"}'.encode("utf-16"),
        b'{"number": "\xff"}',
        b'{"number": "' + b"a" * MAX_RECORD_BYTES + b'"}',
        b'{"number": "' + SECRET.encode() + b'"',
    ],
)
async def test_hostile_json_record(
    json_source: SourceAdapter, tmp_path: Path, record: bytes
) -> None:
    """One record that cannot be trusted stops every answer: it might be a second one of the same person."""
    (tmp_path / "records" / f"{SECRET}.json").write_bytes(record)
    with pytest.raises(SourceBroken) as raised:
        await json_source.read(KNOWN, FIELDS)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "data", ['"text"', "[1]", "[[]]", '{"family": {}}', '{"family": ["a"]}', '{"family": 1.5}']
)
async def test_json_of_the_wrong_shape(
    json_source: SourceAdapter, tmp_path: Path, data: str
) -> None:
    """The person's record is JSON, but not what the mapping says."""
    (tmp_path / "records" / "00.json").write_text(f'{{"number": "{cases.KNOWN}", "data": {data}}}')
    with pytest.raises(SourceBroken, match=r"json\.toml"):
        await json_source.read(KNOWN, frozenset({"family_name"}))


@pytest.mark.parametrize(
    "number", ["true", "1.5", '["ZX-4410-KNOWN"]', '{"a": "ZX-4410-KNOWN"}', "null"]
)
async def test_a_number_of_another_type_is_nobody(
    json_source: SourceAdapter, tmp_path: Path, number: str
) -> None:
    """Only a text or a whole number can be a file number."""
    (tmp_path / "records" / "00.json").write_text(f'{{"number": {number}, "data": {{}}}}')
    for text in (cases.KNOWN, "true", "True", "1.5", "None", "null"):
        assert not (await json_source.facts(FileNumber(text))).found


async def test_a_symbolic_link_among_the_records(
    json_source: SourceAdapter, tmp_path: Path
) -> None:
    """A link to a file outside is not followed, and the folder counts as broken."""
    outside = tmp_path / "outside.json"
    outside.write_text('{"number": "OUT-1", "data": {"family": "Outside"}}')
    (tmp_path / "records" / "zz.json").symlink_to(outside)
    with pytest.raises(SourceBroken, match="plain file"):
        await json_source.read(FileNumber("OUT-1"), FIELDS)


async def test_a_pipe_among_the_records(json_source: SourceAdapter, tmp_path: Path) -> None:
    """A named pipe would hold the look-up for ever."""
    os.mkfifo(tmp_path / "records" / "zz.json")
    with pytest.raises(SourceBroken, match="plain file"):
        await json_source.facts(KNOWN)


async def test_a_directory_named_like_a_record(json_source: SourceAdapter, tmp_path: Path) -> None:
    """It is no record, so the folder counts as broken."""
    (tmp_path / "records" / "zz.json").mkdir()
    with pytest.raises(SourceError):
        await json_source.facts(KNOWN)


async def test_the_same_number_in_two_files(json_source: SourceAdapter, tmp_path: Path) -> None:
    """A copy made by hand ("… (2).json") is noticed, not read."""
    record = (tmp_path / "records" / "00.json").read_bytes()
    (tmp_path / "records" / "00 (2).json").write_bytes(record)
    facts = await json_source.facts(KNOWN)
    assert (facts.found, facts.ambiguous) == (False, True)
    assert (await json_source.read(KNOWN, FIELDS)).values == dict.fromkeys(FIELDS)


@pytest.mark.parametrize(
    "table",
    [
        b"",
        b"number;family\nZX-4410-KNOWN;Al-Haddadin\n",
        b"number;family;family\n",
        b'number;family\nZX-4410-KNOWN;"open\n',
        b'number;family\nZX-4410-KNOWN;"a"b\n',
        b"number;family\nZX-4410-KNOWN;a;b\n",
        b"number;family\nZX-4410-KNOWN\n",
        b"number;family\nZX-4410-KNOWN;a\x00b\n",
        b"number;family\nZX-4410-KNOWN;\xff\n",
        "number;family\nZX-4410-KNOWN;a\n".encode("utf-16"),
        b"number;family\nZX-4410-KNOWN;" + b"a" * 200_000 + b"\n",
        b"family;born\n" + SECRET.encode() + b";1990\n",
    ],
)
async def test_hostile_csv(csv_source: SourceAdapter, tmp_path: Path, table: bytes) -> None:
    """Missing columns, doubled columns, ragged rows, broken quotes and encodings stop the answer."""
    (tmp_path / "person.csv").write_bytes(table)
    with pytest.raises(SourceBroken, match=r"csv\.toml") as raised:
        await csv_source.read(KNOWN, FIELDS)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("cell", ["=1+1", "@SUM(A1)", "'+(SELECT 1)", "Robert\x1b[31m"])
async def test_hostile_cells_are_no_names(
    csv_source: SourceAdapter, tmp_path: Path, cell: str
) -> None:
    """Formulas, statements and escape sequences are outside DIN 91379 data type A."""
    text = (tmp_path / "person.csv").read_text(encoding="utf-8")
    changed = text.replace("Hadžiahmetović-Đurđević", cell, 1)
    (tmp_path / "person.csv").write_text(changed, encoding="utf-8")
    with pytest.raises(SourceBroken, match="family_name"):
        await csv_source.read(KNOWN, frozenset({"family_name"}))


@pytest.mark.parametrize("name", ["../outside.csv", "/etc/passwd", "a/../../b.csv"])
def test_a_mapping_cannot_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    """Names of the mapping are below the folder."""
    cases.csv_case(tmp_path)
    text = (tmp_path / "csv.toml").read_text(encoding="utf-8").replace('"states.csv"', f'"{name}"')
    (tmp_path / "csv.toml").write_text(text, encoding="utf-8")
    with pytest.raises(MappingError):
        build_source(
            {"type": "files", "folder": str(tmp_path), "mapping": str(tmp_path / "csv.toml")}
        )


async def test_a_folder_that_takes_too_long(tmp_path: Path) -> None:
    """The look-up ends by its limit, however many records somebody has put there."""
    adapter = cases.json_case(tmp_path).adapter
    await adapter.close()
    for position in range(3000):
        (tmp_path / "records" / f"many-{position}.json").write_text('{"number": "x"}')
    settings = {"type": "files", "folder": str(tmp_path), "mapping": str(tmp_path / "json.toml")}
    hurried = build_source({**settings, "timeout_seconds": 0.01})
    with pytest.raises(SourceUnavailable):
        await hurried.facts(KNOWN)
    assert (await build_source({**settings, "timeout_seconds": 30}).facts(KNOWN)).found
