# SPDX-License-Identifier: EUPL-1.2
"""Nobody speaks for another (promise P6): invented, borrowed, replayed and re-dressed requests."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keys.jws import sign_jws
from keys.providers.base import KeyUse
from keys.providers.memory import InsecureMemoryKeyring
from keys.strict_json import b64u, dumps
from tests.support.middle import ABH, JC, JC2, MBE, Gate
from tests.support.scenes import (
    AZR,
    STATUS,
    ask_held,
    ask_status,
    entries,
    let_go,
    one_gate,
    row_counts,
    state_of,
)
from tests.support.signing_in import problem_code

Bodies = Callable[[Gate], dict[str, Any]]


def good(gate: Gate, **changes: Any) -> dict[str, Any]:
    """The body of an enquiry that would be answered, with `changes` in its signed statement."""
    changes.setdefault("declared", AZR)
    purpose, fields = changes.pop("purpose", "P04"), changes.pop("fields", [STATUS])
    return gate.enquiry(JC, ABH, "J1", purpose, fields, **changes)


def _foreign_key(gate: Gate) -> dict[str, Any]:
    stranger = InsecureMemoryKeyring(JC)
    stranger.new_key(KeyUse.SIG, gate.middle.clock())
    return good(gate, signer=stranger.signer(KeyUse.SIG))


def _authentication_key(gate: Gate) -> dict[str, Any]:
    return good(gate, signer=gate.middle.offices[JC].keys.signer(KeyUse.AUTH))


def _signed_by_another(gate: Gate) -> dict[str, Any]:
    return good(gate, signer=gate.middle.offices[JC2].keys.signer(KeyUse.SIG))


def _another_subject(gate: Gate) -> dict[str, Any]:
    return {**good(gate), "subject": gate.middle.offices[JC].subject("J2")[1]}


def _another_detail(gate: Gate) -> dict[str, Any]:
    other = gate.middle.offices[JC].detail("other", role="asker", file_number="J2")
    return {**good(gate), "detail": b64u(other)}


def _swapped_payload(gate: Gate) -> dict[str, Any]:
    one, two = good(gate), good(gate, fields=(STATUS, "birth_date"))
    header, _, signature = one["statement"].split(".")
    return {**one, "statement": f"{header}.{two['statement'].split('.')[1]}.{signature}"}


def _mirrored_signature(gate: Gate) -> dict[str, Any]:
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    body = good(gate)
    head, _, signature = body["statement"].rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    mirrored = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    return {**body, "statement": f"{head}.{b64u(mirrored)}"}


def _another_type(gate: Gate) -> dict[str, Any]:
    body = good(gate)
    payload = base64.urlsafe_b64decode(body["statement"].split(".")[1] + "==")
    signer = gate.middle.offices[JC].keys.signer(KeyUse.SIG)
    return {**body, "statement": sign_jws(payload, typ="lotse-release+jws", signer=signer)}


def _one_more_claim(gate: Gate) -> dict[str, Any]:
    body = good(gate)
    claims = json.loads(base64.urlsafe_b64decode(body["statement"].split(".")[1] + "=="))
    signer = gate.middle.offices[JC].keys.signer(KeyUse.SIG)
    widened = dumps({**claims, "released_by_source": True})
    return {**body, "statement": sign_jws(widened, typ="lotse-statement+jws", signer=signer)}


INVENTED: dict[str, Bodies] = {
    "signed by a key nobody listed": _foreign_key,
    "signed by the key for signing in": _authentication_key,
    "signed by another agency": _signed_by_another,
    "about another person than was signed": _another_subject,
    "with another detail than was signed": _another_detail,
    "with the payload of another statement": _swapped_payload,
    "with the mirrored signature": _mirrored_signature,
    "another kind of signed message": _another_type,
    "with one more claim": _one_more_claim,
    "sealed to a key of somebody else": lambda gate: good(
        gate, recipient_kid=gate.middle.offices[ABH].keys.kids(KeyUse.KEM)[0]
    ),
    "sealed to a key that does not exist": lambda gate: good(gate, recipient_kid=f"{JC}#kem-9"),
    "in another agency's name": lambda gate: good(gate, issuer=JC2),
    "in the holder's name": lambda gate: good(gate, issuer=ABH),
    "for another recipient": lambda gate: good(gate, recipient=JC2),
    "as a push": lambda gate: good(gate, direction="push", source=JC, recipient=ABH),
    "with a sender's trigger": lambda gate: good(gate, trigger="push"),
    "with a trigger nobody knows": lambda gate: good(gate, trigger="canary"),
    "expired a second ago": lambda gate: good(
        gate, issued_at=gate.middle.clock() - 100, expires_at=gate.middle.clock()
    ),
    "from the future": lambda gate: good(
        gate, issued_at=gate.middle.clock() + 61, expires_at=gate.middle.clock() + 120
    ),
    "valid for an hour": lambda gate: good(gate, expires_at=gate.middle.clock() + 3600),
    "about itself": lambda gate: good(gate, source=JC),
}


@pytest.mark.parametrize("name", INVENTED)
async def test_an_enquiry(tmp_path: Path, name: str) -> None:
    """A clear 4xx, nothing ordered, nothing written, nothing repeated of what came."""
    async with one_gate(tmp_path) as gate:
        await gate.token(JC)
        before = row_counts(gate.middle)
        response = await gate.call(JC, "POST", "/v1/exchanges", INVENTED[name](gate))
        assert (response.status_code, problem_code(response)) == (400, "statement-invalid")
        assert "canary" not in response.text
        assert gate.middle.holder.orders == []
        assert row_counts(gate.middle) == before


async def test_the_good_enquiry_is_answered(tmp_path: Path) -> None:
    """The table above changes one thing each: without any change it is answered."""
    async with one_gate(tmp_path) as gate:
        response = await gate.call(JC, "POST", "/v1/exchanges", good(gate))
        assert response.json()["status"] == "answered"


@pytest.mark.parametrize("thief", [ABH, JC2, MBE])
async def test_a_stolen_statement_with_ones_own_token(tmp_path: Path, thief: Any) -> None:
    """A's token with B's statement, at both doors: B's signature does not make A into B."""
    async with one_gate(tmp_path) as gate:
        for path in ("/v1/exchanges", "/v1/deliveries"):
            response = await gate.call(thief, "POST", path, good(gate))
            assert problem_code(response) == "statement-invalid"
        assert gate.middle.holder.orders == []
        # The theft did not use it up: its owner is answered.
        assert (await ask_status(gate)).json()["status"] == "answered"


