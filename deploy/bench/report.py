# SPDX-License-Identifier: EUPL-1.2
"""Writes what was measured as Markdown tables, ready for ``docs/performance.md``."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.bench.decision_report import cost_table, memory_table
from deploy.bench.figures import (
    ks_chance,
    ks_statistic,
    median,
    quantile,
    short,
    spread,
    table,
)
from deploy.bench.meter import SERVER, STEP_NAMES, THREADS
from deploy.bench.place import FIELDS, LINKED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy.bench.decision_memory import Memory
    from deploy.bench.decisions import Cost
    from deploy.bench.runs import Measured, Run

BUDGET_MS: Final = 2.0
"""Gateway CPU per exchange of ten fields, decision memoised."""

TICK_MS: Final = 0.01
"""Keeps a run that was too short for the system's clock ticks from dividing by nothing."""


@dataclass(slots=True)
class Report:
    """Everything one call of the bench found."""

    command: str
    date: str
    slowdown: list[float] = field(default_factory=list)
    """How much slower than its best the gateway's core was for a fixed piece of work."""
    slowdown_busy: list[float] = field(default_factory=list)
    """The same with the core beside it busy: about 2 when both are threads of one core."""
    databases: list[Measured] = field(default_factory=list)
    parts: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Microseconds of CPU by part: (median, lowest tenth)."""
    log: dict[str, dict[int, tuple[float, float]]] = field(default_factory=dict)
    """By database and works at once: (CPU, wall) microseconds per entry."""
    soak: list[Run] = field(default_factory=list)
    decisions: list[Cost] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def write(report: Report) -> str:
    """Write the whole report."""
    parts = [_head(report)]
    if report.databases:
        parts += [_throughput(report), _steps(report), _threads(report), _proxy(report)]
        parts.append(_persons(report))
    if report.parts:
        parts.append(_parts(report))
    if report.log:
        parts.append(_log(report))
    if report.soak:
        parts.append(_soak(report))
    if report.decisions:
        parts.append(cost_table(report.decisions))
    if report.memory:
        parts.append(memory_table(report.memory))
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(report: Report) -> str:
    machine = f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, "
    machine += f"Python {platform.python_version()}"
    busy = f"A fixed piece of work took {spread(report.slowdown)} times its best on the gateway's"
    busy += " core around the runs (1.0: nobody else was there), and "
    busy += f"{spread(report.slowdown_busy)} times with the core beside it busy (1.0: two cores, "
    busy += "2.0: two threads of one; CPU times under load are larger by about this factor)"
    lines = [
        f"- Command: `{report.command}`",
        f"- Date: {report.date}",
        f"- Machine: {machine}",
        f"- {busy}",
    ]
    if report.databases:
        lines.append(f"- One exchange: {len(FIELDS)} fields, pull, released by statute, memoised")
    return "\n".join(lines + [f"- {note}" for note in report.notes])


def _processor() -> str:
    """Name the processor, from ``/proc/cpuinfo``."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _of(runs: Sequence[Run], connections: int) -> list[Run]:
    return [run for run in runs if run.connections == connections]


def _levels(runs: Sequence[Run]) -> list[int]:
    return sorted({run.connections for run in runs})


def _each(runs: Sequence[Run], value: Callable[[Run], float]) -> str:
    return spread([value(run) for run in runs])


def _throughput(report: Report) -> str:
    head = ["database", "connections", "exchanges/s", "p50 ms", "p95 ms", "p99 ms"]
    head += ["gateway CPU ms", "lowest tenth", "stand-in CPU ms"]
    head += ["gateway to stand-in", "not answered"]
    rows = []
    for measured in report.databases:
        for connections in _levels(measured.gateway):
            runs = _of(measured.gateway, connections)
            times = [one for run in runs for one in run.milliseconds]
            rows.append(
                (
                    measured.database,
                    str(connections),
                    _each(runs, lambda run: run.per_second),
                    *(short(quantile(times, share)) for share in (0.5, 0.95, 0.99)),
                    _each(runs, lambda run: run.cpu_ms),
                    _each(runs, lambda run: run.quiet_cpu_ms) if connections == 1 else "-",
                    _each(runs, lambda run: run.holder_cpu_ms),
                    _each(runs, lambda run: run.cpu_ms / max(run.holder_cpu_ms, TICK_MS)),
                    _failures(runs),
                )
            )
    note = (
        f"CPU is that of the gateway process, all threads, per exchange; budget {BUDGET_MS} ms. "
        "Median of the repeats, and their range. "
        "The lowest tenth of the exchanges, one at a time, is the cost when hardly anybody is in "
        "the way. The stand-in always does the same work, so the ratio to it compares runs on a "
        "machine that others use too."
    )
    return "Throughput, answer times and CPU per exchange\n\n" + table(head, rows) + "\n\n" + note


def _failures(runs: Sequence[Run]) -> str:
    other = sum(
        count for run in runs for answer, count in run.answers.items() if answer != "answered"
    )
    return str(other)


