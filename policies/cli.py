# SPDX-License-Identifier: EUPL-1.2
"""``lotse policy``: look at the rules, check them, ask them, without starting anything."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from policies.commands.checking import check_command, mutate_command
from policies.commands.deciding import decide_command
from policies.commands.explaining import explain_command
from policies.commands.matrices import matrix_command
from policies.commands.options import AsJson
from policies.commands.replaying import replay_command, shadow_command
from policies.decide import load_decider, rules_of_the_day
from policies.release.cli import add_release_commands, release_status
from policies.strict import JsonValue

app = typer.Typer(help="Look at the rules, check them, ask them.", no_args_is_help=True)
app.command("check")(check_command)
app.command("decide")(decide_command)
app.command("explain")(explain_command)
app.command("matrix")(matrix_command)
app.command("mutate")(mutate_command)
app.command("replay")(replay_command)
app.command("shadow")(shadow_command)
add_release_commands(app)

Day = Annotated[str | None, typer.Option(help="Day as YYYY-MM-DD; today when left out.")]

Settings = Annotated[
    Path | None,
    typer.Option("--config", help="Settings of a gateway or connector: its releases."),
]


def _day(text: str | None) -> date:
    if text is None:
        return datetime.fromtimestamp(time.time(), tz=UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a day looks like 2026-11-22") from None


@app.command()
def status(*, day: Day = None, as_json: AsJson = False, config: Settings = None) -> None:
    """Show versions, digest and which rules are unsigned or past their dates."""
    if config is not None:
        release_status(config, as_json=as_json)
        return
    decider = load_decider()
    catalogue = decider.catalogue
    unsigned = [rule.id for rule in catalogue.rules.values() if not rule.signed_off]
    lapsed = rules_of_the_day(catalogue, _day(day))
    document: dict[str, JsonValue] = {
        "catalogue": catalogue.version,
        "as_of": catalogue.as_of.isoformat(),
        "bundle": decider.bundle_digest,
        "engine": decider.engine_name,
        "rules": list(catalogue.rules),
        "not_signed_off": list(unsigned),
        "lapsed": list(lapsed),
    }
    if as_json:
        print(json.dumps(document))
        return
    print(f"catalogue {catalogue.version}, law as of {catalogue.as_of}")
    print(f"bundle {decider.bundle_digest}")
    print(f"engine {decider.engine_name}")
    table = Table("rule", "mode", "valid until", "state", "title")
    for rule in catalogue.rules.values():
        signed = rule.sign_off.head_of_unit or "not signed off"
        state = f"past its dates; {signed}" if rule.id in lapsed else signed
        table.add_row(rule.id, rule.mode, rule.valid_to.isoformat(), state, rule.title.en)
    Console().print(table)
