# SPDX-License-Identifier: EUPL-1.2
"""Inputs and decisions: canonical, frozen, strict on the way in."""

from __future__ import annotations

import copy
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import InputInvalid
from policies.model import (
    OVERALL_ORDER,
    Decision,
    DecisionInput,
    FieldDecision,
    FieldId,
    HolderFacts,
    Kind,
    NormId,
    Outcome,
    PermissionFact,
    PurposeId,
    ReasonCode,
    RuleId,
    overall_of,
)

QUESTION = DecisionInput(
    from_kind=Kind("ABH"),
    to_kind=Kind("JC"),
    purpose=PurposeId("P04"),
    trigger="on_request",
    fields=(FieldId("permit_type"), FieldId("birth_date"), FieldId("work_area")),
    declared={"azr_checked": True},
)


def test_the_order_of_fields_does_not_matter() -> None:
    """Every permutation, also with repeats, has the same digest."""
    digests = {
        DecisionInput(
            from_kind=QUESTION.from_kind,
            to_kind=QUESTION.to_kind,
            purpose=QUESTION.purpose,
            trigger=QUESTION.trigger,
            fields=order + order[:1],
            declared=QUESTION.declared,
        ).digest()
        for order in permutations(QUESTION.fields)
    }
    assert digests == {QUESTION.digest()}


def test_the_digest_is_pinned() -> None:
    """The canonical form is part of the wire format; a change of it must be seen."""
    assert QUESTION.canonical().startswith(b'{"agreement":{"approval_79":false,"in_force":false,')
    assert QUESTION.digest() == "9a20e8fa5d62e722897a529e33633102ad359c47551177ce528d05a6e0c9401c"


def test_an_input_survives_the_wire() -> None:
    """JSON and back gives an equal input."""
    assert DecisionInput.from_json(QUESTION.to_json()) == QUESTION


def test_an_input_cannot_be_changed_afterwards() -> None:
    """The declared codes are a copy, and read only."""
    declared = {"azr_checked": True}
    question = DecisionInput(Kind("ABH"), Kind("JC"), PurposeId("P04"), "push", (), declared)
    declared["azr_checked"] = False
    assert question.declared["azr_checked"] is True
    with pytest.raises(TypeError):
        question.declared["azr_checked"] = False  # type: ignore[index]  # the attack


def test_facts_are_sorted() -> None:
    """Equal facts are equal, in whatever order they came."""
    one, two = FieldId("a"), FieldId("b")
    assert PermissionFact("in_force", (two, one, two)) == PermissionFact("in_force", (one, two))
    assert HolderFacts(secret_203=(two, one)) == HolderFacts(secret_203=(one, two))
    assert HolderFacts(entrusted_65=(two, one)) == HolderFacts(entrusted_65=(one, two))


def _changed(path: tuple[str, ...], value: Any) -> Any:
    document: Any = copy.deepcopy(QUESTION.to_json())
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    if value is _GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return document


_GONE = object()


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("from_kind",), _GONE, "missing_key"),
        (("holder", "info_block"), _GONE, "missing_key"),
        (("holder", "info_block"), 0, "wrong_type"),
        (("holder", "released_by_head"), None, "wrong_type"),
        (("permission", "retrieval_confirmed"), _GONE, "missing_key"),
        (("agreement", "recipient_abroad"), _GONE, "missing_key"),
        (("permission", "consent"), _GONE, "missing_key"),
        (("extra",), 1, "unknown_key"),
        (("holder", "extra"), 1, "unknown_key"),
        (("permission", "extra"), {"state": "none", "fields": []}, "unknown_key"),
        (("permission", "consent", "extra"), 1, "unknown_key"),
        (("agreement", "extra"), True, "unknown_key"),
        (("agreement", "in_force"), 1, "wrong_type"),
        (("agreement",), None, "not_an_object"),
        (("fields",), "permit_type", "wrong_type"),
        (("fields",), [1], "wrong_type"),
        (("fields",), ["a", "a"], "duplicate_entry"),
        (("declared",), [], "wrong_type"),
        (("declared",), {"x": None}, "wrong_type"),
        (("declared",), {"x": 1.5}, "wrong_type"),
        (("trigger",), "soon", "unknown_trigger"),
        (("purpose",), 4, "wrong_type"),
        (("permission", "consent", "state"), "given", "unknown_state"),
    ],
)
def test_a_foreign_input_is_read_strictly(path: tuple[str, ...], value: Any, code: str) -> None:
    """Missing, unknown, mistyped and doubled members are refused with a code."""
    with pytest.raises(InputInvalid) as refused:
        DecisionInput.from_json(_changed(path, value))
    assert refused.value.code == code


def _field(name: str, outcome: Outcome) -> FieldDecision:
    return FieldDecision(
        FieldId(name), outcome, RuleId("R73"), (NormId("gdpr-6-i"),), ReasonCode("no_rule")
    )


def _decision(*fields: FieldDecision) -> Decision:
    overall = overall_of(f.outcome for f in fields)
    return Decision(fields, overall, RuleId("R73"), "00", "11", "log_12_months")


def test_every_field_is_in_exactly_one_group() -> None:
    """Released, held, neutral and withheld divide the fields."""
    fields = [_field(f"f{n:02}", outcome) for n, outcome in enumerate(Outcome)]
    decision = _decision(*fields)
    groups = (decision.released, decision.held, decision.neutral, decision.withheld)
    assert sorted(f.field for group in groups for f in group) == [f.field for f in fields]
    assert decision.released_names == {"f00"}
    assert decision.field("f00") is fields[0]
    assert decision.field("f99") is None
    assert (decision.rules, decision.reasons) == (("R73",), ("no_rule",))


@given(st.lists(st.sampled_from(list(Outcome)), min_size=1))
def test_the_overall_outcome_is_the_first_of_the_order(outcomes: list[Outcome]) -> None:
    """Whatever the fields say, the overall outcome is one of theirs, and the earliest."""
    overall = overall_of(outcomes)
    assert overall in outcomes
    assert all(OVERALL_ORDER.index(overall) <= OVERALL_ORDER.index(o) for o in outcomes)


def test_the_order_names_every_outcome_once() -> None:
    """No outcome is forgotten; nothing at all is a denial."""
    assert sorted(OVERALL_ORDER) == sorted(Outcome)
    assert overall_of([]) is Outcome.DENY


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"overall": "ALLOW_MIN"}, "overall_disagrees"),
        ({"overall": "PERHAPS"}, "unknown_outcome"),
        ({"extra": 1}, "unknown_key"),
        ({"fields": []}, "fields_not_sorted"),
    ],
)
def test_a_foreign_decision_is_read_strictly(change: dict[str, Any], code: str) -> None:
    """A decision whose parts contradict each other is refused."""
    document = _decision(_field("a", Outcome.DENY), _field("b", Outcome.DENY)).to_json()
    with pytest.raises(InputInvalid) as refused:
        Decision.from_json(document | change)
    assert refused.value.code == code


def test_a_decision_with_fields_out_of_order_is_refused() -> None:
    """Order and repetition of fields are fixed, so that equal decisions are equal bytes."""
    for fields in ("ba", "aa"):
        document = _decision(*(_field(name, Outcome.DENY) for name in fields)).to_json()
        with pytest.raises(InputInvalid):
            Decision.from_json(document)


def test_reasons_begin_with_the_reason_that_is_shown() -> None:
    """The primary reason is the first of the list, also on the wire."""
    document = _field("a", Outcome.DENY).to_json()
    assert document["reasons"] == ["no_rule"]
    with pytest.raises(InputInvalid):
        FieldDecision.from_json(document | {"reason": "statute"})
