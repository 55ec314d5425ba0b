# SPDX-License-Identifier: EUPL-1.2
"""Attacks with a case file: invented names, other people's facts, text that is not what it looks like."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from policies.case import Case, read_case
from policies.case_file import MAX_FILE_BYTES
from policies.catalogue import Catalogue
from policies.cli import app
from policies.decide import load_decider
from policies.errors import CaseInvalid, TextInvalid
from policies.golden_cases import REVIEWED_AT
from policies.strict_json import read_json

RUN = CliRunner()
CATALOGUE = Catalogue.load()
DECIDER = load_decider()
CASE: dict[str, Any] = {
    "from": "JC",
    "to": "ABH",
    "purpose": "P02",
    "trigger": "on_request",
    "fields": ["benefit_granted"],
    "declared": {"decision": "grant_25b", "azr_insufficient": True, "subject_count": 1},
}
ESCAPE = "\x1b]0;owned\x07\x1b[2J\u202e\u2066"


@pytest.fixture(autouse=True)
def one_decider(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules load once for all commands of this file."""
    monkeypatch.setattr("policies.commands.options.load_decider", lambda: DECIDER)


def _read(case: Any) -> Case:
    return read_case(case, CATALOGUE, now=REVIEWED_AT)


def _refused(case: Any) -> CaseInvalid:
    with pytest.raises(CaseInvalid) as refused:
        _read(case)
    return refused.value


def _decide(data: bytes) -> Any:
    return RUN.invoke(app, ["decide", "-"], input=data)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"lapsed": []}, "case.lapsed"),
        ({"from_kind": "ABH"}, "case.from_kind"),
        ({"permission": {}}, "case.permission"),
        ({"declared": {"released_by_source": True}}, "case.declared.released_by_source"),
        ({"declared": {"info_block": False}}, "case.declared.info_block"),
        ({"declared": {"human_refusal": "other"}}, "case.declared.human_refusal"),
        ({"declared": {"approval_79": True}}, "case.declared.approval_79"),
        ({"declared": {"undertaking_78": True}}, "case.declared.undertaking_78"),
        ({"agreement": {"undertaking_78": True}}, "case.agreement.undertaking_78"),
        ({"agreement": {"released_by_head": True}}, "case.agreement.released_by_head"),
        ({"holder": {"in_force": True}}, "case.holder.in_force"),
        ({"holder": {"secret_203": []}}, "case.holder.secret_203"),
        ({"holder": {"provenance": {"x": "own"}}}, "case.holder.provenance.x"),
        ({"permissions": [{"type": "blessing"}]}, "case.permissions[0].type"),
        ({"permissions": [{"type": "consent", "state": "in_force"}]}, "case.permissions[0].state"),
    ],
)
def test_facts_under_a_name_or_a_side_that_may_not_say_them(change: Any, where: str) -> None:
    """Nobody invents a name, and the asker asserts no fact of the agreement, the holder or the law."""
    assert _refused(CASE | change).where == where


@pytest.mark.parametrize("value", [1, 0, "true", "yes", 1.0, [True], {"x": True}])
@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("declared", "azr_insufficient"),
        ("agreement", "approval_79"),
        ("agreement", "in_force"),
        ("holder", "released_by_source"),
        ("holder", "info_block"),
    ],
)
def test_something_like_true_in_the_place_of_true(part: str, name: str, value: Any) -> None:
    """1, "true" and a list are no booleans."""
    assert _refused(CASE | {part: {name: value}}).where == f"case.{part}.{name}"


def test_a_permission_that_is_nearly_valid() -> None:
    """`valid: 1` is an error and not a permission; `valid: null` is none."""
    consent = {
        "type": "consent",
        "from": "JC",
        "to": "MBE",
        "purpose": "P03",
        "fields": ["benefit_granted"],
    }
    route = CASE | {"to": "MBE", "purpose": "P03", "declared": {}}
    _refused(route | {"permissions": [consent | {"valid": 1}]})
    facts = [
        _read(route | {"permissions": [consent | {"valid": valid}]}).question.permission.consent
        for valid in (None, False, True)
    ]
    assert [fact.state for fact in facts] == ["none", "none", "in_force"]


@pytest.mark.parametrize(
    "number",
    [0, -1, 2**53, 10**18, 10**4200, 10**5000, -(10**5000), 1.5],
    ids=["0", "-1", "2^53", "10^18", "10^4200", "10^5000", "-10^5000", "1.5"],
)
def test_huge_and_impossible_numbers(number: float) -> None:
    """A number outside the range is named by the range, however long it is."""
    error = _refused(CASE | {"declared": {"subject_count": number}})
    assert error.where == "case.declared.subject_count"
    assert len(str(error)) < 200


