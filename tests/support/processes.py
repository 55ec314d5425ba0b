# SPDX-License-Identifier: EUPL-1.2
"""Starts the product's own programs as processes, watches them, and kills them for real."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class ProcessFailed(Exception):
    """A program ended or stayed silent when it should have answered; carries its output."""


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Process:
    """One running program in its own process group, its output in a file.

    Args:
        command: program and arguments.
        log: file that gets standard output and standard error.
        env: added to this process's environment.
        cwd: working directory; the repository unless said otherwise.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
    ) -> None:
        self.command = [str(part) for part in command]
        self.log = log
        with log.open("ab") as sink:
            self._popen = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its group."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """Exit status, or None while it runs."""
        return self._popen.poll()

    def output(self) -> str:
        """Everything it printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_healthy(self, url: str, *, seconds: float = 20) -> None:
        """Wait until `url` answers 200.

        Raises:
            ProcessFailed: the program ended first, or the time is over.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.returncode is not None:
                raise ProcessFailed(
                    f"{self.command} ended with {self.returncode}:\n{self.output()}"
                )
            if _answers(url):
                return
            time.sleep(0.05)
        raise ProcessFailed(f"{url} did not answer within {seconds} s:\n{self.output()}")

    def wait(self, *, seconds: float = 20) -> int:
        """Wait for the end and give the exit status.

        Raises:
            ProcessFailed: it still runs after `seconds`.
        """
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired as late:
            raise ProcessFailed(f"{self.command} did not end:\n{self.output()}") from late

    def interrupt(self) -> None:
        """What Ctrl-C sends."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL to the whole group: nothing inside gets to clean up."""
        self._signal(signal.SIGKILL)
        self._popen.wait(10)

    def stop(self, *, seconds: float = 10) -> int:
        """Ask it to end, then insist."""
        self._signal(signal.SIGTERM)
        try:
            code = self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            code = -signal.SIGKILL
        self.kill()
        return code

    def _signal(self, number: signal.Signals) -> None:
        # The group may outlive its leader, so it is signalled even when the leader has ended.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback URLs of this suite
            status: int = answer.status
            return status == 200
    except (urllib.error.URLError, OSError):
        return False


class Processes:
    """Starts processes and ends all of them when the test is over."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started: list[Process] = []

    def start(
        self,
        command: Sequence[str | Path],
        *,
        name: str = "process",
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
    ) -> Process:
        """Start one program; its output goes to `<n>-<name>.log`."""
        log = self._directory / f"{len(self._started)}-{name}.log"
        process = Process(command, log=log, env=env, cwd=cwd)
        self._started.append(process)
        return process

    def stop_all(self) -> None:
        """End everything that was started, the newest first."""
        for process in reversed(self._started):
            process.kill()


@pytest.fixture
def processes(tmp_path: Path) -> Generator[Processes]:
    """A starter of processes that cleans up after the test, whatever happened."""
    directory = tmp_path / "processes"
    directory.mkdir()
    starter = Processes(directory)
    yield starter
    starter.stop_all()
