# SPDX-License-Identifier: EUPL-1.2
"""Decisions of the past, asked again: is everything as it was, and what would other rules say?

``Repetition`` gives the stored question to the rules that decided it then; every answer must be
the same. ``WhatIf`` gives it to the rules of today and to a candidate, and counts what would
change, field by field. Both are pure: they take records one by one and hold only counts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from policies.answer import obligations
from policies.decide import rules_of_the_day
from policies.errors import PolicyError
from policies.model import Outcome
from policies.stored import StoredDecision, results_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from policies.catalogue import Catalogue
    from policies.decide import Decider
    from policies.decision import Decision, FieldDecision
    from policies.engine.base import RuleEngine
    from policies.model import DecisionInput
    from policies.stored import FieldResult


class Change(StrEnum):
    """How the answer about a field would change; in the order of a report."""

    DENY_TO_ALLOW = "deny_to_allow"
    ALLOW_TO_DENY = "allow_to_deny"
    HOLD_TO_ALLOW = "hold_to_allow"
    DENY_TO_HOLD = "deny_to_hold"
    ALLOW_TO_HOLD = "allow_to_hold"
    HOLD_TO_DENY = "hold_to_deny"
    NOT_DECIDED = "not_decided"
    """One of the two could not decide at all: nothing would be released."""
    REFUSED_OTHERWISE = "refused_otherwise"
    """Withheld both times, with another outcome."""
    REASON_ONLY = "reason_only"
    """The same outcome, by another rule or for another reason."""
    DUTY_GAINED = "duty_gained"
    """An obligation would come with what is sent or held."""
    DUTY_LOST = "duty_lost"


ORDER: Final = {change: place for place, change in enumerate(Change)}

WIDENING: Final = frozenset({Change.DENY_TO_ALLOW, Change.HOLD_TO_ALLOW, Change.DENY_TO_HOLD})
"""Changes that open a field more than today."""

EVERYTHING: Final = "*"
"""Stands for all fields of a question that could not be decided."""

_MOVES: Final = {
    (0, 2): Change.DENY_TO_ALLOW,
    (2, 0): Change.ALLOW_TO_DENY,
    (1, 2): Change.HOLD_TO_ALLOW,
    (0, 1): Change.DENY_TO_HOLD,
    (2, 1): Change.ALLOW_TO_HOLD,
    (1, 0): Change.HOLD_TO_DENY,
}
_OPENNESS: Final = {Outcome.ALLOW_MIN: 2, Outcome.HOLD_HUMAN: 1}


class Cell(NamedTuple):
    """What a count is about."""

    change: Change
    from_kind: str
    to_kind: str
    purpose: str
    what: str
    """A field, or an obligation where the change is about one."""


def place_of(cell: Cell) -> tuple[int, str, str, str, str]:
    """Return a cell's place in a report: the class first, then its names."""
    return (ORDER[cell.change], *cell[1:])


def changes(before: Decision, after: Decision) -> Iterator[tuple[str, Change]]:
    """Give each field whose answer differs; a field that only one of them names is refused there."""
    names = sorted({one.field for one in (*before.fields, *after.fields)})
    for name in names:
        change = _change(before.field(name), after.field(name))
        if change is not None:
            yield name, change


def _change(before: FieldDecision | None, after: FieldDecision | None) -> Change | None:
    if before == after:
        return None
    move = (_openness(before), _openness(after))
    if move in _MOVES:
        return _MOVES[move]
    if before is None or after is None or before.outcome is not after.outcome:
        return Change.REFUSED_OTHERWISE
    return Change.REASON_ONLY


def _openness(field: FieldDecision | None) -> int:
    return 0 if field is None else _OPENNESS.get(field.outcome, 0)


def duty_changes(
    before: Decision, after: Decision, today: Catalogue, candidate: Catalogue
) -> Iterator[tuple[str, Change]]:
    """Give each obligation that only one of them brings."""
    old = {one.id for one in obligations(before, today)}
    new = {one.id for one in obligations(after, candidate)}
    yield from ((name, Change.DUTY_GAINED) for name in sorted(new - old))
    yield from ((name, Change.DUTY_LOST) for name in sorted(old - new))