@pytest.mark.parametrize(
    "at",
    [0, True, "", "2026-11-22", "2026-11-22T10:00:00", "9999-99-99T00:00:00Z",
     "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "x" * 100_000, "\x00", {}],
)  # fmt: skip
def test_instants_that_are_none(at: Any) -> None:
    """No day before the first, no time without its offset."""
    assert _refused(CASE | {"at": at}).where == "case.at"


HOSTILE_PLACES: list[dict[str, Any]] = [
    {ESCAPE: 1},
    {"from": ESCAPE},
    {"trigger": ESCAPE},
    {"fields": [ESCAPE]},
    {"declared": {ESCAPE: True}},
    {"declared": {"decision": ESCAPE}},
    {"agreement": {ESCAPE: True}},
    {"permissions": [{ESCAPE: 1}]},
    {"permissions": [{"type": ESCAPE}]},
    {"holder": {"provenance": {ESCAPE: "own"}}},
    {"at": ESCAPE},
]


@pytest.mark.parametrize("change", HOSTILE_PLACES)
def test_names_that_would_steer_the_terminal(change: dict[str, Any]) -> None:
    """Escape sequences and changes of direction are shown and not obeyed."""
    done = _decide(json.dumps([CASE | change]).encode())
    said = done.stdout + done.stderr
    assert done.exit_code == 1
    assert all(letter.isprintable() or letter == "\n" for letter in said), said


@pytest.mark.parametrize("change", HOSTILE_PLACES)
def test_names_that_would_fill_the_screen(change: dict[str, Any]) -> None:
    """A megabyte of name becomes a short message."""
    long = json.dumps(CASE | change).replace(json.dumps(ESCAPE)[1:-1], "a" * 1_000_000)
    done = _decide(long.encode())
    assert done.exit_code == 1
    assert len(done.stderr) < 2_000


def test_the_name_of_the_file_steers_no_terminal() -> None:
    """A path is shown like any other text."""
    done = RUN.invoke(app, ["decide", f"/nowhere/{ESCAPE}"])
    assert done.exit_code == 2
    assert done.stderr.rstrip("\n").isprintable()
    assert RUN.invoke(app, ["explain", "/nowhere/\x00"]).exit_code == 2


@pytest.mark.parametrize("fields", [["benefit_granted"] * 10**6, [f"f{n}" for n in range(10**6)]])
def test_a_million_fields(fields: list[str]) -> None:
    """Refused within seconds, whether they are known or not."""
    begin = time.monotonic()
    assert _refused(CASE | {"fields": fields}).where == "case.fields"
    assert time.monotonic() - begin < 5


def test_a_million_names_one_of_them_twice() -> None:
    """The search for the name that stands twice is no search of its own per name."""
    names = ",".join(f'"f{n}":1' for n in range(10**6))
    begin = time.monotonic()
    with pytest.raises(TextInvalid) as refused:
        read_json(f'{{{names},"f999999":1}}'.encode(), max_bytes=MAX_FILE_BYTES)
    assert (refused.value.code, refused.value.name) == ("duplicate_key", "f999999")
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize("opening", ["[", '{"declared":', '[{"holder":'])
@pytest.mark.parametrize("depth", [13, 1_000, 100_000])
def test_nesting_that_would_exhaust_the_stack(opening: str, depth: int) -> None:
    """Said in one line, whatever the depth."""
    closing = "".join({"[": "]", "{": "}"}.get(letter, "") for letter in reversed(opening))
    done = _decide((opening * depth + "1" + closing * depth).encode())
    assert (done.exit_code, done.stdout) == (2, "")
    assert "nested deeper than" in done.stderr


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "line 1: it is not JSON"),
        (b'{"from":\n\n"JC",}', "line 3: it is not JSON"),
        (b'{"from":"JC","from":"ABH"}', "twice in one object"),
        (b'{"declared":{"a":1,"\x61":2}}', "('a')"),
        (b'{"declared":{"subject_count":NaN}}', "NaN"),
        (b'{"declared":{"subject_count":-Infinity}}', "NaN"),
        (b'{"declared":{"subject_count":1e999}}', "NaN"),
        (b'{"declared":{"subject_count":' + b"9" * 10_000 + b"}}", "a number is larger"),
        (b'{"from":"\\ud800"}', "stands alone"),
        (b'{"\\udfff":1}', "stands alone"),
        (b'\n{"from":"\xff"}', "line 2: it is not UTF-8"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ('{"from":"JC"}'.encode("utf-16"), "not UTF-8"),
        ('{"from":"JC"}'.encode("utf-32-le"), "not UTF-8"),
        (b"{}{}", "not JSON"),
        (b" " * (MAX_FILE_BYTES + 1), "larger than 32 MiB"),
    ],
)
def test_a_file_that_two_readers_read_differently(data: bytes, said: str) -> None:
    """Exit 2 with the reason, never an answer and never a traceback."""
    done = _decide(data)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_escaped_backslash_is_no_surrogate() -> None:
    """The check for half a character refuses no text that only looks like one."""
    assert read_json(rb'["\\ud800", "\ud83d\ude00"]', max_bytes=99) == ["\\ud800", "\U0001f600"]


def test_files_that_are_no_files(tmp_path: Path) -> None:
    """A folder, nothing, and what may not be read."""
    for name in (tmp_path, tmp_path / "gone", tmp_path / ("x" * 5_000)):
        done = RUN.invoke(app, ["decide", str(name)])
        assert (done.exit_code, done.stdout) == (2, "")
        assert "cannot be read" in done.stderr


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=12,
)
NAMES = st.sampled_from([*CASE, "agreement", "permissions", "holder", "at", "x", ""])
KNOWN: st.SearchStrategy[Any] = st.sampled_from(
    ["JC", "P02", "on_request", "benefit_granted", "consent", "grant_25b", True, [], {}, None]
)
PARTS = st.dictionaries(
    st.sampled_from(["type", "valid", "fields", "info_block", "provenance", "decision", "from"]),
    ANYTHING | KNOWN,
    max_size=4,
)


@settings(max_examples=500, deadline=None)
@given(ANYTHING | st.dictionaries(NAMES, ANYTHING | KNOWN | PARTS | st.lists(PARTS, max_size=2)))
def test_any_json_is_a_case_or_says_what_is_wrong(value: Any) -> None:
    """Nothing else ever comes out of the reader, and what it says can be printed."""
    for document in (value, CASE | value if isinstance(value, dict) else value):
        said = _said_of(document)
        assert said.isprintable()
        assert len(said) < 2_000


def _said_of(document: Any) -> str:
    """What the reader says is wrong; nothing for a case. Any other exception fails the test."""
    try:
        _read(document)
    except CaseInvalid as error:
        return str(error)
    return ""
