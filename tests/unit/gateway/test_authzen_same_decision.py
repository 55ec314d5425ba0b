# SPDX-License-Identifier: EUPL-1.2
"""An evaluation is `lotse policy decide` in other words: generated cases, asked in both ways."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from keys.agencylist import Agreement
from keys.model import AgencyId
from policies.answer import answer
from policies.case import read_case
from policies.catalogue import Catalogue
from policies.favourable import FAVOURABLE
from policies.model import SENDER_TRIGGERS, TRIGGERS
from policies.rules import Rule
from tests.support.connectors import shared_decider
from tests.support.evaluations import Face, FewAgencies, caller

CATALOGUE = Catalogue.load()
RULES = list(CATALOGUE.rules.values())
BY_LAW = [rule for rule in RULES if rule.outcome == "ALLOW_MIN" and not rule.rests_on_person]
"""Rules that release without any act of a person: what an evaluation can say yes to."""
THERE = "other.there"
FLAGS = (
    "undertaking_78",
    "approval_79",
    "pilot_agreed",
    "state_law_basis",
    "recipient_abroad",
)


def _one_of(chance: Any, named: Any, everything: Any) -> str:
    """Mostly what the rule names, so that routes fit more often than chance would have it."""
    choices = [name for name in named if name != "*"]
    if not choices or chance.random() < 0.05:
        choices = sorted(everything)
    return str(chance.choice(choices))


def _declared(chance: Any, case: dict[str, Any], kind: str) -> dict[str, Any]:
    """Facts that the caller may state, most of them favourable ones."""
    side = "sender" if case["trigger"] in SENDER_TRIGGERS else "asker"
    facts: dict[str, Any] = {}
    left_out = chance.choice([0, 0.1, 0.5])
    for name, code in CATALOGUE.declared.items():
        if side not in code.asserted_by or not code.may_assert(kind) or chance.random() < left_out:
            continue
        values: list[Any] = [v for v in code.values if v != ""] or list(code.span)[:9]
        values = values or [True, False]
        usual = {**FAVOURABLE, "obliging_body": case["to"], "azr_available": True}.get(name)
        facts[name] = usual if usual in values and chance.random() < 0.9 else chance.choice(values)
    return facts


def _case(chance: Any) -> tuple[dict[str, Any], dict[str, Any], str, dict[str, bool] | None]:
    """A case, the evaluation that means it, the caller's kind, and what the list has agreed."""
    rule: Rule = chance.choice(chance.choice([RULES, BY_LAW]))
    case: dict[str, Any] = {
        "from": _one_of(chance, rule.from_kinds, CATALOGUE.agencies),
        "to": _one_of(chance, rule.to_kinds, CATALOGUE.agencies),
        "purpose": _one_of(chance, rule.purposes, CATALOGUE.purposes),
        "trigger": _one_of(chance, rule.triggers, TRIGGERS),
    }
    listed = [name for name in rule.fields if name in CATALOGUE.fields] or sorted(CATALOGUE.fields)
    fields = [chance.choice(listed) for _ in range(chance.randint(1, 3))]
    if chance.random() < 0.2:
        fields.append(chance.choice(sorted(CATALOGUE.fields)))
    case["fields"] = fields
    pushed = case["trigger"] in SENDER_TRIGGERS
    own, other = ("from", "to") if pushed else ("to", "from")
    case["declared"] = _declared(chance, case, case[own])
    agreed: dict[str, bool] | None = None
    if chance.random() < 0.5:
        agreed = {name: chance.random() < 0.7 for name in FLAGS}
        agreed["recipient_abroad"] = chance.random() < 0.1
        agreed["in_force"] = chance.random() < 0.9
        names = {"undertaking_78": "recipient_undertaking_78"}
        case["agreement"] = {
            names.get(name, name): value and agreed["in_force"] for name, value in agreed.items()
        }
    evaluation = {
        "subject": {"type": "agency", "id": case[own]},
        "action": {
            "name": "deliver" if pushed else "read",
            "properties": {"purpose": case["purpose"], "trigger": case["trigger"]},
        },
        "resource": {
            "type": "agency-data",
            "id": case[other] if agreed is None else THERE,
            "properties": {"fields": fields},
        },
        "context": case["declared"],
    }
    return case, evaluation, case[own], agreed


