# SPDX-License-Identifier: EUPL-1.2
"""Promise P4: once the call that withdraws has returned, nothing more is released.

In the mailbox, at the holder, after pick-up, at the same instant: gateways in this process, so that
it is quick. Every step with real processes stands in ``test_withdrawn_between_processes``.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from audit.entry import PendingEntry
from gateway.exchange import Core
from gateway.model import HolderAnswer
from gateway.orders import Order
from gateway.steps import Step
from tests.support.middle import ABH, DAY, JC, MBE, Gate, Middle
from tests.support.scenes import (
    PAPER,
    RECORDS,
    STATE,
    StopAfter,
    allowed,
    ask_by_choice,
    ask_by_consent,
    choice_of_proof,
    consent_to_counsellor,
    entries,
    link_person_one,
    no_pause,
    one_gate,
    paper_waits,
    pick_up,
    release_of_paper,
    row_counts,
    send_paper,
    told,
)
from tests.support.signing_in import problem_code

INTENT = ("access.requested", "permit")
WITHHELD = ("disclose", "withheld")


async def test_withdrawn_while_it_waits_in_the_mailbox(tmp_path: Path) -> None:
    """The mailbox is empty when the call returns; the entry says withheld, and no field."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        permission = await release_of_paper(gate, token)
        exchange = await paper_waits(gate)
        async with gate.middle.running(**no_pause({})) as other:
            assert (await other.withdraw(token, permission)).status_code == 200
        assert row_counts(gate.middle)["mailbox"] == 0
        assert (await gate.call(ABH, "GET", "/v1/mailbox")).json()["waiting"] == []
        assert problem_code(await pick_up(gate, exchange)) == "not-found"
        assert told(gate.middle, exchange) == [INTENT, WITHHELD]


async def test_withdrawn_after_pick_up_and_before_acknowledgement(tmp_path: Path) -> None:
    """What was disclosed was disclosed; but the copy is gone and is not handed out again."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        permission = await release_of_paper(gate, token)
        exchange = await paper_waits(gate)
        assert "envelope" in (await pick_up(gate, exchange)).json()
        assert (await gate.withdraw(token, permission)).status_code == 200
        assert problem_code(await pick_up(gate, exchange)) == "not-found"
        assert told(gate.middle, exchange) == [INTENT, ("disclose", "permit")]


async def test_withdrawn_while_the_holder_reads(tmp_path: Path) -> None:
    """The order is at the holder; the person withdraws; the sealed answer goes nowhere."""
    middle = Middle.build(tmp_path)
    middle.holder.records.update(RECORDS)
    async with middle.running(**no_pause({})) as other:
        await link_person_one(other)
        token = await other.person(ABH, "A1")
        permission = await consent_to_counsellor(other, token)

        class Slow:
            async def deliver(self, order: Order) -> HolderAnswer:
                answer = await middle.holder.deliver(order)
                assert (await other.withdraw(token, permission)).status_code == 200
                return answer

        async with middle.running(transport=Slow()) as gate:
            answer = (await ask_by_consent(gate)).json()
        assert "envelope" not in answer
        assert told(middle, answer["exchange"]) == [INTENT, WITHHELD]


async def test_the_withdrawal_stands_in_the_log_before_what_it_stopped(tmp_path: Path) -> None:
    """Its index is smaller than that of every entry that says withheld: the order is the proof."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        permission = await release_of_paper(gate, token)
        exchange = await paper_waits(gate)
        await gate.withdraw(token, permission)
        indices = {leaf["kind"]: leaf["idx"] for leaf in entries(gate.middle)}
        assert indices["permission.withdrawn"] < indices["disclose"]
        assert entries(gate.middle, exchange)[-1]["reasons"][-1] == "permission_withdrawn"


async def test_withdrawing_one_of_two_empties_the_mailbox_too(tmp_path: Path) -> None:
    """Two releases cover the paper; the person withdraws one, and means it."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        first = await release_of_paper(gate, token)
        await release_of_paper(gate, token)
        exchange = await paper_waits(gate)
        await gate.withdraw(token, first)
        assert told(gate.middle, exchange)[-1] == WITHHELD
        assert row_counts(gate.middle)["mailbox"] == 0
        again = await paper_waits(gate)
        assert "envelope" in (await pick_up(gate, again)).json()


async def test_withdrawing_leaves_what_others_allowed(tmp_path: Path) -> None:
    """Person two's paper waits on, whatever person one withdraws."""
    async with one_gate(tmp_path) as gate:
        assert (await gate.link(ABH, "A2", MBE, "M2")).status_code == 201
        gate.middle.holder.records["M2"] = {PAPER: "A2"}
        one, two = await gate.person(ABH, "A1"), await gate.person(ABH, "A2")
        permission = await release_of_paper(gate, one)
        await release_of_paper(gate, two)
        started = (await send_paper(gate, "M2")).json()
        await gate.hand_in(MBE, started["exchange"], started["order"])
        await gate.withdraw(one, permission)
        assert "envelope" in (await pick_up(gate, started["exchange"])).json()


