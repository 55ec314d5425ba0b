# SPDX-License-Identifier: EUPL-1.2
"""The measurements on one database: throughput, answer times, CPU, steps, persons, plain proxy."""

from __future__ import annotations

import json
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deploy.bench import holder, load, measured
from deploy.bench.desk import Desk, link
from deploy.bench.fill import fill_up
from deploy.bench.load import Play
from deploy.bench.meter import FIGURES_PATH
from deploy.bench.place import EMPTY, JC, LINKED, PERSONS
from deploy.bench.processes import LOOPBACK, Child, cores, cpu_seconds, resident_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.bench.load import Played
    from deploy.bench.place import Place
    from deploy.bench.processes import Child as Process

CONNECTIONS: Final = (1, 8, 32)
PROXY_CONNECTIONS: Final = (1, 8)
FIRST_GUESS: Final = 400.0
"""Exchanges a second that requests are signed for before the first run has told better."""
RESERVE: Final = 1.3
WARM_UP_REQUESTS: Final = 150
PERSON_REQUESTS: Final = 750
"""Split between linked, empty and unlinked."""
LIMIT_SECONDS: Final = 60.0
SOAK_SLICE_SECONDS: Final = 20.0
"""Requests are signed before each slice: statements and tokens live five minutes."""
SOAK_CONNECTIONS: Final = 4


@dataclass(slots=True)
class Run:
    """One repeat at one number of connections."""

    connections: int
    per_second: float
    milliseconds: list[float]
    cpu_ms: float
    """CPU of the measured process per exchange, all threads: the mean."""
    quiet_cpu_ms: float
    """The same, lowest tenth of the exchanges; meaningful with one connection."""
    holder_cpu_ms: float
    load_cpu_ms: float
    threads_ms: dict[str, float]
    steps_ms: dict[str, tuple[float, float]]
    """Per step: (median, lowest tenth) of the whole process; meaningful with one connection."""
    answers: dict[str, int]
    resident_mib: float


@dataclass(slots=True)
class Measured:
    """Everything about one database."""

    database: str
    gateway: list[Run] = field(default_factory=list)
    proxy: list[Run] = field(default_factory=list)
    persons: dict[str, list[float]] = field(default_factory=dict)
    """Answer times by person, one connection, in random order."""


@dataclass(slots=True)
class Bench:
    """The processes around the measured one."""

    place: Place
    say: Callable[[str], None]
    holder: Process
    load: Process
    holder_url: str
    _guess: float = FIRST_GUESS

    def play(self, target: Process, play: Play) -> Run:
        """Have the load process play, and book what it cost whom."""
        self.load.ask(play, LIMIT_SECONDS)
        figures(play.port)
        begun = [cpu_seconds(child.pid) for child in (self.holder, target)]
        played: Played = self.load.ask("go", LIMIT_SECONDS)
        ended = [cpu_seconds(child.pid) for child in (self.holder, target)]
        booked = figures(play.port)
        count = max(1, sum(len(series) for series in played.milliseconds.values()))
        each_ns = 1e6 * count
        return Run(
            connections=play.connections,
            per_second=count / played.seconds,
            milliseconds=[one for series in played.milliseconds.values() for one in series],
            cpu_ms=booked["cpu_ns"] / each_ns,
            quiet_cpu_ms=booked["exchange_ns"][1] / 1e6,
            holder_cpu_ms=(ended[0] - begun[0]) * 1000 / count,
            load_cpu_ms=played.cpu_seconds * 1000 / count,
            threads_ms={kind: spent / each_ns for kind, spent in booked["threads"].items()},
            steps_ms={
                step: (whole[0] / 1e6, whole[1] / 1e6)
                for step, (whole, _) in booked["steps"].items()
            },
            answers=played.answers,
            resident_mib=resident_bytes(target.pid) / 2**20,
        )

    def timed(
        self, target: Process, port: int, token: str, connections: int, seconds: float
    ) -> Run:
        """Play for some seconds; how much to sign follows from the run before."""
        wanted = int(self._guess * RESERVE * seconds) + connections
        run = self.play(target, Play(port, token, connections, wanted, seconds))
        self._guess = max(50.0, run.per_second)
        return run

    def persons(self, port: int, token: str) -> dict[str, list[float]]:
        """Play linked, empty and unlinked persons in random order, one at a time."""
        play = Play(port, token, 1, PERSON_REQUESTS, LIMIT_SECONDS, PERSONS)
        self.load.ask(play, LIMIT_SECONDS)
        played: Played = self.load.ask("go", LIMIT_SECONDS)
        return played.milliseconds


