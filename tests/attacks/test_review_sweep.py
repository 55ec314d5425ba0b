# SPDX-License-Identifier: EUPL-1.2
"""Held orders for a holder that does not answer, so many that nobody else gets a turn."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from gateway.errors import HolderUnreachable
from gateway.model import HolderAnswer
from gateway.orders import Order
from gateway.recovery import TRIES
from keys.model import AgencyId
from tests.support.middle import ABH, JC, JC2, Middle
from tests.support.scenes import PENDING, no_pause, sweep, told


class SomeAreDown:
    """Brings orders to the simulated holder, except to those that are down."""

    def __init__(self, middle: Middle) -> None:
        self.middle = middle
        self.down: set[AgencyId] = {JC, JC2}
        self.calls: Counter[AgencyId] = Counter()

    async def deliver(self, order: Order) -> HolderAnswer:
        """Count, and fail for those that are down."""
        self.calls[order.holder] += 1
        if order.holder in self.down:
            raise HolderUnreachable
        return await self.middle.holder.deliver(order)


async def test_a_dead_holders_orders_do_not_use_up_every_round(tmp_path: Path) -> None:
    """Ten orders wait for one that is down, one for another: that one is brought at once."""
    middle = Middle.build(tmp_path)
    ways = SomeAreDown(middle)
    async with middle.running(**no_pause({"transport": ways})) as gate:
        exchanges = [
            (
                await gate.ask(ABH, holder, "A1", "P01", ["benefit_granted"], declared=PENDING)
            ).json()["exchange"]
            for holder in [JC] * 10 + [JC2]
        ]
        ways.calls.clear()
        ways.down.remove(JC2)
        assert await sweep(gate) == 1
        assert ways.calls == {JC: TRIES, JC2: 1}
        assert told(middle, exchanges[-1])[-1] == ("exchange.held", "hold")
        ways.down.clear()
        assert await sweep(gate) == 10
