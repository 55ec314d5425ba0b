# SPDX-License-Identifier: EUPL-1.2
"""Push and mailbox: the holder starts, the sealed result waits, pick-up is the disclosure."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import select

from audit.checks import verify_receipt
from gateway.store.database import open_engine
from gateway.store.tables import mailbox
from keys import messages, pseudonyms
from keys.providers.base import KeyUse
from keys.strict_json import unb64u
from tests.support.middle import ABH, DAY, JC, MBE
from tests.support.scenes import (
    CLIENT,
    PAPER,
    entries,
    one_gate,
    paper_waits,
    pick_up,
    release_of_paper,
    row_counts,
    send_paper,
    state_of,
    sweep,
    told,
)
from tests.support.signing_in import problem_code


async def test_a_paper_travels_from_counsellor_to_authority(tmp_path: Path) -> None:
    """R21: released once by the person, sealed, waits, is picked up, opened, acknowledged."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        exchange = await paper_waits(gate)
        waiting = (await gate.call(ABH, "GET", "/v1/mailbox")).json()["waiting"]
        assert [(one["exchange"], one["from"], one["dir"]) for one in waiting] == [
            (exchange, MBE, "push")
        ]
        assert told(gate.middle, exchange) == [("access.requested", "permit")]
        answer = (await pick_up(gate, exchange)).json()
        assert answer["status"] == "answered"
        assert gate.opened(ABH, answer) == {PAPER: "B1"}
        assert told(gate.middle, exchange)[-1] == ("disclose", "permit")
        assert (await gate.call(ABH, "DELETE", f"/v1/mailbox/{exchange}")).status_code == 204
        assert (await gate.call(ABH, "DELETE", f"/v1/mailbox/{exchange}")).status_code == 204
        assert row_counts(gate.middle)["mailbox"] == 0
        assert problem_code(await pick_up(gate, exchange)) == "not-found"


async def test_the_recipient_learns_its_own_file_and_nobody_elses(tmp_path: Path) -> None:
    """The reference that comes with a push opens at the recipient, to its own file number."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        answer = (await pick_up(gate, await paper_waits(gate))).json()
        sealed = unb64u(answer["ref"])
        office = gate.middle.offices[ABH]
        assert pseudonyms.open_reference(sealed, ABH, office.keys.opener(KeyUse.KEM)) == "A1"
        statement = messages.read_statement(
            answer["statement"],
            key=lambda kid: gate.middle.listed_key(MBE, kid),
            now=gate.middle.clock(),
        )
        assert (statement.issuer, statement.fields) == (MBE, (PAPER,))


async def test_pick_up_gives_every_receipt_of_the_exchange(tmp_path: Path) -> None:
    """Intent and disclosure, both verifiable, the disclosure last."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        answer = (await pick_up(gate, await paper_waits(gate))).json()
        vkey = gate.app.state.parts.reader.vkey()
        leaves = [verify_receipt(text, vkey).leaf for text in answer["receipts"]]
        assert [leaf["kind"] for leaf in leaves] == ["access.requested", "disclose"]
        assert answer["log_index"] == leaves[-1]["idx"]


async def test_a_lost_answer_can_be_fetched_again_until_it_is_acknowledged(tmp_path: Path) -> None:
    """The same bytes, and still one disclosure in the log."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        exchange = await paper_waits(gate)
        first, second = [(await pick_up(gate, exchange)).json() for _ in range(2)]
        assert first["envelope"] == second["envelope"]
        assert first["log_index"] == second["log_index"]
        assert [kind for kind, _ in told(gate.middle, exchange)].count("disclose") == 1


async def test_two_pick_ups_at_once_disclose_once(tmp_path: Path) -> None:
    """Eight calls at the same instant: one entry, and nobody gets an error."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        exchange = await paper_waits(gate)
        await gate.token(ABH)
        answers = await asyncio.gather(*(pick_up(gate, exchange) for _ in range(8)))
        assert {one.json()["status"] for one in answers} == {"answered"}
        assert [kind for kind, _ in told(gate.middle, exchange)].count("disclose") == 1


async def test_nothing_can_be_acknowledged_before_it_was_fetched(tmp_path: Path) -> None:
    """Otherwise a result could vanish without a disclosure or an expiry on record."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        exchange = await paper_waits(gate)
        early = await gate.call(ABH, "DELETE", f"/v1/mailbox/{exchange}")
        assert problem_code(early) == "exchange-closed"
        assert (await pick_up(gate, exchange)).json()["status"] == "answered"


async def test_a_pull_never_satisfies_a_push_rule(tmp_path: Path) -> None:
    """The person released the paper for sending; asking for it gets nothing, with any trigger."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        pulled = (await gate.ask(ABH, MBE, "A1", "P02", [PAPER])).json()
        assert "envelope" not in pulled
        assert pulled["status"] == "refused"
        for trigger in ("push", "spontaneous"):
            disguised = await gate.ask(ABH, MBE, "A1", "P02", [PAPER], trigger=trigger)
            assert problem_code(disguised) == "statement-invalid"
        assert (await send_paper(gate)).json()["status"] == "ordered"


@pytest.mark.parametrize("trigger", ["on_request", "automated", "subject_choice"])
async def test_a_push_does_not_pretend_to_be_asked_for(tmp_path: Path, trigger: str) -> None:
    """A delivery with an asker's trigger is refused before anything is decided."""
    async with one_gate(tmp_path) as gate:
        response = await gate.deliver(
            MBE, ABH, "M1", "P02", [PAPER], trigger=trigger, declared=CLIENT
        )
        assert problem_code(response) == "statement-invalid"


