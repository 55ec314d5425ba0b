# SPDX-License-Identifier: EUPL-1.2
"""The sweeper ends what is due, once, and is stopped by nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import update

from gateway.exchange_rows import GRACE_SECONDS
from gateway.orders import ORDER_SECONDS
from gateway.recovery import Recovery
from gateway.steps import Step
from gateway.store.tables import exchange as exchange_table
from tests.support.middle import ABH, JC, MBE
from tests.support.scenes import (
    StopAfter,
    ask_status,
    entries,
    link_person_one,
    no_pause,
    one_gate,
    release_of_paper,
    row_counts,
    send_paper,
    state_of,
    sweep,
    told,
)
from tests.support.signing_in import problem_code

INTENT = ("access.requested", "permit")


async def test_an_intent_that_never_finished_is_closed_after_its_time(tmp_path: Path) -> None:
    """Not a second before its order is over and the grace has passed; once, and visibly."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        exchange = (await send_paper(gate)).json()["exchange"]
        gate.middle.clock.advance(ORDER_SECONDS + GRACE_SECONDS)
        assert await sweep(gate) == 0
        gate.middle.clock.advance(1)
        assert await sweep(gate) == 1
        assert await sweep(gate) == 0
        assert told(gate.middle, exchange)[-1] == ("exchange.aborted", "error")
        assert entries(gate.middle, exchange)[-1]["reasons"][-1] == "not_finished"
        assert row_counts(gate.middle)["outbox"] == 0
        gate.forget_tokens()
        assert await state_of(gate, exchange, MBE) == "aborted"


async def test_what_ended_by_itself_is_left_alone(tmp_path: Path) -> None:
    """Answered and refused exchanges are never touched again."""
    async with one_gate(tmp_path) as gate:
        await ask_status(gate)
        await ask_status(gate, declared={})
        gate.middle.clock.advance(90 * 86_400)
        gate.middle.publish()
        assert await sweep(gate) == 0


async def test_an_answer_that_comes_after_the_sweeper_is_not_released(tmp_path: Path) -> None:
    """The exchange was closed while the holder took its time: 409, no disclosure."""
    stop = StopAfter(Step.STRIP)
    async with one_gate(tmp_path) as gate:
        async with gate.middle.running(observer=stop, **no_pause({})) as slow:
            await slow.token(JC)
            asking = asyncio.create_task(ask_status(slow))
            await stop.reached.wait()
            gate.middle.clock.advance(ORDER_SECONDS + GRACE_SECONDS + 1)
            assert await sweep(gate) == 1
            stop.go_on.set()
            answer = await asking
        assert problem_code(answer) == "exchange-closed"
        assert "disclose" not in {leaf["kind"] for leaf in entries(gate.middle)}


async def test_a_row_that_cannot_be_read_holds_up_nobody(tmp_path: Path) -> None:
    """One damaged exchange stays; the one behind it is closed in the same round."""
    async with one_gate(tmp_path) as gate:
        await link_person_one(gate)
        token = await gate.person(ABH, "A1")
        await release_of_paper(gate, token)
        broken, sound = [(await send_paper(gate)).json()["exchange"] for _ in range(2)]
        with gate.app.state.parts.core.database.engine.begin() as connection:
            connection.execute(
                update(exchange_table)
                .where(exchange_table.c.id == broken)
                .values(decided="{", closes_at=1)
            )
        gate.middle.clock.advance(ORDER_SECONDS + GRACE_SECONDS + 1)
        assert await sweep(gate) == 1
        assert told(gate.middle, sound)[-1] == ("exchange.aborted", "error")
        assert told(gate.middle, broken)[-1] == ("access.requested", "permit")


async def test_two_sweepers_close_once(tmp_path: Path) -> None:
    """Every replica sweeps; the head lock lets one of them act."""
    async with one_gate(tmp_path) as gate, gate.middle.running() as other:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        exchanges = [(await send_paper(gate)).json()["exchange"] for _ in range(3)]
        gate.middle.clock.advance(ORDER_SECONDS + GRACE_SECONDS + 1)
        touched = await asyncio.gather(sweep(gate), sweep(other), sweep(gate))
        assert sum(touched) == 3
        for exchange in exchanges:
            assert told(gate.middle, exchange) == [INTENT, ("exchange.aborted", "error")]


async def test_what_was_released_after_it_was_listed_is_not_expired(tmp_path: Path) -> None:
    """The sweeper's list is a moment old: an exchange that was answered meanwhile stays answered."""
    async with one_gate(tmp_path) as gate:
        exchange = (await ask_status(gate)).json()["exchange"]
        parts = gate.app.state.parts
        recovery = Recovery(parts.core, parts.deliveries._mailboxes, parts.reader)
        assert await recovery._close(exchange) == 0
        assert told(gate.middle, exchange) == [INTENT, ("disclose", "permit")]
        assert await state_of(gate, exchange, JC) == "answered"
