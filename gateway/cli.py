# SPDX-License-Identifier: EUPL-1.2
"""``lotse gateway``: run the middle."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Run and look after the gateway.")

ConfigOption = Annotated[
    Path, typer.Option("--config", help="The settings file (TOML).", exists=True, dir_okay=False)
]


@app.command()
def serve(config: ConfigOption) -> None:
    """Serve until stopped. Ctrl-C or SIGTERM finishes running exchanges first."""
    # Late, so that `lotse connector` and every other command does not load the gateway.
    import uvicorn

    from gateway.app import create_app
    from gateway.logs import configure_logging
    from gateway.settings import SettingsError, load_settings

    try:
        settings = load_settings(config)
    except SettingsError as error:
        typer.echo(f"The settings cannot be used: {error}. Change {config.name} and start again.")
        raise typer.Exit(2) from error
    configure_logging(node=settings.node, clock=lambda: int(time.time()))
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=20,
    )


@app.command("check-config")
def check_config(config: ConfigOption) -> None:
    """Read settings, keyring, database, rules and their server; say what is wrong, without serving."""
    from gateway.app import open_keyring
    from gateway.opa_check import server_trouble
    from gateway.releases import release_trouble
    from gateway.settings import SettingsError, load_settings
    from gateway.store.database import migrate, open_engine
    from keys.errors import KeysError

    try:
        settings = load_settings(config)
        open_keyring(settings)
        migrate(open_engine(settings.database_url))
        trouble = release_trouble(settings) or server_trouble(settings)
    except (SettingsError, KeysError, OSError, ValueError) as error:
        typer.echo(f"Not ready: {error}")
        raise typer.Exit(1) from error
    if trouble is not None:
        typer.echo(f"Not ready: {trouble}")
        raise typer.Exit(1)
    typer.echo("Ready to serve.")
