# SPDX-License-Identifier: EUPL-1.2
"""``lotse demo`` as a user runs it: real processes, every scene, every sabotage, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.cli import Sabotage
from deploy.demo.supervisor import LOTSE
from tests.support.processes import ROOT, Process, Processes

MEMBERS = {
    "scene",
    "title",
    "expected",
    "observed",
    "ok",
    "released",
    "withheld",
    "log_index",
    "receipt_verified",
}
LIMIT = 110.0
"""Seconds for one run: it takes about thirty on two idle cores."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*LOTSE, "demo", *(str(argument) for argument in arguments)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False
    )


def _left_behind(directory: Path) -> list[str]:
    """Processes that still work in one of the demo's directories."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            cwd = str((process / "cwd").readlink())
        except OSError:
            continue
        if cwd.startswith(str(directory)):
            found.append((process / "cmdline").read_text(encoding="utf-8", errors="replace"))
    return found


def _wait_for(condition: str, process: Process, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while condition not in process.output():
        assert process.returncode is None, process.output()
        assert time.monotonic() < deadline, process.output()
        time.sleep(0.2)


def _wait_ended(directory: Path, *, seconds: float = 10) -> list[str]:
    deadline = time.monotonic() + seconds
    while (left := _left_behind(directory)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def test_every_scene_comes_out_as_expected(tmp_path: Path) -> None:
    """`lotse demo --once --json` on a fresh directory: at least sixteen scenes, all of them ok."""
    done = _run("--once", "--json", "--data", tmp_path / "demo")
    results: list[dict[str, Any]] = json.loads(done.stdout)
    wrong = [(one["scene"], one["expected"], one["observed"]) for one in results if not one["ok"]]
    assert wrong == [], done.stderr
    assert len(results) >= 16
    assert all(one.keys() >= MEMBERS for one in results)
    assert all(one["receipt_verified"] for one in results)
    assert done.returncode == 0
    assert _left_behind(tmp_path) == []


@pytest.mark.parametrize("part", [part.value for part in Sabotage])
def test_a_sabotaged_part_is_noticed(tmp_path: Path, part: str) -> None:
    """With one part replaced the run ends with 1 and names the scenes that changed."""
    done = _run("--once", "--json", "--data", tmp_path / "demo", "--break", part)
    changed = [one["scene"] for one in json.loads(done.stdout) if not one["ok"]]
    assert done.returncode == 1, done.stderr
    assert changed != []
    named = re.search(r"^not as expected: (.+)$", done.stderr, re.MULTILINE)
    assert named is not None
    assert named[1].split(", ") == changed
    # Every sabotage of a part leaves the scenes alone that do not use it.
    assert len(changed) < 16


def test_a_running_demo_survives_and_ends(tmp_path: Path, processes: Processes) -> None:
    """Taken ports are moved, a second run is refused, a killed gateway returns, Ctrl-C ends all."""
    root = tmp_path / "demo"
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8400))
            taken.listen()
        except OSError:
            pass  # somebody else has it: just as good
        running = processes.start([*LOTSE, "demo", "--data", root], name="demo")
        _wait_for("What to try", running)
    assert "ports in use" in running.output()

    second = _run("--once", "--data", root)
    assert second.returncode == 2
    assert "another demo" in second.stderr

    killed = re.search(r"kill -9 (\d+)", running.output())
    assert killed is not None
    os.kill(int(killed[1]), signal.SIGKILL)
    _wait_for("starting it again", running, seconds=10)
    address = re.search(r"gateway +(http://\S+)", running.output())
    assert address is not None
    running.wait_healthy(f"{address[1]}/health", seconds=30)

    assert _left_behind(root) != []
    running.interrupt()
    assert running.wait(seconds=20) == 0
    assert _wait_ended(root) == []


def test_a_killed_demo_leaves_no_process(tmp_path: Path, processes: Processes) -> None:
    """SIGKILL of the demo itself ends its processes too, and the next run can begin."""
    root = tmp_path / "demo"
    running = processes.start([*LOTSE, "demo", "--data", root], name="demo")
    _wait_for("What to try", running)
    assert _left_behind(root) != []
    running.kill()
    assert _wait_ended(root, seconds=20) == []


def test_options_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """`--break` and `--json` without `--once` do nothing but say so."""
    done = _run("--break", "log", "--data", tmp_path / "demo")
    assert done.returncode == 2
    assert "--once" in done.stderr
    assert not (tmp_path / "demo").exists()
