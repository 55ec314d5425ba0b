# SPDX-License-Identifier: EUPL-1.2
"""One run of the demo: set up, start, link the files, play, stop."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import httpx

from deploy.demo.cast import LINKS
from deploy.demo.office import Problem
from deploy.demo.ports import choose, usual_ports
from deploy.demo.provision import provision
from deploy.demo.scenes.model import Stage, play, unplayed
from deploy.demo.supervisor import StartFailed, Supervisor, programs

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from deploy.demo.place import Place
    from deploy.demo.scenes.model import Result, Scene

PATIENCE_SECONDS: Final = 45.0
"""A sabotaged run may be slow: scenes that have not begun by then are not played."""


@dataclass(frozen=True, slots=True)
class Started:
    """A demo that runs."""

    stage: Stage
    trouble: str | None
    """Why some part did not start; the scenes are not played then."""


@contextlib.contextmanager
def started(
    place: Place, *, sabotage: str | None, say: Callable[[str], None]
) -> Generator[Started]:
    """Set up and start everything; stop it all at the end, whatever happens."""
    ports = choose(usual_ports())
    if ports.moved:
        taken = usual_ports()
        say(
            "ports in use, others taken: "
            + ", ".join(f"{role} {taken[role]} -> {ports.chosen[role]}" for role in ports.moved)
        )
    now = datetime.fromtimestamp(time.time(), tz=UTC)
    today = now.astimezone().date()
    provision(place, ports, now=int(now.timestamp()), today=today, say=say)
    with Supervisor(say) as supervisor:
        stage = Stage(place, ports, supervisor, today)
        trouble: str | None = None
        try:
            groups = programs(place, ports, today=today, special=_special(sabotage))
            for group in groups:
                say("starting " + ", ".join(program.name for program in group))
                supervisor.start(group)
        except StartFailed as error:
            trouble = str(error)
            say(trouble)
        else:
            say("linking files at the counters")
            for problem in link_files(stage):
                say(problem)
        try:
            yield Started(stage, trouble)
        finally:
            stage.close()
            say("stopping")


def link_files(stage: Stage) -> list[str]:
    """Carry codes from counter to counter, as the scenes need it; gives what went wrong."""
    problems = []
    for link in LINKS:
        try:
            code = stage.office(link.one).link_code(link.person)
            stage.office(link.other).link(code, link.person)
        except (Problem, httpx.HTTPError) as error:
            problems.append(f"{link.one} and {link.other} are not linked: {error}")
    return problems


def play_all(running: Started, scenes: Sequence[Scene], say: Callable[[str], None]) -> list[Result]:
    """Play the scenes one after the other."""
    results = []
    begun = time.monotonic()
    for scene in scenes:
        if running.trouble is not None:
            results.append(unplayed(scene, running.trouble))
            continue
        if time.monotonic() - begun > PATIENCE_SECONDS:
            results.append(unplayed(scene, "the run takes too long"))
            continue
        say(f"{scene.id} {scene.title}")
        results.append(play(scene, running.stage))
    return results


def _special(sabotage: str | None) -> dict[str, tuple[str, ...]]:
    """Say which processes run sabotaged; the code for it is used nowhere else."""
    if sabotage is None:
        return {}
    command = (sys.executable, "-m", "deploy.demo.insecure", "--break", sabotage)
    special: dict[str, tuple[str, ...]] = {"gateway": (*command, "--config", "gateway.toml")}
    if sabotage == "strip":
        special["abh.hannover"] = (*command, "--connector", "connector.toml")
    return special
