# SPDX-License-Identifier: EUPL-1.2
"""The agency list under the pinned root: fetched at the start, hourly and when a key is unknown.

Never one with a lower serial than was ever seen here (the serial is kept on disk), never an
expired one, never one of another gateway. Without a valid list the connector answers nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from adapters.connector.checks import Check
from adapters.connector.errors import (
    CheckFailed,
    GatewayRefused,
    GatewaySilent,
    GatewayUnreachable,
    ProblemError,
)
from adapters.connector.problems import AGENCY_LIST
from adapters.connector.store import watch
from keys.errors import KeysError
from keys.keylist import verify_agency_list

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.connector.evidence import Evidence
    from adapters.connector.gateway_client import GatewayClient
    from adapters.connector.store.database import Store
    from adapters.connector.store.watch import SeenList
    from keys.keylist import AgencyList

REFRESH_SECONDS: Final = 3_600
"""Connectors fetch hourly (architecture, "Keys of others")."""
ASK_AGAIN_SECONDS: Final = 10
"""Unknown keys cannot make the connector fetch more often than this."""


class PinnedAgencies:
    """Gives the newest valid list."""

    def __init__(
        self,
        *,
        root: Mapping[str, str],
        issuer: str,
        client: GatewayClient,
        store: Store,
        evidence: Evidence,
        clock: Callable[[], int],
    ) -> None:
        """Take the pinned root and the places where lists are found and kept."""
        self._root = dict(root)
        self._issuer = issuer
        self._client = client
        self._store = store
        self._evidence = evidence
        self._clock = clock
        self._list: AgencyList | None = None
        self._tried_at = -ASK_AGAIN_SECONDS
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Take the list kept on disk if it still holds, then ask for a newer one."""
        kept = await self._store.run(watch.newest_list)
        if kept is not None:
            try:
                self._list = self._verify(kept.document, kept.serial)
            except CheckFailed:
                self._list = None  # expired meanwhile, or another root was configured
        await self.refresh()

    async def refresh(self) -> bool:
        """Fetch and verify; tell whether a valid list of now is at hand."""
        async with self._lock:
            self._tried_at = self._clock()
            try:
                document = await self._client.agency_list()
            except (GatewayUnreachable, GatewaySilent, GatewayRefused):
                return self._list is not None
            kept = await self._store.run(watch.newest_list)
            try:
                found = self._verify(document, 0 if kept is None else kept.serial)
                _check_one_list_per_serial(found.serial, document, kept)
            except CheckFailed as error:
                await self._evidence.keep(error.check, exchange=None, artefact=document)
                return self._list is not None
            await self._store.run(
                lambda connection: watch.remember_list(connection, found.serial, document)
            )
            self._list = found
            return True

    async def current(self) -> AgencyList:
        """Give the list in force.

        Raises:
            ProblemError: there is none, or it has expired.
        """
        if self._list is None or self._clock() >= self._list.expires_at:
            await self._maybe_refresh()
        found = self._list
        if found is None or self._clock() >= found.expires_at:
            raise ProblemError(AGENCY_LIST)
        return found

    async def newer(self) -> AgencyList:
        """Give the list after looking for a newer one, because a key was not in it."""
        await self._maybe_refresh()
        return await self.current()

    async def keep_fresh(self) -> None:
        """Refresh hourly until cancelled; sooner while there is no list."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS if self._list is not None else ASK_AGAIN_SECONDS)
            await self.refresh()

    async def _maybe_refresh(self) -> None:
        if self._clock() - self._tried_at >= ASK_AGAIN_SECONDS:
            await self.refresh()

    def _verify(self, document: bytes, min_serial: int) -> AgencyList:
        try:
            found = verify_agency_list(
                document, root_jwk=self._root, now=self._clock(), min_serial=min_serial
            )
        except KeysError:
            raise CheckFailed(Check.AGENCY_LIST) from None
        if found.issuer != self._issuer:
            raise CheckFailed(Check.AGENCY_LIST)
        return found


def _check_one_list_per_serial(serial: int, document: bytes, kept: SeenList | None) -> None:
    if kept is not None and serial == kept.serial and document != kept.document:
        raise CheckFailed(Check.AGENCY_LIST)
