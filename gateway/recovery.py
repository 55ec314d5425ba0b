# SPDX-License-Identifier: EUPL-1.2
"""What a stopped process left behind is put in order, at start and every few seconds.

An intent whose order ran out without a release is closed as ``aborted`` and shows in the log. A
held order that never reached its holder is delivered again. Held orders and mailboxes that are too
old end. Every replica may do this at any time: each change looks at the state again under the
log's head lock, so that only one of them acts.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from gateway.errors import ExchangeClosed, HolderRefused, HolderUnreachable, HolderUntrue
from gateway.logs import get_logger, where
from gateway.model import OPEN_STATES, State
from gateway.store.tables import exchange as exchange_table
from gateway.store.tables import outbox

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy import Connection

    from audit.reader import LogReader
    from gateway.exchange import Core
    from gateway.mailbox import Mailboxes

SWEEP_SECONDS = 5
"""How often unfinished exchanges are looked for."""
BATCH = 100
"""Exchanges put in order in one round; held orders brought to one holder in one round."""
TRIES = 3
"""A holder that could not be reached this often in a round is left alone until the next one."""
_WAITS = (
    outbox.c.delivered.is_(False),
    exchange_table.c.id == outbox.c.exchange,
    exchange_table.c.state == State.HELD.value,
    exchange_table.c.direction == "pull",
)
"""A held order that its holder does not have yet."""


class Recovery:
    """Finds unfinished exchanges and ends or continues them."""

    def __init__(self, core: Core, mailboxes: Mailboxes, reader: LogReader) -> None:
        """Take the parts."""
        self._core = core
        self._mailboxes = mailboxes
        self._reader = reader

    async def sweep_for_ever(self) -> None:
        """Sweep every few seconds until cancelled."""
        log = get_logger()
        while True:
            try:
                await self.sweep()
            except Exception as error:  # noqa: BLE001 - the sweeper must outlive any accident
                log.error(  # noqa: TRY400 - a traceback could show what was sent
                    "sweep_failed", error_type=type(error)
                )
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> int:
        """Put everything in order that is due; gives how many exchanges were touched."""
        touched = 0
        for exchange in await self._core.database.read(self._overdue):
            touched += await self._guarded(self._close, exchange)
        holders = await self._core.database.read(self._waited_for)
        touched += sum(await asyncio.gather(*(self._bring(holder) for holder in holders)))
        return touched + await self._core.database.write(self._mailboxes.forget_fetched)

    async def _guarded(self, settle: Callable[[str], Awaitable[int]], exchange: str) -> int:
        """Keep one exchange that cannot be settled from holding up all the others."""
        try:
            return await settle(exchange)
        except HolderUnreachable:
            raise
        except Exception as error:  # noqa: BLE001 - told to the operator; the next round tries again
            get_logger().error("sweep.failed", error_type=type(error), where=where(error))
            return 0

    def _overdue(self, connection: Connection) -> list[str]:
        return list(
            connection.execute(
                select(exchange_table.c.id)
                .where(
                    exchange_table.c.state.in_([state.value for state in OPEN_STATES]),
                    exchange_table.c.closes_at < self._core.clock(),
                )
                .order_by(exchange_table.c.closes_at)
                .limit(BATCH)
            ).scalars()
        )

    async def _bring(self, holder: str) -> int:
        """Bring a holder its held orders; one that is down does not keep the others waiting."""
        touched = missed = 0
        for exchange in await self._core.database.read(lambda c: self._undelivered(c, holder)):
            try:
                touched += await self._guarded(self._deliver, exchange)
            except HolderUnreachable:
                missed += 1
                if missed == TRIES:
                    break
        return touched

    @staticmethod
    def _waited_for(connection: Connection) -> list[str]:
        return list(connection.execute(select(outbox.c.holder).distinct().where(*_WAITS)).scalars())

    @staticmethod
    def _undelivered(connection: Connection, holder: str) -> list[str]:
        # In any order: an order that a holder never takes must not stand before all others.
        return list(
            connection.execute(
                select(outbox.c.exchange)
                .where(outbox.c.holder == holder, *_WAITS)
                .order_by(func.random())
                .limit(BATCH)
            ).scalars()
        )

    async def _close(self, exchange: str) -> int:
        opened = await self._core.database.read(
            lambda connection: self._core.log.rows.load_to_close(connection, exchange)
        )
        if opened is None or opened.state not in OPEN_STATES:
            return 0  # it was still open when it was listed; another process was quicker
        log = self._core.log
        if opened.state is State.ORDERED:
            work = log.abort_work(opened, "not_finished")
        else:
            work = log.expire_work(opened, self._mailboxes)
        try:
            await log.log.append(work)
        except ExchangeClosed:
            return 0
        return 1

    async def _deliver(self, exchange: str) -> int:
        agencies = self._core.agencies.current()
        opened = await self._core.database.read(
            lambda connection: self._core.log.rows.load(connection, exchange, agencies)
        )
        if opened is None:
            return 0
        order = await self._core.database.read(
            lambda connection: self._core.order_again(connection, opened, self._reader)
        )
        if order is None:
            return 0
        try:
            answer = await self._core.transport.deliver(order)
            if answer.unverified_envelope is not None:
                raise HolderUntrue("hold_mismatch")  # noqa: TRY301 - ends like what the transport raises
        except (HolderRefused, HolderUntrue) as accident:
            await self._core.log.abort(opened, accident)
            return 1
        await self._core.log.rest(opened, answer.detail)
        return 1
