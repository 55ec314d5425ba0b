# SPDX-License-Identifier: EUPL-1.2
"""Shows people what came out, and what they can try."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deploy.demo.cast import ABH, JC, RUNNING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deploy.demo.scenes.model import Result, Stage


def print_results(results: Sequence[Result], seconds: float) -> None:
    """Print one section per scene and a last line; readable from eighty columns on."""
    console = Console()
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    for heading in ("scene", "", ""):
        table.add_column(heading, overflow="fold", no_wrap=heading != "")
    for one in results:
        mark, style = ("ok", "green") if one.ok else ("NOT OK", "bold red")
        table.add_row(
            Text(f"{one.scene.id} {mark}", style=style), "", Text(one.scene.title, "bold")
        )
        for label, text in _lines(one):
            table.add_row("", label, text)
        table.add_section()
    console.print(table)
    good = sum(one.ok for one in results)
    style = "green" if good == len(results) else "bold red"
    console.print(
        Text(f"{good} of {len(results)} scenes as expected, in {seconds:.0f} s.", style=style)
    )
    console.print("All people are invented. Nothing here is legal advice.")


def _lines(one: Result) -> Iterator[tuple[str, Text]]:
    yield "asked", Text(one.scene.asked)
    yield "expected", Text(one.expected.replace(" / ", "\n"))
    same = one.observed == one.expected
    observed = "as expected" if same else one.observed.replace(" / ", "\n")
    yield "observed", Text(observed, style="" if same else "red")
    if one.account.released:
        yield "released", Text(", ".join(sorted(one.account.released)))
    reasons: dict[str, list[str]] = {}
    for field, item in sorted(one.account.withheld.items()):
        reasons.setdefault(item["reason"], []).append(field)
    if reasons:
        lines = [f"{reason}: {', '.join(names)}" for reason, names in sorted(reasons.items())]
        yield "withheld", Text("\n".join(lines))
    if one.account.log_index is not None:
        yield "log", Text(f"entry {one.account.log_index}")
    if one.scene.needs_receipts:
        count = len(one.account.receipts)
        held = f"{count} verified" if one.receipt_verified else f"{count}, do not all hold"
        yield "receipts", Text(held, style="" if one.receipt_verified else "red")


def print_guide(stage: Stage) -> None:
    """Say where everything is, how to sign in per role, and what to try."""
    console = Console(soft_wrap=True, highlight=False)
    console.print("\n[bold]Lotse runs.[/bold] All people are invented. Stop with Ctrl-C.\n")
    console.print(f"gateway   {stage.ports.url('gateway')}   (try /openapi.json, /v1/catalogue)")
    for member in RUNNING:
        directory = stage.place.connector(member.id)
        console.print(f"\n[bold]{member.id}[/bold]  {member.name}")
        console.print(f"  connector {stage.ports.url(member.id)}   (try /openapi.json, /health)")
        console.print(f"  its own system signs in with the token in {directory / 'system.token'}")
        console.print(f"  its clerk signs in with the token in      {directory / 'clerk.token'}")
    console.print(f"\nlog key for lotse-verify: {stage.place.log_key}")
    console.print(f"recorded traffic:         {stage.place.recorded}")
    console.print("\n[bold]What to try[/bold]")
    for title, command in _suggestions(stage):
        console.print(f"\n# {title}", markup=False)
        console.print(command, markup=False)


def _suggestions(stage: Stage) -> list[tuple[str, str]]:
    asker, holder = stage.place.connector(JC), stage.place.connector(ABH)
    enquiry = (
        '{"file_number": "23702BG0418773", "holding": "abh.hannover", "purpose": "P04",\n'
        '  "fields": ["permit_type", "permit_valid_until", "net_income"], "case_ref": "A-1",\n'
        '  "unit": "Team 1", "clerk": "Me", '
        '"declared": {"azr_checked": true, "reason_code": "azr_pending"}}'
    )
    database = f"sqlite:///{stage.place.gateway / 'gateway.sqlite'}"
    return [
        (
            "As the job centre: ask the foreigners' authority about an invented person",
            (
                f'curl -s {stage.ports.url(JC)}/enquiries -H "Content-Type: application/json" \\\n'
                f"  -H \"Authorization: Bearer $(cat {asker / 'system.token'})\" -d '{enquiry}'"
            ),
        ),
        (
            "As the authority's clerk: what waits for a decision?",
            (
                f"curl -s {stage.ports.url(ABH)}/held "
                f'-H "Authorization: Bearer $(cat {holder / "clerk.token"})"'
            ),
        ),
        (
            "As an auditor: check every receipt that the job centre got",
            (
                f'for r in {asker / "store" / "receipts"}/*; do lotse-verify receipt "$r" '
                f'--log-key "$(cat {stage.place.log_key})"; done'
            ),
        ),
        (
            "As the operator: export the log, and check all of it",
            (
                f"lotse audit export exported-log --database-url {database}\n"
                f'lotse-verify log exported-log --log-key "$(cat {stage.place.log_key})"'
            ),
        ),
        (
            "Pull the plug: the gateway comes back by itself",
            f"kill -9 {stage.supervisor.pid('gateway')}",
        ),
    ]
