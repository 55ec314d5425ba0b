# SPDX-License-Identifier: EUPL-1.2
"""One connector, put together: its sides, its start and stop, its housekeeping."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from adapters.connector.asking import Asking
from adapters.connector.delivering import Delivering
from adapters.connector.errors import ProblemError
from adapters.connector.held import HeldRequests
from adapters.connector.holding import Holding
from adapters.connector.linking import Linking
from adapters.connector.mailbox import Mailbox
from adapters.connector.releases import follow, take_what_is_new
from adapters.connector.store import enquiries as enquiry_store
from adapters.connector.store import held as held_store
from adapters.connector.store import orders as order_store
from adapters.connector.store import watch
from adapters.connector.waiting import DAY_SECONDS

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from adapters.connector.office import Office
    from keys.strict_json import JsonLike

log = structlog.get_logger("connector")

CLEAN_SECONDS: Final = 3_600
KEEP_MARKS_DAYS: Final = 14
"""Twice the longest life of an envelope (keys.manifest)."""
KEEP_ATTENTION_DAYS: Final = 90
"""Long enough for a holiday, short enough not to become an archive."""


class Connector:
    """Everything the routes use."""

    def __init__(self, office: Office) -> None:
        """Build both sides over the office's parts."""
        self.office = office
        self.asking = Asking(office)
        self.holding = Holding(office)
        self.mailbox = Mailbox(office, self.asking)
        self.delivering = Delivering(office, self.asking, self.holding)
        self.held = HeldRequests(office, self.holding)
        self.linking = Linking(office)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Load the agency list and the rules, and begin housekeeping."""
        await self.office.agencies.start()
        self._tasks = [
            asyncio.create_task(self.office.agencies.keep_fresh()),
            asyncio.create_task(self._keep_clean()),
        ]
        book = self.office.rules.book
        if book is not None:
            await take_what_is_new(book)
            self._tasks.append(asyncio.create_task(follow(book)))

    async def stop(self) -> None:
        """End housekeeping and give everything back."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self.office.client.close()
        if self.office.source is not None:
            await self.office.source.close()
        self.office.store.close()
        self.office.rules.close()

    async def health(self) -> dict[str, JsonLike]:
        """Tell whether it can work; codes and numbers only."""
        office = self.office
        serial: int | None = None
        with suppress(ProblemError):
            serial = (await office.agencies.current()).serial
        usable: bool | None = None
        if office.source is not None:
            try:
                async with asyncio.timeout(office.settings.holding.answer_seconds):
                    usable = (await office.source.check()).usable
            except TimeoutError:
                usable = False
        evidence = len(await office.store.run(watch.evidence_checks))
        decides = office.rules.ready()
        well = serial is not None and usable is not False and decides
        return {
            "status": "ok" if well else "degraded",
            "agency": office.me,
            "agency_list": serial,
            "rules_usable": decides,
            "rules_until": office.rules.until(),
            "source_usable": usable,
            "evidence": evidence,
        }

    async def tidy(self) -> None:
        """Delete what is past its time."""
        office = self.office
        now = office.clock()
        keep = office.settings.storage.keep_answers_days * DAY_SECONDS

        def work(connection: Connection) -> None:
            held_store.forget(connection, now)
            held_store.dismiss(connection, now - KEEP_ATTENTION_DAYS * DAY_SECONDS)
            order_store.forget_orders(connection, now - DAY_SECONDS)
            enquiry_store.forget(connection, now - keep)
            enquiry_store.forget_envelopes(connection, now - KEEP_MARKS_DAYS * DAY_SECONDS)

        await office.store.run(work)

    async def _keep_clean(self) -> None:
        while True:
            await self.tidy()
            await asyncio.sleep(CLEAN_SECONDS)
