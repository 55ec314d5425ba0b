# SPDX-License-Identifier: EUPL-1.2
"""Starts the measured processes and ends them; each hangs on a pipe and ends with its parent."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import threading
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

START_SECONDS: Final = 60.0
"""Opening a keyring takes a second of Argon2id on a busy machine."""
STOP_SECONDS: Final = 10.0
LOOPBACK: Final = "127.0.0.1"
TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")

_SPAWN = multiprocessing.get_context("spawn")


class ChildFailed(Exception):
    """A process ended or stayed silent; says which."""


@cache
def cores() -> tuple[set[int], set[int]]:
    """Give the core of the gateway, and those of everything else; the same where there is one.

    Asked once, before this process takes its own place: afterwards it sees only that.
    """
    usable = sorted(os.sched_getaffinity(0))
    return {usable[0]}, set(usable[1:]) or {usable[0]}


class Child:
    """One process and the pipe to it."""

    def __init__(self, name: str, main: Callable[..., None], *arguments: object) -> None:
        """Start `main(pipe, *arguments)` in a fresh interpreter."""
        self.name = name
        self.pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=main, args=(theirs, *arguments), name=name, daemon=True
        )
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        """Nothing more to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.stop()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid or 0

    def hear(self, seconds: float = START_SECONDS) -> Any:
        """Give the next thing it says.

        Raises:
            ChildFailed: it said nothing in time, or ended.
        """
        try:
            if self.pipe.poll(seconds):
                return self.pipe.recv()
        except EOFError:
            pass
        raise ChildFailed(f"{self.name} ended or did not answer")

    def ask(self, question: object, seconds: float) -> Any:
        """Say something and give the answer."""
        self.pipe.send(question)
        return self.hear(seconds)

    def stop(self) -> None:
        """Close the pipe, which ends it; insist if need be."""
        with contextlib.suppress(OSError):
            self.pipe.close()
        self._process.join(STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(STOP_SECONDS)


def cpu_seconds(pid: int) -> float:
    """Give the CPU time, user and system, of a process from ``/proc`` (proc(5), fields 14, 15)."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123 - not a file on disk
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def children() -> set[int]:
    """Give the processes that this one has started and that have not ended (proc(5), field 4)."""
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # it may end while we look
            stat = (entry / "stat").read_text(encoding="ascii", errors="replace")
            if int(stat.rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(entry.name))
    return found


def resident_bytes(pid: int) -> int:
    """Give the resident memory of a process (proc(5), statm, field 2)."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:  # noqa: PTH123 - not a file on disk
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def pin(to: set[int]) -> None:
    """Stay on these cores; what is started later stays there too."""
    os.sched_setaffinity(0, to)


def when_closed(pipe: Connection, act: Callable[[], None]) -> None:
    """Call `act` once the parent has closed its end or is gone."""

    def wait() -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                pipe.recv()
        act()

    threading.Thread(target=wait, name="leash", daemon=True).start()


class _Announcing(uvicorn.Server):
    """Says its port once it serves."""

    def __init__(self, config: uvicorn.Config, pipe: Connection, port: int) -> None:
        super().__init__(config)
        self._pipe = pipe
        self._port = port

    async def startup(  # type: ignore[explicit-override]  # typing.override is 3.12
        self, sockets: Sequence[socket.socket] | None = None
    ) -> None:
        await super().startup(list(sockets or ()))
        self._pipe.send(self._port)


def serve(pipe: Connection, app: Any) -> None:
    """Serve an application as the product's own command does, on a free port that is told first."""
    listening = socket.socket()
    listening.bind((LOOPBACK, 0))
    port = listening.getsockname()[1]
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    server = _Announcing(config, pipe, port)

    def end() -> None:
        server.should_exit = True

    when_closed(pipe, end)
    server.run(sockets=[listening])
