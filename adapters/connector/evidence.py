# SPDX-License-Identifier: EUPL-1.2
"""Keeps what did not hold, and says so in the log of the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from adapters.connector.store import watch
from keys.model import new_exchange_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.connector.checks import Check
    from adapters.connector.store.database import Store

log = structlog.get_logger("connector")


class Evidence:
    """Writes evidence rows. What is kept is signed or sealed: no plain value gets here."""

    def __init__(
        self, store: Store, clock: Callable[[], int], randomness: Callable[[int], bytes]
    ) -> None:
        """Take the place to write to."""
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def new_id(self) -> str:
        """Make an id for a local row: a ULID."""
        return new_exchange_id(self._clock() * 1000, self._randomness(10))

    async def keep(self, check: Check, *, exchange: str | None, artefact: bytes) -> None:
        """Keep one artefact under the name of the check that it failed."""
        now = self._clock()
        await self._store.run(
            lambda connection: watch.keep_evidence(
                connection,
                evidence_id=self.new_id(),
                at=now,
                check=check,
                exchange=exchange,
                artefact=artefact,
            )
        )
        log.warning("check:failed", check=check.value, exchange=exchange)
