# SPDX-License-Identifier: EUPL-1.2
"""A holder that takes orders and never answers, asked again and again."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from gateway.errors import HolderRefused, HolderUnreachable
from gateway.lines import LINES_PER_HOLDER, open_session
from gateway.orders import ListeningConnectors, Order
from keys.model import AgencyId

HANGS, SAYS_NO = AgencyId("jc.hannover"), AgencyId("abh.hannover")
NO = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 34\r\n"
    b'Set-Cookie: a=b\r\nConnection: close\r\n\r\n{"type":"/problems/order-refused"}'
)


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        await reader.read()
    writer.close()


async def _say_no(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(NO)
    await writer.drain()
    writer.close()


def _order(holder: AgencyId) -> Order:
    return Order("0" * 32, holder, "a.b.c", 0)


async def test_a_hanging_holder_takes_all_lines() -> None:
    """More orders hang than one holder has lines; another holder is reached all the same."""
    async with (
        await asyncio.start_server(_hang, "127.0.0.1", 0) as hanging,
        await asyncio.start_server(_say_no, "127.0.0.1", 0) as answering,
        open_session() as session,
    ):
        addresses = {
            holder: f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            for holder, server in ((HANGS, hanging), (SAYS_NO, answering))
        }
        slow = ListeningConnectors(addresses, session, timeout_seconds=5)
        hung = [
            asyncio.ensure_future(slow.deliver(_order(HANGS))) for _ in range(LINES_PER_HOLDER + 20)
        ]
        await asyncio.sleep(0.2)
        quick = ListeningConnectors(addresses, session, timeout_seconds=2)
        with pytest.raises(HolderRefused):
            await quick.deliver(_order(SAYS_NO))
        for task in hung:
            task.cancel()
        ended = await asyncio.gather(*hung, return_exceptions=True)
        assert all(isinstance(one, (asyncio.CancelledError, HolderUnreachable)) for one in ended)
