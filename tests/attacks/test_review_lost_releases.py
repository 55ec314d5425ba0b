# SPDX-License-Identifier: EUPL-1.2
"""A clerk's release that gets lost on the way, because a connector stops at the wrong moment."""

from __future__ import annotations

from pathlib import Path

from tests.support.middle import ABH, DAY, JC
from tests.support.scenes import ask_held, let_go, one_gate, pick_up, sweep, told

HOUR = 3_600


async def test_a_connector_stops_after_its_clerks_release(tmp_path: Path) -> None:
    """Back after two hours, it gets the same order again, and the asker its answer."""
    async with one_gate(tmp_path) as gate:
        exchange = (await ask_held(gate)).json()["exchange"]
        assert (await let_go(gate, JC, exchange, "J1")).status_code == 200
        gate.middle.clock.advance(2 * HOUR)
        assert await sweep(gate) == 0
        gate.forget_tokens()
        again = (await let_go(gate, JC, exchange, "J1")).json()
        assert (await gate.hand_in(JC, exchange, again["order"])).status_code == 200
        assert gate.opened(ABH, (await pick_up(gate, exchange)).json())["family_name"] == "Canary"


async def test_a_connector_that_does_not_come_back(tmp_path: Path) -> None:
    """After a day the release is closed, visibly: nothing stays open for ever."""
    async with one_gate(tmp_path) as gate:
        exchange = (await ask_held(gate)).json()["exchange"]
        assert (await let_go(gate, JC, exchange, "J1")).status_code == 200
        gate.middle.clock.advance(DAY + 31)
        assert await sweep(gate) == 1
        assert told(gate.middle, exchange)[-1] == ("exchange.aborted", "error")
