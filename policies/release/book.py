# SPDX-License-Identifier: EUPL-1.2
"""Follows a folder of releases and keeps the rules of one running process in step with it.

``look`` verifies, loads and tests what the folder wants in force; it blocks and changes nothing.
The caller puts the finding on record and then ``take``s it. In between everything is decided by
the set before. If the wanted one cannot be used, the one before it goes on, or, at a start, comes
back; never past a deny-all, and never further back than the release in force tolerates.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from policies.decide import MEMO_SIZE
from policies.engine.base import RuleEngine
from policies.engine.embedded import EmbeddedEngine
from policies.errors import PolicyUnavailable, ReleaseRefused
from policies.release.force import InForce, RuleSet
from policies.release.selftest import self_tested
from policies.release.state import Kept, State
from policies.release.store import Refusal, ReleaseStore
from policies.release.verify import VerifiedBundle

RETRY_SECONDS: Final = 5
"""Between two tries of an engine that gives no answers."""

Mark: TypeAlias = "tuple[int, int, int] | None"


@dataclass(frozen=True, slots=True)
class Loaded:
    """An engine over one release."""

    engine: RuleEngine
    ready: Callable[[], bool] = lambda: True
    """Whether it answers now."""
    close: Callable[[], None] = lambda: None
    memo_size: int = MEMO_SIZE
    """Distinct questions that are remembered; 0 where every one must reach a server."""
    local: bool = True
    """Whether it runs in this process and answers by this release for ever."""


EngineMaker: TypeAlias = Callable[[VerifiedBundle], Loaded]
"""Loads a release into an engine; raises PolicyUnavailable if it cannot."""


def embedded(verified: VerifiedBundle) -> Loaded:
    """Load into the engine inside this process."""
    return Loaded(EmbeddedEngine(verified.bundle))


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look found; goes on record before it counts."""

    kind: Literal["activated", "fell_back", "refused", "ended"]
    code: str
    """Why, for everything but an ordinary activation; a closed code."""
    rules: RuleSet | None
    """What it is about, where that could be loaded."""
    release: str | None
    """SHA-256 of the signed statement, where one could be read."""
    after: InForce
    """What is in force once this is taken."""
    mark: Mark
    refusal: Path | None = None
    """File of a refusal that is done with once it is on record."""


