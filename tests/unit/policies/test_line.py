# SPDX-License-Identifier: EUPL-1.2
"""The line to a rule server: in time or not at all, shut by the first failure, opened by a probe."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from policies.engine.line import OF_THE_QUESTION, PROBE_SECONDS, Body, Line
from policies.errors import EngineFailed

DEADLINE = 0.2
PROBE, QUESTION = b"probe", b"question"


class Server:
    """A speaker whose server does as it is told; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.ended = 0
        self.failing: Exception | None = None
        self.hanging = False
        self.cancelled = 0

    async def ask(self, question: bytes) -> Body:
        """Answer, fail or hang."""
        self.asked.append(question)
        if self.hanging:
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled += 1
        if self.failing is not None:
            raise self.failing
        return {"question": question}

    async def end(self) -> None:
        """Note the end."""
        self.ended += 1


class Pause:
    """Waits between probes until the test lets it go on: the clock of these tests."""

    def __init__(self) -> None:
        self.waited: list[float] = []
        self._go = threading.Semaphore(0)

    async def __call__(self, seconds: float) -> None:
        """Wait."""
        self.waited.append(seconds)
        while not self._go.acquire(blocking=False):  # noqa: ASYNC110 - released from another thread
            await asyncio.sleep(0.001)

    def end(self) -> None:
        """Let one pause end."""
        self._go.release()


class Made:
    """A line with everything around it in the test's hands."""

    def __init__(self) -> None:
        self.server, self.pause = Server(), Pause()
        self.told: list[tuple[str, str]] = []
        self.line = Line(
            lambda: self.server,
            PROBE,
            deadline_seconds=DEADLINE,
            pause=self.pause,
            report=lambda event, code: self.told.append((event, code)),
        )

    def refused(self) -> str:
        """Ask, and give the code of the refusal."""
        with pytest.raises(EngineFailed) as refusal:
            self.line.ask(QUESTION)
        return refusal.value.code


@pytest.fixture
def made() -> Generator[Made]:
    """A line that is open."""
    made = Made()
    assert made.line.ready(5)
    yield made
    made.line.close()


def _until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_an_open_line_carries_question_and_answer(made: Made) -> None:
    """What the server says comes back, and the line tells once that it is open."""
    assert made.line.ask(QUESTION) == {"question": QUESTION}
    assert made.server.asked == [PROBE, QUESTION]
    assert made.told == [("up", "")]


def test_a_line_is_shut_until_the_server_has_answered_once() -> None:
    """Started before its server: refused at once, and open as soon as the server is there."""
    server, pause = Server(), Pause()
    server.failing = EngineFailed("unreachable")
    line = Line(lambda: server, PROBE, deadline_seconds=DEADLINE, pause=pause)
    try:
        _until(lambda: pause.waited == [PROBE_SECONDS])
        with pytest.raises(EngineFailed):
            line.ask(QUESTION)
        assert QUESTION not in server.asked
        server.failing = None
        pause.end()
        assert line.ready(5)
        assert line.ask(QUESTION) == {"question": QUESTION}
    finally:
        line.close()


def test_a_hanging_server_costs_the_deadline_once_and_the_others_nothing(made: Made) -> None:
    """Twenty callers, one after the other: the first waits, all others are refused at once."""
    made.server.hanging = True
    started = time.monotonic()
    codes = {made.refused() for _ in range(20)}
    assert codes == {"no_answer_in_time"}
    assert DEADLINE <= time.monotonic() - started < 4 * DEADLINE
    assert made.server.asked.count(QUESTION) == 1


def test_callers_at_the_same_time_wait_no_longer_than_one(made: Made) -> None:
    """Forty threads meet a hanging server; all have their refusal within one deadline."""
    made.server.hanging = True
    before = threading.active_count()
    with ThreadPoolExecutor(40) as callers:
        started = time.monotonic()
        codes = set(callers.map(lambda _: made.refused(), range(40)))
        taken = time.monotonic() - started
    assert codes == {"no_answer_in_time"}
    assert taken < 4 * DEADLINE
    assert threading.active_count() == before, "no thread is left waiting"
    _until(lambda: made.server.cancelled >= made.server.asked.count(QUESTION))


