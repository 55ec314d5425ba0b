# SPDX-License-Identifier: EUPL-1.2
"""Past decisions asked again: the same under the same rules, and counted under others."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.decide import Decider
from policies.engine.base import Answer, RuleEngine
from policies.errors import EngineFailed
from policies.generate import Inventor
from policies.model import Decision, FieldDecision, FieldId, Outcome, ReasonCode, RuleId
from policies.replay import ORDER, Cell, Change, Repetition, WhatIf, changes, place_of
from policies.stored import StoredDecision
from tests.support.lookback import (
    DAY,
    decider_of,
    narrowed,
    statutory,
    stored,
    today,
    widened,
)

SEEDS = st.integers(min_value=0, max_value=2**32)
STATUS = "residence_status"
NUMBER = "azr_number"


def _same_engine(digest: str) -> RuleEngine | None:
    engine = today()._engine
    return engine if digest == engine.bundle_digest else None


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_under_the_same_rules_nothing_changes(seed: int) -> None:
    """For invented questions about every rule: no change at all, and every answer as it was."""
    again = decider_of(today().bundle_digest)
    what_if, repetition = WhatIf(today(), again), Repetition(_same_engine)
    count = len(today().catalogue.rules)
    for question in Inventor(today().catalogue, seed).questions(count):
        record = stored(question)
        what_if.take(record)
        repetition.take(record)
    assert what_if.counts == Counter()
    assert not what_if.widens
    assert repetition.identical == repetition.decisions == count
    assert repetition.differences == {}


def test_a_wider_list_of_fields_is_seen_first() -> None:
    """The one field that would be released, by route and purpose, with the duty that comes along."""
    what_if = WhatIf(today(), decider_of(widened().digest))
    what_if.take(stored(statutory(STATUS, NUMBER), times=9))
    what_if.take(stored(statutory(NUMBER), times=2))
    what_if.take(stored(statutory(STATUS), times=100))
    assert what_if.counts[Cell(Change.DENY_TO_ALLOW, "ABH", "JC", "P04", NUMBER)] == 11
    assert {cell.change for cell in what_if.counts} <= {Change.DENY_TO_ALLOW, Change.DUTY_GAINED}
    assert what_if.decisions == 111
    assert what_if.widens


def test_a_narrower_list_of_fields_is_no_widening() -> None:
    """Released today and refused tomorrow; the obligations fall away with the last field."""
    what_if = WhatIf(today(), decider_of(narrowed().digest))
    what_if.take(stored(statutory(STATUS), times=6))
    assert what_if.counts[Cell(Change.ALLOW_TO_DENY, "ABH", "JC", "P04", STATUS)] == 6
    assert not what_if.widens
    lost = [cell for cell in what_if.counts if cell.change is Change.DUTY_LOST]
    assert lost


def test_old_decisions_are_put_to_the_rules_of_today_as_well() -> None:
    """What counts is today against the candidate, whatever had decided back then."""
    what_if = WhatIf(today(), decider_of(widened().digest))
    record = stored(statutory(NUMBER), by=decider_of(widened().digest))
    what_if.take(record)
    assert what_if.counts[Cell(Change.DENY_TO_ALLOW, "ABH", "JC", "P04", NUMBER)] == 1


def test_a_rule_counts_by_its_dates_on_the_day_of_the_record() -> None:
    """Far in the future the statutory rules have lapsed: the day decides, or the one that is named."""
    later = dt.date(2040, 1, 1)
    question = statutory(STATUS)
    again = decider_of(widened().digest)
    then = WhatIf(today(), again)
    then.take(stored(question, by=decider_of(narrowed().digest)))
    assert then.counts == Counter()
    record = stored(question, day=later, by=decider_of(narrowed().digest))
    lapsed = WhatIf(decider_of(narrowed().digest), again, as_of=later)
    lapsed.take(record)
    assert {cell.change for cell in lapsed.counts} & {Change.DENY_TO_HOLD}


def test_a_question_of_another_version_is_counted_as_unreadable() -> None:
    """A question with facts that this version does not know is not guessed at."""
    record = stored(statutory(STATUS), times=4)
    other = replace(record, source=record.source.replace(b'"trigger"', b'"unknown":1,"trigger"'))
    what_if = WhatIf(today(), today())
    what_if.take(other)
    assert (what_if.decisions, what_if.unreadable, what_if.counts) == (4, 4, Counter())


class InsecureMuteEngine:
    """Cannot decide anything."""

    name = "mute/1"
    bundle_digest = "0" * 64

    def evaluate(self, canonical_json: bytes) -> list[Answer]:
        """Fail."""
        del canonical_json
        raise EngineFailed("trapped")


def test_a_candidate_that_cannot_decide_is_told() -> None:
    """Not as a refusal: as what it is."""
    what_if = WhatIf(today(), Decider(InsecureMuteEngine(), today().catalogue))
    what_if.take(stored(statutory(STATUS)))
    assert list(what_if.counts) == [Cell(Change.NOT_DECIDED, "ABH", "JC", "P04", "*")]


def _answer(outcome: Outcome, rule: str = "R02", reason: str = "statute") -> Decision:
    field = FieldDecision(FieldId(STATUS), outcome, RuleId(rule), (), ReasonCode(reason))
    return Decision((field,), outcome, RuleId(rule), "0" * 64, "0" * 64, "log_6_months")


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (Outcome.DENY, Outcome.ALLOW_MIN, Change.DENY_TO_ALLOW),
        (Outcome.NEUTRAL, Outcome.ALLOW_MIN, Change.DENY_TO_ALLOW),
        (Outcome.NEED_CONSENT, Outcome.ALLOW_MIN, Change.DENY_TO_ALLOW),
        (Outcome.ALLOW_MIN, Outcome.REDIRECT_AZR, Change.ALLOW_TO_DENY),
        (Outcome.HOLD_HUMAN, Outcome.ALLOW_MIN, Change.HOLD_TO_ALLOW),
        (Outcome.DENY, Outcome.HOLD_HUMAN, Change.DENY_TO_HOLD),
        (Outcome.ALLOW_MIN, Outcome.HOLD_HUMAN, Change.ALLOW_TO_HOLD),
        (Outcome.HOLD_HUMAN, Outcome.DENY, Change.HOLD_TO_DENY),
        (Outcome.DENY, Outcome.NEUTRAL, Change.REFUSED_OTHERWISE),
        (Outcome.NEED_CONSENT, Outcome.DENY, Change.REFUSED_OTHERWISE),
    ],
)
def test_each_change_has_its_class(before: Outcome, after: Outcome, change: Change) -> None:
    """Opening, closing, a clerk in between, and refusals of another kind."""
    assert list(changes(_answer(before), _answer(after))) == [(STATUS, change)]


def test_the_same_outcome_by_another_rule_comes_last() -> None:
    """Rule and reason count too, but after everything that a person would notice."""
    other = list(changes(_answer(Outcome.DENY), _answer(Outcome.DENY, "R73", "no_rule")))
    assert other == [(STATUS, Change.REASON_ONLY)]
    assert list(changes(_answer(Outcome.DENY), _answer(Outcome.DENY))) == []
    fields = [change for change in ORDER if change not in {Change.DUTY_GAINED, Change.DUTY_LOST}]
    assert fields[0] is Change.DENY_TO_ALLOW
    assert fields[1] is Change.ALLOW_TO_DENY
    assert fields[-1] is Change.REASON_ONLY
    cells = [Cell(change, "ABH", "JC", "P04", STATUS) for change in reversed(ORDER)]
    assert [cell.change for cell in sorted(cells, key=place_of)] == list(ORDER)


def test_an_answer_that_came_out_otherwise_is_named_by_code() -> None:
    """Level 4 finds it: which day, which route, which field, what was said and what is said now."""
    record = stored(statutory(STATUS, NUMBER), times=3)
    wrong = tuple(
        replace(one, outcome="ALLOW_MIN", reasons=("statute",)) if one.field == NUMBER else one
        for one in record.result
    )
    repetition = Repetition(_same_engine)
    repetition.take(replace(record, result=wrong))
    repetition.take(record)
    (difference,) = repetition.differences
    assert (repetition.identical, repetition.decisions) == (3, 6)
    assert (difference.day, difference.route) == (DAY, ("ABH", "JC", "P04"))
    assert (difference.was.field, difference.was.outcome) == (NUMBER, "ALLOW_MIN")
    assert difference.now is not None
    assert difference.now.outcome == "DENY"


def test_rules_that_are_gone_are_named_and_nothing_is_claimed() -> None:
    """A decision by rules that nobody kept is neither the same nor different."""
    record = replace(stored(statutory(STATUS), times=5), bundle="a" * 64)
    repetition = Repetition(_same_engine)
    repetition.take(record)
    assert repetition.without_rules == Counter({"a" * 64: 5})
    assert (repetition.identical, repetition.differences) == (0, {})


def test_rules_that_cannot_decide_any_more_are_a_difference() -> None:
    """An engine that fails today did not fail then."""
    repetition = Repetition(lambda _digest: InsecureMuteEngine())
    record: StoredDecision = stored(statutory(STATUS))
    repetition.take(record)
    assert [one.now for one in repetition.differences] == [None]
