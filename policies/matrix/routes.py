# SPDX-License-Identifier: EUPL-1.2
"""What the engine says on every route of every rule."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

from policies.case import MAX_FIELDS, read_case
from policies.codes import TRIGGERS
from policies.matrix.cases import Route, bare_case, complete_case
from policies.references import DEFAULT_RULE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from policies.catalogue import Catalogue
    from policies.decide import Decider
    from policies.rules import Rule
    from policies.strict import JsonValue

MOST_ROUTES: Final = 1_000
"""A rule that fits more routes names them by ``*``; each code is then tried once, not each mixture."""

ANY: Final = "*"


class Verdict(NamedTuple):
    """What is said of one field."""

    outcome: str
    rule: str
    """The rule that decided; another one where that speaks earlier."""
    reason: str


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What is said of one field in the three cases."""

    bare: Verdict
    complete: Verdict
    released: Verdict

    @property
    def all(self) -> tuple[Verdict, Verdict, Verdict]:
        """The three."""
        return self.bare, self.complete, self.released


@dataclass(frozen=True, slots=True)
class RuleAnswers:
    """What was said on the routes of one rule."""

    rule: Rule
    fields: tuple[str, ...]
    routes: Mapping[Route, Mapping[str, Verdicts]]
    """By route and field."""
    sampled: bool
    """True when the routes stand for all that the rule's wildcards name."""


def dimensions(rule: Rule, catalogue: Catalogue) -> tuple[list[str], ...]:
    """Return senders, recipients, purposes and triggers of a rule, wildcards written out."""
    pairs = (
        (rule.from_kinds, catalogue.agencies),
        (rule.to_kinds, catalogue.agencies),
        (rule.purposes, catalogue.purposes),
        (rule.triggers, sorted(TRIGGERS)),
    )
    return tuple(sorted(known if ANY in named else named) for named, known in pairs)


def ask(rule: Rule, decider: Decider) -> RuleAnswers:
    """Ask the engine about every route of a rule, or about a sample where there are too many."""
    catalogue = decider.catalogue
    names = dimensions(rule, catalogue)
    sampled = math.prod(map(len, names)) > MOST_ROUTES
    routes = _quiet_routes(rule, names, catalogue) if sampled else map(Route._make, product(*names))
    fields = tuple(sorted(_fields(rule, catalogue)))
    answers = {route: _verdicts(rule, route, fields, decider) for route in routes}
    return RuleAnswers(rule, fields, answers, sampled)


def _fields(rule: Rule, catalogue: Catalogue) -> Iterable[str]:
    """Return the fields of a rule; the default rule names none and stands for the others."""
    if rule.id != DEFAULT_RULE:
        return [*rule.fields]
    named = {f for other in catalogue.rules.values() if _everywhere(other) for f in other.fields}
    return [str(field) for field in catalogue.fields if field not in named][:MAX_FIELDS]


def _everywhere(rule: Rule) -> bool:
    return ANY in rule.purposes


def _quiet_routes(
    rule: Rule, names: tuple[list[str], ...], catalogue: Catalogue
) -> Iterator[Route]:
    """Yield routes of which no other rule speaks, until each code occurred once at its place."""
    others = [r for r in catalogue.rules.values() if r.id != rule.id and not _everywhere(r)]
    for place, codes in enumerate(names):
        for code in codes:
            here = [[code] if n == place else all_ for n, all_ in enumerate(names)]
            for route in map(Route._make, product(*here)):
                if not any(other.speaks_of(*route) for other in others):
                    yield route
                    break


def _verdicts(
    rule: Rule, route: Route, fields: tuple[str, ...], decider: Decider
) -> dict[str, Verdicts]:
    catalogue = decider.catalogue
    bare = _decided(bare_case(route, fields, catalogue), decider)
    complete = _decided(complete_case(rule, route, fields, catalogue), decider)
    case = complete_case(rule, route, fields, catalogue, released=True)
    released = complete if rule.release == "none" else _decided(case, decider)
    return {f: Verdicts(bare[f], complete[f], released[f]) for f in fields}


def _decided(case: JsonValue, decider: Decider) -> dict[str, Verdict]:
    catalogue = decider.catalogue
    now = dt.datetime.combine(catalogue.as_of, dt.time(12), dt.UTC)
    decision = decider.decide(read_case(case, catalogue, now=now).question)
    return {f.field: Verdict(f.outcome.value, f.rule, f.reason) for f in decision.fields}
