# SPDX-License-Identifier: EUPL-1.2
"""The command ``lotse``: finds its sub-commands through the entry-point group ``lotse.commands``.

So neither the gateway nor the connector needs the other to be installed.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, entry_points, version

import typer

GROUP = "lotse.commands"


def lotse_version() -> str:
    """Return the version that is installed."""
    try:
        return version("lotse")
    except PackageNotFoundError:
        return "unknown (not installed)"


def build_app() -> typer.Typer:
    """Put the command together from what is installed.

    A part that cannot be loaded is left out and named, so that the other parts still work.
    """
    app = typer.Typer(
        name="lotse",
        help="Ask for exactly the facts that the law or the person allows, and prove it.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,  # local variables may hold secrets
    )

    @app.command("version")
    def show_version() -> None:
        """Print the version."""
        typer.echo(f"lotse {lotse_version()}")

    for entry_point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            part = entry_point.load()
        except ImportError as error:
            typer.echo(f"lotse {entry_point.name}: not available ({error.name})", err=True)
            continue
        if isinstance(part, typer.Typer):
            app.add_typer(part, name=entry_point.name)
        else:
            typer.echo(f"lotse {entry_point.name}: not a command", err=True)
    return app


def main() -> None:
    """Run the command."""
    build_app()()
