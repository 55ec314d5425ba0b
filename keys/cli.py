# SPDX-License-Identifier: EUPL-1.2
"""The command ``lotse``: finds its sub-commands through the entry-point group ``lotse.commands``.

So neither the gateway nor the connector needs the other to be installed.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, entry_points, version

import typer

GROUP = "lotse.commands"


def lotse_version() -> str:
    """Return the version that is installed."""
    try:
        return version("lotse")
    except PackageNotFoundError:
        return "unknown (not installed)"


def build_app(wanted: str | None = None) -> typer.Typer:
    """Put the command together from what is installed.

    Loading every part takes long, so if ``wanted`` names one, only that is loaded.
    A part that cannot be loaded is left out and named, so that the other parts still work.
    """
    app = typer.Typer(
        name="lotse",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,  # it prints local variables, which may hold secrets
    )

    @app.callback()
    def lotse() -> None:
        """Ask for exactly the facts that the law or the person allows, and prove it."""

    @app.command("version")
    def show_version() -> None:
        """Print the version."""
        typer.echo(f"lotse {lotse_version()}")

    found = {point.name: point for point in entry_points(group=GROUP)}
    for name in [wanted] if wanted in found else sorted(found):
        try:
            part = found[name].load()
        except ImportError as error:
            typer.echo(f"lotse {name}: not available ({error.name})", err=True)
            continue
        if isinstance(part, typer.Typer):
            app.add_typer(part, name=name)
        else:
            typer.echo(f"lotse {name}: not a command", err=True)
    return app


def main() -> None:
    """Run the command."""
    build_app(sys.argv[1] if len(sys.argv) > 1 else None)()
