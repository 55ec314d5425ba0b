# SPDX-License-Identifier: EUPL-1.2
"""Held orders: a clerk of the holder decides, and everything is decided and recorded afresh."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.errors import HolderRefused, HolderUnreachable
from keys import messages
from tests.support.middle import ABH, DAY, JA, JC, MBE
from tests.support.scenes import (
    ask_held,
    entries,
    let_go,
    one_gate,
    pick_up,
    row_counts,
    state_of,
    sweep,
    told,
)
from tests.support.signing_in import problem_code

FIELDS = ["benefit_granted", "family_name"]
HELD_BY_HEAD = [("access.requested", "hold"), ("exchange.held", "hold")]


async def test_a_clerk_lets_go_and_the_authority_fetches(tmp_path: Path) -> None:
    """R04: held, let go, decided afresh, sealed, picked up; four entries tell it in order."""
    async with one_gate(tmp_path) as gate:
        held = (await ask_held(gate)).json()
        assert held["status"] == "held"
        decision = messages.read_decision(
            held["decision"], key=gate.middle.gateway_key, now=gate.middle.clock()
        )
        assert {one.outcome for one in decision.fields} == {"HOLD_HUMAN"}
        assert "envelope" not in held
        assert "order" not in held
        exchange = held["exchange"]
        assert await state_of(gate, exchange, JC) == "held"
        fresh = (await let_go(gate, JC, exchange, "J1")).json()
        assert fresh["status"] == "ordered"
        assert (await gate.hand_in(JC, exchange, fresh["order"])).status_code == 200
        answer = (await pick_up(gate, exchange)).json()
        assert gate.opened(ABH, answer) == {"benefit_granted": True, "family_name": "Canary"}
        assert told(gate.middle, exchange) == [
            ("access.requested", "hold"),
            ("exchange.held", "hold"),
            ("access.requested", "permit"),
            ("disclose", "permit"),
        ]
        assert len(answer["receipts"]) == 4


async def test_the_fresh_order_rests_on_the_release(tmp_path: Path) -> None:
    """The new decision's input says that the source released; the first one's does not."""
    async with one_gate(tmp_path) as gate:
        held = (await ask_held(gate)).json()
        fresh = (await let_go(gate, JC, held["exchange"], "J1")).json()
        released = []
        for answer in (held, fresh):
            decision = messages.read_decision(
                answer["decision"], key=gate.middle.gateway_key, now=gate.middle.clock()
            )
            holder = decision.input["holder"]
            assert isinstance(holder, dict)
            released.append(holder["released_by_source"])
        assert released == [False, True]


async def test_no_data_rests_while_a_clerk_thinks(tmp_path: Path) -> None:
    """Nothing sealed waits anywhere: no mailbox row, no envelope, only the order."""
    async with one_gate(tmp_path) as gate:
        await ask_held(gate)
        rows = row_counts(gate.middle)
        assert (rows["mailbox"], rows["outbox"]) == (0, 1)


async def test_a_refusing_clerk_looks_like_no_match(tmp_path: Path) -> None:
    """Refused: sealed nulls, the same steps, the same entries, and the asker cannot tell."""
    async with one_gate(tmp_path) as gate:
        told_of = []
        for refuse in (True, False):
            gate.middle.holder.records["J1"] = {} if not refuse else {"family_name": "Canary"}
            exchange = (await ask_held(gate)).json()["exchange"]
            fresh = (await let_go(gate, JC, exchange, "J1")).json()
            await gate.hand_in(JC, exchange, fresh["order"], refuse=refuse)
            answer = (await pick_up(gate, exchange)).json()
            assert gate.opened(ABH, answer) == dict.fromkeys(FIELDS)
            told_of.append(
                [
                    {name: leaf[name] for name in ("kind", "outcome", "fields", "reasons", "rules")}
                    for leaf in entries(gate.middle, exchange)
                ]
            )
        assert told_of[0] == told_of[1]


async def test_silence_ends_after_28_days(tmp_path: Path) -> None:
    """Nobody decided: expired on record, the order is forgotten, the door is closed."""
    async with one_gate(tmp_path) as gate:
        exchange = (await ask_held(gate)).json()["exchange"]
        gate.middle.clock.advance(28 * DAY)
        gate.middle.publish()
        assert await sweep(gate) == 0
        gate.middle.clock.advance(31)
        assert await sweep(gate) == 1
        gate.forget_tokens()
        assert await state_of(gate, exchange, ABH) == "expired"
        assert told(gate.middle, exchange)[-1] == ("exchange.expired", "withheld")
        assert row_counts(gate.middle)["outbox"] == 0
        assert problem_code(await let_go(gate, JC, exchange, "J1")) == "exchange-closed"


async def test_a_gateway_that_slept_a_month_still_ends_held_orders(tmp_path: Path) -> None:
    """The statement is far beyond its time by then; that must not keep the exchange open."""
    async with one_gate(tmp_path) as gate:
        exchange = (await ask_held(gate)).json()["exchange"]
        gate.middle.clock.advance(70 * DAY)
        gate.middle.publish()
        assert await sweep(gate) == 1
        assert told(gate.middle, exchange)[-1] == ("exchange.expired", "withheld")


async def test_a_release_on_the_last_day_can_still_be_fetched(tmp_path: Path) -> None:
    """Let go on day 28, fetched two days later: the statement may be that old."""
    async with one_gate(tmp_path) as gate:
        exchange = (await ask_held(gate)).json()["exchange"]
        gate.middle.clock.advance(28 * DAY - 60)
        gate.middle.publish()
        gate.forget_tokens()
        fresh = (await let_go(gate, JC, exchange, "J1")).json()
        assert (await gate.hand_in(JC, exchange, fresh["order"])).status_code == 200
        gate.middle.clock.advance(2 * DAY)
        gate.middle.publish()
        gate.forget_tokens()
        assert (await pick_up(gate, exchange)).json()["status"] == "answered"


async def test_a_holder_that_is_down_gets_its_held_order_later(tmp_path: Path) -> None:
    """The asker is told `held` at once; the order arrives with the first sweep that gets through."""
    async with one_gate(tmp_path) as gate:
        holder = gate.middle.holder
        holder.failure = HolderUnreachable()
        exchange = (await ask_held(gate)).json()["exchange"]
        assert told(gate.middle, exchange) == [("access.requested", "hold")]
        assert await sweep(gate) == 0
        holder.failure = None
        holder.orders.clear()
        assert await sweep(gate) == 1
        assert await sweep(gate) == 0
        assert len(holder.orders) == 1
        order = messages.read_order(
            holder.orders[0].token, key=gate.middle.gateway_key, now=gate.middle.clock()
        )
        assert order.exchange == exchange
        assert told(gate.middle, exchange)[-1] == ("exchange.held", "hold")


async def test_two_replicas_deliver_a_held_order_and_note_it_once(tmp_path: Path) -> None:
    """Both sweep at the same moment: the holder gets the same order twice, the log one entry."""
    async with one_gate(tmp_path) as gate:
        gate.middle.holder.failure = HolderUnreachable()
        exchange = (await ask_held(gate)).json()["exchange"]
        gate.middle.holder.failure = None
        async with gate.middle.running() as other:
            await asyncio.gather(sweep(gate), sweep(other))
        assert [kind for kind, _ in told(gate.middle, exchange)].count("exchange.held") == 1


async def test_one_stubborn_holder_does_not_hold_up_the_others(tmp_path: Path) -> None:
    """A held order that is refused for good ends as aborted; what comes after it is settled."""
    async with one_gate(tmp_path) as gate:
        holder = gate.middle.holder
        holder.failure = HolderUnreachable()
        first, second = [(await ask_held(gate)).json()["exchange"] for _ in range(2)]
        holder.failure = HolderRefused("statement-invalid")
        assert await sweep(gate) == 2
        for exchange in (first, second):
            assert told(gate.middle, exchange)[-1] == ("exchange.aborted", "error")
        assert await sweep(gate) == 0


async def test_a_held_order_is_let_go_once(tmp_path: Path) -> None:
    """The same release again, or another one, meets a closed door; one fresh intent."""
    async with one_gate(tmp_path) as gate:
        exchange = (await ask_held(gate)).json()["exchange"]
        answers = await asyncio.gather(*(let_go(gate, JC, exchange, "J1") for _ in range(4)))
        assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
        assert told(gate.middle, exchange).count(("access.requested", "permit")) == 1


async def test_only_the_holder_itself_lets_go(tmp_path: Path) -> None:
    """Asker and strangers get the answer for an unknown exchange; it stays held."""
    async with one_gate(tmp_path) as gate:
        exchange = (await ask_held(gate)).json()["exchange"]
        for stranger, number in ((ABH, "A1"), (MBE, "M1")):
            answer = await let_go(gate, stranger, exchange, number)
            assert problem_code(answer) == "not-found"
        assert await state_of(gate, exchange, JC) == "held"


async def test_an_agreement_that_ended_meanwhile_ends_the_held_order(tmp_path: Path) -> None:
    """The clerk lets go, but the decision is fresh: without agreement refused, no order."""
    async with one_gate(tmp_path) as gate:
        middle = gate.middle
        exchange = (await ask_held(gate)).json()["exchange"]
        middle.agreements = [one for one in middle.agreements if one.source != JC]
        middle.publish()
        middle.clock.advance(11)
        fresh = (await let_go(gate, JC, exchange, "J1")).json()
        assert fresh["status"] == "refused"
        assert "order" not in fresh
        assert told(middle, exchange)[-1] == ("access.requested", "deny")
        assert row_counts(middle)["outbox"] == 0


async def test_a_report_of_own_motion_waits_for_the_senders_clerk(tmp_path: Path) -> None:
    """R05: the job centre's own clerk must let the report go before anything is sealed."""
    async with one_gate(tmp_path) as gate:
        declared: dict[str, bool | int | str] = {"benefit_in_azr": False, "title_section": 3}
        offered = (
            await gate.deliver(
                JC,
                ABH,
                "J1",
                "P01",
                ["family_name"],
                trigger="spontaneous",
                declared=declared,
            )
        ).json()
        assert offered["status"] == "held"
        exchange = offered["exchange"]
        assert problem_code(await pick_up(gate, exchange)) == "not-found"
        assert await sweep(gate) == 0
        fresh = (await let_go(gate, JC, exchange, "J1")).json()
        assert (await gate.hand_in(JC, exchange, fresh["order"])).status_code == 200
        assert gate.opened(ABH, (await pick_up(gate, exchange)).json()) == {"family_name": "Canary"}


