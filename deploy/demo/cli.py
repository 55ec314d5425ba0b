# SPDX-License-Identifier: EUPL-1.2
"""``lotse demo``: all of Lotse on this machine, to look at or to check."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="All of Lotse on this machine, with invented people.",
    pretty_exceptions_enable=False,  # local variables may hold secrets
)


class Sabotage(StrEnum):
    """The part that ``--break`` replaces by an ``Insecure…`` stand-in."""

    POLICY = "policy"
    CONSENT = "consent"
    RECEIPT = "receipt"
    RECIPIENT_KEY = "recipient-key"
    LOG = "log"
    STRIP = "strip"


@app.callback(invoke_without_command=True)
def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Play all scenes, print what came out, stop.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: print JSON.")] = False,
    data: Annotated[
        Path | None, typer.Option("--data", help="Where to write; your state directory if absent.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Delete what earlier runs left in that directory.")
    ] = False,
    sabotage: Annotated[
        Sabotage | None,
        typer.Option("--break", help="With --once: replace one part by one that does wrong."),
    ] = None,
) -> None:
    """Start gateway, connectors and the agencies' own systems as processes of this machine.

    Exit status: 0 every scene came out as expected, 1 one did not, 2 the demo could not start.
    """
    # Late, so that the gateway, which finds this command like all others, never loads the cast.
    from deploy.demo.main import keep_running, play_once

    if (as_json or sabotage is not None) and not once:
        typer.echo("--json and --break go with --once.", err=True)
        raise typer.Exit(2)
    broken = None if sabotage is None else sabotage.value
    if once:
        raise typer.Exit(play_once(data, fresh=fresh, as_json=as_json, sabotage=broken))
    raise typer.Exit(keep_running(data, fresh=fresh))
