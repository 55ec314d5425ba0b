# SPDX-License-Identifier: EUPL-1.2
"""The agencies' own systems of the demo: small programs that know nothing of Lotse."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from adapters.simulated import mapping_path
from deploy.demo.place import private

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from deploy.demo.cast import Member
    from deploy.demo.ports import Ports

PROGRAM = {"ABH": "abh", "MBE": "mbe", "MELDE": "melde", "JC": "jobcenter"}


class SystemFailed(Exception):
    """An agency's own system could not be set up."""


def set_up(member: Member, directory: Path, today: date) -> None:
    """Fill an agency's own system anew, with dates counted from today.

    Raises:
        SystemFailed: its program ended with an error.
    """
    shutil.rmtree(directory, ignore_errors=True)
    private(directory)
    shutil.copyfile(mapping_path(member.id), directory / "mapping.toml")
    if member.source == "rest":
        return  # fills itself when it is started
    where = ["--db", "system.sqlite"] if member.source == "sql" else ["--folder", "akten-ordner"]
    program = f"adapters.simulated.{PROGRAM[member.kind]}"
    command = [sys.executable, "-m", program, *where, "--today", today.isoformat()]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemFailed(f"{member.id}: {done.stderr.strip() or done.stdout.strip()}")


def serve_command(member: Member, ports: Ports, today: date) -> list[str]:
    """Give the command that serves a job centre's web service."""
    return [
        sys.executable,
        "-m",
        f"adapters.simulated.{PROGRAM[member.kind]}",
        "--centre",
        member.id.partition(".")[2],
        "--port",
        str(ports.chosen[f"{member.id} system"]),
        "--data",
        "cases.json",
        "--token-file",
        "token",
        "--today",
        today.isoformat(),
    ]
