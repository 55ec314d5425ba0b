# SPDX-License-Identifier: EUPL-1.2
"""What a test expects when the gateway lies: refused, named, kept as evidence, no data."""

from __future__ import annotations

from typing import Any

from keys.messages import (
    Order,
    read_order,
)
from tests.support.connectors import (
    ABH,
    JC,
    U02,
    World,
)

FIELD_VALUES = [b"25b", b"streng geheim", b"Musterweg 5"]


async def refused_by_holder(made: World, check: str, body: dict[str, Any] | None = None) -> None:
    """Ask, and expect that the holder refused for this reason and read nothing."""
    reply = await made.ask(JC, body or U02)
    assert reply.status_code >= 400, reply.text
    told = await made.gateway.post_order(ABH, made.gateway.orders[-1])
    assert told.json()["type"] == "/problems/order-refused", told.text
    assert made.sites[ABH].evidence()[0] == check
    assert made.sites[ABH].source.calls == []


async def refused_by_asker(made: World, check: str, body: dict[str, Any] | None = None) -> None:
    """Ask, and expect that the asker believed nothing, and said which check failed."""
    reply = await made.ask(JC, body or U02)
    told = reply.json()
    assert (reply.status_code, told["type"]) == (502, "/problems/gateway-untrue"), told
    assert told["check"] == check
    assert made.sites[JC].evidence() == [check]
    assert not any(value in reply.content for value in FIELD_VALUES)


def read(made: World, token: str) -> Order:
    return read_order(
        token,
        key=lambda kid: made.gateway.agencies.gateway_key("order", kid),
        now=made.clock(),
    )
