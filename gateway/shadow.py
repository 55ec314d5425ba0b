# SPDX-License-Identifier: EUPL-1.2
"""A candidate in the shadow: asked the same after the answer was given, and only counted.

One thread with an engine of its own takes questions from a short queue. A queue that is full drops
them, and says how many. Nothing in here is waited for, and nothing in here is handed back: the
only way out are counts. Whatever goes wrong ends in a count or in the operating log.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import queue
import threading
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.afterwards import after_answer
from gateway.logs import get_logger, where
from gateway.rules import DayRules
from policies.candidate import read_candidate, read_signed_candidate
from policies.decide import Decider
from policies.engine.embedded import EmbeddedEngine
from policies.errors import PolicyError, ReleaseRefused
from policies.replay import WIDENING, Change, compare, decided
from policies.shadow_counts import COMPARED, DROPPED, Counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.settings import Settings
    from policies.catalogue import Catalogue
    from policies.decision import Decision
    from policies.model import DecisionInput

QUEUE: Final = 256
"""Questions that may wait: a fraction of a second's worth, a few hundred kilobytes."""
STOP_SECONDS: Final = 1.0


def open_candidate(settings: Settings) -> Decider:
    """Load the candidate that the settings name into an engine of its own.

    Raises:
        ReleaseRefused: it is no release, or not signed by a pinned key.
        BundleInvalid: it does not load.
    """
    if settings.shadow is None:
        raise ReleaseRefused("unreadable")
    file, policy = settings.shadow.candidate_file, settings.policy
    if policy is None:
        found = read_candidate(file)  # the demo profile, whose own rules nobody signed either
    else:
        found = read_signed_candidate(file, policy.release_keys)
    return Decider(EmbeddedEngine(found.bundle), found.catalogue)


class Shadow:
    """Compares what was decided with what a candidate says."""

    def __init__(
        self,
        open_candidate: Callable[[], Decider],
        catalogue_of: Callable[[str], Catalogue | None],
        clock: Callable[[], int],
    ) -> None:
        """Take what loads the candidate (in a thread of its own), and what finds the catalogue that decided."""
        self._open = open_candidate
        self._catalogue_of = catalogue_of
        self._clock = clock
        self._waiting: queue.Queue[tuple[DecisionInput, Decision] | None] = queue.Queue(QUEUE)
        self._lock = threading.Lock()
        self._counts: Counter[Counted] = Counter()
        self._dropped: Counter[str] = Counter()
        self._candidate = ""
        self._told: set[Change] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lotse-shadow", daemon=True)

    def start(self) -> None:
        """Load the candidate and begin; returns at once."""
        self._thread.start()

    def consider(self, question: DecisionInput, decision: Decision) -> None:
        """Let the candidate be asked as well, once the answer to this call has left."""
        after_answer(partial(self._offer, question, decision))

    def _offer(self, question: DecisionInput, decision: Decision) -> None:
        try:
            self._waiting.put_nowait((question, decision))
        except queue.Full:
            with self._lock:
                self._dropped[decision.bundle] += 1

    def take(self) -> Counter[Counted]:
        """Give what was counted since it was last asked."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
            if self._candidate:
                dropped, self._dropped = self._dropped, Counter()
                for bundle, times in dropped.items():
                    about = Counted(self._day().isoformat(), self._candidate, bundle, DROPPED)
                    counts[about] += times
        return counts

    def put_back(self, counts: Counter[Counted]) -> None:
        """Keep what could not be written for the next time."""
        with self._lock:
            self._counts.update(counts)

    def close(self) -> None:
        """End the thread; one that hangs is left behind, as nothing depends on it."""
        self._stop.set()
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        log = get_logger()
        try:
            candidate = self._open()
        except Exception as error:  # noqa: BLE001 - a candidate must not stop a gateway
            code = getattr(error, "code", "engine") if isinstance(error, PolicyError) else "engine"
            log.error(  # noqa: TRY400 - a traceback could show what was asked
                "shadow.refused", cause=code, error_type=type(error), where=where(error)
            )
            return
        self._candidate = candidate.bundle_digest
        log.info("shadow.started", engine=candidate.engine_name)
        days = DayRules(candidate.catalogue)
        while (item := self._waiting.get()) is not None and not self._stop.is_set():
            try:
                self._compare(candidate, days, *item)
            except Exception as error:  # noqa: BLE001 - one question that fails is no reason to end
                log.error(  # noqa: TRY400 - as above
                    "shadow.failed", error_type=type(error), where=where(error)
                )

    def _compare(
        self, candidate: Decider, days: DayRules, question: DecisionInput, decision: Decision
    ) -> None:
        day, asked = self._day(), question
        if candidate.bundle_digest != decision.bundle:
            asked = replace(question, lapsed=days.lapsed(self._clock()))
        today = self._catalogue_of(decision.bundle)
        if today is None:
            return  # those rules are gone by now: there is nothing to compare with
        after = decided(candidate, asked)
        cells = compare(question, decision, after, today, candidate.catalogue)
        about = Counted(day.isoformat(), candidate.bundle_digest, decision.bundle, COMPARED)
        with self._lock:
            self._counts[about] += 1
            for cell in cells:
                self._counts[Counted.of(day, about.candidate, about.today, cell)] += 1
        self._tell({cell.change for cell in cells})

    def _tell(self, found: set[Change]) -> None:
        """Tell each kind of change once; how often, and where, stands in the counts."""
        for change in sorted(found - self._told):
            self._told.add(change)
            tell = get_logger().warning if change in WIDENING else get_logger().info
            tell("shadow.differs", change=change.value)

    def _day(self) -> dt.date:
        return dt.datetime.fromtimestamp(self._clock(), tz=dt.UTC).date()
