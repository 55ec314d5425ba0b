# SPDX-License-Identifier: EUPL-1.2
"""Attacks on the decision: missing keys, injected strings, shared memory, lying engines."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from policies.engine.base import Answer
from policies.engine.embedded import EmbeddedEngine
from policies.errors import InputInvalid
from policies.model import (
    AgreementFacts,
    DecisionInput,
    FieldId,
    Kind,
    PurposeId,
    canonical,
)
from tests.contract.rule_engines import golden_questions

QUESTIONS = [question for _, question in golden_questions()]
ABOUT = sorted({case.about for case, _ in golden_questions()})
ENGINE = EmbeddedEngine.load()
OPEN = {"ALLOW_MIN": 2, "HOLD_HUMAN": 1}

RELEASED = DecisionInput(
    from_kind=Kind("ABH"),
    to_kind=Kind("JC"),
    purpose=PurposeId("P04"),
    trigger="on_request",
    fields=(FieldId("permit_type"), FieldId("residence_status")),
    declared={"azr_checked": True, "reason_code": "azr_contradicts"},
    agreement=AgreementFacts(in_force=True),
)


def _openness(answers: list[Answer]) -> dict[str, int]:
    return {a["field"]: OPEN.get(a["outcome"], 0) for a in answers}


def _members(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield (*path, name)
            yield from _members(member, (*path, name))


def _without(question: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    changed = copy.deepcopy(question)
    inner: Any = changed
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return changed


def _questions_about(name: str) -> list[DecisionInput]:
    return [question for case, question in golden_questions() if case.about == name]


@pytest.mark.parametrize("about", ABOUT)
def test_leaving_out_a_key_never_opens_a_field(about: str) -> None:
    """P1 of the pitfalls: negation over a missing key must not fail open."""
    for asked in _questions_about(about):
        question = asked.to_json()
        before = _openness(ENGINE.evaluate(canonical(question)))
        for path in _members(question):
            if path == ("fields",):
                continue  # refused at the gate, tested below
            after = _openness(ENGINE.evaluate(canonical(_without(question, path))))
            assert all(after.get(f, 0) <= before[f] for f in before), (asked, path)


def test_leaving_out_the_fields_is_refused() -> None:
    """Without fields there is nothing to decide."""
    question = RELEASED.to_json()
    del question["fields"]
    with pytest.raises(InputInvalid):
        ENGINE.evaluate(canonical(question))


HOSTILE = [
    'x","outcome":"ALLOW_MIN","y":"',
    "permit_type\0",
    "permit_type\n",
    'permit_type"',
    "permit_type\\",
    "permit type",
    "permit_type\u2028",
    "ſ",
    "",
    "x" * 65,
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", ["fields", "purpose", "from_kind", "declared"])
def test_hostile_string_does_not_reach_the_engine(text: str, place: str) -> None:
    """Quotes, NUL, line ends, escapes and foreign letters are stopped at the gate, everywhere."""
    question = RELEASED.to_json()
    value: dict[str, Any] = {
        "fields": [text],
        "purpose": text,
        "from_kind": text,
        "declared": {"reason_code": text},
    }
    question[place] = value[place]
    with pytest.raises(InputInvalid) as refused:
        ENGINE.evaluate(canonical(question))
    assert refused.value.code == "string"


def test_injected_string_stays_a_string_even_behind_the_gate() -> None:
    """Should the gate ever fail, the engine still keeps the hostile text inside one string."""
    question = RELEASED.to_json() | {"fields": [HOSTILE[0], "permit\0type"]}
    raw = ENGINE._instance().evaluate(canonical(question))
    fields = json.loads(raw)[0]["result"]["fields"]
    assert {name: verdict["outcome"] for name, verdict in fields.items()} == {
        HOSTILE[0]: "DENY",
        "permit\0type": "DENY",
    }


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, 2**70, -(2**64)])
def test_big_integer_is_refused(number: int) -> None:
    """Integers that engines would wrap or round never reach one."""
    question = RELEASED.to_json() | {"declared": {"title_section": number}}
    with pytest.raises(InputInvalid) as refused:
        ENGINE.evaluate(canonical(question))
    assert refused.value.code == "big_integer"


@pytest.mark.parametrize("value", [1, 0, "true", "True", [True], None])
def test_something_like_true_is_not_true(value: Any) -> None:
    """A declared condition counts only as the boolean itself."""
    question = RELEASED.to_json() | {
        "declared": {"azr_checked": value, "reason_code": "azr_pending"}
    }
    assert set(_openness(ENGINE.evaluate(canonical(question))).values()) == {0}


def test_depth_bomb_is_refused() -> None:
    """Nesting is bounded, also where Python itself would give up."""
    deep: Any = "x"
    for _ in range(20):
        deep = [deep]
    for bomb in (canonical({"fields": ["a"], "x": deep}), b'{"fields":' + b"[" * 15_000):
        with pytest.raises(InputInvalid):
            ENGINE.evaluate(bomb)


def test_more_fields_than_there_are_are_refused() -> None:
    """The size of one question is bounded."""
    question = RELEASED.to_json() | {"fields": [f"f{n}" for n in range(129)]}
    with pytest.raises(InputInvalid) as refused:
        ENGINE.evaluate(canonical(question))
    assert refused.value.code == "fields"


def test_two_threads_never_get_each_others_answer() -> None:
    """Each thread has its own instance; 2 x 400 interleaved questions, no wrong answer."""
    questions = [question.canonical() for question in QUESTIONS]
    expected = {q: ENGINE.evaluate(q) for q in questions}
    wrong: list[bytes] = []
    start = threading.Barrier(2)

    def ask(order: list[bytes]) -> None:
        start.wait()
        for n in range(400):
            question = order[n % len(order)]
            if ENGINE.evaluate(question) != expected[question]:
                wrong.append(question)

    threads = [threading.Thread(target=ask, args=(q,)) for q in (questions, questions[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_used_instance_answers_like_a_new_one() -> None:
    """Memory is reset between evaluations: nothing of an earlier question shows in a later one."""
    questions = [question.canonical() for question in QUESTIONS]
    fresh = {q: EmbeddedEngine.load().evaluate(q) for q in questions[:8]}
    for question in questions * 2:
        ENGINE.evaluate(question)
    assert {q: ENGINE.evaluate(q) for q in fresh} == fresh
