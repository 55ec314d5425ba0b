# SPDX-License-Identifier: EUPL-1.2
"""The holder's side lies or breaks: the asker gets a clear problem, the log an entry, nobody data."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import HolderRefused, HolderUnreachable
from gateway.model import HolderAnswer
from keys.context import ExchangeContext
from keys.envelope import Envelope, SealedItem, seal
from keys.errors import SealRefused
from keys.jws import sign_jws
from keys.model import AgencyId
from keys.providers.base import KeyUse
from policies.catalogue import Catalogue
from tests.support.middle import ABH, JC, JC2, MBE, Gate, Middle
from tests.support.scenes import (
    STATUS,
    ask_by_choice,
    ask_held,
    ask_status,
    choice_of_proof,
    entries,
    let_go,
    one_gate,
    row_counts,
    state_of,
    told,
)
from tests.support.signing_in import problem_code

INTENT = ("access.requested", "permit")
ABORTED = ("exchange.aborted", "error")


async def expect_no_data(
    gate: Gate, status: int = 502, code: str = "holder-rejected", **more: Any
) -> str:
    """Ask; the holder lies; check problem, entry and that nothing came out. Gives the entry's reason."""
    response = await ask_status(gate, **more)
    assert (response.status_code, problem_code(response)) == (status, code), response.text
    assert "envelope" not in response.json()
    assert "canary" not in response.text
    leaf = entries(gate.middle)[-1]
    assert told(gate.middle, leaf["corr"]) == [INTENT, ABORTED]
    assert leaf["fields"] == []
    rows = row_counts(gate.middle)
    assert (rows["outbox"], rows["mailbox"]) == (0, 0)
    return str(leaf["reasons"][-1])


def envelope_of(answer: HolderAnswer) -> Envelope:
    """The envelope of an answer that has one."""
    assert answer.unverified_envelope is not None
    return answer.unverified_envelope


async def test_a_field_that_nobody_decided_is_cut_off(tmp_path: Path) -> None:
    """Extra fields in a genuine envelope do not arrive, and the log does not call them disclosed."""
    async with one_gate(tmp_path) as gate:
        gate.middle.holder.extra_fields = ("net_income", "birth_date")
        answer = (await ask_status(gate)).json()
        assert gate.opened(JC, answer) == {STATUS: "canary-status-a1"}
        assert [item["n"] for item in answer["envelope"]["f"]] == [STATUS]
        assert entries(gate.middle, answer["exchange"])[-1]["fields"] == [STATUS]


async def test_a_missing_field_is_not_passed_on(tmp_path: Path) -> None:
    """A holder that leaves a field out would tell that there is none: aborted."""
    async with one_gate(tmp_path) as gate:

        def drop(answer: HolderAnswer) -> HolderAnswer:
            return dataclasses.replace(
                answer,
                unverified_envelope=dataclasses.replace(envelope_of(answer), items=()),
            )

        gate.middle.holder.twist = drop
        assert await expect_no_data(gate) == "holderuntrue"


async def test_an_envelope_of_another_exchange_is_replayed(tmp_path: Path) -> None:
    """The answer to the first enquiry, sent again for the second one."""
    async with one_gate(tmp_path) as gate:
        kept: list[HolderAnswer] = []

        def replay(answer: HolderAnswer) -> HolderAnswer:
            kept.append(answer)
            return kept[0]

        gate.middle.holder.twist = replay
        assert (await ask_status(gate)).json()["status"] == "answered"
        await expect_no_data(gate)


CONTEXT_LIES: dict[str, dict[str, Any]] = {
    "sealed for another recipient": {"recipient": JC2},
    "sealed in another agency's name": {"source": MBE},
    "another purpose": {"purpose": "p05"},
    "another decision": {"decision_token_hash": bytes(32)},
    "another catalogue": {"catalogue": "2020.1.1"},
    "already over": {"issued_at": -7200, "expires_at": -3600},
    "valid for a year": {"expires_at": 365 * 86_400},
}


@pytest.mark.parametrize("lie", CONTEXT_LIES)
async def test_an_envelope_for_something_else(tmp_path: Path, lie: str) -> None:
    """Genuinely signed, but its context is not that of this exchange."""
    async with one_gate(tmp_path) as gate:
        changes = dict(CONTEXT_LIES[lie])
        for name in ("issued_at", "expires_at"):
            if name in changes:
                changes[name] += gate.middle.clock()
        gate.middle.holder.twist = sealing_differently(gate.middle, changes)
        await expect_no_data(gate)


def sealing_differently(
    middle: Middle,
    changes: dict[str, Any],
    *,
    signer: AgencyId | None = None,
    recipient: AgencyId | None = None,
) -> Callable[[HolderAnswer], HolderAnswer]:
    """Seal the true values again under a changed context."""

    def twist(answer: HolderAnswer) -> HolderAnswer:
        honest = _context(envelope_of(answer))
        context = dataclasses.replace(honest, **changes)
        envelope = seal(
            context,
            {STATUS: "canary-status-a1"},
            pad_bytes=Catalogue.load().pad_bytes,
            recipient=middle.offices[recipient or context.recipient].recipient_key(KeyUse.KEM),
            signer=middle.offices[signer or context.source].keys.signer(KeyUse.SIG),
        )
        return HolderAnswer(envelope, answer.detail)

    return twist


