# SPDX-License-Identifier: EUPL-1.2
"""An order that is made once more is the same order; one that borrows its id is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx

from keys.messages import Order
from keys.model import ExchangeId
from policies.model import HolderFacts
from tests.support.connectors import ABH, AS_SYSTEM, JC, U03, World, world
from tests.support.lies import read


async def _held_order_again(made: World, **changes: object) -> tuple[bytes, httpx.Response]:
    """Hold an enquiry, and bring its order once more as after a crash: newly signed, and later."""
    assert (await made.ask(ABH, U03)).json()["outcome"] == "held"
    gateway = made.gateway
    first = read(made, gateway.orders[0])
    answered = await gateway.post_order(JC, gateway.orders[0])
    made.clock.advance(7)

    def again(order: Order) -> Order:
        same = replace(
            order, order=first.order, reference=first.reference, expires_at=first.expires_at
        )
        return replace(same, **changes)  # type: ignore[arg-type]  # members that a test names

    gateway.lies.order = again
    exchange = next(iter(gateway.exchanges.values()))
    token = gateway.order_for(exchange)
    assert token != gateway.orders[0]
    return answered.content, await gateway.post_order(JC, token)


async def test_a_held_order_signed_anew_after_a_crash_gets_identical_bytes(tmp_path: Path) -> None:
    """The answer got lost; the gateway brings the order again: no alarm, and it still rests once."""
    async with world(tmp_path) as made:
        first, again = await _held_order_again(made)
        assert (again.status_code, again.content) == (200, first)
        assert made.sites[JC].evidence() == []
        listed = await made.sites[JC].client.get("/held", headers=AS_SYSTEM)
        assert len(listed.json()["held"]) == 1


async def test_an_order_about_another_file_under_a_known_id(tmp_path: Path) -> None:
    """Same id, exchange and decision, but another reference: refused as a replay."""
    async with world(tmp_path) as made:
        _, again = await _held_order_again(made, reference=bytes(145))
        assert again.json()["check"] == "replay"
        assert made.sites[JC].source.calls == []


async def test_a_statement_serves_again_after_a_short_lived_order_was_forgotten(
    tmp_path: Path,
) -> None:
    """Held for a minute, forgotten after a day, and ordered anew: the clerk is not asked twice."""
    async with world(tmp_path) as made:
        gateway, jc = made.gateway, made.sites[JC]
        gateway.lies.order = lambda order: replace(order, expires_at=order.issued_at + 60)
        assert (await made.ask(ABH, U03)).json()["outcome"] == "held"
        made.clock.advance(2 * 86_400)
        gateway.publish()
        await jc.connector.tidy()
        gateway.lies.order = lambda order: order
        first = next(iter(gateway.exchanges.values()))
        second = replace(first, id=ExchangeId("01M6NJDA80MKG6T37NFVN1TSER"), receipts=[])
        gateway._decide(second, HolderFacts())
        told = await gateway.post_order(JC, gateway.order_for(second))
        assert told.json()["check"] == "replay"
