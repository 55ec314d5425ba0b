# SPDX-License-Identifier: EUPL-1.2
"""Who waits for an append, and how they are told: threads one by one, each event loop once per batch."""

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from audit.append import Work
from audit.entry import PendingEntry
from audit.proof import Receipt


@dataclass(frozen=True, slots=True)
class Appended:
    """What the log gives back for one work."""

    entries: tuple[Receipt, ...]
    """One receipt per entry, in the order of the work."""
    pending: tuple[PendingEntry, ...]
    """What the work decided to append; `entry.outcome` tells how its guard ended."""


class Job:
    """One work and who waits for it: a thread (`future`) or a coroutine (`waiter` on `loop`)."""

    __slots__ = ("future", "loop", "result", "waiter", "work")

    def __init__(
        self,
        work: Work,
        future: "Future[Appended] | None" = None,
        loop: asyncio.AbstractEventLoop | None = None,
        waiter: "asyncio.Future[Appended] | None" = None,
    ) -> None:
        """Belong to `future`, or to `waiter` on `loop`."""
        self.work = work
        self.future = future
        self.loop = loop
        self.waiter = waiter
        self.result: Appended | Exception | None = None

    def wanted(self) -> bool:
        """Tell whether somebody still waits; from here on a future cannot be cancelled."""
        if self.future is not None:
            return self.future.set_running_or_notify_cancel()
        return self.waiter is not None and not self.waiter.cancelled()


def fail(jobs: Sequence[Job], error: Exception) -> None:
    """Give all of them the same error."""
    for job in jobs:
        job.result = error


def deliver(jobs: Sequence[Job]) -> None:
    """Wake whoever waits: threads one by one, each event loop once."""
    loops: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        if job.future is not None:
            if isinstance(job.result, Appended):
                job.future.set_result(job.result)
            else:
                job.future.set_exception(job.result)
        elif job.loop is not None:
            loops.setdefault(job.loop, []).append(job)
    for loop, waiting in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits there any more
            loop.call_soon_threadsafe(_resolve, waiting)


def _resolve(jobs: Sequence[Job]) -> None:
    """Run in the event loop: finish the futures of its coroutines."""
    for job in jobs:
        if job.waiter is None or job.waiter.done():
            continue
        if isinstance(job.result, Appended):
            job.waiter.set_result(job.result)
        elif job.result is not None:
            job.waiter.set_exception(job.result)
