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
    head += ["kB per 1,000 decisions", "of the second half"]
    rows = []
    for run in runs:
        rows.append(_row(run.name, short(run.before), run.sizes))
        if run.server:
            rows.append(_row(f"{run.name}: the server itself", "-", run.server))
    note = (
        "Resident memory of a process that decides about one different question after the other, "
        "taken round all rules. It counts from the start column on, where a memo is full. The heap "
        "takes some ten thousand questions to reach its size; the last column leaves these out."
    )
    return "Memory\n\n" + table(head, rows) + "\n\n" + note


def _row(name: str, before: str, sizes: Sizes) -> list[str]:
    whole, half = (_growth(sizes[begin], sizes[-1]) for begin in (0, len(sizes) // 2))
    mib = (f"{one:.1f}" for _, one in sizes)
    return [name, f"{sizes[-1][0]:,}", before, *mib, short(whole), short(half)]


def _growth(begin: tuple[int, float], end: tuple[int, float]) -> float:
    """Give kB per 1,000 decisions."""
    return (end[1] - begin[1]) * KIB * 1000 / (end[0] - begin[0])
