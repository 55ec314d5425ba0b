# SPDX-License-Identifier: EUPL-1.2
"""`lotse audit …`: what an operator does with the log, beside the running gateway."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from audit.errors import AuditError
from audit.export import export_log

app = typer.Typer(name="audit", help="Read and export the log.", no_args_is_help=True)

_ASYNC_DRIVERS = {"sqlite+aiosqlite": "sqlite", "postgresql": "postgresql+psycopg"}


@app.callback()
def audit() -> None:
    """Read and export the log."""


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="An empty or new directory.")],
    database_url: Annotated[
        str,
        typer.Option(
            envvar="LOTSE_DATABASE_URL", help="sqlite:///file or postgresql://host/database"
        ),
    ],
    origin: Annotated[
        str | None, typer.Option(help="Which log, when the database holds several.")
    ] = None,
) -> None:
    """Write the whole log into DIRECTORY, for `lotse-verify log DIRECTORY`."""
    errors = Console(stderr=True)
    try:
        url = make_url(database_url)
        engine = create_engine(
            url.set(drivername=_ASYNC_DRIVERS.get(url.drivername, url.drivername))
        )
        with Progress(console=errors, transient=True) as bar:
            task = bar.add_task("Exporting entries")
            done = export_log(
                engine,
                directory,
                origin,
                progress=lambda count, total: bar.update(task, completed=count, total=total),
            )
    except AuditError as error:
        errors.print(f"Not exported: {error}.", markup=False)
        raise typer.Exit(2) from error
    except SQLAlchemyError as error:
        # The driver's own message may repeat the password in the URL.
        errors.print(
            f"Not exported: the database cannot be read ({type(error).__name__}).", markup=False
        )
        raise typer.Exit(2) from error
    typer.echo(f"{done.size} entries of {done.origin} are in {directory}.")
    if done.left_out:
        typer.echo(
            f"{done.left_out} newest entries have no stored checkpoint yet and were left out; "
            "the running gateway stores one within a second."
        )
