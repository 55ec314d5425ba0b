# SPDX-License-Identifier: EUPL-1.2
"""The decision matrix: complete, asked of the engine, and the same as the table in the repository."""

from __future__ import annotations

import csv
import io
from functools import cache
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from policies.build import PACKAGE
from policies.case import read_case
from policies.catalogue import Catalogue
from policies.cli import app
from policies.decide import Decider, load_decider
from policies.engine.base import Answer
from policies.engine.embedded import EmbeddedEngine
from policies.golden_cases import REVIEWED_AT
from policies.matrix.cases import STATED, Route, bare_case, complete_case
from policies.matrix.routes import ANY, MOST_ROUTES, dimensions
from policies.matrix.rows import Row, grouped, products, rule_rows
from policies.matrix.table import (
    COLUMNS,
    MATRIX_FILE,
    ROUTE_COLUMNS,
    csv_bytes,
    harmless,
    routes_bytes,
)
from policies.rules import Rule

RUN = CliRunner()
DECIDER = load_decider()
CATALOGUE = DECIDER.catalogue
RULES = {str(rule.id): rule for rule in CATALOGUE.rules.values()}
OPEN = {"ALLOW_MIN": 2, "HOLD_HUMAN": 1}

STILL_REFUSED = {
    "R29": "the AZR number is the foreigners' authority's to add",
    "R35": "the customer number is the job centre's to add",
    "R60": "what was entrusted never goes to a foreigners' authority",
    "R67": "the consent only lets the authority query the AZR itself",
}
"""Rules that open nothing on some route even with everything they ask for, and why."""

NOTHING_ASKED = {
    "R10", "R11", "R14", "R15", "R16", "R29", "R30", "R33", "R35",
    "R36", "R38", "R39", "R47", "R55", "R56",
}  # fmt: skip
"""Rules under which something goes, on some route, though nothing at all was stated."""


@cache
def rows_of(name: str) -> list[Row]:
    """The rows of a rule under the shipped rules; asked once."""
    return rule_rows(RULES[name], DECIDER)


@cache
def all_rows() -> list[Row]:
    """The rows of every rule."""
    return [row for name in RULES for row in rows_of(name)]


def _table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_the_table_in_the_repository_is_what_the_rules_give() -> None:
    """A changed rule changes lines that a review sees; `lotse policy matrix` prints them."""
    assert (PACKAGE / MATRIX_FILE).read_bytes() == csv_bytes(all_rows(), CATALOGUE)


def test_every_rule_and_each_of_its_fields_has_a_row() -> None:
    """Nothing that a rule names is left out; the default rule has one row for all the rest."""
    for rule in RULES.values():
        named = {field for row in rows_of(rule.id) for field in row.fields}
        assert named == ({*map(str, rule.fields)} or {ANY}), rule.id
    assert [row.route for row in rows_of("R73")] == [((ANY,), (ANY,), (ANY,), (ANY,))]


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: str(rule.id))
def test_rows_of_a_field_share_no_route_and_leave_its_rule(rule: Rule) -> None:
    """Each route stands in one row at most, and only routes that the rule names."""
    names = [set(codes) for codes in dimensions(rule, CATALOGUE)]
    for field in {field for row in rows_of(rule.id) for field in row.fields}:
        rows = [row for row in rows_of(rule.id) if row.fields == (field,)]
        if prod(map(len, names)) > MOST_ROUTES:
            assert len(rows) == 1
            continue
        routes = [route for row in rows for route in product(*_written_out(row, names))]
        assert len(routes) == len(set(routes))
        assert set(routes) <= set(product(*names))


def _written_out(row: Row, names: list[set[str]]) -> list[set[str]]:
    pairs = zip(row.route, names, strict=True)
    return [known if codes == (ANY,) else set(codes) for codes, known in pairs]


def test_a_rule_opens_what_it_lists_once_it_has_everything() -> None:
    """What the engine says on every route is what the rule's data promise; the exceptions are known."""
    refused = set()
    for row in all_rows():
        rule, complete = row.rule, row.verdicts.complete
        if not rule.grounds:
            assert (complete.rule, complete.outcome) == (rule.id, rule.outcome.value), row
        elif complete.outcome not in OPEN:
            refused.add(rule.id)
        else:
            assert complete.outcome == ("ALLOW_MIN" if rule.release == "none" else "HOLD_HUMAN")
            assert (complete.rule, row.verdicts.released.outcome) == (rule.id, "ALLOW_MIN")
    assert refused == STILL_REFUSED.keys()


