# SPDX-License-Identifier: EUPL-1.2
"""What one decision costs: both engines, few and many fields, with and without the memo."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from deploy.bench.place import DECLARED, PURPOSE
from deploy.bench.processes import children, cpu_seconds, pin
from policies.bundle import Bundle
from policies.catalogue import Catalogue
from policies.decide import MEMO_SIZE, Decider
from policies.engine.embedded import EmbeddedEngine
from policies.engine.opa_beside import opa_beside
from policies.model import AgreementFacts, DecisionInput

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

    from policies.engine.base import RuleEngine

SIZES: Final = (4, 10, 40)
"""Fields that are asked for."""
ROUNDS: Final = 400
"""Decisions of each kind in one repeat."""
SETTLE: Final = 50
"""Calls before the ones that count."""
RULE: Final = "R02"
"""The rule that fits the measured question; what it does not list is refused."""


@dataclass(slots=True)
class Cost:
    """One kind of decision, in microseconds of the process that asks."""

    engine: str
    fields: int
    memo: bool
    cpu_us: list[float] = field(default_factory=list)
    """All threads of the process."""
    wall_us: list[float] = field(default_factory=list)
    server_us: list[float] = field(default_factory=list)
    """CPU of the engine's own server: the mean of each repeat; empty where there is none."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is called again and again for one row."""

    cost: Cost
    decider: Decider
    question: DecisionInput
    server: int | None


def question(size: int) -> DecisionInput:
    """Return the question of a job centre for so many fields.

    Three of four are released, as far as the rule lists so many; the others are refused.
    """
    catalogue = Catalogue.load()
    listed = catalogue.rule(RULE).fields
    others = [name for name in catalogue.fields if name not in listed]
    return DecisionInput(
        from_kind=catalogue.agency("ABH").id,
        to_kind=catalogue.agency("JC").id,
        purpose=catalogue.purpose(PURPOSE).id,
        trigger="on_request",
        fields=(*listed[: size - size // 4], *others)[:size],
        declared=dict(DECLARED),
        agreement=AgreementFacts(in_force=True),
    )


def main(pipe: Connection, opa: Path | None, rounds: int, repeats: int, core: set[int]) -> None:
    """Measure in a fresh process, and say the costs."""
    pin(core)
    pipe.send(decision_costs(opa, rounds, repeats))


def decision_costs(opa: Path | None, rounds: int, repeats: int) -> list[Cost]:
    """Measure every kind of decision; repeats are spread, so that a busy moment hits all alike."""
    with ExitStack() as stack:
        kinds = list(_kinds(stack, opa))
        for _ in range(repeats):
            for kind in kinds:
                _repeat(kind, rounds)
    return [kind.cost for kind in kinds]


def _kinds(stack: ExitStack, opa: Path | None) -> Iterator[_Kind]:
    bundle = Bundle.load()
    yield from _of("embedded", EmbeddedEngine(bundle), None)
    if opa is not None:
        before = children()
        engine = stack.enter_context(opa_beside(opa, bundle))
        started = children() - before
        yield from _of("OPA server", engine, started.pop() if len(started) == 1 else None)


def _of(name: str, engine: RuleEngine, server: int | None) -> Iterator[_Kind]:
    catalogue = Catalogue.load()
    for memo in (False, True):
        decider = Decider(engine, catalogue, memo_size=MEMO_SIZE if memo else 0)
        for size in SIZES:
            yield _Kind(Cost(name, size, memo), decider, question(size), server)


def _repeat(kind: _Kind, rounds: int) -> None:
    decide, asked = kind.decider.decide, kind.question
    for _ in range(SETTLE):
        decide(asked)
    served = cpu_seconds(kind.server) if kind.server else 0.0
    for _ in range(rounds):
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        decide(asked)
        kind.cost.wall_us.append((time.perf_counter_ns() - wall) / 1000)
        kind.cost.cpu_us.append((time.process_time_ns() - cpu) / 1000)
    if kind.server:
        kind.cost.server_us.append((cpu_seconds(kind.server) - served) * 1e6 / rounds)