class RulesBook:
    """The rules of one process, from signed releases; see ``Rules``."""

    def __init__(
        self,
        store: ReleaseStore,
        clock: Callable[[], int],
        engine: EngineMaker = embedded,
    ) -> None:
        """Take the folder, a clock in epoch seconds, and what loads a release."""
        self._store = store
        self._clock = clock
        self._engine = engine
        self._force = InForce()
        self._mark: Mark = (-1, -1, -1)
        self._ended: str | None = None
        self._told: set[Path] = set()
        """Refusals that are on record, should their files not go away."""
        self._waiting: tuple[Mark, int] | None = None
        """A state whose engine gave no answers, and when to try it again."""

    def current(self) -> RuleSet:
        """See ``Rules.current``."""
        return self._force.current(self._clock())

    def accepted(self, digest: str) -> RuleSet | None:
        """See ``Rules.accepted``."""
        return self._force.accepted(digest, self._clock())

    def known(self, digest: str) -> RuleSet | None:
        """See ``Rules.known``."""
        return self._force.find(digest)

    def lets_out(self, digest: str) -> bool:
        """See ``Rules.lets_out``."""
        return self._force.lets_out(digest, self._clock())

    def look(self) -> Finding | None:
        """Return what has to be put on record next; None: nothing new."""
        for path, refusal in self._store.refusals():
            if path not in self._told:
                return self._refused(refusal, path)
        mark = self._store.mark()
        if self._waiting is not None and self._waiting[0] == mark:
            return self._try_again(mark, self._waiting[1])
        if mark != self._mark:
            return self._follow(mark)
        return self._time_over()

    def take(self, finding: Finding) -> None:
        """Let a finding count: one reference changes; whoever took the old set finishes on it."""
        before, self._force = self._force, finding.after
        self._mark = finding.mark
        retry = finding.code == "engine" and finding.kind != "activated"
        if finding.refusal is None:
            self._waiting = (finding.mark, self._clock() + RETRY_SECONDS) if retry else None
        if finding.kind == "ended":
            self._ended = finding.release
        if finding.refusal is not None:
            self._told.add(finding.refusal)
            with suppress(OSError):
                finding.refusal.unlink(missing_ok=True)
        kept = {id(one) for one in (finding.after.rules, *finding.after.beside)}
        for one in (before.rules, *before.beside):
            if one is not None and id(one) not in kept:
                one.close()

    def close(self) -> None:
        """Give every engine's resources back."""
        for one in self._all():
            one.close()

    def _follow(self, mark: Mark) -> Finding:
        try:
            state = self._store.state()
        except ReleaseRefused as error:
            return self._finding("refused", error.code, mark)
        active = state.active
        if active is None:
            return self._finding("refused", "nothing_active", mark)
        try:
            rules = self._load(active)
        except (ReleaseRefused, PolicyUnavailable) as error:
            code = error.code if isinstance(error, ReleaseRefused) else "engine"
            return self._without(active, state, code, mark)
        after = InForce(rules, self._beside(rules, state))
        code = "deny_all" if rules.denies_all else ""
        return Finding("activated", code, rules, rules.token_digest, after, mark)

    def _try_again(self, mark: Mark, at: int) -> Finding | None:
        """The release is good but its engine gave no answers: a server may come back."""
        if self._clock() < at:
            return self._time_over()
        finding = self._follow(mark)
        if finding.kind == "activated":
            return finding
        self._waiting = (mark, self._clock() + RETRY_SECONDS)
        return None

    def _without(self, active: Kept, state: State, code: str, mark: Mark) -> Finding:
        """The wanted release cannot be used: keep what runs, or go back to the one before."""
        if state.emergency is not None:
            # Somebody wanted everything denied: then nothing is decided at all.
            after = InForce(None, self._all())
            return Finding("refused", code, None, active.token_digest, after, mark)
        running = self._running(state)
        if running is not None and code != "engine":
            with suppress(PolicyUnavailable, ReleaseRefused):
                self._serve(running)
        if self._force.rules is None:
            for earlier in state.kept[1:]:
                rules = self._earlier(earlier, state)
                if rules is not None:
                    after = InForce(rules, ())
                    return Finding("fell_back", code, rules, rules.token_digest, after, mark)
        return Finding("refused", code, None, active.token_digest, self._force, mark)

    def _running(self, state: State) -> Kept | None:
        """The release that runs now, if it is still kept."""
        rules = self._force.rules
        digest = None if rules is None else rules.token_digest
        return next((one for one in state.kept if one.token_digest == digest), None)

    def _earlier(self, earlier: Kept, state: State) -> RuleSet | None:
        if earlier.sequence < state.oldest:
            return None
        try:
            rules = self._load(earlier)
        except (ReleaseRefused, PolicyUnavailable):
            return None
        return rules if rules.counts_at(self._clock()) else None

    def _beside(self, rules: RuleSet, state: State) -> tuple[RuleSet, ...]:
        """Load what stands beside: to read old decisions, and to bear others' that are late."""
        found: list[RuleSet] = []
        for one in state.kept:
            known = next(
                (s for s in self._all() if s.local and s.token_digest == one.token_digest), None
            )
            if one.token_digest == rules.token_digest:
                continue
            try:
                found.append(known or self._load(one, beside=True))
            except (ReleaseRefused, PolicyUnavailable):
                continue
        return tuple(found)

    def _all(self) -> tuple[RuleSet, ...]:
        first = () if self._force.rules is None else (self._force.rules,)
        return (*first, *self._force.beside)

    def _load(self, kept: Kept, *, beside: bool = False) -> RuleSet:
        """Verify, load and test; a server has only what is in force, so what is beside runs here."""
        verified = self._store.load(kept)
        if beside:
            loaded = embedded(verified)
        else:
            self._serve(kept)
            loaded = self._engine(verified)
        try:
            decider = self_tested(verified, loaded.engine, memo_size=loaded.memo_size)
        except BaseException:
            loaded.close()
            raise
        return RuleSet(
            decider,
            verified.statement,
            verified.token_digest,
            ready=loaded.ready,
            close=loaded.close,
            local=loaded.local,
        )

    def _serve(self, kept: Kept) -> None:
        try:
            self._store.serve(kept)
        except OSError as error:
            raise PolicyUnavailable("the file for the server cannot be written") from error

    def _time_over(self) -> Finding | None:
        """Say once that the release in force is not valid any more, or not yet."""
        rules = self._force.rules
        if rules is None or rules.statement is None or self._ended == rules.token_digest:
            return None
        now = self._clock()
        if rules.counts_at(now):
            return None
        code = "not_yet_valid" if now < rules.statement.valid_from else "expired"
        return self._finding("ended", code, self._mark, rules.token_digest)

    def _refused(self, refusal: Refusal, path: Path) -> Finding:
        return Finding(
            "refused", refusal.code, None, refusal.release, self._force, self._mark, path
        )

    def _finding(
        self,
        kind: Literal["refused", "ended"],
        code: str,
        mark: Mark,
        release: str | None = None,
    ) -> Finding:
        return Finding(kind, code, self._force.rules, release, self._force, mark)
