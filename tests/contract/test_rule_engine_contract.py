# SPDX-License-Identifier: EUPL-1.2
"""One suite for every rule engine: the reviewed cases, and agreement with OPA itself.

Three implementations: the module inside this process, `opa eval` as the oracle, and a real OPA
server as it is shipped (tests/support/opa_server.py), which verifies a signed release at its start.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.bundle import Bundle
from policies.catalogue import Catalogue
from policies.check import answered, compare
from policies.decide import Decider
from policies.engine.base import Answer, RuleEngine
from policies.engine.opa import OpaEngine
from policies.errors import EngineFailed, InputInvalid
from policies.generate import Inventor
from policies.inputs import canonical
from policies.model import PERMISSION_STATES, PERMISSION_TYPES, TRIGGERS
from tests.contract.rule_engines import OpaEval, embedded, golden_questions

CATALOGUE = Catalogue.load()
QUESTIONS = [question.canonical() for _, question in golden_questions()]


@pytest.fixture(scope="module", params=["embedded", "opa-eval", "opa-server"])
def engine(request: pytest.FixtureRequest) -> RuleEngine:
    """Each implementation in turn; OPA is the oracle."""
    if request.param == "embedded":
        return embedded()
    if request.param == "opa-server":
        server: OpaEngine = request.getfixturevalue("opa_engine")
        return server
    return OpaEval(request.getfixturevalue("opa"))


class _Said:
    """An engine that repeats what another one said."""

    name = "said before"
    bundle_digest = Bundle.load().digest

    def __init__(self, answers: dict[bytes, list[Answer]]) -> None:
        self._answers = answers

    def evaluate(self, canonical_json: bytes) -> list[Answer]:
        """Give the answer of before."""
        if canonical_json not in self._answers:
            raise EngineFailed("undefined")
        return self._answers[canonical_json]


def _all_answers(engine: RuleEngine, questions: Sequence[bytes]) -> list[list[Answer] | None]:
    if isinstance(engine, OpaEval):
        return engine.evaluate_all(questions)
    answers = [answered(engine, question) for question in questions]
    return [None if isinstance(answer, str) else answer for answer in answers]


def test_every_reviewed_case_is_decided_as_the_law_text_says(engine: RuleEngine) -> None:
    """Outcome, rule and reason of every field are those that people wrote down."""
    answers = zip(QUESTIONS, _all_answers(engine, QUESTIONS), strict=True)
    said = _Said({question: answer for question, answer in answers if answer is not None})
    decider = Decider(said, CATALOGUE)
    wrong = [
        case.id
        for case, question in golden_questions()
        if not case.agrees(decider.decide(question))
    ]
    assert wrong == []
    assert len(QUESTIONS) > 200


def test_it_names_itself_and_its_rules(engine: RuleEngine) -> None:
    """The log gets a name, and the digest of exactly the bundle that ships."""
    assert engine.name.startswith("opa-")
    assert engine.bundle_digest == Bundle.load().digest


def test_equal_questions_have_equal_answers(engine: RuleEngine) -> None:
    """Asking again, after other questions, changes nothing."""
    questions = QUESTIONS[::200]
    first = [engine.evaluate(q) for q in questions]
    assert [engine.evaluate(q) for q in reversed(questions)] == list(reversed(first))


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b'{"fields":["a"], "x":1}', "not_canonical"),
        (b'{"a":1,"a":2,"fields":["a"]}', "not_canonical"),
        (b'{"fields":["a"],"x":1.5}', "float"),
        (b'{"fields":["a"],"x":NaN}', "float"),
        (b'{"fields":["a"],"x":9007199254740993}', "big_integer"),
        (b'{"fields":["a\\u0000"]}', "string"),
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


def test_threads_never_get_each_others_answer(engine: RuleEngine) -> None:
    """Four threads ask different questions at once; every answer belongs to its question."""
    questions = QUESTIONS[:: 400 if isinstance(engine, OpaEval) else 20]
    expected = {question: engine.evaluate(question) for question in questions}
    wrong: list[bytes] = []

    def ask(order: Sequence[bytes]) -> None:
        wrong.extend(q for q in order if engine.evaluate(q) != expected[q])

    orders = [questions[n:] + questions[:n] for n in range(4)]
    threads = [threading.Thread(target=ask, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("seed", range(2))
def test_the_engines_agree_on_invented_and_broken_questions(
    opa_engine: OpaEngine, seed: int
) -> None:
    """Four questions from each rule; as they are, with a member gone or null, with one mistyped."""
    inventor = Inventor(CATALOGUE, seed)
    ours = embedded()
    count = 4 * len(CATALOGUE.rules)
    compared = compare(
        Decider(ours, CATALOGUE), [ours, opa_engine], inventor.questions(count), inventor
    )
    assert compared.cases == count
    assert compared.differences == []
    assert compared.widenings == []


def test_the_oracle_agrees_too(opa: Path) -> None:
    """`opa eval` reads the sources, not a bundle: the build has changed nothing."""
    inventor = Inventor(CATALOGUE, 99)
    corpus = []
    for question in inventor.questions(3 * len(CATALOGUE.rules)):
        corpus += [question.canonical(), inventor.broken(question)]
    oracle = OpaEval(opa).evaluate_all(corpus)
    ours = _all_answers(embedded(), corpus)
    assert [q for q, a, b in zip(corpus, oracle, ours, strict=True) if a != b] == []


_fields = st.lists(
    st.sampled_from([*sorted(CATALOGUE.fields), "no_such_field"]),
    min_size=1,
    max_size=12,
    unique=True,
).map(sorted)
_flag = st.booleans()
_values = {
    code.id: _flag
    if set(code.values) == {True, False}
    else st.sampled_from([*code.values, "no_such_code"])
    for code in CATALOGUE.declared.values()
    if code.values
}
_permission = st.fixed_dictionaries(
    {"state": st.sampled_from(sorted(PERMISSION_STATES)), "fields": _fields}
)

questions = st.fixed_dictionaries(
    {
        "from_kind": st.sampled_from([*sorted(CATALOGUE.agencies), "NOBODY"]),
        "to_kind": st.sampled_from([*sorted(CATALOGUE.agencies), "NOBODY"]),
        "purpose": st.sampled_from([*sorted(CATALOGUE.purposes), "P99"]),
        "trigger": st.sampled_from(sorted(TRIGGERS)),
        "fields": _fields,
        "declared": st.fixed_dictionaries({}, optional=_values),
        "agreement": st.fixed_dictionaries(
            {
                "in_force": st.sampled_from([True, True, True, False]),
                "undertaking_78": _flag,
                "approval_79": _flag,
                "pilot_agreed": _flag,
                "state_law_basis": _flag,
                "recipient_abroad": _flag,
            }
        ),
        "permission": st.fixed_dictionaries(
            {**dict.fromkeys(PERMISSION_TYPES, _permission), "retrieval_confirmed": _flag}
        ),
        "holder": st.fixed_dictionaries(
            {
                "info_block": st.sampled_from([False, False, True, None]),
                "released_by_source": _flag,
                "released_by_head": _flag,
                "secret_203": st.just([]) | _fields,
                "entrusted_65": st.just([]) | _fields,
            }
        ),
        "lapsed": st.lists(st.sampled_from(sorted(CATALOGUE.rules)), unique=True, max_size=3).map(
            sorted
        ),
    }
)
_REMOVED: Any = object()
_REPLACEMENTS: list[Any] = [_REMOVED, None, True, False, 0, 7, "x", [], {}, ["x"], {"x": 1}]


def _paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of every member of every object below ``value``, but of the asked fields."""
    if isinstance(value, dict):
        for name, member in value.items():
            if (*path, name) != ("fields",):
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


@settings(
    max_examples=300,
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data(), question=questions)
def test_the_engines_agree_on_any_shape(
    opa_engine: OpaEngine, data: st.DataObject, question: dict[str, Any]
) -> None:
    """Whatever Hypothesis makes up, and the same with one member removed or replaced."""
    ours = embedded()
    path = data.draw(st.sampled_from(sorted(_paths(question))))
    replacement = data.draw(st.sampled_from(range(len(_REPLACEMENTS))))
    mutated = _mutated(question, path, _REPLACEMENTS[replacement])
    for source in (canonical(question), canonical(mutated)):
        assert answered(ours, source) == answered(opa_engine, source), source
