# SPDX-License-Identifier: EUPL-1.2
"""``lotse policy replay|shadow``: past decisions asked again, and what other rules would change."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from rich.console import Console
from rich.table import Table

from policies.archive import ArchiveUnusable, open_archive
from policies.candidate import read_candidate
from policies.cells import shown
from policies.commands.looking_back import KeptRules, readable, rules_in_force, verifier_of
from policies.commands.options import CANNOT_DECIDE, CANNOT_READ, give_up
from policies.decide import Decider
from policies.engine.embedded import EmbeddedEngine
from policies.errors import PolicyUnavailable, ReleaseRefused
from policies.release.sentences import refusal_text
from policies.replay import Repetition, WhatIf
from policies.replay_report import Report
from policies.shadow_counts import reports

if TYPE_CHECKING:
    from policies.archive import DecisionArchive
    from policies.replay import Difference
    from policies.strict import JsonValue

FailOn = Literal["widening", "change"]

Config = Annotated[
    Path, typer.Option("--config", envvar="LOTSE_CONFIG", help="The gateway's settings file.")
]
CandidateFile = Annotated[
    Path | None,
    typer.Option(
        "--candidate",
        help="Rules to try: a release file, a folder `policies`, or `shipped`. "
        "Left out: every decision is asked again of the rules that took it.",
    ),
]
Since = Annotated[
    str, typer.Option(help="First day, YYYY-MM-DD, UTC; all that is kept if left out.")
]
AsOf = Annotated[str, typer.Option(help="Let rules count by their dates on this day instead.")]
Rules = Annotated[
    list[Path] | None,
    typer.Option("--rules", help="Release file with rules that are not kept here; repeatable."),
]
FailOption = Annotated[
    FailOn | None,
    typer.Option("--fail-on", help="End with 1 if a field would open more, or on any change."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")]

DEFAULT_CONFIG: Final = Path("lotse.toml")
WIDTH: Final = 150
"""Columns where the output is no terminal."""
MAX_DIFFERENCES: Final = 50
"""Rows of a table of what came out otherwise; --json has all."""


def replay_command(
    *,
    config: Config = DEFAULT_CONFIG,
    candidate: CandidateFile = None,
    since: Since = "",
    as_of: AsOf = "",
    rules: Rules = None,
    fail_on: FailOption = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Ask past decisions again: as they were taken, or under other rules."""
    begin, day = _day(since), _day(as_of)
    if candidate is None and (as_csv or day is not None or fail_on is not None):
        raise typer.BadParameter("--csv, --as-of and --fail-on need --candidate")
    archive = _archive(config)
    try:
        if candidate is None:
            _repeat(archive, config, begin, rules or [], as_json=as_json)
        else:
            report = _what_if(archive, config, candidate, begin, day)
            _tell(report, as_json=as_json, as_csv=as_csv)
            _end(report, fail_on)
    except ReleaseRefused as error:
        give_up(refusal_text(error.code), CANNOT_READ)
    except PolicyUnavailable as error:
        give_up(f"nothing was asked again: {error}", CANNOT_DECIDE)
    finally:
        archive.close()


