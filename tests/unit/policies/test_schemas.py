# SPDX-License-Identifier: EUPL-1.2
"""The JSON Schemas: every reviewed file fits, the derived ones are what the catalogue gives."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.answer import answer
from policies.build import PACKAGE, derived_files
from policies.case import read_case
from policies.catalogue import Catalogue
from policies.decide import load_decider
from policies.errors import CaseInvalid, CatalogueInvalid
from policies.golden_cases import REVIEWED_AT
from policies.json_schema import data_problems, load_schema, problems
from tests.contract.rule_engines import golden_cases, golden_questions

CATALOGUE = Catalogue.load()
DECIDER = load_decider()
CASE = load_schema("case")
ANSWER = load_schema("answer")


def _read_data(name: str) -> Any:
    return json.loads((PACKAGE / "data" / f"{name}.json").read_bytes())


def test_every_reviewed_file_fits_its_schema() -> None:
    """Data files and golden cases; a file without a schema would be an error."""
    assert list(data_problems()) == []


@pytest.mark.parametrize("name", sorted(derived_files(CATALOGUE)))
def test_derived_file_is_what_the_catalogue_gives(name: str) -> None:
    """Nothing that is derived drifts; `python -m policies.build` writes it anew."""
    assert (PACKAGE / name).read_bytes() == derived_files(CATALOGUE)[name]


def test_inputs_decisions_and_answers_fit_their_schemas() -> None:
    """What goes in and comes out is what the schemas describe, over every golden case."""
    for _, question in golden_questions():
        decision = DECIDER.decide(question)
        assert list(problems(load_schema("decision_input"), question.to_json())) == []
        assert list(problems(load_schema("decision"), decision.to_json())) == []
        assert list(problems(ANSWER, answer(decision, DECIDER))) == []


def test_an_unreadable_case_is_an_answer_too() -> None:
    """The error element of an array fits the same schema, and nothing in between does."""
    assert list(problems(ANSWER, {"error": {"where": "case", "problem": "why"}})) == []
    assert list(problems(ANSWER, {"error": {"where": "case"}}))
    assert list(problems(ANSWER, {}))


def _objects(schema: Any, path: str = "$") -> Iterator[tuple[str, dict[str, Any]]]:
    match schema:
        case dict():
            types = schema.get("type", ())
            if "object" in ([types] if isinstance(types, str) else types):
                yield path, schema
            for name, member in schema.items():
                yield from _objects(member, f"{path}.{name}")
        case list():
            for number, member in enumerate(schema):
                yield from _objects(member, f"{path}[{number}]")
        case _:
            pass


@pytest.mark.parametrize("schema", [CASE, ANSWER], ids=["case", "answer"])
def test_every_object_is_closed(schema: dict[str, Any]) -> None:
    """No name passes that the schema does not know, at any depth."""
    found = list(_objects(schema))
    assert len(found) >= 5
    assert [path for path, inner in found if inner.get("additionalProperties") is not False] == []


def test_every_declared_name_says_who_may_assert_it() -> None:
    """The sides and the kinds of agency, and the norm that asks for it."""
    names = CASE["properties"]["declared"]["properties"]
    assert set(names) == {c.id for c in CATALOGUE.declared.values() if c.asserted_by != ("holder",)}
    for name, member in names.items():
        code = CATALOGUE.declared[name]
        assert member["x-asserted-by"] == list(code.asserted_by)
        assert member["x-kinds"] == list(code.kinds)
        assert f"Asserted by the {code.asserted_by[0]}" in member["description"]
        assert member["x-norm"]
    for part in ("agreement", "holder"):
        members = CASE["properties"][part]["properties"].values()
        assert {tuple(member["x-asserted-by"]) for member in members} == {(part,)}


def _readable(document: Any) -> bool:
    try:
        read_case(document, CATALOGUE, now=REVIEWED_AT)
    except CaseInvalid:
        return False
    return True


ODD = [None, 0, 1, -1, 1.5, 2**53, "", "x", "true", True, False, [], {}, ["x"], {"x": 1}, [None]]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    members: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, member in members:
        yield from _paths(member, (*path, name))


@st.composite
def changed_cases(draw: st.DrawFn) -> Any:
    """A golden case with one value replaced, or one name added, by something odd."""
    document = copy.deepcopy(draw(st.sampled_from(golden_cases())).document)
    path = draw(st.sampled_from(list(_paths(document))))
    odd = copy.deepcopy(draw(st.sampled_from(ODD)))
    if not path:
        return odd
    inner: Any = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = odd
    if draw(st.booleans()) and isinstance(inner, dict):
        inner[draw(st.sampled_from(["x", "from", "fields", "info_block", "decision"]))] = odd
    return document


@settings(max_examples=400, deadline=None)
@given(changed_cases())
def test_reader_and_schema_accept_the_same_cases(document: Any) -> None:
    """Who writes against the schema is understood, and nothing else is."""
    assert _readable(document) == (not list(problems(CASE, document)))


def test_reader_and_schema_accept_every_golden_case() -> None:
    """The property above starts from cases that both accept."""
    refused = [c.id for c in golden_cases() if list(problems(CASE, c.document))]
    assert refused == []
    assert all(_readable(c.document) for c in golden_cases())


@pytest.mark.parametrize(
    "damage", [{"pad_bytes": 33}, {"pad_bytes": True}, {"id": "Upper"}, {"value": "blob"}, {"x": 1}]
)
def test_the_schema_reader_finds(damage: dict[str, Any]) -> None:
    """The schemas can fail: one damage of each kind is seen."""
    broken = _read_data("fields")
    broken["fields"][0].update(damage)
    assert list(problems(load_schema("fields"), broken))


def test_the_schema_reader_names_the_place() -> None:
    """A missing member is named with its path."""
    broken = _read_data("fields")
    del broken["fields"][0]["de"]
    found = list(problems(load_schema("fields"), broken))
    assert found == ["$.fields[0]: de is required"]


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        ({"const": 1}, True, "$: const"),
        ({"enum": [0]}, False, "$: enum"),
        ({"type": "integer", "maximum": 4}, 5, "$: minimum or maximum"),
        ({"type": "array", "maxItems": 1}, [1, 2], "$: minItems or maxItems"),
        ({"type": "array", "uniqueItems": True}, [1, 1], "$: uniqueItems"),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, 1, "$: type"),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "null"}}}, 1, "$: type"),
        ({"additionalProperties": {"type": "null"}}, {"a": 1}, "$.a: type"),
        ({}, 1.5, "$: no such type in JSON Schema"),
    ],
)
def test_each_keyword_is_checked(schema: dict[str, Any], value: Any, problem: str) -> None:
    """One violation for each keyword beyond those that the data files show."""
    assert list(problems(schema, value)) == [problem]


@pytest.mark.parametrize("schema", [{"oneOf": []}, {"$ref": "#/$defs/gone"}, {"$ref": "http://x"}])
def test_what_the_schema_reader_does_not_know_is_an_error(schema: dict[str, Any]) -> None:
    """A constraint is never skipped silently, and nothing is fetched."""
    with pytest.raises(CatalogueInvalid):
        list(problems(schema, {}))