async def test_only_the_head_lets_go_what_waits_for_the_head(tmp_path: Path) -> None:
    """R59: a clerk's signed release changes nothing, not even the log; the head's makes an order."""
    async with one_gate(tmp_path) as gate:
        middle = gate.middle
        await gate.link(ABH, "A1", JA, "Y1")
        held = (
            await gate.ask(
                ABH,
                JA,
                "A1",
                "P01",
                ["expulsion_interest"],
                declared={"expulsion_ground_present": True},
            )
        ).json()
        exchange = held["exchange"]
        before = told(middle, exchange)
        assert problem_code(await let_go(gate, JA, exchange, "Y1")) == "statement-invalid"
        assert told(middle, exchange) == before == HELD_BY_HEAD
        assert (await state_of(gate, exchange, JA), row_counts(middle)["outbox"]) == ("held", 1)
        fresh = (await let_go(gate, JA, exchange, "Y1", by_head=True)).json()
        decision = messages.read_decision(
            fresh["decision"], key=middle.gateway_key, now=middle.clock()
        )
        assert [(one.rule, one.reasons) for one in decision.fields] == [
            ("R59", ("human_released", "statute"))
        ]
        assert (await gate.hand_in(JA, exchange, fresh["order"])).status_code == 200
        answer = (await pick_up(gate, exchange)).json()
        assert gate.opened(ABH, answer) == {"expulsion_interest": False}