@pytest.mark.parametrize("gone", ["list", "key"])
async def test_withdrawing_works_when_list_or_key_are_gone(tmp_path: Path, gone: str) -> None:
    """The agency list has expired, or the sender's key is off it: the mailbox is emptied all the same."""
    async with one_gate(tmp_path) as gate:
        middle = gate.middle
        if gone == "list":
            middle.clock.advance(6 * DAY - 60)
            gate.forget_tokens()
        token = await gate.person(ABH, "A1")
        permission = await release_of_paper(gate, token)
        exchange = await paper_waits(gate)
        if gone == "key":
            middle.agreements = [
                one for one in middle.agreements if MBE not in (one.source, one.recipient)
            ]
            middle.publish(offices={k: v for k, v in middle.offices.items() if k != MBE})
        middle.clock.advance(61)
        assert (await gate.withdraw(token, permission)).status_code == 200
        assert row_counts(middle)["mailbox"] == 0
        assert told(middle, exchange)[-1] == WITHHELD


async def test_expired_while_it_waits_in_the_mailbox(tmp_path: Path) -> None:
    """Time ends a permission as the person does: withheld at pick-up."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        gate.middle.clock.advance(30 * DAY - 60)
        gate.middle.publish()
        gate.forget_tokens()
        exchange = await paper_waits(gate)
        gate.middle.clock.advance(60)
        answer = (await pick_up(gate, exchange)).json()
        assert "envelope" not in answer
        assert answer["withheld"][0]["reason"] == "release_expired"
        assert told(gate.middle, exchange)[-1] == WITHHELD


async def test_eight_enquiries_race_for_a_single_use(tmp_path: Path) -> None:
    """At two gateways at the same instant: exactly one is released, the others withheld."""
    async with one_gate(tmp_path) as one, one.middle.running() as two:
        await choice_of_proof(one, await one.person(ABH, "A1"))
        await one.token(JC), await two.token(JC)
        calls = [ask_by_choice(gate) for gate in (one, two) * 4]
        answers = [answer.json() for answer in await asyncio.gather(*calls)]
        assert sum("envelope" in answer for answer in answers) == 1
        assert {answer["status"] for answer in answers} == {"answered", "refused"}
        released = [told(one.middle, answer["exchange"]) for answer in answers]
        assert sum(("disclose", "permit") in kinds for kinds in released) == 1


async def test_two_waiting_papers_race_for_a_single_use(tmp_path: Path) -> None:
    """Both were ordered under the same release; at pick-up one spends it, the other is withheld."""
    async with one_gate(tmp_path) as one, one.middle.running() as two:
        await release_of_paper(one, await one.person(ABH, "A1"))
        waiting = [await paper_waits(one), await paper_waits(two)]
        await one.token(ABH), await two.token(ABH)
        calls = [
            pick_up(gate, exchange) for gate, exchange in zip((one, two), waiting, strict=True)
        ]
        answers = [answer.json() for answer in await asyncio.gather(*calls)]
        assert sorted("envelope" in answer for answer in answers) == [False, True]
        refused = next(answer for answer in answers if "envelope" not in answer)
        assert refused["withheld"][0]["reason"] == "release_used"


async def test_a_work_that_the_log_runs_twice_counts_as_it_ended(tmp_path: Path) -> None:
    """The first run is rolled back, the permission ends, the second run withholds: nothing leaves."""

    def twice(core: Core) -> Core:
        writer = core.log.log
        append = writer.append

        async def run_twice(work: Any) -> Any:
            ran: list[object] = []

            def stop(connection: Any) -> PendingEntry:
                ran.append(work(connection))
                raise _RolledBackError

            if holding.is_set():
                with pytest.raises(_RolledBackError):
                    await append(stop)
                holding.clear()
                assert ran
                await end()
            return await append(work)

        writer.append = run_twice  # type: ignore[method-assign]  # a log that fails or repeats
        return core

    holding = asyncio.Event()
    async with one_gate(tmp_path) as other:
        token = await other.person(ABH, "A1")
        permission = await release_of_paper(other, token)
        exchange = await paper_waits(other)
        again = await paper_waits(other)

        async def end() -> None:
            # Not a withdrawal, which would empty the mailbox: the single use is spent elsewhere.
            assert "envelope" in (await pick_up(other, again)).json()

        async with other.middle.running(change_core=twice) as gate:
            await gate.token(ABH)
            holding.set()
            answer = (await pick_up(gate, exchange)).json()
        assert "envelope" not in answer
        assert answer["status"] == "refused"
        assert told(other.middle, exchange)[-1] == WITHHELD
        assert permission


class _RolledBackError(Exception):
    pass


async def test_a_stopped_exchange_does_not_hold_up_a_withdrawal(tmp_path: Path) -> None:
    """An enquiry hangs at its holder; the person's call returns all the same."""
    stop = StopAfter(Step.RECORD_INTENT)
    async with one_gate(tmp_path) as other:
        token = await other.person(ABH, "A1")
        permission = await consent_to_counsellor(other, token)
        async with other.middle.running(observer=stop) as gate:
            asking = asyncio.create_task(ask_by_consent(gate))
            await stop.reached.wait()
            async with asyncio.timeout(10):
                assert (await gate.withdraw(token, permission)).status_code == 200
            stop.go_on.set()
            assert "envelope" not in (await asking).json()


async def test_a_mandate_is_withdrawn_like_a_consent(tmp_path: Path) -> None:
    """Every type ends the same way: the next enquiry is refused."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        permission = await allowed(gate, token, "procedure-state-mandate", ABH, MBE, STATE)
        assert (await _ask_mandated(gate)).json()["status"] == "answered"
        await gate.withdraw(token, permission)
        assert (await _ask_mandated(gate)).json()["status"] == "refused"


async def _ask_mandated(gate: Gate) -> httpx.Response:
    return await gate.ask(MBE, ABH, "M1", "P03", [STATE])
