# SPDX-License-Identifier: EUPL-1.2
"""``lotse policy``: look at the rules without starting anything."""

from __future__ import annotations

import typer

app = typer.Typer(help="Look at the rules, the catalogue and their digest.", no_args_is_help=True)


@app.callback()
def policy() -> None:
    """Look at the rules, the catalogue and their digest."""