def _face(case: dict[str, Any], kind: str, agreed: dict[str, bool] | None) -> Face:
    """A gateway whose list has the other agency, and the agreement that was drawn."""
    pushed = case["trigger"] in SENDER_TRIGGERS
    here = caller(kind).agency
    route = (here, THERE) if pushed else (THERE, here)
    few = FewAgencies({THERE: case["to" if pushed else "from"]})
    if agreed is not None and agreed["in_force"]:
        facts = {name: agreed[name] for name in FLAGS}
        few.agreements[route] = Agreement(
            id="one",
            source=AgencyId(route[0]),
            recipient=AgencyId(route[1]),
            purposes=("P01",),
            valid_from=0,
            valid_until=2**40,
            **facts,
        )
    return Face(shared_decider(), agencies=few)


def _ask(face: Face, evaluation: dict[str, Any], kind: str) -> dict[str, Any]:
    asked = face.evaluations().one(caller(kind), evaluation)
    try:
        asked.send(None)  # the embedded engine decides at once: nothing is waited for
    except StopIteration as done:
        return cast("dict[str, Any]", done.value)
    raise AssertionError("an answer that waits")


def test_the_answer_is_that_of_policy_decide() -> None:
    """Property: outcome, fields, reasons, policy; and a yes exactly if every field is released."""
    decider = shared_decider()
    seen: Counter[object] = Counter()

    @settings(max_examples=200, deadline=None, derandomize=True, database=None)
    @given(st.randoms(use_true_random=True))
    def same(chance: Any) -> None:
        case, evaluation, kind, agreed = _case(chance)
        face = _face(case, kind, agreed)
        now = dt.datetime.fromtimestamp(face.clock(), tz=dt.UTC)
        expected: Any = answer(
            decider.decide(read_case(case, CATALOGUE, now=now).question), decider
        )
        got = _ask(face, evaluation, kind)
        context = got["context"]
        assert {name: context[name] for name in ("outcome", "fields", "policy")} == {
            name: expected[name] for name in ("outcome", "fields", "policy")
        }
        outcomes = {field["outcome"] for field in context["fields"].values()}
        assert got["decision"] is (outcomes == {"ALLOW_MIN"})
        duties = [duty["id"] for duty in context["obligations"]]
        wanted = [duty["id"] for duty in expected["obligations"]]
        assert duties == (["ask_through_exchange", *wanted] if got["decision"] else [])
        assert context["agreement"] == ("assumed" if agreed is None else "listed")
        assert context["ignored"] == 0
        again = read_case(context["case"], CATALOGUE, now=now)
        assert again.question.digest() == context["policy"]["input"]
        seen.update([got["decision"], *outcomes])

    same()
    assert min(seen[True], seen[False]) > 40, seen
    assert seen.keys() >= {"ALLOW_MIN", "HOLD_HUMAN", "NEED_CONSENT", "DENY"}, seen


def test_leaving_out_what_was_declared_opens_nothing() -> None:
    """Property: what the gateway does not read, because it is misspelt, never makes a yes."""
    tried: Counter[str] = Counter()

    @settings(max_examples=25, deadline=None, derandomize=True, database=None)
    @given(st.randoms(use_true_random=True))
    def narrower(chance: Any) -> None:
        case, evaluation, kind, agreed = _case(chance)
        face = _face(case, kind, agreed)
        before = _ask(face, evaluation, kind)["decision"]
        for name in evaluation["context"]:
            misspelt = {
                f"{key}_" if key == name else key: value
                for key, value in evaluation["context"].items()
            }
            after = _ask(face, {**evaluation, "context": misspelt}, kind)
            assert after["context"]["ignored"] == 1
            assert before or not after["decision"], (case, name)
            tried[f"{before} {after['decision']}"] += 1

    narrower()
    assert tried["True False"] > 0, tried
