# SPDX-License-Identifier: EUPL-1.2
"""CPU inside the gateway process: per step, per kind of thread, in all.

The meter stands around the application and is its `StepObserver`. At every boundary it reads the
process's and the event loop thread's CPU clocks and books what has gone by. Only with one request
at a time does a step's share belong to that step; with more, only the sums mean anything.

On a machine that others use too, CPU time itself swells: cores share caches and execution units.
The lowest tenth of many exchanges is what one costs when nobody is in the way.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from deploy.bench.figures import quantile
from gateway.steps import Step

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from keys.model import ExchangeId

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

FIGURES_PATH: Final = "/bench/figures"
"""Answers what was booked since it was last asked."""
SERVER: Final = "http server"
STEP_NAMES: Final = {
    Step.AUTHENTICATE: "2 authenticate",
    Step.GATHER: "3 gather",
    Step.DECIDE: "4 decide",
    Step.RECORD_INTENT: "5 record intent",
    Step.ORDER: "6 order",
    Step.STRIP: "9 check and strip",
    Step.RECORD_RELEASE: "10 record release",
    Step.ANSWER: "11 answer",
}
LOG_THREAD: Final = "log writer"
THREADS: Final = {"MainThread": "event loop", "log ": LOG_THREAD, "lotse-read": "look-ups"}
"""Kind of thread by the beginning of its name."""


class Meter:
    """Books CPU nanoseconds: (whole process, event loop thread) per step."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._app: App | None = None
        self._steps: dict[str, list[tuple[int, int]]] = {}
        self._exchange: list[int] = []
        self._last = (time.process_time_ns(), time.thread_time_ns())
        self._begun = time.process_time_ns()
        self._threads: dict[str, int] = {}
        self._began = self._last[0]

    def around(self, app: App) -> App:
        """Give the application with the meter around it."""
        self._app = app
        return self

    async def done(self, step: Step, exchange: ExchangeId) -> None:  # noqa: ARG002 - the protocol's
        """Book the step that ended."""
        self._book(STEP_NAMES[step])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call, or the figures."""
        if self._app is None:
            raise TypeError("the meter stands around nothing")
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == FIGURES_PATH:
            await self._tell(send)
        else:
            self._book(SERVER)
            self._exchange.append(self._last[0] - self._began)
            self._began = self._last[0]
            await self._app(scope, receive, send)
            self._book(STEP_NAMES[Step.ANSWER])

    def _book(self, name: str) -> None:
        now = (time.process_time_ns(), time.thread_time_ns())
        spent = (now[0] - self._last[0], now[1] - self._last[1])
        self._steps.setdefault(name, []).append(spent)
        self._last = now

    async def _tell(self, send: Send) -> None:
        threads = by_thread()
        now = time.process_time_ns()
        figures = {
            "cpu_ns": now - self._begun,
            "exchange_ns": _summary(self._exchange[1:]),
            "steps": {
                name: (
                    _summary([whole for whole, _ in spent]),
                    _summary([loop for _, loop in spent]),
                )
                for name, spent in self._steps.items()
            },
            "threads": {
                name: spent - self._threads.get(name, 0) for name, spent in threads.items()
            },
        }
        body = json.dumps(figures).encode("ascii")
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode("ascii")),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._steps, self._exchange, self._threads = {}, [], by_thread()
        self._begun = self._began = time.process_time_ns()
        self._last = (self._begun, time.thread_time_ns())


def _summary(spent: list[int]) -> tuple[float, float]:
    """Give (median, lowest tenth) of a series; zeros if there is nothing."""
    if not spent:
        return 0.0, 0.0
    return quantile(spent, 0.5), quantile(spent, 0.1)


def by_thread() -> dict[str, int]:
    """Give the CPU nanoseconds of all living threads so far, by kind."""
    spent: dict[str, int] = {}
    for thread in threading.enumerate():
        if thread.ident is None:
            continue
        kind = next(
            (kind for prefix, kind in THREADS.items() if thread.name.startswith(prefix)), "other"
        )
        clock = time.pthread_getcpuclockid(thread.ident)
        spent[kind] = spent.get(kind, 0) + time.clock_gettime_ns(clock)
    return spent
