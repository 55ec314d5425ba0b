# SPDX-License-Identifier: EUPL-1.2
"""``python -m deploy.bench``: prepares, measures, prints a Markdown report on standard output."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.bench import decisions
from deploy.bench.decision_memory import DECISIONS, measure_memory
from deploy.bench.desk import Unexpected
from deploy.bench.parts import log_costs, part_costs, slowdown
from deploy.bench.place import provision
from deploy.bench.postgres import PostgresUnavailable, cluster
from deploy.bench.processes import Child, ChildFailed, cores, pin
from deploy.bench.report import Report, write
from deploy.bench.runs import LIMIT_SECONDS, measure, soak, start
from policies.engine.opa_beside import find_opa

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy.bench.runs import Bench

SECONDS: Final = 2.0
SOAK_SECONDS: Final = 3600.0
REPEATS: Final = 3
SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
EXCHANGES: Final = "exchanges"
DECIDING: Final = "decisions"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurements that were asked for; 0 unless the bench itself failed."""
    options = _options(arguments)
    report = Report(
        command=_command(options),
        date=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    )
    first, beside = cores()
    if first == beside:
        report.notes.append("One core only: gateway, stand-in and load share it")
    pin(beside)
    try:
        _run(options, report)
    except (ChildFailed, Unexpected) as failed:
        _say(f"gave up: {failed}")
        return 1
    sys.stdout.write(write(report))
    if options.json is not None:
        options.json.write_text(json.dumps(dataclasses.asdict(report), indent=1), "utf-8")
    return 0


def _run(options: argparse.Namespace, report: Report) -> None:
    _note_slowdown(report)
    if options.only != DECIDING:
        _exchanges(options, report)
    if options.only != EXCHANGES:
        _decisions(options, report)
    _note_slowdown(report)


def _exchanges(options: argparse.Namespace, report: Report) -> None:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lotse-bench-")))
        _say("keys and agency list")
        place = provision(directory, int(time.time()))
        bench = start(stack, place, _say)
        for name, new_database in _databases(options.database, directory, stack, report).items():
            _measure(options, bench, name, new_database, report)
        if not options.soak:
            _say("single parts")
            report.parts = part_costs(place)


def _decisions(options: argparse.Namespace, report: Report) -> None:
    opa = find_opa()
    if opa is None:
        report.notes.append("The OPA server was not measured: no OPA, see scripts/opa.sh")
    _say("single decisions")
    first, beside = cores()
    asked = (opa, options.rounds, options.repeats, first | beside)
    with Child("decisions", decisions.main, *asked) as child:
        report.decisions = child.hear(LIMIT_SECONDS * options.repeats)
    report.memory = measure_memory(opa, options.decisions, _say)


def _note_slowdown(report: Report) -> None:
    """Try the gateway's core for a moment, while no gateway runs there."""
    alone, busy = slowdown(*cores())
    report.slowdown.append(alone)
    report.slowdown_busy.append(busy)


def _measure(
    options: argparse.Namespace,
    bench: Bench,
    name: str,
    new_database: Callable[[], str],
    report: Report,
) -> None:
    if options.soak:
        report.notes.append(f"Soak on {name}")
        report.soak = soak(bench, name, new_database(), seconds=options.seconds)
        return
    report.databases.append(
        measure(
            bench,
            name,
            new_database(),
            seconds=options.seconds,
            repeats=options.repeats,
            large=options.large,
        )
    )
    _say(f"{name}: the log alone")
    report.log[name] = log_costs(bench.place, new_database())


def _databases(
    wanted: str, directory: Path, stack: ExitStack, report: Report
) -> dict[str, Callable[[], str]]:
    """Give for each database a function that makes an empty one and tells its URL."""
    made: dict[str, Callable[[], str]] = {}
    if wanted in (SQLITE, "both"):
        names = iter(range(100))
        made[SQLITE] = lambda: f"sqlite:///{directory / f'bench{next(names)}.sqlite'}"
    if wanted in (POSTGRESQL, "both"):
        _say("a temporary PostgreSQL")
        try:
            made[POSTGRESQL] = stack.enter_context(cluster())
        except PostgresUnavailable as reason:
            report.notes.append(f"PostgreSQL was not measured: {reason}")
    return made


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.bench", description=__doc__)
    parser.add_argument(
        "--large", action="store_true", help="fill the database before: persons, permissions, log"
    )
    parser.add_argument("--soak", action="store_true", help="one long run; looks for drift")
    parser.add_argument("--seconds", type=float, help="per run (2), or of the whole soak (3600)")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="of every run (3)")
    parser.add_argument("--database", choices=(SQLITE, POSTGRESQL, "both"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--only", choices=(EXCHANGES, DECIDING), help="one half of the bench")
    parser.add_argument(
        "--rounds", type=int, default=decisions.ROUNDS, help="decisions of each kind per repeat"
    )
    parser.add_argument(
        "--decisions", type=int, default=DECISIONS, help="while memory is watched (200000)"
    )
    options = parser.parse_args(arguments)
    if options.large or options.soak:
        options.only = EXCHANGES
    options.seconds = options.seconds or (SOAK_SECONDS if options.soak else SECONDS)
    options.database = options.database or (SQLITE if options.soak else "both")
    return options


def _command(options: argparse.Namespace) -> str:
    """Write the command that repeats this run."""
    wanted = [f"--{name}" for name in ("large", "soak") if getattr(options, name)]
    if options.only and not wanted:
        wanted.append(f"--only {options.only}")
    if options.only != DECIDING:
        wanted += [f"--seconds {options.seconds:g}", f"--database {options.database}"]
    if options.only != EXCHANGES:
        wanted += [f"--rounds {options.rounds}", f"--decisions {options.decisions}"]
    return " ".join(["python -m deploy.bench", *wanted, f"--repeats {options.repeats}"])


def _say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
