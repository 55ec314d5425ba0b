# SPDX-License-Identifier: EUPL-1.2
"""Options that several commands share, and the engine they choose."""

from __future__ import annotations

import datetime as dt
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, NoReturn

import typer

from policies.bundle import Bundle
from policies.catalogue import Catalogue
from policies.decide import Decider, load_decider

if TYPE_CHECKING:
    from collections.abc import Iterator

EngineName = Literal["embedded", "opa"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
At = Annotated[
    str | None,
    typer.Option(help="Instant of a case that names none, 2026-11-22T10:00:00Z; now if left out."),
]
Engine = Annotated[EngineName, typer.Option(help="What evaluates the rules.")]
OpaUrl = Annotated[
    str, typer.Option(envvar="LOTSE_POLICY_OPA_URL", help="With --engine opa: its address.")
]
OpaToken = Annotated[
    Path | None,
    typer.Option(envvar="LOTSE_POLICY_OPA_TOKEN_FILE", help="With --engine opa: its token."),
]
OpaCa = Annotated[
    Path | None,
    typer.Option(envvar="LOTSE_POLICY_OPA_CA_FILE", help="With --engine opa: who signs its key."),
]

CANNOT_READ: Final = 2
"""Exit code when a file or an option cannot be used."""
CANNOT_DECIDE: Final = 3
"""Exit code when the rules cannot be evaluated; nothing was answered."""

_WAIT_SECONDS: Final = 2.0
_DEADLINE_SECONDS: Final = 5.0
"""For one answer; a person waits longer than an exchange may."""


def instant(text: str | None) -> dt.datetime:
    """Read an instant with its offset; now when it is left out.

    Raises:
        typer.BadParameter: it is none.
    """
    if text is None:
        return dt.datetime.fromtimestamp(time.time(), tz=dt.UTC)
    try:
        chosen = dt.datetime.fromisoformat(text)
        if chosen.tzinfo is not None:
            return chosen.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        pass
    raise typer.BadParameter("an instant looks like 2026-11-22T10:00:00Z", param_hint="--at")


@contextmanager
def open_decider(
    engine: EngineName, opa_url: str = "", opa_token: Path | None = None, opa_ca: Path | None = None
) -> Iterator[Decider]:
    """Open the chosen engine with the shipped rules.

    Raises:
        typer.BadParameter: an address or a file of the server cannot be used.
        PolicyUnavailable: the rules do not load.
    """
    if engine == "embedded":
        yield load_decider()
        return
    # The only engine that needs a network library.
    from policies.engine.opa import OpaAddress, OpaEngine

    if not opa_url or opa_token is None:
        raise typer.BadParameter("--engine opa needs --opa-url and --opa-token-file")
    try:
        address = OpaAddress.of(opa_url, opa_token, opa_ca)
        server = OpaEngine(address, Bundle.load().digest, deadline_seconds=_DEADLINE_SECONDS)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"the OPA server cannot be asked: {error}") from None
    try:
        server.ready(_WAIT_SECONDS)
        yield Decider(server, Catalogue.load())
    finally:
        server.close()


def give_up(message: object, code: int) -> NoReturn:
    """Say on standard error what is wrong, and end with this exit code."""
    typer.echo(f"lotse policy: {message}", err=True)
    raise typer.Exit(code)
