# SPDX-License-Identifier: EUPL-1.2
"""Attacks of a reviewer who writes cases by hand: every field at once, nulls, two names for one."""

from __future__ import annotations

import copy
from itertools import product
from typing import Any

import pytest

from policies.case import read_case
from policies.case_schema import case_schema
from policies.catalogue import Catalogue
from policies.decide import is_wider, load_decider
from policies.errors import CaseInvalid
from policies.golden_cases import REVIEWED_AT, GoldenCase
from policies.json_schema import problems
from policies.model import Decision
from policies.widening import OPENNESS
from tests.contract.rule_engines import golden_cases

CATALOGUE = Catalogue.load()
DECIDER = load_decider()
APPLIES = [case for case in golden_cases() if case.shows == "applies"]
RELEASE: dict[str, Any] = {
    "type": "release_203",
    "valid": True,
    "from": "MBE",
    "to": "ABH",
    "purpose": "P02",
    "fields": ["language_level"],
    "used": False,
}
PUSH: dict[str, Any] = {
    "from": "MBE",
    "to": "ABH",
    "purpose": "P02",
    "trigger": "push",
    "fields": ["language_level"],
    "declared": {"initiated_by": "client"},
}


def _decided(document: Any) -> Decision:
    return DECIDER.decide(read_case(document, CATALOGUE, now=REVIEWED_AT).question)


def _outcome(**changes: Any) -> str:
    return _decided(PUSH | {"permissions": [RELEASE | changes]}).overall.value


@pytest.mark.parametrize("case", APPLIES, ids=lambda case: case.id)
def test_asking_for_every_field_there_is(case: GoldenCase) -> None:
    """Each field is answered once, and only what the deciding rule lists is open."""
    document = copy.deepcopy(case.document)
    assert isinstance(document, dict)
    document["fields"] = [str(field) for field in CATALOGUE.fields]
    decision = _decided(document)
    assert [field.field for field in decision.fields] == sorted(CATALOGUE.fields)
    for field in decision.fields:
        if field.outcome in OPENNESS:
            assert field.field in CATALOGUE.rule(field.rule).fields


def test_asking_for_more_than_every_field() -> None:
    """One more than there are is refused, whatever stands twice."""
    fields = [*CATALOGUE.fields, "family_name"]
    with pytest.raises(CaseInvalid) as refused:
        _decided(PUSH | {"fields": fields})
    assert refused.value.where == "case.fields"
    assert str(len(CATALOGUE.fields)) in refused.value.problem


@pytest.mark.parametrize("name", ["from", "to", "purpose", "fields", "valid"])
def test_a_permission_with_nothing_in_the_place_of_what_it_binds(name: str) -> None:
    """Null covers nothing, like what is left out; it is no second wildcard."""
    assert _outcome() == "ALLOW_MIN"
    assert _outcome(**{name: None}) == "NEED_RELEASE_203"


def test_a_release_that_names_two_recipients() -> None:
    """`recipient` may stand for `to`; who says both must mean this one."""
    assert _outcome(to=None, recipient="ABH") == "ALLOW_MIN"
    assert _outcome(recipient="ABH") == "ALLOW_MIN"
    for to, recipient in (("ABH", "JC"), ("JC", "ABH"), (None, "JC"), ("JC", None)):
        assert _outcome(to=to, recipient=recipient) == "NEED_RELEASE_203"


def test_null_in_the_place_of_a_stated_fact() -> None:
    """What the asker leaves blank opens nothing that the stated fact closed."""
    schema = case_schema(CATALOGUE)
    tried = 0
    for case in golden_cases():
        assert isinstance(case.document, dict)
        declared: Any = case.document.get("declared") or {}
        before = _decided(case.document)
        for name in declared:
            blank: dict[str, Any] = case.document | {"declared": declared | {name: None}}
            left_out = {n: v for n, v in declared.items() if n != name}
            assert not list(problems(schema, blank))
            after = _decided(blank)
            assert after == _decided(case.document | {"declared": left_out})
            assert not is_wider(after, before), (case.id, name)
            tried += 1
    assert tried > 300


@pytest.mark.parametrize(("section", "azr"), list(product([1, 2, 5, 6, 7, 8], [None, False])))
def test_sending_a_clerk_into_the_register_for_nothing(*, section: int, azr: bool | None) -> None:
    """Where the title allows no report, the answer does not begin with "look in the AZR"."""
    decision = _decided(
        {
            "from": "JC",
            "to": "ABH",
            "purpose": "P01",
            "trigger": "spontaneous",
            "fields": ["benefit_begin"],
            "declared": {"title_section": section, "benefit_in_azr": azr},
        }
    )
    assert decision.fields[0].reason == "section_not_covered"