def shadow_command(*, config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Show what the candidate in the shadow would have changed until now."""
    archive = _archive(config)
    try:
        found, unreadable = reports(archive.shadow_rows())
    finally:
        archive.close()
    if as_json:
        told: list[JsonValue] = [one.to_json() for one in found]
        typer.echo(json.dumps({"shadows": told, "unreadable_rows": unreadable}))
        return
    if not found:
        typer.echo(
            "Nothing was compared yet. A candidate is named in the settings, table [shadow]."
        )
    for one in found:
        typer.echo(f"candidate {one.report.candidate}")
        typer.echo(f"beside    {one.report.today}, {one.first} to {one.last}")
        if one.report.changes:
            _console().print(one.report.table())
        typer.echo(one.report.sentence())
        typer.echo(f"left out because the candidate was busy: {shown(one.dropped)}")
    _warn(unreadable)


def _repeat(
    archive: DecisionArchive,
    config: Path,
    since: dt.date | None,
    files: list[Path],
    *,
    as_json: bool,
) -> None:
    kept = KeptRules(config, files)
    repetition = Repetition(kept.engine)
    unreadable = readable(archive, since, repetition.take)
    on_record = archive.on_record(since)
    whole = repetition.identical == repetition.decisions and not unreadable
    if as_json:
        document: dict[str, JsonValue] = {
            "decisions": repetition.decisions,
            "identical": repetition.identical,
            "on_record": on_record,
            "unreadable_rows": unreadable,
            "rules_not_kept": dict(repetition.without_rules),
            "differences": [_difference(one) for one in repetition.differences],
        }
        typer.echo(json.dumps(document))
    else:
        if repetition.differences:
            _print_differences(list(repetition.differences))
        for digest, times in sorted(repetition.without_rules.items()):
            typer.echo(
                f"{times} by rules that are not kept here: {digest}; name their file with --rules"
            )
        if on_record != repetition.decisions:
            typer.echo(
                f"the log tells of {on_record}; what is not there was not kept, or is not yet"
            )
        typer.echo(f"identical {repetition.identical} of {repetition.decisions}")
    _warn(unreadable)
    raise typer.Exit(0 if whole else 1)


def _what_if(
    archive: DecisionArchive,
    config: Path,
    candidate: Path,
    since: dt.date | None,
    as_of: dt.date | None,
) -> Report:
    tried = read_candidate(candidate, verifier_of(config))
    today = rules_in_force(config)
    if tried.standing == "unsigned":
        typer.echo("The candidate is not signed: it can be asked, and never activated.", err=True)
    question = WhatIf(today, Decider(EmbeddedEngine(tried.bundle), tried.catalogue), as_of=as_of)
    unreadable = readable(archive, since, question.take)
    _warn(unreadable)
    return Report(
        today.bundle_digest,
        tried.digest,
        question.decisions,
        question.counts,
        question.unreadable + unreadable,
    )


def _tell(report: Report, *, as_json: bool, as_csv: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report.to_json()))
    elif as_csv:
        typer.echo(report.to_csv(), nl=False)
    else:
        typer.echo(f"today     {report.today}\ncandidate {report.candidate}")
        if report.changes:
            _console().print(report.table())
        typer.echo(report.sentence())


def _end(report: Report, fail_on: FailOn | None) -> None:
    """End with 1 where a pipeline must stop; also when not all of the past could be asked."""
    if fail_on is None:
        return
    found = report.widens if fail_on == "widening" else report.changes
    if found or report.unreadable:
        raise typer.Exit(1)


def _difference(one: Difference) -> JsonValue:
    now = one.now
    return {
        "day": one.day.isoformat(),
        "from": one.route[0],
        "to": one.route[1],
        "purpose": one.route[2],
        "field": one.was.field,
        "bundle": one.bundle,
        "was": [one.was.outcome, one.was.rule, *one.was.reasons],
        "now": None if now is None else [now.outcome, now.rule, *now.reasons],
    }


def _print_differences(differences: list[Difference]) -> None:
    table = Table("from", "to", "purpose", "field", "was", "now")
    for one in differences[:MAX_DIFFERENCES]:
        now = "not decided" if one.now is None else f"{one.now.outcome} {one.now.rule}"
        was = f"{one.was.outcome} {one.was.rule}"
        reasons = "" if one.now is None else f"\n{', '.join(one.now.reasons)}"
        table.add_row(
            *one.route, one.was.field, f"{was}\n{', '.join(one.was.reasons)}", f"{now}{reasons}"
        )
    _console().print(table)
    left = len(differences) - MAX_DIFFERENCES
    if left > 0:
        typer.echo(f"and {left} more; --json shows all")


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


def _archive(config: Path) -> DecisionArchive:
    try:
        return open_archive(config)
    except ArchiveUnusable as error:
        give_up(error, CANNOT_READ)


def _warn(unreadable: int) -> None:
    if unreadable:
        typer.echo(
            f"{unreadable} rows were not written by a gateway, or were changed afterwards, and were "
            "left out; keep the database as it is and look who can write to it",
            err=True,
        )


def _day(text: str) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a day looks like 2026-11-22") from None
