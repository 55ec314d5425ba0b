# SPDX-License-Identifier: EUPL-1.2
"""Starts the demo's processes, waits until they answer, restarts the gateway, stops all of them.

Each process has its own directory and log, its own session, and a leash: it ends when the demo
ends, even if the demo is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from deploy.demo.cast import RUNNING
from deploy.demo.systems import serve_command

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from deploy.demo.place import Place
    from deploy.demo.ports import Ports

START_SECONDS: Final = 25.0
"""A process that does not answer by then has not started."""
STOP_SECONDS: Final = 4.0
RESTART_PAUSE_SECONDS: Final = 0.5
MAX_RESTARTS: Final = 20
POLL_SECONDS: Final = 0.05
LEASH: Final = Path(__file__).with_name("leash.py")
KEPT_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")
LOTSE: Final = (sys.executable, "-c", "from keys.cli import main; main()")
"""The command ``lotse`` of this environment, whether or not its script is on the path."""


class StartFailed(Exception):
    """A process ended or stayed silent when it should have answered; says which and why."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, where, and how to see that it works."""

    name: str
    command: tuple[str, ...]
    directory: Path
    health: str | None = None
    """Address that answers 200 once it works; None: nobody asks it."""
    restart: bool = False

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.directory / "process.log"


@dataclass(slots=True)
class Running:
    """A program and its process of now."""

    program: Program
    process: subprocess.Popen[bytes]
    restarts: int = 0


@dataclass(slots=True)
class Supervisor:
    """Holds the processes of one demo; leaving the context stops them all."""

    say: Callable[[str], None]
    _running: dict[str, Running] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        """Begin to watch."""
        threading.Thread(target=self._watch, name="demo-watch", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self.stop()

    def start(self, programs: list[Program]) -> None:
        """Start programs at once, then wait for all of them.

        Raises:
            StartFailed: one of them does not answer; the others keep running until the end.
        """
        for program in programs:
            with self._lock:
                self._running[program.name] = Running(program, _spawn(program))
        deadline = time.monotonic() + START_SECONDS
        for program in programs:
            self._wait(program, deadline)

    def pid(self, name: str) -> int:
        """Give the process id of a program of now.

        Raises:
            StartFailed: it was never started.
        """
        with self._lock:
            if name not in self._running:
                raise StartFailed(f"{name} does not run")
            return self._running[name].process.pid

    def stop(self) -> None:
        """Ask all to end, the newest first, then insist."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        with self._lock:
            running = [item.process for item in self._running.values()]
        for process in reversed(running):
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            _signal(process, signal.SIGKILL)
            process.wait()

    def _wait(self, program: Program, deadline: float) -> None:
        if program.health is None:
            return
        while time.monotonic() < deadline:
            with self._lock:
                ended = self._running[program.name].process.poll()
            if ended is not None and not program.restart:
                raise StartFailed(f"{program.name} ended with {ended}: {_last_line(program.log)}")
            if _answers(program.health):
                return
            time.sleep(POLL_SECONDS)
        raise StartFailed(f"{program.name} does not answer: {_last_line(program.log)}")

    def _watch(self) -> None:
        """Bring the gateway back when it has ended by itself."""
        while not self._stopping.wait(RESTART_PAUSE_SECONDS):
            with self._lock:
                gone = [
                    item
                    for item in self._running.values()
                    if item.process.poll() is not None and item.program.restart
                ]
                for item in gone:
                    if item.restarts >= MAX_RESTARTS or self._stopping.is_set():
                        continue
                    item.restarts += 1
                    self.say(
                        f"{item.program.name} ended with {item.process.returncode}; starting it again"
                    )
                    item.process = _spawn(item.program)


def programs(
    place: Place, ports: Ports, *, today: date, special: dict[str, tuple[str, ...]]
) -> tuple[list[Program], list[Program], list[Program]]:
    """List what to run, in three groups that start one after the other.

    `special` replaces the command of a role; only the sabotage uses it.
    """
    routes = [
        {"name": role, "listen": port, "target": ports.chosen[role.partition(">")[2]]}
        for role, port in ports.chosen.items()
        if ">" in role
    ]
    (place.recorded / "routes.json").write_text(json.dumps(routes), encoding="utf-8")
    beside = [
        Program(
            "recorder",
            (sys.executable, "-m", "deploy.demo.recorder", "routes.json", "."),
            place.recorded,
        )
    ]
    beside += [
        Program(
            f"{member.id} system",
            tuple(serve_command(member, ports, today)),
            place.source(member.id),
            f"{ports.url(f'{member.id} system')}/status",
        )
        for member in RUNNING
        if member.source == "rest"
    ]
    gateway = Program(
        "gateway",
        special.get("gateway", (*LOTSE, "gateway", "serve", "--config", "gateway.toml")),
        place.gateway,
        f"{ports.url('gateway')}/health",
        restart=True,
    )
    connectors = [
        Program(
            member.id,
            special.get(member.id, (*LOTSE, "connector", "serve", "--config", "connector.toml")),
            place.connector(member.id),
            f"{ports.url(member.id)}/health",
        )
        for member in RUNNING
    ]
    return beside, [gateway], connectors


def _spawn(program: Program) -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    environment["PYTHONUNBUFFERED"] = "1"
    leash = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid())]
    with program.log.open("ab") as log:
        return subprocess.Popen(
            [*leash, *program.command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=program.directory,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches the demo alone, which stops the rest in order
        )


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback, written by the demo
            return bool(answer.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError):
        return False


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "no output"
    return lines[-1] if lines else "no output"
