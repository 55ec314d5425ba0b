# SPDX-License-Identifier: EUPL-1.2
"""Plays recorded requests over a fixed number of connections and notes each answer's time.

Runs as a process of its own. Statements are single-use, so it signs as many as a run may need
before the run begins.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

import uvloop

from deploy.bench.desk import Desk
from deploy.bench.place import JC, LINKED
from deploy.bench.processes import LOOPBACK, pin

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from deploy.bench.place import Place

PATH: Final = "/v1/exchanges"
RELEASED: Final = b'"envelope":'
"""Only an answer with sealed fields counts as one."""


@dataclass(frozen=True, slots=True)
class Play:
    """One run."""

    port: int
    token: str
    connections: int
    requests: int
    """Signed beforehand; the run ends when they are used up."""
    seconds: float
    """…or when this much time has gone."""
    persons: tuple[str, ...] = (LINKED,)
    """Asked about in random order, each equally often."""


@dataclass(slots=True)
class Played:
    """What came of it."""

    seconds: float
    cpu_seconds: float
    """Of the load process itself."""
    milliseconds: dict[str, list[float]] = field(default_factory=dict)
    """Answer times by person."""
    answers: dict[str, int] = field(default_factory=dict)
    """How often: answered, or the HTTP status of anything else."""


class _Client(asyncio.Protocol):
    """One connection: sends the next request as soon as the answer to the last one is whole."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._answer = bytearray()
        self._needed = 0
        self._person = ""
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(  # type: ignore[explicit-override]  # typing.override is 3.12
        self, transport: asyncio.BaseTransport
    ) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(  # type: ignore[explicit-override]  # typing.override is 3.12
        self, data: bytes
    ) -> None:
        self._answer += data
        if not self._needed:
            end = self._answer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._needed = end + 4 + _length(bytes(self._answer[:end]))
        if len(self._answer) < self._needed:
            return
        self._run.note(self._person, time.perf_counter() - self._sent, self._answer)
        self._answer.clear()
        self._needed = 0
        self._next()

    def connection_lost(  # type: ignore[explicit-override]  # typing.override is 3.12
        self,
        exc: Exception | None,  # noqa: ARG002 - the protocol's
    ) -> None:
        self._run.left()

    def _next(self) -> None:
        request = self._run.take()
        if self._transport is None:
            return
        if request is None:
            self._transport.close()
            return
        self._person, data = request
        self._sent = time.perf_counter()
        self._transport.write(data)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


class _Run:
    """The requests that are left, and what came back."""

    def __init__(self, requests: list[tuple[str, bytes]], connections: int, until: float) -> None:
        self._requests = requests
        self._open = connections
        self._until = until
        self.over = asyncio.Event()
        self.milliseconds: dict[str, list[float]] = {}
        self.answers: Counter[str] = Counter()

    def take(self) -> tuple[str, bytes] | None:
        """Give the next request, or none when the run ends."""
        if not self._requests or time.perf_counter() >= self._until:
            return None
        return self._requests.pop()

    def note(self, person: str, seconds: float, answer: bytearray) -> None:
        """Keep one answer."""
        status = answer[9:12].decode("ascii")
        released = status == "200" and RELEASED in answer
        self.answers["answered" if released else status] += 1
        self.milliseconds.setdefault(person, []).append(seconds * 1000)

    def left(self) -> None:
        """One connection is closed."""
        self._open -= 1
        if self._open == 0:
            self.over.set()


def record(desk: Desk, play: Play, now: int) -> list[tuple[str, bytes]]:
    """Sign and write the requests of a run, in random order."""
    made = [
        (person, _http(play, desk.enquiry(person, number, now)))
        for number in range(play.requests // len(play.persons))
        for person in play.persons
    ]
    secrets.SystemRandom().shuffle(made)
    return made


def _http(play: Play, body: bytes) -> bytes:
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {LOOPBACK}:{play.port}\r\n"
        f"Authorization: Bearer {play.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


async def _play(play: Play, requests: list[tuple[str, bytes]]) -> Played:
    loop = asyncio.get_running_loop()
    begun, cpu = time.perf_counter(), time.process_time()
    run = _Run(requests, play.connections, begun + play.seconds)
    for _ in range(play.connections):
        await loop.create_connection(lambda: _Client(run), LOOPBACK, play.port)
    await run.over.wait()
    return Played(
        time.perf_counter() - begun,
        time.process_time() - cpu,
        run.milliseconds,
        dict(run.answers),
    )


def main(pipe: Connection, place: Place, core: set[int]) -> None:
    """Take plays from the pipe, one after another: sign, say so, wait for the word, play."""
    pin(core)
    desk = Desk(JC, place.keys(JC))
    pipe.send("ready")
    while True:
        try:
            play: Play = pipe.recv()
            requests = record(desk, play, int(time.time()))
            pipe.send(len(requests))
            pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(uvloop.run(_play(play, requests)))
