# SPDX-License-Identifier: EUPL-1.2
"""Keeps what did not hold, and says so in the log of the process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from adapters.connector.store import watch
from keys.model import new_exchange_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from adapters.connector.checks import Check
    from adapters.connector.store.database import Store

log = structlog.get_logger("connector")

MOST_PER_CHECK: Final = 1_000
"""Rows kept for one check; the first ones tell the story."""


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
        new_id = self.new_id()

        def work(connection: Connection) -> None:
            # Anybody can post nonsense to /orders: it may be counted, it may not fill the disk.
            if watch.evidence_count(connection, check) < MOST_PER_CHECK:
                watch.keep_evidence(
                    connection,
                    evidence_id=new_id,
                    at=now,
                    check=check,
                    exchange=exchange,
                    artefact=artefact,
                )

        await self._store.run(work)
        log.warning("check:failed", check=check.value, exchange=exchange)
