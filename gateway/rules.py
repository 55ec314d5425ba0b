# SPDX-License-Identifier: EUPL-1.2
"""The rules of the moment: what one call takes at its beginning and keeps to its end.

A release of other rules may come into force at any time. Codes are checked, the day is reduced, and
the decision is made with the same `RulesNow`; what was decided earlier is read with the rules it was
decided by, as long as they are kept.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policies.catalogue import Catalogue
from policies.decide import rules_of_the_day
from policies.errors import PolicyUnavailable

if TYPE_CHECKING:
    from gateway.engine import Deciding
    from policies.decide import Decider
    from policies.decision import Decision
    from policies.model import DecisionInput, Kind, RuleId
    from policies.release.force import Rules, RuleSet


class DayRules:
    """What is worked out beforehand: which rules can ask a person, and which are past their date."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Take the catalogue in force."""
        self._catalogue = catalogue
        self._asking = tuple(rule for rule in catalogue.rules.values() if rule.rests_on_person)
        self._day: dt.date | None = None
        self._lapsed: tuple[RuleId, ...] = ()

    def lapsed(self, now: int) -> tuple[RuleId, ...]:
        """Give the rules that no longer (or not yet) hold on the UTC day of `now`."""
        day = dt.datetime.fromtimestamp(now, tz=dt.UTC).date()
        if day != self._day:
            self._day, self._lapsed = day, rules_of_the_day(self._catalogue, day)
        return self._lapsed

    def asks_person(self, from_kind: Kind, to_kind: Kind, purpose: str, trigger: str) -> bool:
        """Say whether a rule that speaks of this exchange can rest on an act of the person."""
        return any(rule.speaks_of(from_kind, to_kind, purpose, trigger) for rule in self._asking)


@dataclass(frozen=True, slots=True)
class RulesNow:
    """One set of rules, and how a call waits for its decision."""

    in_force: RuleSet | None
    """None: there are none, or their time is over; every question ends in `PolicyUnavailable`."""
    catalogue: Catalogue
    """Its codes; the program's own where no rules are in force, so that free words stay out."""
    days: DayRules
    deciding: Deciding = field(repr=False)

    @property
    def bundle(self) -> str | None:
        """Digest of the rules in force."""
        return None if self.in_force is None else self.in_force.digest

    @property
    def decider(self) -> Decider:
        """What decides.

        Raises:
            PolicyUnavailable: no rules are in force.
        """
        if self.in_force is None:
            raise PolicyUnavailable("no rules are in force")
        return self.in_force.decider

    async def decide(self, facts: DecisionInput) -> Decision:
        """Decide by this set.

        Raises:
            PolicyUnavailable: none is in force, or its engine gives no answer.
        """
        return await self.deciding(self.decider, facts)


class GatewayRules:
    """Gives the rules of the moment to every call of this process."""

    def __init__(self, rules: Rules, deciding: Deciding) -> None:
        """Take where the rules come from, and how to wait for a decision."""
        self._rules = rules
        self._deciding = deciding
        program = Catalogue.load()
        self._none = RulesNow(None, program, DayRules(program), deciding)
        self._last = self._none

    def now(self) -> RulesNow:
        """Give the set in force, or one that answers no question."""
        try:
            current = self._rules.current()
        except PolicyUnavailable:
            return self._none
        if self._last.in_force is not current:
            catalogue = current.catalogue
            self._last = RulesNow(current, catalogue, DayRules(catalogue), self._deciding)
        return self._last

    def catalogue_of(self, bundle: str) -> Catalogue | None:
        """Give the catalogue by which something was decided; None when it is kept no longer."""
        known = self._rules.known(bundle)
        return None if known is None else known.catalogue

    def version_of(self, bundle: str) -> str:
        """Give that catalogue's version; today's stands in for one that is gone, and fits nothing."""
        catalogue = self.catalogue_of(bundle) or self.now().catalogue
        return catalogue.version

    def engine_name(self) -> str:
        """Name what evaluates the rules in force, or evaluated the last ones."""
        last = self.now().in_force or self._last.in_force
        return "none" if last is None else last.decider.engine_name

    def check_open(self, bundle: str) -> None:
        """Return if a result may leave that was decided by `bundle`, now or days ago.

        Raises:
            PolicyUnavailable: no rules are in force, or those that deny everything, or that do not
                tolerate the ones it was decided by.
        """
        if not self._rules.lets_out(bundle):
            raise PolicyUnavailable("decided by rules that count no longer, or all is denied")

    def until(self) -> int | None:
        """Say when the release in force ends, in epoch seconds; None: it does not."""
        in_force = self.now().in_force
        return None if in_force is None else in_force.until

    def ready(self) -> bool:
        """Say whether decisions can be taken now."""
        in_force = self.now().in_force
        return in_force is not None and in_force.ready()
