# SPDX-License-Identifier: EUPL-1.2
"""``lotse connector``: run an agency's connector, make and show its keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="The agency's connector: asks other agencies and answers them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # local variables may hold secrets
)

Config = Annotated[Path, typer.Option("--config", help="The connector's TOML file.")]


@app.callback()
def connector() -> None:
    """Run an agency's connector, make and show its keys."""


@app.command()
def serve(config: Config) -> None:
    """Serve the local API and take orders, until stopped."""
    import uvicorn

    from adapters.connector.app import create_connector
    from adapters.connector.logs import configure
    from adapters.connector.settings import load_settings
    from adapters.errors import AdaptersError

    configure()
    try:
        settings = load_settings(config)
        application = create_connector(settings)
    except AdaptersError as error:
        typer.echo(f"lotse connector: {error}", err=True)
        raise typer.Exit(2) from None
    uvicorn.run(
        application,
        host=settings.listen.host,
        port=settings.listen.port,
        log_level="warning",
        access_log=False,
        server_header=False,
    )


@app.command("init-keys")
def init_keys(
    config: Config,
    output: Annotated[
        Path | None, typer.Option("--output", help="Where to write the public keys (JSON).")
    ] = None,
) -> None:
    """Make the keyring and write the public keys for the agency list."""
    from adapters.connector.app import system_clock
    from adapters.connector.keyring import make_keyring, public_keys
    from adapters.connector.settings import load_settings
    from adapters.errors import AdaptersError

    try:
        settings = load_settings(config)
        keyring = make_keyring(settings, system_clock())
    except AdaptersError as error:
        typer.echo(f"lotse connector: {error}", err=True)
        raise typer.Exit(2) from None
    text = json.dumps({"id": settings.agency.id, "keys": public_keys(keyring)}, indent=2)
    if output is None:
        typer.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
        typer.echo(f"Public keys written to {output}; hand them to whoever signs the agency list.")


@app.command("show-keys")
def show_keys(config: Config) -> None:
    """Show the public keys with their fingerprints, to be compared over a second channel."""
    from adapters.connector.keyring import open_keyring, public_keys
    from adapters.connector.settings import load_settings
    from adapters.errors import AdaptersError
    from keys.jwk import thumbprint
    from keys.model import parse_kid

    try:
        keyring = open_keyring(load_settings(config))
    except AdaptersError as error:
        typer.echo(f"lotse connector: {error}", err=True)
        raise typer.Exit(2) from None
    for entry in public_keys(keyring):
        kid = str(entry["kid"])
        typer.echo(f"{kid}\t{thumbprint(keyring.public_jwk(parse_kid(kid)))}")