def test_nothing_stated_never_opens_more_than_everything_stated() -> None:
    """From left to right a row only opens."""
    for row in all_rows():
        bare, complete, released = (OPEN.get(v.outcome, 0) for v in row.verdicts.all)
        assert bare <= complete <= released, row


def test_what_goes_without_anything_stated_is_known() -> None:
    """A rule that loses its conditions by mistake shows up here."""
    opened = {row.rule.id for row in all_rows() if row.verdicts.bare.outcome == "ALLOW_MIN"}
    assert opened == NOTHING_ASKED


class InsecureGenerousEngine:
    """Turns every refusal of the school into a release."""

    def __init__(self) -> None:
        self.inner = EmbeddedEngine.load()
        self.name, self.bundle_digest = self.inner.name, self.inner.bundle_digest

    def evaluate(self, canonical_json: bytes) -> list[Answer]:
        """Pass on, with the change."""
        return [
            Answer(**{**a, "outcome": "ALLOW_MIN"}) if a["rule"] == "R52" else a
            for a in self.inner.evaluate(canonical_json)
        ]


def test_outcomes_are_asked_and_not_copied() -> None:
    """With rules that decide otherwise than their data say, the matrix shows what they decide."""
    rows = rule_rows(RULES["R52"], Decider(InsecureGenerousEngine(), CATALOGUE))
    assert {row.verdicts.complete.outcome for row in rows} == {"ALLOW_MIN"}
    assert RULES["R52"].outcome == "DENY"


def test_every_condition_can_be_stated() -> None:
    """A new condition needs a line in the table of what a case states."""
    assert set(STATED) == set(CATALOGUE.conditions)


def test_the_cases_differ_only_in_what_is_stated() -> None:
    """The bare case states nothing; both ask the same question."""
    route = Route("JC", "ABH", "P01", "on_request")
    fields = ("benefit_granted",)
    bare: Any = bare_case(route, fields, CATALOGUE)
    complete: Any = complete_case(RULES["R04"], route, fields, CATALOGUE, released=True)
    assert {**complete, **bare} == complete
    assert set(bare) == {"from", "to", "purpose", "trigger", "fields", "at"}
    question = read_case(complete, CATALOGUE, now=REVIEWED_AT).question
    assert question.holder.released_by_source
    assert question.declared["azr_insufficient"] is True


ROUTES = st.sets(st.tuples(*[st.sampled_from("abcd")] * 3), max_size=40)


@given(ROUTES)
def test_products_together_are_the_routes(routes: set[tuple[str, ...]]) -> None:
    """Cutting routes into lists loses none, adds none and repeats none."""
    written = [route for lists in products(routes) for route in product(*lists)]
    assert sorted(written) == sorted(routes)


def test_grouping_loses_no_field() -> None:
    """The page shows the same rows, with fields that share everything together."""
    rows = grouped(all_rows())
    written = [(row.rule.id, row.route, field) for row in rows for field in row.fields]
    assert len(rows) < len(all_rows()) / 4
    assert sorted(written) == sorted((row.rule.id, row.route, row.fields[0]) for row in all_rows())
    apart = [row.fields for row in rows if row.rule.id == "R12"]
    assert ("azr_number",) in apart, "its conditions are not those of the other fields"


def test_the_table_is_sorted_and_has_one_line_per_row() -> None:
    """Same rules, same bytes; a field that comes or goes is a line that comes or goes."""
    content = csv_bytes(all_rows(), CATALOGUE)
    table = _table(content)
    keys = [(row["rule"], row["field"]) for row in table]
    assert keys == sorted(keys)
    assert len(content.splitlines()) == len(table) + 1 == len(all_rows()) + 1
    assert tuple(table[0]) == COLUMNS
    assert len(content) < 2_000_000


