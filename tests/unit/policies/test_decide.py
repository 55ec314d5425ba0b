# SPDX-License-Identifier: EUPL-1.2
"""The decider: memo, failing closed, narrowing, rules of the day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from policies.catalogue import Catalogue
from policies.decide import Decider, is_wider, load_decider, narrow, rules_of_the_day
from policies.engine.base import Answer
from policies.engine.embedded import EmbeddedEngine
from policies.errors import InputInvalid, PolicyUnavailable
from policies.model import (
    AgreementFacts,
    Decision,
    DecisionInput,
    FieldId,
    HolderFacts,
    Kind,
    Outcome,
    PurposeId,
    RuleId,
)

RELEASED = DecisionInput(
    from_kind=Kind("ABH"),
    to_kind=Kind("JC"),
    purpose=PurposeId("P04"),
    trigger="on_request",
    fields=(FieldId("permit_type"), FieldId("residence_status")),
    declared={"azr_checked": True, "reason_code": "azr_contradicts"},
    agreement=AgreementFacts(in_force=True),
)
DECIDER = load_decider()


class InsecureCountingEngine:
    """Counts how often the real engine is asked."""

    def __init__(self) -> None:
        self.inner = EmbeddedEngine.load()
        self.asked = 0
        self.bundle_digest = self.inner.bundle_digest
        self.name = self.inner.name

    def evaluate(self, canonical_json: bytes) -> list[Answer]:
        """Count and pass on."""
        self.asked += 1
        return self.inner.evaluate(canonical_json)


def test_equal_inputs_are_decided_once() -> None:
    """The memo answers an equal input, however its parts were ordered."""
    engine = InsecureCountingEngine()
    decider = Decider(engine, Catalogue.load())
    first = decider.decide(RELEASED)
    turned = replace(
        RELEASED,
        fields=RELEASED.fields[::-1],
        declared=dict(reversed(list(RELEASED.declared.items()))),
    )
    assert decider.decide(turned) == first
    assert engine.asked == 1


def test_the_memo_does_not_outlive_the_bundle() -> None:
    """Another rule set is another question."""
    engine = InsecureCountingEngine()
    decider = Decider(engine, Catalogue.load())
    decider.decide(RELEASED)
    engine.bundle_digest = "00"
    assert decider.decide(RELEASED).bundle == "00"
    assert engine.asked == 2


def test_the_memo_is_bounded() -> None:
    """The oldest answer is forgotten, the newest kept."""
    engine = InsecureCountingEngine()
    decider = Decider(engine, Catalogue.load(), memo_size=1)
    other = replace(RELEASED, to_kind=Kind("SOZ"))
    for question in (RELEASED, other, RELEASED, RELEASED):
        decider.decide(question)
    assert engine.asked == 3


def test_a_decision_names_what_it_rests_on() -> None:
    """Bundle, input digest, norms and retention class are there."""
    decision = DECIDER.decide(RELEASED)
    assert decision.bundle == DECIDER.bundle_digest
    assert decision.input_digest == RELEASED.digest()
    assert decision.retention == "log_12_months"
    assert decision.fields[0].norms == Catalogue.load().rule("R02").norms


def test_an_unreadable_input_is_not_a_refusal() -> None:
    """What the gate refuses is the caller's mistake, not an answer about anybody."""
    with pytest.raises(InputInvalid):
        DECIDER.decide(replace(RELEASED, purpose=PurposeId("P 04")))


def test_a_decision_survives_the_wire() -> None:
    """JSON and back gives the same decision."""
    decision = DECIDER.decide(RELEASED)
    assert Decision.from_json(decision.to_json()) == decision


def _outcomes(decision: Decision) -> list[Any]:
    return [(f.field, f.outcome.value, f.reason) for f in decision.fields]


def test_narrow_takes_away_only() -> None:
    """The holder's knowledge closes a field; the rest stands as the asker saw it."""
    theirs = DECIDER.decide(RELEASED)
    ours = DECIDER.decide(replace(RELEASED, holder=HolderFacts(secret_203=RELEASED.fields[:1])))
    both = narrow(theirs, ours)
    assert _outcomes(both) == [
        ("permit_type", "DENY", "secret_203"),
        ("residence_status", "ALLOW_MIN", "statute"),
    ]
    assert not is_wider(both, theirs)
    assert is_wider(theirs, both)


def test_narrow_never_widens_a_refusal() -> None:
    """A holder that would release more than the gateway decided changes nothing."""
    refused = DECIDER.decide(replace(RELEASED, agreement=AgreementFacts()))
    assert _outcomes(narrow(refused, DECIDER.decide(RELEASED))) == _outcomes(refused)
    assert is_wider(DECIDER.decide(RELEASED), refused)


