# SPDX-License-Identifier: EUPL-1.2
"""The shadow: a thread that counts what a candidate says, and drops what it has no time for."""

from __future__ import annotations

import threading
import time
from typing import Any

from gateway.logs import CHANGES
from gateway.shadow import QUEUE, Shadow
from policies.decide import Decider
from policies.replay import Change
from tests.support.clock import Clock
from tests.support.lookback import decider_of, statutory, today, widened


def _shadow(open_candidate: Any) -> Shadow:
    return Shadow(open_candidate, lambda _digest: today().catalogue, Clock())


def _compared(shadow: Shadow) -> dict[str, int]:
    for _ in range(200):
        counts = shadow.take()
        if counts:
            found = {about.counted: times for about, times in counts.items()}
            shadow.put_back(counts)
            if "compared" in found:
                return found
        time.sleep(0.05)
    raise AssertionError("nothing was compared")


def test_a_shadow_counts_what_differs() -> None:
    """Compared, and the change by its class."""
    shadow = _shadow(lambda: decider_of(widened().digest))
    shadow.start()
    question = statutory("azr_number")
    shadow.consider(question, today().decide(question))
    assert _compared(shadow)["compared"] == 1
    shadow.close()
    assert shadow.take()


def test_questions_that_came_before_the_candidate_was_there_are_counted_as_dropped() -> None:
    """A slow start drops what does not fit in the queue, and says so once the name is known."""
    ready = threading.Event()

    def slowly() -> Decider:
        ready.wait(30)
        return decider_of(widened().digest)

    shadow = _shadow(slowly)
    shadow.start()
    question = statutory("azr_number")
    decision = today().decide(question)
    for _ in range(QUEUE + 7):
        shadow.consider(question, decision)
    counts = shadow.take()
    assert counts == {}
    ready.set()
    for _ in range(400):
        counts = shadow.take()
        shadow.put_back(counts)
        if QUEUE in counts.values():
            break
        time.sleep(0.05)
    found = {about.counted: times for about, times in counts.items()}
    assert (found["compared"], found["dropped"]) == (QUEUE, 7)
    shadow.close()


def test_rules_that_are_gone_are_not_compared_with() -> None:
    """A decision by a release that is kept no longer has no catalogue to read its duties from."""
    shadow = Shadow(lambda: decider_of(widened().digest), lambda _digest: None, Clock())
    shadow.start()
    question = statutory("azr_number")
    shadow.consider(question, today().decide(question))
    shadow.close()
    assert shadow.take() == {}


def test_the_operating_log_knows_every_change() -> None:
    """What is told of a change is one of these words, and each of them may be told."""
    assert {change.value for change in Change} == CHANGES
