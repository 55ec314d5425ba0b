# SPDX-License-Identifier: EUPL-1.2
"""A line to one server: asked from many threads, answered in time or not at all.

One further thread runs the event loop of the speaker, which does the asking.
Whatever may lie in the question concerns one caller. Every other failure shuts the line: callers
are refused at once instead of waiting one after the other for a server that is gone, and a probe
in the background opens the line again. Nothing is asked twice.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, Protocol

from policies.errors import EngineFailed

PROBE_SECONDS: Final = 0.25
"""Between two probes while the line is shut."""
CLOSE_SECONDS: Final = 2.0

OF_THE_QUESTION: Final = frozenset({"evaluation_error", "undefined", "malformed"})
"""Failures that another question may not meet: they do not shut the line."""

Body = dict[str, Any]


class Speaker(Protocol):
    """Does the asking, inside the loop of the line."""

    async def ask(self, question: bytes) -> Body:
        """Ask once.

        Raises:
            EngineFailed: names the check that the answer did not pass.
        """
        ...

    async def end(self) -> None:
        """Give every connection back."""
        ...


class Line:
    """Shut until the server has answered a probe; shut again by the first failure."""

    def __init__(
        self,
        speaker: Callable[[], Speaker],
        probe: bytes,
        *,
        deadline_seconds: float,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
        report: Callable[[str, str], None] = lambda _event, _code: None,
    ) -> None:
        """Begin to look for the server.

        Args:
            speaker: makes the speaker; called inside the loop.
            probe: a question that every server has an answer to.
            deadline_seconds: for one answer, everything included.
            pause: waits between two probes.
            report: is told `up`, `down` and `failed` with a code; called from any thread.
        """
        self._deadline = deadline_seconds
        self._pause = pause
        self._report = report
        self._probe = probe
        self._why = "starting"
        self._up = threading.Event()
        self._closing = threading.Event()
        self._handing_over = threading.Lock()
        """What is handed to the loop is handed over before the loop ends, or not at all."""
        self._probing: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        # Looks up names only; an address of digits needs none of it.
        self._names = ThreadPoolExecutor(1, "lotse-line-names")
        self._loop.set_default_executor(self._names)
        self._thread = threading.Thread(
            target=self._run, args=(speaker,), name="lotse-line", daemon=True
        )
        self._thread.start()

    def ready(self, seconds: float = 0.0) -> bool:
        """Wait at most so long for the server; say whether the line is open."""
        return self._up.wait(seconds)

    def ask(self, question: bytes) -> Body:
        """Ask once and wait at most until the deadline.

        Raises:
            EngineFailed: no answer that may be believed; while the line is shut, at once and with
                the code of the failure that shut it.
        """
        if not self._up.is_set():
            raise EngineFailed(self._why)
        try:
            return self._wait(question)
        except EngineFailed as error:
            self.failed(error.code)
            raise

    def failed(self, code: str) -> None:
        """Note a failure; the line decides what it means for the others."""
        if self._closing.is_set():
            return
        self._tell("failed", code)
        if code not in OF_THE_QUESTION:
            self._why = code
            self._up.clear()
            with self._handing_over:
                if not self._closing.is_set():
                    self._loop.call_soon_threadsafe(self._shut, code)

    def close(self) -> None:
        """Give connections and threads back; whoever still waits is refused."""
        with self._handing_over:
            if self._closing.is_set():
                return
            self._closing.set()
            self._why = "closed"
            self._up.clear()
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_SECONDS)

    # --- in the caller's thread ---------------------------------------------------------------

    def _wait(self, question: bytes) -> Body:
        with self._handing_over:
            if self._closing.is_set():
                raise EngineFailed("closed")
            answering = asyncio.run_coroutine_threadsafe(self._answer(question), self._loop)
        try:
            answer = answering.result(self._deadline)
        except TimeoutError:
            raise EngineFailed("no_answer_in_time") from None
        except CancelledError:
            raise EngineFailed("closed") from None
        finally:
            answering.cancel()
        if isinstance(answer, EngineFailed):
            raise answer
        return answer

    def _tell(self, event: str, code: str) -> None:
        with suppress(Exception):  # a log that fails is no reason to decide otherwise
            self._report(event, code)

    # --- in the loop's thread -----------------------------------------------------------------

    def _run(self, speaker: Callable[[], Speaker]) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._probing = self._loop.create_task(self._begin(speaker))
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._end())
            self._names.shutdown(wait=False, cancel_futures=True)
            self._loop.close()
            asyncio.set_event_loop(None)

    async def _answer(self, question: bytes) -> Body | EngineFailed:
        """Give the failure as a value: whoever stopped waiting would leave an error unseen."""
        try:
            return await self._speaker.ask(question)
        except EngineFailed as error:
            return error
        except TimeoutError:
            return EngineFailed("no_answer_in_time")
        except Exception as error:  # noqa: BLE001 - whatever happened, there is no answer
            failed = EngineFailed("no_answer")
            failed.__cause__ = error
            return failed

    async def _begin(self, speaker: Callable[[], Speaker]) -> None:
        self._speaker = speaker()
        await self._find()

    def _shut(self, code: str) -> None:
        if self._probing is None or self._probing.done():
            self._up.clear()
            self._tell("down", code)
            self._probing = self._loop.create_task(self._find())

    async def _find(self) -> None:
        """Probe until the server answers as it should."""
        while True:
            try:
                async with asyncio.timeout(self._deadline):
                    answer = await self._answer(self._probe)
            except TimeoutError:
                answer = EngineFailed("no_answer_in_time")
            if not isinstance(answer, EngineFailed):
                if not self._closing.is_set():
                    self._up.set()
                    self._tell("up", "")
                return
            self._still_down(answer.code)
            await self._pause(PROBE_SECONDS)

    def _still_down(self, code: str) -> None:
        """Say it once per reason, not four times a second."""
        if code != self._why:
            self._why = code
            self._tell("down", code)

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        with suppress(Exception):
            await self._speaker.end()
