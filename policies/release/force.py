# SPDX-License-Identifier: EUPL-1.2
"""Which rules are in force in this process: one set at a time, swapped as a whole.

Whoever decides takes one ``RuleSet`` at the beginning and uses nothing else until the end, so that
a decision never mixes two. What was taken stays usable: a swap puts another set in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from policies.catalogue import Catalogue
from policies.decide import Decider
from policies.errors import PolicyUnavailable
from policies.release.statement import Statement


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A catalogue and what decides by it; they belong together."""

    decider: Decider
    statement: Statement | None = None
    """The release it came in; None for the rules that ship with the program."""
    token_digest: str | None = None
    """SHA-256 of that release's signed statement."""
    ready: Callable[[], bool] = lambda: True
    """Whether its engine answers now."""
    local: bool = True
    """Whether its engine runs in this process; a server has one set of rules at a time."""
    close: Callable[[], None] = lambda: None
    """Gives the engine's resources back when the set is dropped."""

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue whose codes the decisions use."""
        return self.decider.catalogue

    @property
    def digest(self) -> str:
        """The bundle's digest, as it stands in decisions."""
        return self.decider.bundle_digest

    @property
    def denies_all(self) -> bool:
        """Whether this is the emergency release: nothing may pass, also not what was decided before."""
        return self.statement is not None and self.statement.emergency

    @property
    def until(self) -> int | None:
        """When its time is over, in epoch seconds; None: it does not end."""
        if self.statement is None or self.denies_all:
            return None
        return self.statement.valid_until

    def counts_at(self, now: int) -> bool:
        """Whether decisions may rest on it now."""
        return self.statement is None or self.statement.in_force(now)


class Rules(Protocol):
    """The rules of this process, whatever they came from."""

    def current(self) -> RuleSet:
        """Return the set in force.

        Raises:
            PolicyUnavailable: none is, or its time is over; nothing may be released.
        """
        ...

    def accepted(self, digest: str) -> RuleSet | None:
        """Return the set by which another party may have decided just now, if it counts here."""
        ...

    def known(self, digest: str) -> RuleSet | None:
        """Return a set that was in force here, to read what was decided by it then."""
        ...

    def lets_out(self, digest: str) -> bool:
        """Say whether what was decided by these rules earlier may still leave.

        Raises:
            PolicyUnavailable: no rules are in force now.
        """
        ...


class InsecureShippedRules:
    """The rules that ship with the program, unsigned: for development and the demo."""

    def __init__(self, rules: RuleSet) -> None:
        """Take them, with what decides by them."""
        self._rules = rules

    def current(self) -> RuleSet:
        """Return them; they have no date."""
        return self._rules

    def accepted(self, digest: str) -> RuleSet | None:
        """Return them if it is they."""
        return self.known(digest)

    def known(self, digest: str) -> RuleSet | None:
        """Return them if it is they."""
        return self._rules if digest == self._rules.digest else None

    def lets_out(self, digest: str) -> bool:
        """Say whether it was they that decided."""
        return digest == self._rules.digest


@dataclass(frozen=True, slots=True)
class InForce:
    """What is in force, and what stands beside it. Replaced as one reference, never changed."""

    rules: RuleSet | None = None
    beside: tuple[RuleSet, ...] = ()
    """Newest first."""

    def find(self, digest: str) -> RuleSet | None:
        """Return the set with this digest."""
        sets = self.beside if self.rules is None else (self.rules, *self.beside)
        return next((one for one in sets if one.digest == digest), None)

    def current(self, now: int) -> RuleSet:
        """See ``Rules.current``."""
        if self.rules is None:
            raise PolicyUnavailable("no release of the rules is in force")
        if not self.rules.counts_at(now):
            raise PolicyUnavailable("the release of the rules is not valid now")
        return self.rules

    def accepted(self, digest: str, now: int) -> RuleSet | None:
        """See ``Rules.accepted``: the one in force, or an older one that it tolerates."""
        current = self.current(now)
        found = self.find(digest)
        if found is None or found is current:
            return found
        return found if found.counts_at(now) and _tolerates(current, found) else None

    def lets_out(self, digest: str, now: int) -> bool:
        """See ``Rules.lets_out``: the date of older rules mattered when they decided."""
        current, found = self.current(now), self.find(digest)
        if current.denies_all or found is None:
            return False
        return found is current or _tolerates(current, found)


def _tolerates(current: RuleSet, other: RuleSet) -> bool:
    mine, theirs = current.statement, other.statement
    if mine is None or theirs is None or other.denies_all:
        return False
    return mine.tolerates(theirs.sequence)