def _context(envelope: Envelope) -> ExchangeContext:
    claims = json.loads(_payload(envelope.manifest))
    return ExchangeContext(
        source=AgencyId(claims["src"]),
        recipient=AgencyId(claims["rcp"]),
        exchange=claims["dec"],
        decision_token_hash=_bytes(claims["dth"]),
        purpose=claims["pur"],
        subject=claims["sub"],
        catalogue=claims["cat"],
        issued_at=claims["iat"],
        expires_at=claims["exp"],
        message_id=_bytes(claims["mid"]),
    )


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _payload(jws: str) -> bytes:
    return _bytes(jws.split(".")[1])


async def test_sealed_to_another_key_than_the_statement_names(tmp_path: Path) -> None:
    """A key that the list does not show: the asker might not open it, or somebody else might."""
    async with one_gate(tmp_path) as gate:
        office = gate.middle.offices[JC]
        named = office.keys.kids(KeyUse.KEM)[0]
        other = office.keys.new_key(KeyUse.KEM, gate.middle.clock())
        assert office.recipient_key(KeyUse.KEM).kid == other != named
        await expect_no_data(gate, recipient_kid=named)


async def test_a_changed_ciphertext(tmp_path: Path) -> None:
    """One bit of one sealed field: its digest is not in the manifest."""
    async with one_gate(tmp_path) as gate:

        def flip(answer: HolderAnswer) -> HolderAnswer:
            envelope = envelope_of(answer)
            item = envelope.items[0]
            bent = SealedItem(item.name, bytes([item.ciphertext[0] ^ 1]) + item.ciphertext[1:])
            return HolderAnswer(dataclasses.replace(envelope, items=(bent,)), answer.detail)

        gate.middle.holder.twist = flip
        await expect_no_data(gate)


async def test_a_field_sent_twice(tmp_path: Path) -> None:
    """The same name twice in one envelope is not a matter of luck."""
    async with one_gate(tmp_path) as gate:

        def double(answer: HolderAnswer) -> HolderAnswer:
            envelope = envelope_of(answer)
            return HolderAnswer(
                dataclasses.replace(envelope, items=envelope.items * 2), answer.detail
            )

        gate.middle.holder.twist = double
        await expect_no_data(gate)


async def test_another_agency_signs_for_the_holder(tmp_path: Path) -> None:
    """A third agency's genuine signature under a manifest that names the holder as source."""
    async with one_gate(tmp_path) as gate:
        with pytest.raises(SealRefused):  # an honest library refuses to make it at all
            sealing_differently(gate.middle, {}, signer=MBE)(await _honest_answer(gate))

        def resigned(answer: HolderAnswer) -> HolderAnswer:
            envelope = envelope_of(answer)
            signer = gate.middle.offices[MBE].keys.signer(KeyUse.SIG)
            token = sign_jws(_payload(envelope.manifest), typ="gfe1+jws", signer=signer)
            return HolderAnswer(dataclasses.replace(envelope, manifest=token), answer.detail)

        gate.middle.holder.twist = resigned
        await expect_no_data(gate)


async def _honest_answer(gate: Gate) -> HolderAnswer:
    kept: list[HolderAnswer] = []

    def keep(answer: HolderAnswer) -> HolderAnswer:
        kept.append(answer)
        return answer

    honest, gate.middle.holder.twist = gate.middle.holder.twist, keep
    await ask_status(gate)
    gate.middle.holder.twist = honest
    return kept[0]


async def test_held_for_an_order_that_was_to_be_answered(tmp_path: Path) -> None:
    """A holder may narrow, but not turn an answer into waiting without the gateway's decision."""
    async with one_gate(tmp_path) as gate:
        gate.middle.holder.twist = lambda answer: HolderAnswer(None, answer.detail)
        await expect_no_data(gate)


async def test_data_for_an_order_that_a_clerk_decides(tmp_path: Path) -> None:
    """The decision was to hold; the holder sends data at once: nothing is passed on."""
    async with one_gate(tmp_path) as gate:
        genuine = await _honest_answer(gate)
        gate.middle.holder.twist = lambda _answer: genuine
        response = await ask_held(gate)
        assert problem_code(response) == "holder-rejected"
        exchange = entries(gate.middle)[-1]["corr"]
        assert told(gate.middle, exchange) == [("access.requested", "hold"), ABORTED]


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (HolderUnreachable(), 504, "holder-unreachable"),
        (HolderRefused("order-expired"), 502, "holder-rejected"),
    ],
)
async def test_the_asker_is_told_and_the_single_use_is_kept(
    tmp_path: Path, failure: Exception, status: int, code: str
) -> None:
    """A failing holder does not spend the person's permission."""
    async with one_gate(tmp_path) as gate:
        await choice_of_proof(gate, await gate.person(ABH, "A1"))
        gate.middle.holder.failure = failure
        response = await ask_by_choice(gate)
        assert (response.status_code, problem_code(response)) == (status, code)
        gate.middle.holder.failure = None
        assert (await ask_by_choice(gate)).json()["status"] == "answered"


async def test_a_lying_result_stays_out_of_the_mailbox(tmp_path: Path) -> None:
    """After a clerk's release the holder hands in an envelope of another exchange: refused, nothing kept."""
    async with one_gate(tmp_path) as gate:
        foreign = await _honest_answer(gate)
        exchange = (await ask_held(gate)).json()["exchange"]
        order = (await let_go(gate, JC, exchange, "J1")).json()["order"]
        response = await gate.hand_in_answer(JC, exchange, foreign)
        assert (response.status_code, problem_code(response)) == (400, "invalid-request")
        assert row_counts(gate.middle)["mailbox"] == 0
        assert await state_of(gate, exchange, ABH) == "ordered"
        assert (await gate.hand_in(JC, exchange, order)).status_code == 200


# --- over a real connection ----------------------------------------------------------------------