def test_the_table_says_what_is_not_signed_off_in_words() -> None:
    """Every row, in both languages, with conditions, norms and duties as sentences."""
    german, english = (_table(csv_bytes(all_rows(), CATALOGUE, lang)) for lang in ("de", "en"))
    assert {row["head_of_unit"] for row in german} == {"nicht freigezeichnet"}
    assert {row["dpo_opinion"] for row in english} == {"no opinion yet"}
    row = next(r for r in english if (r["rule"], r["field"]) == ("R12", "azr_number"))
    assert "No pension number is known." in row["needs"]
    assert "azrg" in row["norms"].lower()
    consent = next(r for r in english if r["rule"] == "R22")
    assert consent["permissions"] == "mandate or consent"
    assert next(r for r in english if r["rule"] == "R73")["applies_when"].startswith("R73 refuses")


def test_every_route_stands_alone_for_a_spreadsheet() -> None:
    """The flat table has one line per sender, recipient, purpose, trigger and field."""
    table = _table(routes_bytes(all_rows()))
    assert tuple(table[0]) == ROUTE_COLUMNS
    asked = [r for r in table if (r["from"], r["to"], r["field"]) == ("JC", "ABH", "net_income")]
    assert {(r["rule"], r["purpose"], r["everything_stated"]) for r in asked} == {
        ("R07", "P01", "REDIRECT_SUBJECT"),
        ("R07", "P02", "REDIRECT_SUBJECT"),
    }
    assert all(" " not in r[name] for r in table for name in ("from", "to", "purpose", "field"))


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r\n=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    """What a spreadsheet would calculate is text; nothing else is changed."""
    assert harmless(cell) == f"'{cell.strip()}"
    assert harmless("a\nb = c") == "a b = c"


@pytest.fixture(name="rows_known")
def _rows_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def known(rule: Rule, decider: Decider) -> list[Row]:
        assert decider.catalogue.version == CATALOGUE.version
        return rows_of(rule.id)

    monkeypatch.setattr("policies.commands.matrices.rule_rows", known)


@pytest.mark.usefixtures("rows_known")
def test_the_command_prints_compares_and_writes(tmp_path: Path) -> None:
    """Standard output is the table of the repository; a folder gets table, routes and page."""
    assert RUN.invoke(app, ["matrix"]).stdout_bytes == (PACKAGE / MATRIX_FILE).read_bytes()
    assert RUN.invoke(app, ["matrix", "--check"]).exit_code == 0
    folder = tmp_path / "new" / "folder"
    for _ in range(2):
        done = RUN.invoke(app, ["matrix", "--out", str(folder), "--lang", "en"])
        assert done.exit_code == 0
    assert (folder / "matrix.csv").read_bytes() == csv_bytes(all_rows(), CATALOGUE, "en")
    assert (folder / "routes.csv").read_bytes() == routes_bytes(all_rows())
    assert (folder / "matrix.html").read_bytes().startswith(b"<!DOCTYPE html>")


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("policies.commands.matrices.PACKAGE", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("rows_known")
def test_the_command_names_the_line_that_differs(folder: Path) -> None:
    """A table of other rules is exit 1, a missing one exit 2."""
    missing = RUN.invoke(app, ["matrix", "--check"])
    assert (missing.exit_code, missing.stdout) == (2, "")
    lines = csv_bytes(all_rows(), CATALOGUE).decode().splitlines(keepends=True)
    (folder / MATRIX_FILE).write_text("".join([*lines[:9], *lines[10:]]), encoding="utf-8")
    other = RUN.invoke(app, ["matrix", "--check"])
    assert other.exit_code == 1
    assert "line 10 is the first that differs" in other.stderr
    (folder / MATRIX_FILE).write_text("".join(lines[:9]), encoding="utf-8")
    assert "shorter or longer" in RUN.invoke(app, ["matrix", "--check"]).stderr


@pytest.mark.usefixtures("rows_known")
def test_the_command_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    """Both at once, and a folder that is a file."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert RUN.invoke(app, ["matrix", "--check", "--out", str(tmp_path)]).exit_code == 2
    blocked = RUN.invoke(app, ["matrix", "--out", str(tmp_path / "file")])
    assert blocked.exit_code == 2
    assert "cannot be written" in blocked.stderr


def test_the_catalogue_of_these_tests_is_the_shipped_one() -> None:
    """The rows above were asked under the shipped rules."""
    assert Catalogue.load() is CATALOGUE