def compare(
    question: DecisionInput,
    before: Decision | None,
    after: Decision | None,
    today: Catalogue,
    candidate: Catalogue,
) -> list[Cell]:
    """Return what differs between two decisions about one question; None: there was none."""
    route = (question.from_kind, question.to_kind, question.purpose)
    if before is None or after is None:
        neither = before is None and after is None
        return [] if neither else [Cell(Change.NOT_DECIDED, *route, EVERYTHING)]
    found = [*changes(before, after), *duty_changes(before, after, today, candidate)]
    return [Cell(change, *route, what) for what, change in found]


def decided(decider: Decider, question: DecisionInput) -> Decision | None:
    """Decide; None when these rules cannot."""
    try:
        return decider.decide(question)
    except PolicyError:
        return None


class WhatIf:
    """Counts what a candidate would change; feed it records, then read the counts."""

    def __init__(self, today: Decider, candidate: Decider, *, as_of: dt.date | None = None) -> None:
        """Take both; with ``as_of`` rules count by their dates on that day, not on the record's."""
        self._today = today
        self._candidate = candidate
        self._as_of = as_of
        self.decisions = 0
        """How many decisions were asked again."""
        self.unreadable = 0
        """How many of them were asked of a version of Lotse that knew other facts."""
        self.counts: Counter[Cell] = Counter()

    def take(self, stored: StoredDecision) -> None:
        """Ask both about one record."""
        self.decisions += stored.times
        try:
            question = stored.question
        except PolicyError:
            self.unreadable += stored.times
            return
        before = decided(self._today, self._on_its_day(question, stored, self._today))
        after = decided(self._candidate, self._on_its_day(question, stored, self._candidate))
        catalogues = self._today.catalogue, self._candidate.catalogue
        for cell in compare(question, before, after, *catalogues):
            self.counts[cell] += stored.times

    def _on_its_day(
        self, question: DecisionInput, stored: StoredDecision, decider: Decider
    ) -> DecisionInput:
        """Say which rules are outside their dates, as these rules have it."""
        if self._as_of is None and decider.bundle_digest == stored.bundle:
            return question  # to the minute as it was then, also right at midnight
        lapsed = rules_of_the_day(decider.catalogue, self._as_of or stored.day)
        return replace(question, lapsed=lapsed)

    @property
    def widens(self) -> bool:
        """Whether any field would be open more than today."""
        return any(cell.change in WIDENING for cell in self.counts)


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that does not come out as it did, in codes."""

    day: dt.date
    route: tuple[str, str, str]
    bundle: str
    was: FieldResult
    now: FieldResult | None
    """None: these rules could not decide, or said nothing about the field."""


class Repetition:
    """Asks the rules of then again; every past decision must come out the same."""

    def __init__(self, engine_for: Callable[[str], RuleEngine | None]) -> None:
        """Take what finds an engine for the digest of a bundle; None: those rules are not kept."""
        self._engine_for = engine_for
        self.decisions = 0
        self.identical = 0
        self.without_rules: Counter[str] = Counter()
        """Decisions whose rules are not to be had, by digest."""
        self.differences: dict[Difference, None] = {}

    def take(self, stored: StoredDecision) -> None:
        """Decide one record again, from the very bytes that were decided then."""
        self.decisions += stored.times
        engine = self._engine_for(stored.bundle)
        if engine is None:
            self.without_rules[stored.bundle] += stored.times
            return
        try:
            again = {one.field: one for one in results_of(engine.evaluate(stored.source))}
        except PolicyError:
            again = {}
        if tuple(again.values()) == stored.result:
            self.identical += stored.times
            return
        for was in stored.result:
            now = again.get(was.field)
            if now != was:
                found = Difference(stored.day, stored.route, stored.bundle, was, now)
                self.differences[found] = None
