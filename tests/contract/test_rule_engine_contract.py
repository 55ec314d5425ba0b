# SPDX-License-Identifier: EUPL-1.2
"""One suite for every rule engine: the golden use cases, and agreement with OPA itself."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.catalogue import Catalogue
from policies.decide import Decider
from policies.engine.base import RuleEngine, read_result
from policies.errors import EngineFailed, InputInvalid
from policies.model import DecisionInput, FieldId, canonical
from tests.contract.rule_engines import OpaEval, embedded, golden_cases

CASES = golden_cases()


@pytest.fixture(scope="module", params=["embedded", "opa-eval"])
def engine(request: pytest.FixtureRequest) -> RuleEngine:
    """Each implementation in turn; OPA is the oracle."""
    if request.param == "embedded":
        return embedded()
    return OpaEval(request.getfixturevalue("opa"))


def _spoken(decider: Decider, case: dict[str, Any]) -> dict[str, Any]:
    decision = decider.decide(DecisionInput.from_json(case["input"]))
    return {
        "overall": decision.overall.value,
        "rule": decision.rule,
        "retention": decision.retention,
        "fields": {
            f.field: {"outcome": f.outcome.value, "rule": f.rule, "reasons": list(f.reasons)}
            for f in decision.fields
        },
    }


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_use_case_is_decided_as_the_law_text_says(engine: RuleEngine, case: dict[str, Any]) -> None:
    """Outcome, rule and reasons of every field are those of the golden case."""
    assert _spoken(Decider(engine, Catalogue.load()), case) == case["expected"]


def test_golden_cases_cover_every_rule_that_ships() -> None:
    """No rule is without a golden case, R03 and the default aside."""
    used = {f["rule"] for case in CASES for f in case["expected"]["fields"].values()}
    assert set(Catalogue.load().rules) - used == {"R03"}


def test_equal_questions_have_equal_answers(engine: RuleEngine) -> None:
    """Asking again, after other questions, changes nothing."""
    questions = [canonical(case["input"]) for case in CASES[:6]]
    first = [engine.evaluate(q) for q in questions]
    assert [engine.evaluate(q) for q in reversed(questions)] == list(reversed(first))


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b'{"fields":["a"], "x":1}', "not_canonical"),
        (b'{"a":1,"a":2,"fields":["a"]}', "not_canonical"),
        (b'{"fields":["a"],"x":1.5}', "float"),
        (b'{"fields":["a"],"x":NaN}', "float"),
        (b'{"fields":[]}', "fields"),
        (b"[]", "not_json"),
        (b"{", "not_json"),
    ],
)
def test_every_engine_stands_behind_the_gate(engine: RuleEngine, source: bytes, code: str) -> None:
    """What an engine must not see is refused before it is asked."""
    with pytest.raises(InputInvalid) as refused:
        engine.evaluate(source)
    assert refused.value.code == code


_KINDS = ["ABH", "JC", "SOZ", "MBE", "MELDE", "AZR", "SCHULE", "AUSB", "PERS", "BAMF_A", "NOBODY"]
_STATES = ["none", "in_force", "expired", "withdrawn", "used", "unknown"]
_FIELDS = sorted(
    {field for rule in Catalogue.load().rules.values() for field in rule.fields}
    | {FieldId("deportation_ban"), FieldId("counselling_notes"), FieldId("no_such_field")}
)
_fields = st.lists(st.sampled_from(_FIELDS), min_size=1, max_size=12, unique=True).map(sorted)
_permission = st.fixed_dictionaries({"state": st.sampled_from(_STATES), "fields": _fields})

questions = st.fixed_dictionaries(
    {
        "from_kind": st.sampled_from(_KINDS),
        "to_kind": st.sampled_from(_KINDS),
        "purpose": st.sampled_from(["P01", "P02", "P03", "P04", "P09", "P90", "P99"]),
        "trigger": st.sampled_from(["on_request", "push", "spontaneous", "subject_choice"]),
        "fields": _fields,
        "declared": st.fixed_dictionaries(
            {},
            optional={
                "azr_checked": st.booleans(),
                "reason_code": st.sampled_from(["azr_pending", "because"]),
                "decision": st.sampled_from(["s25b_1_first_grant", "nothing"]),
                "azr_insufficient": st.booleans(),
                "procedure_electronic": st.booleans(),
                "title_section": st.integers(3, 7),
                "case_2a": st.booleans(),
                "benefit_in_azr": st.booleans(),
                "initiated_by": st.sampled_from(["client", "counsellor", "agency"]),
                "title": st.sampled_from(["s16g", "s60c", "other"]),
                "event": st.just("training_ended_early"),
                "uploaded_by_subject": st.booleans(),
            },
        ),
        "agreement": st.fixed_dictionaries(
            {
                "in_force": st.sampled_from([True, True, True, False]),
                "undertaking_78": st.booleans(),
                "approval_79": st.booleans(),
            }
        ),
        "permission": st.fixed_dictionaries(
            dict.fromkeys(
                ("consent", "explicit_consent", "release_203", "release_65", "mandate", "choice"),
                _permission,
            )
        ),
        "holder": st.fixed_dictionaries(
            {
                "info_block": st.booleans(),
                "released_by_source": st.booleans(),
                "secret_203": _fields,
                "entrusted_65": _fields,
            }
        ),
        "lapsed": st.lists(st.sampled_from(["R02", "R40", "R18", "R03"]), unique=True).map(sorted),
    }
)


def _paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of every member of every object below ``value``."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield (*path, name)
            yield from _paths(member, (*path, name))


def _mutated(question: dict[str, Any], path: tuple[str, ...], replacement: Any) -> dict[str, Any]:
    changed = copy.deepcopy(question)
    inner: Any = changed
    for step in path[:-1]:
        inner = inner[step]
    if replacement is _REMOVED:
        del inner[path[-1]]
    else:
        inner[path[-1]] = replacement
    return changed


_REMOVED: Any = object()
_REPLACEMENTS: list[Any] = [_REMOVED, None, True, False, 0, 7, "x", [], {}, ["x"], {"x": 1}]


@pytest.mark.parametrize("start", range(3))
def test_embedded_engine_agrees_with_opa_on_generated_and_mutated_inputs(
    opa: Path, start: int
) -> None:
    """OPA and the embedded engine give the same document, also for broken inputs."""
    corpus = _corpus(start)
    expected = OpaEval(opa).raw_results(corpus)
    shipped = embedded()
    for position, question in enumerate(corpus):
        try:
            answers = shipped.evaluate(question)
        except EngineFailed:
            assert position not in expected, question
            continue
        want = read_result(json.dumps([{"result": expected[position]}]).encode())
        assert answers == want, question
    assert len(corpus) > 300


def _corpus(start: int) -> list[bytes]:
    """Golden inputs and generated ones, each with one member at a time removed or replaced."""
    seeds = [case["input"] for case in CASES[start::3]]
    generated: list[dict[str, Any]] = []

    @settings(
        max_examples=150,
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(questions)
    def collect(question: dict[str, Any]) -> None:
        generated.append(question)

    collect()
    corpus = {canonical(q) for q in generated}
    for number, seed in enumerate(seeds):
        for offset, path in enumerate(_paths(seed)):
            replacement = _REPLACEMENTS[(start + number + offset) % len(_REPLACEMENTS)]
            corpus.add(canonical(_mutated(seed, path, replacement)))
    return [q for q in sorted(corpus) if _passes_the_gate(q)]


def _passes_the_gate(question: bytes) -> bool:
    value = json.loads(question)
    return isinstance(value.get("fields"), list) and 1 <= len(value["fields"]) <= 50