async def test_without_a_release_the_sender_gets_a_reason_and_no_order(tmp_path: Path) -> None:
    """R21 without the person's release: 200 refused, one entry, no order."""
    async with one_gate(tmp_path) as gate:
        answer = await send_paper(gate)
        assert answer.status_code == 200
        assert answer.json()["status"] == "refused"
        assert answer.json()["withheld"][0]["outcome"] == "NEED_RELEASE_203"
        assert "order" not in answer.json()


async def test_the_paper_of_somebody_else_stays(tmp_path: Path) -> None:
    """The release of person one does not send the paper of person two."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        assert (await send_paper(gate, "M2")).json()["status"] == "refused"


async def test_what_nobody_fetches_ends_after_three_working_days(tmp_path: Path) -> None:
    """From Thursday to Tuesday: then gone, `exchange.expired` on record, the detail kept."""
    async with one_gate(tmp_path) as gate:
        middle = gate.middle
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        exchange = await paper_waits(gate)
        middle.clock.advance(5 * DAY - 1)
        gate.forget_tokens()
        middle.publish()
        assert dt.datetime.fromtimestamp(middle.clock(), tz=dt.UTC).weekday() == 1
        assert [
            one["exchange"]
            for one in (await gate.call(ABH, "GET", "/v1/mailbox")).json()["waiting"]
        ] == [exchange]
        middle.clock.advance(2)
        assert (await gate.call(ABH, "GET", "/v1/mailbox")).json()["waiting"] == []
        assert problem_code(await pick_up(gate, exchange)) == "not-found"
        assert await sweep(gate) == 1
        assert await state_of(gate, exchange, ABH) == "expired"
        last = entries(middle, exchange)[-1]
        assert (last["kind"], last["outcome"], last["fields"]) == (
            "exchange.expired",
            "withheld",
            [],
        )
        assert [one["c"] for one in last["details"]] == [MBE]
        assert row_counts(middle)["mailbox"] == 0


async def test_what_was_fetched_and_never_acknowledged_goes_too(tmp_path: Path) -> None:
    """Ciphertext rests three working days and no longer, also after a pick-up."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        await pick_up(gate, await paper_waits(gate))
        gate.middle.clock.advance(5 * DAY - 1)
        gate.middle.publish()
        assert (await sweep(gate), row_counts(gate.middle)["mailbox"]) == (0, 1)
        gate.middle.clock.advance(1)
        assert (await sweep(gate), row_counts(gate.middle)["mailbox"]) == (1, 0)


async def test_the_mailbox_holds_what_the_operator_cannot_read(tmp_path: Path) -> None:
    """The stored payload is wrapped: not even the envelope's public parts can be read in it."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        await paper_waits(gate)
        engine = open_engine(gate.middle.database_url)
        with engine.connect() as connection:
            payload = bytes(connection.execute(select(mailbox.c.payload)).scalar_one())
        engine.dispose()
        assert PAPER.encode() not in payload
        assert b"envelope" not in payload


async def test_a_late_result_finds_a_closed_door(tmp_path: Path) -> None:
    """The holder seals after its order ran out: nothing is kept, the exchange was aborted."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        started = (await send_paper(gate)).json()
        order = started["order"]
        answer = gate.middle.holder.carry_out(order)
        assert answer.unverified_envelope is not None
        gate.middle.clock.advance(91)
        assert await sweep(gate) == 1
        late = await gate.hand_in_answer(MBE, started["exchange"], answer)
        assert problem_code(late) == "exchange-closed"
        assert told(gate.middle, started["exchange"])[-1] == ("exchange.aborted", "error")
        assert row_counts(gate.middle)["mailbox"] == 0


async def test_a_result_is_handed_in_once(tmp_path: Path) -> None:
    """A second result for the same exchange is refused and does not replace the first."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        started = (await send_paper(gate)).json()
        first = gate.middle.holder.carry_out(started["order"])
        gate.middle.holder.records["M1"] = {PAPER: "C2"}
        second = gate.middle.holder.carry_out(started["order"])
        exchange = started["exchange"]
        assert (await gate.hand_in_answer(MBE, exchange, first)).status_code == 200
        again = await gate.hand_in_answer(MBE, exchange, second)
        assert problem_code(again) == "exchange-closed"
        assert gate.opened(ABH, (await pick_up(gate, exchange)).json()) == {PAPER: "B1"}


async def test_only_the_holder_hands_in_and_only_the_recipient_fetches(tmp_path: Path) -> None:
    """Neither the recipient nor a third agency may do the other's part."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        started = (await send_paper(gate)).json()
        answer = gate.middle.holder.carry_out(started["order"])
        for stranger in (ABH, JC):
            refused = await gate.hand_in_answer(stranger, started["exchange"], answer)
            assert problem_code(refused) == "not-found"
        assert (await gate.hand_in_answer(MBE, started["exchange"], answer)).status_code == 200
        for stranger in (MBE, JC):
            refused = await pick_up(gate, started["exchange"], stranger)
            assert problem_code(refused) == "not-found"
            assert (await gate.call(stranger, "GET", "/v1/mailbox")).json()["waiting"] == []
