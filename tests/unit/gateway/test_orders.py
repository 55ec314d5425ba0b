# SPDX-License-Identifier: EUPL-1.2
"""An order is made from a decision and the receipt of its record, and its answer is read strictly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import HolderRefused, HolderUnreachable, HolderUntrue
from gateway.orders import ANSWER_MAX_BYTES, ORDER_SECONDS, read_holder_answer
from keys import messages
from keys.detail import MIN_BYTES
from keys.strict_json import b64u
from tests.support.middle import ABH, JC
from tests.support.scenes import STATUS, ask_held, ask_status, one_gate

DETAIL = b64u(bytes(MIN_BYTES))


async def test_an_order_says_who_asks_whom_for_what_and_until_when(tmp_path: Path) -> None:
    """Holder, statement, decision, key and expiry are those of the exchange; a minute to live."""
    async with one_gate(tmp_path) as gate:
        middle = gate.middle
        answer = (await ask_status(gate)).json()
        order = messages.read_order(
            middle.holder.orders[-1].token, key=middle.gateway_key, now=middle.clock()
        )
        assert (order.holder, order.exchange) == (ABH, answer["exchange"])
        assert order.decision == answer["decision"]
        assert order.recipient_kid.startswith(f"{JC}#kem")
        assert order.expires_at == middle.clock() + ORDER_SECONDS
        assert len(order.reference) == 145
        statement = messages.read_statement(
            order.statement, key=lambda kid: middle.listed_key(JC, kid), now=middle.clock()
        )
        assert statement.fields == (STATUS,)


async def test_a_held_order_lives_as_long_as_a_clerk_may_take(tmp_path: Path) -> None:
    """Twenty-eight days, and the decision token with it."""
    async with one_gate(tmp_path) as gate:
        held = (await ask_held(gate)).json()
        order = messages.read_order(
            gate.middle.holder.orders[-1].token,
            key=gate.middle.gateway_key,
            now=gate.middle.clock() + 28 * 86_400 - 1,
        )
        assert order.exchange == held["exchange"]


async def test_no_two_orders_share_an_id_or_a_subject(tmp_path: Path) -> None:
    """Asked twice about one person: nothing in the two orders says that it was the same one."""
    async with one_gate(tmp_path) as gate:
        middle = gate.middle
        seen = []
        for _ in range(2):
            await ask_status(gate)
            order = messages.read_order(
                middle.holder.orders[-1].token, key=middle.gateway_key, now=middle.clock()
            )
            decision = messages.read_decision(
                order.decision, key=middle.gateway_key, now=middle.clock()
            )
            seen.append({order.order, order.exchange, decision.subject_handle, order.statement})
        assert not seen[0] & seen[1]


GOOD: dict[str, Any] = {"held": True, "detail": DETAIL}
UNTRUE: dict[str, bytes] = {
    "nothing": b"",
    "no object": b"[]",
    "no members": b"{}",
    "held, and more": json.dumps({**GOOD, "envelope": {}}).encode(),
    "not held": json.dumps({**GOOD, "held": False}).encode(),
    "held as a text": json.dumps({**GOOD, "held": "true"}).encode(),
    "no detail": json.dumps({"held": True}).encode(),
    "a detail that is too short": json.dumps({**GOOD, "detail": b64u(bytes(16))}).encode(),
    "a detail that is too long": json.dumps({**GOOD, "detail": b64u(bytes(49_153))}).encode(),
    "padded base64": json.dumps({**GOOD, "detail": DETAIL + "="}).encode(),
    "an empty envelope": json.dumps({"envelope": {}, "detail": DETAIL}).encode(),
    "an envelope that is a text": json.dumps({"envelope": "x", "detail": DETAIL}).encode(),
    "duplicate members": b'{"held":true,"held":true,"detail":"AA"}',
    "too many bytes": b" " * (ANSWER_MAX_BYTES + 1),
}


@pytest.mark.parametrize("name", UNTRUE)
def test_an_answer_of_another_form_is_untrue(name: str) -> None:
    """Whatever is not of the agreed form is a lie of the holder, whoever made the mistake."""
    with pytest.raises(HolderUntrue):
        read_holder_answer(200, UNTRUE[name])


def test_a_held_answer_is_read() -> None:
    """The good form of the table above."""
    answer = read_holder_answer(200, json.dumps(GOOD).encode())
    assert answer.unverified_envelope is None
    assert answer.detail == bytes(MIN_BYTES)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("/problems/order-expired", "order-expired"),
        ("https://abh.example/problems/replayed", "replayed"),
        ("Zoë 1984", "unnamed"),
        ("/problems/UPPER", "unnamed"),
        ("/problems/" + "x" * 65, "unnamed"),
        (7, "unnamed"),
        (None, "unnamed"),
    ],
)
def test_of_a_holders_problem_only_a_closed_code_is_kept(kind: object, code: str) -> None:
    """What a holder writes in a problem may be anything; it does not travel on."""
    body = json.dumps({"type": kind, "detail": "Zoë 1984"}).encode()
    with pytest.raises(HolderRefused) as refused:
        read_holder_answer(400, body)
    assert refused.value.code == code
    assert "Zoë" not in str(refused.value)


@pytest.mark.parametrize("status", [500, 502, 503, 599])
def test_a_holder_with_an_accident_is_unreachable(status: int) -> None:
    """Asking again later may help; the order was not judged."""
    with pytest.raises(HolderUnreachable):
        read_holder_answer(status, b"{}")