def test_narrow_keeps_a_hold_over_a_release() -> None:
    """Held by one side, released by the other: held."""
    lapsed = DECIDER.decide(replace(RELEASED, lapsed=(RuleId("R02"),)))
    assert lapsed.overall is Outcome.HOLD_HUMAN
    for both in (
        narrow(lapsed, DECIDER.decide(RELEASED)),
        narrow(DECIDER.decide(RELEASED), lapsed),
    ):
        assert both.overall is Outcome.HOLD_HUMAN
        assert both.released == ()


def test_narrow_drops_fields_that_only_one_side_names() -> None:
    """A field the other side never decided is gone; nothing in common is an error."""
    one = DECIDER.decide(replace(RELEASED, fields=RELEASED.fields[:1]))
    other = DECIDER.decide(replace(RELEASED, fields=RELEASED.fields[1:]))
    assert narrow(DECIDER.decide(RELEASED), one).released_names == {"permit_type"}
    with pytest.raises(InputInvalid):
        narrow(one, other)
    assert is_wider(one, other)


@pytest.mark.parametrize(
    ("day", "lapsed"),
    [
        (date(2026, 11, 22), False),
        (date(2028, 12, 31), False),
        (date(2029, 1, 1), True),
        (date(2026, 8, 18), True),
    ],
)
def test_rules_lapse_by_the_day(day: date, lapsed: bool) -> None:  # noqa: FBT001 - pytest passes it
    """The first and the last day count; before and after, a statute needs a clerk."""
    rules = rules_of_the_day(Catalogue.load(), day)
    assert (RuleId("R02") in rules) is lapsed
    expected = Outcome.HOLD_HUMAN if lapsed else Outcome.ALLOW_MIN
    assert DECIDER.decide(replace(RELEASED, lapsed=rules)).overall is expected


def test_a_lapsed_prohibition_stays() -> None:
    """Past its date a prohibition still prohibits."""
    question = DecisionInput(
        from_kind=Kind("SCHULE"),
        to_kind=Kind("ABH"),
        purpose=PurposeId("P02"),
        trigger="on_request",
        fields=(FieldId("school_attendance"),),
        agreement=AgreementFacts(in_force=True),
        holder=HolderFacts(released_by_source=True),
        lapsed=tuple(Catalogue.load().rules),
    )
    assert DECIDER.decide(question).overall is Outcome.DENY


@dataclass(frozen=True, slots=True)
class InsecureEngine:
    """An engine that answers what it is told to."""

    answers: list[Answer]
    name: str = "insecure"
    bundle_digest: str = "00"

    def evaluate(self, canonical_json: bytes) -> list[Answer]:  # noqa: ARG002 - protocol
        """Return the prepared answers."""
        return self.answers


def _answer(field: str, outcome: str, rule: str, reason: str = "statute") -> Answer:
    return Answer(field=field, outcome=outcome, rule=rule, reason=reason, reasons=[reason])


LIES = {
    "nothing": [],
    "one field too few": [_answer("permit_type", "ALLOW_MIN", "R02")],
    "one field too many": [
        _answer(f, "ALLOW_MIN", "R02") for f in ("birth_date", "permit_type", "residence_status")
    ],
    "other fields": [_answer(f, "ALLOW_MIN", "R02") for f in ("birth_date", "work_area")],
    "a rule that does not list the field": [
        _answer(f, "ALLOW_MIN", "R40") for f in ("permit_type", "residence_status")
    ],
    "an unknown rule": [_answer(f, "DENY", "R99") for f in ("permit_type", "residence_status")],
    "an unknown outcome": [_answer(f, "SURE", "R02") for f in ("permit_type", "residence_status")],
    "an unknown reason": [
        _answer(f, "DENY", "R02", "why_not") for f in ("permit_type", "residence_status")
    ],
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_engine_releases_nothing(lie: str) -> None:
    """An answer that is not about exactly the asked fields, in known codes, is no decision."""
    with pytest.raises(PolicyUnavailable):
        Decider(InsecureEngine(LIES[lie]), Catalogue.load()).decide(RELEASED)


class InsecureBrokenEngine:
    """An engine that breaks."""

    name = "broken"
    bundle_digest = "00"

    def evaluate(self, canonical_json: bytes) -> list[Answer]:  # noqa: ARG002 - protocol
        """Break."""
        raise RuntimeError


def test_a_broken_engine_releases_nothing() -> None:
    """Any accident inside the engine becomes "no decision", and is not remembered as one."""
    decider = Decider(InsecureBrokenEngine(), Catalogue.load())
    for _ in range(2):
        with pytest.raises(PolicyUnavailable):
            decider.decide(RELEASED)
