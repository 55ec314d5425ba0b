# SPDX-License-Identifier: EUPL-1.2
"""The rule engine of this connector: the embedded one, or an OPA server beside it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import structlog

from adapters.connector.errors import SettingsRejected
from policies.bundle import Bundle
from policies.catalogue import Catalogue
from policies.decide import Decider, load_decider
from policies.engine.opa import OpaAddress, OpaEngine

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.connector.settings import OpaSettings

log = structlog.get_logger("connector")

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Deciding:
    """How the connector waits for decisions."""

    decider: Decider
    server: OpaEngine | None = None

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do what decides; while it waits for a server, other calls go on."""
        return work() if self.server is None else await asyncio.to_thread(work)

    def ready(self) -> bool:
        """Whether decisions can be taken now."""
        return self.server is None or self.server.ready()

    def close(self) -> None:
        """Give the line to the server back."""
        if self.server is not None:
            self.server.close()


def open_deciding(given: Decider | None, opa: OpaSettings | None) -> Deciding:
    """Open the engine that the settings name, or take the given decider.

    Every decision is asked of the server, none is remembered: a server that was stopped must be
    noticed at once.

    Raises:
        SettingsRejected: the server's token or certificate file cannot be used.
    """
    if given is not None or opa is None:
        return Deciding(given or load_decider())
    try:
        address = OpaAddress.of(opa.url, opa.token_file, opa.ca_file)
        server = OpaEngine(address, Bundle.load().digest, report=_tell)
    except (OSError, ValueError) as error:
        raise SettingsRejected("[opa] token_file or ca_file cannot be used") from error
    return Deciding(Decider(server, Catalogue.load(), memo_size=0), server)


def _tell(event: str, code: str) -> None:
    if event == "up":
        log.info("engine:up", engine=code)
    elif event == "down":
        log.error("engine:down", code=code)
    else:
        log.warning("engine:failed", code=code)