def _steps(report: Report) -> str:
    single = {one.database: _of(one.gateway, 1) for one in report.databases}
    head = ["step"]
    for database in single:
        head += [f"{database}: median ms", "lowest tenth"]
    rows = []
    for step in (SERVER, *STEP_NAMES.values()):
        row = [step]
        for runs in single.values():
            both = [run.steps_ms[step] for run in runs if step in run.steps_ms]
            row += [short(median([one[place] for one in both])) for place in (0, 1)]
        rows.append(row)
    sums = ["sum"]
    for column in range(1, len(head)):
        values = [float(row[column]) for row in rows if row[column] != "-"]
        sums.append(short(sum(values)))
    note = (
        "One exchange at a time, CPU of the whole process. "
        "2 holds reading and checking the body, the framework, token and statement; "
        "6 holds signing the order and the HTTP call to the holder; 11 writing the answer."
    )
    return "CPU by step\n\n" + table(head, [*rows, sums]) + "\n\n" + note


def _threads(report: Report) -> str:
    kinds = [*THREADS.values(), "other"]
    rows = []
    for measured in report.databases:
        for connections in _levels(measured.gateway):
            threads = [run.threads_ms for run in _of(measured.gateway, connections)]
            spent = (spread([one.get(kind, 0.0) for one in threads]) for kind in kinds)
            rows.append((measured.database, str(connections), *spent))
    head = ("database", "connections", *(f"{kind} ms" for kind in kinds))
    return "CPU per exchange by thread\n\n" + table(head, rows)


def _proxy(report: Report) -> str:
    head = (
        "database",
        "connections",
        "plain proxy/s",
        "its CPU ms",
        "CPU: gateway to proxy",
        "rate: gateway to proxy",
    )
    rows = []
    for measured in report.databases:
        for connections in _levels(measured.proxy):
            ours, plain = _of(measured.gateway, connections), _of(measured.proxy, connections)
            cpu = median([run.cpu_ms for run in ours]) / median([run.cpu_ms for run in plain])
            rate = median([run.per_second for run in ours])
            rate /= median([run.per_second for run in plain])
            rows.append(
                (
                    measured.database,
                    str(connections),
                    _each(plain, lambda run: run.per_second),
                    _each(plain, lambda run: run.cpu_ms),
                    short(cpu),
                    short(rate),
                )
            )
    text = (
        "A plain authenticated proxy of the same parts, in the same run "
        "(strict body, access token, forwarding to the same stand-in; no decision, log, links)"
    )
    return text + "\n\n" + table(head, rows)


def _persons(report: Report) -> str:
    rows = []
    for measured in report.databases:
        linked = measured.persons.get(LINKED, [])
        for person, times in measured.persons.items():
            quartiles = (short(quantile(times, share)) for share in (0.25, 0.5, 0.75))
            apart = "-" if person == LINKED else f"{ks_statistic(linked, times):.3f}"
            chance = f"{ks_chance(len(linked), len(times)):.3f}"
            rows.append((measured.database, person, str(len(times)), *quartiles, apart, chance))
    head = (
        "database",
        "person",
        "exchanges",
        "lower quartile ms",
        "median ms",
        "upper quartile ms",
        "KS distance to linked",
        "exceeded by chance in 1 of 20",
    )
    text = "Answer times of linked, empty and unlinked persons (promise P5), in random order"
    return text + "\n\n" + table(head, rows)


def _parts(report: Report) -> str:
    rows = [(name, short(cost[0]), short(cost[1])) for name, cost in report.parts.items()]
    return "Single parts\n\n" + table(("part", "CPU us, median", "lowest tenth"), rows)


def _log(report: Report) -> str:
    rows = [
        (database, str(callers), short(cpu), short(wall))
        for database, costs in report.log.items()
        for callers, (cpu, wall) in costs.items()
    ]
    head = ("database", "entries at once", "writer's CPU us per entry", "wall us per entry")
    return "The log alone: lock, leaf, tree, insert, commit, sign, receipt\n\n" + table(head, rows)


def _soak(report: Report) -> str:
    rows = [
        (
            str(number),
            short(run.per_second),
            short(quantile(run.milliseconds, 0.5)),
            short(quantile(run.milliseconds, 0.99)),
            short(run.cpu_ms),
            short(run.resident_mib),
            _failures([run]),
        )
        for number, run in enumerate(report.soak, start=1)
    ]
    head = ("slice", "exchanges/s", "p50 ms", "p99 ms", "CPU ms", "memory MiB", "not answered")
    first, last = report.soak[0], report.soak[-1]
    note = (
        f"From the first to the last slice: memory {short(first.resident_mib)} to "
        f"{short(last.resident_mib)} MiB, CPU {short(first.cpu_ms)} to {short(last.cpu_ms)} ms."
    )
    return "Soak\n\n" + table(head, rows) + "\n\n" + note
