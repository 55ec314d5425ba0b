# SPDX-License-Identifier: EUPL-1.2
"""Exchanges that ended, or are long past, seen by those who try their mailbox all the same."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import update

from gateway.store.database import open_engine
from gateway.store.tables import exchange as exchange_table
from tests.support.middle import ABH, DAY, JC, MBE
from tests.support.scenes import (
    ask_status,
    one_gate,
    paper_waits,
    pick_up,
    release_of_paper,
    send_paper,
    sweep,
    told,
)
from tests.support.signing_in import problem_code

UNKNOWN = "01M6NJDA80ZZZZZZZZZZZZZZZZ"


async def test_a_result_that_lies_in_the_mailbox_of_an_aborted_exchange(tmp_path: Path) -> None:
    """The log says aborted; whatever lies in the mailbox is not handed out after that."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        exchange = await paper_waits(gate)
        engine = open_engine(gate.middle.database_url)
        with engine.begin() as connection:
            row = exchange_table.c.id == exchange
            connection.execute(update(exchange_table).where(row).values(state="aborted"))
        engine.dispose()
        assert problem_code(await pick_up(gate, exchange)) == "exchange-closed"
        assert ("disclose", "permit") not in told(gate.middle, exchange)


async def test_a_result_handed_in_after_the_exchange_was_closed(tmp_path: Path) -> None:
    """The sweeper came first: nothing is laid into the mailbox."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        offered = (await send_paper(gate)).json()
        answer = gate.middle.holder.carry_out(offered["order"])
        gate.middle.clock.advance(91)
        assert await sweep(gate) == 1
        late = await gate.hand_in_answer(MBE, offered["exchange"], answer)
        assert problem_code(late) == "exchange-closed"
        assert problem_code(await pick_up(gate, offered["exchange"])) == "not-found"


async def test_guessing_whether_an_old_exchange_was_there(tmp_path: Path) -> None:
    """Forty days later a stranger reads the same of a real exchange as of one that never was."""
    async with one_gate(tmp_path) as gate:
        exchange = (await ask_status(gate)).json()["exchange"]
        gate.middle.clock.advance(40 * DAY)
        gate.middle.publish()
        gate.forget_tokens()
        for who in (MBE, JC):
            for path in ("/v1/exchanges/{}", "/v1/receipts/{}"):
                answers = [
                    await gate.call(who, "GET", path.format(one)) for one in (exchange, UNKNOWN)
                ]
                assert [problem_code(one) for one in answers] == ["not-found"] * 2