async def test_a_pull_through_the_door_for_deliveries(tmp_path: Path) -> None:
    """The direction that was signed counts, not the address that was called."""
    async with one_gate(tmp_path) as gate:
        response = await gate.call(JC, "POST", "/v1/deliveries", good(gate))
        assert problem_code(response) == "statement-invalid"


async def test_a_statement_is_used_once(tmp_path: Path) -> None:
    """Replayed at once, eight times at the same instant, and at another gateway: one exchange."""
    async with one_gate(tmp_path) as one, one.middle.running() as two:
        body = good(one)
        await one.token(JC), await two.token(JC)
        calls = [gate.call(JC, "POST", "/v1/exchanges", body) for gate in (one, two) * 4]
        answers = await asyncio.gather(*calls)
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
        assert {problem_code(a) for a in answers if a.status_code != 200} == {"replayed"}
        again = await two.call(JC, "POST", "/v1/exchanges", body)
        assert problem_code(again) == "replayed"
        kinds = [leaf["kind"] for leaf in entries(one.middle)]
        assert (kinds.count("access.requested"), kinds.count("disclose")) == (1, 1)
        assert len(one.middle.holder.orders) == 1


async def test_a_refused_statement_is_used_up_too(tmp_path: Path) -> None:
    """Somebody else cannot try it again later, when the rules or permissions say yes."""
    async with one_gate(tmp_path) as gate:
        body = good(gate, declared={})
        assert (await gate.call(JC, "POST", "/v1/exchanges", body)).json()["status"] == "refused"
        again = await gate.call(JC, "POST", "/v1/exchanges", body)
        assert problem_code(again) == "replayed"


@pytest.mark.parametrize("words", [{"purpose": "canary.1990"}, {"fields": ("canary-name",)}])
async def test_words_of_ones_own_never_reach_the_log(tmp_path: Path, words: dict[str, Any]) -> None:
    """Purpose and fields are codes of the catalogue; a name dressed as a code is refused."""
    async with one_gate(tmp_path) as gate:
        before = row_counts(gate.middle)
        response = await gate.call(JC, "POST", "/v1/exchanges", good(gate, **words))
        assert (response.status_code, problem_code(response)) == (400, "invalid-request")
        assert row_counts(gate.middle) == before
        body = {
            "other": ABH,
            "direction": "pull",
            "purpose": "P04",
            "trigger": "on_request",
            "fields": [STATUS],
            **{name: list(v) if isinstance(v, tuple) else v for name, v in words.items()},
        }
        checked = await gate.call(JC, "POST", "/v1/exchanges/check", body)
        assert problem_code(checked) == "invalid-request"


# --- releases of held orders ---------------------------------------------------------------------


def _foreign_release(gate: Gate) -> dict[str, Any]:
    stranger = InsecureMemoryKeyring(JC)
    stranger.new_key(KeyUse.SIG, gate.middle.clock())
    return {"signer": stranger.signer(KeyUse.SIG)}


RELEASES: dict[str, Callable[[Gate], dict[str, Any]]] = {
    "signed by a key nobody listed": _foreign_release,
    "signed by the asker": lambda gate: {
        "signer": gate.middle.offices[ABH].keys.signer(KeyUse.SIG),
    },
    "for another statement": lambda _gate: {"statement": bytes(32)},
    "for another exchange": lambda _gate: {"exchange": "01M6NJDA80ZZZZZZZZZZZZZZZZ"},
    "with another subject": lambda _gate: {"subject": secrets.token_bytes(32)},
    "with another detail": lambda _gate: {"detail": "0" * 64},
    "expired": lambda gate: {
        "issued_at": gate.middle.clock() - 100,
        "expires_at": gate.middle.clock(),
    },
    "in another name": lambda _gate: {"issuer": ABH},
}


@pytest.mark.parametrize("name", RELEASES)
async def test_a_release(tmp_path: Path, name: str) -> None:
    """Nothing lets a held order go but the holder's own signature under exactly this order."""
    async with one_gate(tmp_path) as gate:
        exchange = (await ask_held(gate)).json()["exchange"]
        before = row_counts(gate.middle)
        response = await let_go(gate, JC, exchange, "J1", **RELEASES[name](gate))
        assert (response.status_code, problem_code(response)) == (400, "statement-invalid")
        assert await state_of(gate, exchange, JC) == "held"
        assert row_counts(gate.middle) == before


# --- routes and credentials ----------------------------------------------------------------------
