# SPDX-License-Identifier: EUPL-1.2
"""How resident memory moves over many decisions about different questions.

Every question is another one, so that the engine works each time and the memo, where there is one,
is always full of what will not be asked again. Each run has a process of its own.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from deploy.bench.processes import Child, children, cores, pin, resident_bytes
from policies.bundle import Bundle
from policies.catalogue import Catalogue
from policies.decide import MEMO_SIZE, Decider
from policies.engine.embedded import EmbeddedEngine
from policies.engine.opa_beside import opa_beside
from policies.generate import Inventor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from policies.engine.base import RuleEngine

DECISIONS: Final = 200_000
MEMO_SHARE: Final = 4
OPA_SHARE: Final = 20
"""The full memo gets a quarter of the decisions, the OPA server a twentieth: all runs then end
at about the same time."""
SLICES: Final = 4
SEED: Final = 3
LIMIT_SECONDS: Final = 1800.0
"""For the longest run; two minutes are usual."""

Sizes = list[tuple[int, float]]
"""(decisions so far, MiB)"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One run: its name, the OPA of the server or None, the bound of the memo, how many."""

    name: str
    opa: Path | None
    memo: int
    decisions: int


@dataclass(slots=True)
class Memory:
    """One run."""

    name: str
    before: float
    """MiB before the first decision."""
    sizes: Sizes = field(default_factory=list)
    """From the moment on when every buffer, and the memo, has the size it keeps."""
    server: Sizes = field(default_factory=list)
    """The same of the engine's own server; empty where there is none."""


def measure_memory(opa: Path | None, decisions: int, say: Callable[[str], None]) -> list[Memory]:
    """Measure all runs beside each other: memory does not depend on how busy the cores are."""
    decisions = max(SLICES * OPA_SHARE, decisions)
    wanted = [
        Wanted("embedded, no memo", None, 0, decisions),
        Wanted("embedded, memo at its bound", None, MEMO_SIZE, decisions // MEMO_SHARE),
    ]
    if opa is not None:
        wanted.append(Wanted("OPA server, no memo", opa, 0, decisions // OPA_SHARE))
    first, beside = cores()
    say(f"memory over {decisions:,} decisions, fewer with the memo and the OPA server")
    with ExitStack() as stack:
        running = [
            stack.enter_context(Child(f"memory: {run.name}", main, run, first | beside))
            for run in wanted
        ]
        return [child.hear(LIMIT_SECONDS) for child in running]


def main(pipe: Connection, wanted: Wanted, core: set[int]) -> None:
    """Measure one run in a fresh process, and say it."""
    pin(core)
    with ExitStack() as stack:
        engine: RuleEngine
        known = children()
        if wanted.opa is None:
            engine = EmbeddedEngine.load()
        else:
            engine = stack.enter_context(opa_beside(wanted.opa, Bundle.load()))
        pipe.send(over_decisions(wanted, engine, sorted(children() - known)))


def over_decisions(wanted: Wanted, engine: RuleEngine, servers: Sequence[int] = ()) -> Memory:
    """Decide so many different questions and look at the memory in between."""
    catalogue = Catalogue.load()
    decider = Decider(engine, catalogue, memo_size=wanted.memo)
    inventor = Inventor(catalogue, SEED)
    memory = Memory(wanted.name, _mib(os.getpid()))
    for asked in inventor.questions(max(wanted.memo, wanted.decisions // 100)):
        decider.decide(asked)
    _look(memory, 0, servers)
    looks = {wanted.decisions * part // SLICES for part in range(1, SLICES + 1)}
    for number, asked in enumerate(inventor.questions(wanted.decisions), start=1):
        decider.decide(asked)
        if number in looks:
            _look(memory, number, servers)
    return memory


def _look(memory: Memory, number: int, servers: Sequence[int]) -> None:
    memory.sizes.append((number, _mib(os.getpid())))
    if servers:
        memory.server.append((number, sum(_mib(pid) for pid in servers)))


def _mib(pid: int) -> float:
    return resident_bytes(pid) / 2**20