def figures(port: int) -> dict[str, Any]:
    """Ask a measured process what it has booked since it was last asked."""
    url = f"http://{LOOPBACK}:{port}{FIGURES_PATH}"
    with urllib.request.urlopen(url, timeout=30) as answer:
        told: dict[str, Any] = json.load(answer)
    return told


def start(stack: ExitStack, place: Place, say: Callable[[str], None]) -> Bench:
    """Start holder and load process beside the gateway's core."""
    _, beside = cores()
    holding = stack.enter_context(Child("holder", holder.main, place, beside))
    loading = stack.enter_context(Child("load", load.main, place, beside))
    url = f"http://{LOOPBACK}:{holding.hear()}"
    loading.hear()
    return Bench(place, say, holding, loading, url)


def measure(
    bench: Bench, name: str, database_url: str, *, seconds: float, repeats: int, large: bool = False
) -> Measured:
    """Measure gateway and plain proxy on one database."""
    result = Measured(name)
    first, _ = cores()
    settings = bench.place.settings(database_url, bench.holder_url)
    if large:
        fill_up(settings, bench.say)
    with Child("gateway", measured.gateway_main, settings, first) as gateway:
        port = gateway.hear()
        link(bench.place, port, (LINKED, EMPTY), int(time.time()))
        desk = Desk(JC, bench.place.keys(JC))
        token = desk.sign_in(port, int(time.time()))
        bench.play(gateway, Play(port, token, 4, WARM_UP_REQUESTS, LIMIT_SECONDS))
        with Child("proxy", measured.proxy_main, settings, first) as proxy:
            proxy_port = proxy.hear()
            bench.play(proxy, Play(proxy_port, token, 4, WARM_UP_REQUESTS, LIMIT_SECONDS))
            # Repeats of one kind are spread over the run, so that a busy minute hits all alike.
            for number in range(1, repeats + 1):
                token = desk.sign_in(port, int(time.time()))
                bench.say(f"{name}: repeat {number} of {repeats}")
                for connections in CONNECTIONS:
                    result.gateway.append(bench.timed(gateway, port, token, connections, seconds))
                for connections in PROXY_CONNECTIONS:
                    result.proxy.append(
                        bench.timed(proxy, proxy_port, token, connections, seconds / 2)
                    )
        bench.say(f"{name}: answer times of linked, empty and unlinked persons")
        token = desk.sign_in(port, int(time.time()))
        result.persons = bench.persons(port, token)
    return result


def soak(bench: Bench, name: str, database_url: str, *, seconds: float) -> list[Run]:
    """Load one gateway process for long, slice by slice."""
    settings = bench.place.settings(database_url, bench.holder_url)
    end = time.monotonic() + seconds
    runs: list[Run] = []
    with Child("gateway", measured.gateway_main, settings, cores()[0]) as gateway:
        port = gateway.hear()
        link(bench.place, port, (LINKED, EMPTY), int(time.time()))
        desk = Desk(JC, bench.place.keys(JC))
        while not runs or time.monotonic() < end:
            token = desk.sign_in(port, int(time.time()))
            runs.append(bench.timed(gateway, port, token, SOAK_CONNECTIONS, SOAK_SLICE_SECONDS))
            bench.say(
                f"{name}: slice {len(runs)}, {runs[-1].per_second:.0f}/s, "
                f"{runs[-1].resident_mib:.0f} MiB"
            )
    return runs