def test_a_line_opens_again_by_itself(made: Made) -> None:
    """The server comes back: nobody has to ask for that, and nobody has to restart anything."""
    made.server.failing = EngineFailed("unreachable")
    assert made.refused() == "unreachable"
    _until(lambda: len(made.pause.waited) == 1)
    assert not made.line.ready()
    made.pause.end()
    _until(lambda: len(made.pause.waited) == 2)
    made.server.failing = None
    made.pause.end()
    assert made.line.ready(5)
    assert made.line.ask(QUESTION) == {"question": QUESTION}
    assert made.told == [("up", ""), ("failed", "unreachable"), ("down", "unreachable"), ("up", "")]


def test_a_single_failure_shuts_the_line_for_one_probe_only(made: Made) -> None:
    """The first probe follows at once, without any pause."""
    made.server.failing = EngineFailed("unreachable")
    with pytest.raises(EngineFailed):
        made.line.ask(QUESTION)
    made.server.failing = None
    made.pause.end()
    assert made.line.ready(5)
    assert len(made.pause.waited) <= 1


@pytest.mark.parametrize("code", sorted(OF_THE_QUESTION))
def test_what_may_lie_in_the_question_concerns_one_caller(made: Made, code: str) -> None:
    """A question that makes the rules fail does not shut the line for anybody else."""
    made.server.failing = EngineFailed(code)
    assert made.refused() == code
    made.server.failing = None
    assert made.line.ask(QUESTION) == {"question": QUESTION}
    assert made.told == [("up", ""), ("failed", code)]


def test_why_the_line_is_shut_is_told_once_per_reason(made: Made) -> None:
    """Four probes a second would fill the log; a new reason is told."""
    made.server.failing = EngineFailed("unreachable")
    assert made.refused() == "unreachable"
    for _ in range(3):
        made.pause.end()
    _until(lambda: len(made.pause.waited) == 4)
    made.server.failing = EngineFailed("other_revision")
    made.pause.end()
    _until(lambda: len(made.pause.waited) == 5)
    assert made.refused() == "other_revision"
    assert [told for told in made.told if told[0] == "down"] == [
        ("down", "unreachable"),
        ("down", "other_revision"),
    ]


def test_an_accident_in_the_client_is_a_refusal(made: Made) -> None:
    """Whatever is raised: no answer, and no other kind of error for the caller."""
    made.server.failing = ZeroDivisionError()
    assert made.refused() == "no_answer"


def test_a_log_that_fails_changes_no_decision() -> None:
    """The reporter raises: the line opens, answers, shuts and opens as ever."""

    def broken(_event: str, _code: str) -> None:
        raise OSError

    server = Server()
    line = Line(lambda: server, PROBE, deadline_seconds=DEADLINE, report=broken)
    try:
        assert line.ready(5)
        server.failing = EngineFailed("unreachable")
        with pytest.raises(EngineFailed):
            line.ask(QUESTION)
        server.failing = None
        assert line.ready(5)
        assert line.ask(QUESTION) == {"question": QUESTION}
    finally:
        line.close()


def test_a_closed_line_refuses_and_leaves_nothing_behind(made: Made) -> None:
    """Its threads end, its connections are given back, and who still waits is refused at once."""
    made.server.hanging = True
    codes: list[str] = []
    waiting = threading.Thread(target=lambda: codes.append(made.refused()))
    waiting.start()
    _until(lambda: QUESTION in made.server.asked)
    made.line.close()
    waiting.join(5)
    assert codes == ["closed"]
    assert made.refused() == "closed"
    assert made.server.ended == 1
    assert not made.line._thread.is_alive()
    made.line.close()
    assert not made.line.ready()


def test_a_line_can_be_closed_while_it_is_shut() -> None:
    """In the middle of a pause between two probes, the end is as quick."""
    server = Server()
    server.failing = EngineFailed("unreachable")
    line = Line(lambda: server, PROBE, deadline_seconds=DEADLINE)
    _until(lambda: PROBE in server.asked)
    started = time.monotonic()
    line.close()
    assert time.monotonic() - started < 1
    assert server.ended == 1
