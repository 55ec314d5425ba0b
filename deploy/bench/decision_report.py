# SPDX-License-Identifier: EUPL-1.2
"""Writes what decisions cost, and what they leave in memory, as Markdown tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.bench.figures import quantile, short, spread, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.bench.decision_memory import Memory, Sizes
    from deploy.bench.decisions import Cost

KIB: Final = 1024


def cost_table(costs: Sequence[Cost]) -> str:
    """One row per engine, memo and number of fields."""
    head = ["engine", "memo", "fields", "CPU us, median", "lowest tenth"]
    head += ["wall us, p50", "p99", "OPA server's CPU us"]
    rows = [
        (
            cost.engine,
            "on" if cost.memo else "off",
            str(cost.fields),
            *(short(quantile(cost.cpu_us, share)) for share in (0.5, 0.1)),
            *(short(quantile(cost.wall_us, share)) for share in (0.5, 0.99)),
            spread(cost.server_us),
        )
        for cost in costs
    ]
    note = (
        "One decision with everything around the engine: canonical input, memo, the gate before "
        "the engine, reading and checking the answer. CPU is that of the process that decides, all "
        "its threads; the OPA server runs beside it on the loopback interface. With the memo on "
        "the same question comes again and the engine is not asked."
    )
    return "One decision\n\n" + table(head, rows) + "\n\n" + note


def memory_table(runs: Sequence[Memory]) -> str:
    """One row per process: how its memory moved."""
    head = ["run", "decisions", "before the first, MiB", "start", "1/4", "1/2", "3/4", "end"]
    head.append("kB per 1,000 decisions")
    rows = []
    for run in runs:
        rows.append(_row(run.name, short(run.before), run.sizes))
        if run.server:
            rows.append(_row(f"{run.name}: the server itself", "-", run.server))
    note = (
        "Resident memory of a process that decides about one different question after the other, "
        "taken round all rules. It counts from the start column on, where a memo is full; the last "
        "column is the growth from there to the end."
    )
    return "Memory\n\n" + table(head, rows) + "\n\n" + note


def _row(name: str, before: str, sizes: Sizes) -> list[str]:
    (_, start), (decisions, end) = sizes[0], sizes[-1]
    growth = (end - start) * KIB / (decisions / 1000)
    return [
        name,
        f"{decisions:,}",
        before,
        *(f"{mib:.1f}" for _, mib in sizes),
        short(growth),
    ]
