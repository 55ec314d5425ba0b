# SPDX-License-Identifier: EUPL-1.2
"""Step 11 under a permission: one more look, right before the answer leaves (promise P4).

The guard of step 10 orders a release before or after a withdrawal in the log. An answer that was
recorded before may still be on its way out when the withdrawal's call returns. So the answer looks
once more, and leaves at once after that or not at all; and a withdrawal waits, before it returns,
for as long as an answer that has already looked may take to leave.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway import permissions
from gateway.model import Answer, State, withheld_fields

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.opened import Opened
    from gateway.record import ExchangeLog
    from gateway.store.database import Database

LEAVING_SECONDS = 0.5
"""An answer that has looked leaves within this time or not at all; a withdrawal waits it out."""
LOOKS = 5
"""A look that took longer than that is worth nothing, and is looked again this many times in all."""


@dataclass(frozen=True, slots=True)
class LastLook:
    """Looks for the answers and waits for the withdrawals."""

    database: Database
    log: ExchangeLog
    clock: Callable[[], int]
    """Epoch seconds."""
    monotonic: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def before_leaving(self, opened: Opened, answer: Answer) -> Answer:
        """Give the answer if its permissions still stand now; else one that holds no field."""
        if answer.envelope is None or not opened.relied_on:
            return answer
        ended = await self._look(opened)
        if ended is None:
            return answer
        receipt = await self.log.recall(opened, ended)
        return replace(
            answer,
            state=State.REFUSED,
            envelope=None,
            statement=None,
            reference=None,
            withheld=withheld_fields(opened.decision.decision)
            + self.log.ended_fields(opened, ended),
            receipts=(*answer.receipts, receipt.to_text()),
            log_index=receipt.index,
        )

    async def _look(self, opened: Opened) -> str | None:
        fields = self.log.person_fields(opened.decision.decision)
        for _ in range(LOOKS):
            began = self.monotonic()
            ended = await self.database.read(
                lambda connection: permissions.ended_state(
                    connection, opened.relied_on, fields, opened.exchange, self.clock()
                )
            )
            if ended is not None:
                return ended
            if self.monotonic() - began < LEAVING_SECONDS:
                return None
        return "expired"

    async def wait_for_leaving(self) -> None:
        """Return when every answer that looked before now has left."""
        await self.pause(LEAVING_SECONDS)
