# SPDX-License-Identifier: EUPL-1.2
"""Attacks on the decision: missing keys, injected strings, shared memory, lying engines."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from policies.catalogue import Catalogue
from policies.engine.base import Answer
from policies.engine.embedded import EmbeddedEngine
from policies.errors import InputInvalid
from policies.model import (
    PERMISSION_TYPES,
    AgreementFacts,
    DecisionInput,
    FieldId,
    HolderFacts,
    Kind,
    PermissionFact,
    PermissionFacts,
    PurposeId,
    RuleId,
    Trigger,
    canonical,
)
from policies.rules import Rule
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


def test_fifty_one_fields_are_refused() -> None:
    """The size of one question is bounded."""
    question = RELEASED.to_json() | {"fields": [f"f{n}" for n in range(51)]}
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


_IDENTIFIERS = (FieldId("pension_no"), FieldId("tax_idnr"))
"""Identifiers that no rule lists on any route."""


def _trigger_of(rule: Rule) -> Trigger:
    return "spontaneous" if rule.triggers == ("spontaneous",) else "on_request"


def _routes() -> Iterator[tuple[RuleId, DecisionInput]]:
    """Every prohibition that ships, at every sender, recipient, purpose and trigger it names."""
    catalogue = Catalogue.load()
    kinds, purposes = ["ABH", "JC", "MBE", "SCHULE", "MELDE"], ["P02", "P04"]
    for rule in catalogue.rules.values():
        if rule.mode != "prohibited" or rule.id == "R73":
            continue
        for from_kind in rule.from_kinds if rule.from_kinds != ("*",) else kinds:
            for to_kind in rule.to_kinds if rule.to_kinds != ("*",) else kinds:
                for purpose in rule.purposes if rule.purposes != ("*",) else purposes:
                    yield (
                        rule.id,
                        DecisionInput(
                            from_kind=Kind(from_kind),
                            to_kind=Kind(to_kind),
                            purpose=PurposeId(purpose),
                            trigger=_trigger_of(rule),
                            fields=_IDENTIFIERS if rule.id == "R45" else rule.fields,
                            agreement=AgreementFacts(
                                in_force=True,
                                undertaking_78=True,
                                approval_79=True,
                                recipient_abroad=rule.id == "R69",
                            ),
                            holder=HolderFacts(
                                info_block=rule.id == "R41",
                                secret_203=rule.fields if rule.id == "R64" else (),
                            ),
                        ),
                    )


def test_no_permission_and_no_clerk_opens_a_prohibition() -> None:
    """Every prohibited field stays closed with all six permissions and a human release (P3)."""
    count = 0
    for rule, closed in _routes():
        everything = PermissionFact("in_force", closed.fields)
        opened = replace(
            closed,
            declared={
                "azr_checked": True,
                "reason_code": "azr_pending",
                "azr_insufficient": True,
                "decision": "grant_25b",
                "subject_count": 1,
                "uploaded_by_subject": True,
            },
            permission=PermissionFacts(**dict.fromkeys(PERMISSION_TYPES, everything)),
            holder=replace(closed.holder, released_by_source=True, released_by_head=True),
        )
        for question in (closed, opened):
            answers = ENGINE.evaluate(question.canonical())
            assert set(_openness(answers).values()) == {0}, (rule, question)
            count += 1
    assert count > 300


@pytest.mark.parametrize("about", ABOUT)
def test_what_the_holder_knows_can_only_close(about: str) -> None:
    """Block, secrecy tags, lapsed rules and lost agreements never open a field."""
    for question in _questions_about(about):
        _can_only_close(question)


def _can_only_close(question: DecisionInput) -> None:
    before = _openness(ENGINE.evaluate(question.canonical()))
    holder = question.holder
    closing = [
        replace(question, holder=replace(holder, info_block=True)),
        replace(question, holder=replace(holder, secret_203=question.fields)),
        replace(question, holder=replace(holder, entrusted_65=question.fields)),
        replace(question, lapsed=tuple(Catalogue.load().rules)),
        replace(question, agreement=AgreementFacts()),
        replace(question, permission=PermissionFacts()),
    ]
    for changed in closing:
        after = _openness(ENGINE.evaluate(changed.canonical()))
        assert all(after[f] <= before[f] for f in before)


@pytest.mark.parametrize("state", ["none", "expired", "withdrawn", "used"])
def test_a_permission_that_is_not_in_force_is_worth_nothing(state: Any) -> None:
    """Withdrawn, expired and used permissions release exactly what no permission releases."""
    for question in QUESTIONS:
        dead = PermissionFact(state, question.fields)
        killed = replace(
            question, permission=PermissionFacts(**dict.fromkeys(PERMISSION_TYPES, dead))
        )
        without = replace(question, permission=PermissionFacts())
        assert _openness(ENGINE.evaluate(killed.canonical())) == _openness(
            ENGINE.evaluate(without.canonical())
        )
