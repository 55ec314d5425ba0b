# SPDX-License-Identifier: EUPL-1.2
"""Ids of others: every route answers a foreign id exactly like one that never was (OWASP API1)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.authn.scopes import ROUTES, Scope
from keys.model import AgencyId
from keys.strict_json import b64u
from tests.support.middle import ABH, JC, JC2, MBE, Gate
from tests.support.scenes import (
    ask_held,
    ask_status,
    consent_to_counsellor,
    one_gate,
    paper_waits,
    pick_up,
    release_body,
    release_of_paper,
    row_counts,
    state_of,
)
from tests.support.signing_in import bearer

UNKNOWN = "01M6NJDA80ZZZZZZZZZZZZZZZZ"
UNKNOWN_PERMISSION = "00000000-0000-4000-8000-000000000000"

Call = Callable[[Gate, AgencyId, str], Awaitable[httpx.Response]]


async def status(gate: Gate, who: AgencyId, exchange: str) -> httpx.Response:
    """Call GET /v1/exchanges/{}."""
    return await gate.call(who, "GET", f"/v1/exchanges/{exchange}")


async def receipts(gate: Gate, who: AgencyId, exchange: str) -> httpx.Response:
    """Call GET /v1/receipts/{}."""
    return await gate.call(who, "GET", f"/v1/receipts/{exchange}")


async def picking_up(gate: Gate, who: AgencyId, exchange: str) -> httpx.Response:
    """Call POST /v1/mailbox/{}/pickup."""
    return await gate.call(who, "POST", f"/v1/mailbox/{exchange}/pickup")


async def acknowledging(gate: Gate, who: AgencyId, exchange: str) -> httpx.Response:
    """Call DELETE /v1/mailbox/{}."""
    return await gate.call(who, "DELETE", f"/v1/mailbox/{exchange}")


async def releasing(gate: Gate, who: AgencyId, exchange: str) -> httpx.Response:
    """Call POST /v1/exchanges/{}/release."""
    body = release_body(gate, who, BODIES["known"], "X1")
    return await gate.call(who, "POST", f"/v1/exchanges/{exchange}/release", body)


async def handing_in(gate: Gate, who: AgencyId, exchange: str) -> httpx.Response:
    """Call PUT /v1/deliveries/{}/result."""
    return await gate.call(who, "PUT", f"/v1/deliveries/{exchange}/result", BODIES["result"])


BODIES: dict[str, Any] = {}
CALLS: dict[tuple[str, str], Call] = {
    ("GET", "/v1/exchanges/{}"): status,
    ("GET", "/v1/receipts/{}"): receipts,
    ("POST", "/v1/mailbox/{}/pickup"): picking_up,
    ("DELETE", "/v1/mailbox/{}"): acknowledging,
    ("POST", "/v1/exchanges/{}/release"): releasing,
    ("PUT", "/v1/deliveries/{}/result"): handing_in,
}


def test_every_route_with_an_id_is_in_the_matrix() -> None:
    """A new route with an id must come here too."""
    with_id = {route for route, scope in ROUTES.items() if "{}" in route[1]}
    assert with_id == {*CALLS, ("POST", "/v1/permissions/{}/withdraw")}
    assert {ROUTES[route] for route in CALLS} == {Scope.AGENCY}


def same_bytes(one: httpx.Response, other: httpx.Response) -> bool:
    """Whether two answers differ in nothing but the request id and the id that was sent."""

    def bare(answer: httpx.Response) -> Any:
        headers = {k: v for k, v in answer.headers.items() if k != "x-request-id"}
        return (
            answer.status_code,
            headers,
            re.sub(rb'"request_id": "[0-9a-f]+"', b"", answer.content),
        )

    return bool(bare(one) == bare(other))


@pytest.mark.parametrize("route", CALLS, ids=" ".join)
async def test_a_third_agency_cannot_tell_a_foreign_exchange_from_none(
    tmp_path: Path, route: tuple[str, str]
) -> None:
    """Answered, held, waiting and ended exchanges of others, at every route: the same bytes."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        waiting = await paper_waits(gate)
        sealed = gate.middle.holder.carry_out(await _some_order(gate))
        assert sealed.unverified_envelope is not None
        BODIES["result"] = {
            "envelope": sealed.unverified_envelope.to_wire(),
            "detail": b64u(sealed.detail),
        }
        foreign = {
            "answered": (await ask_status(gate)).json()["exchange"],
            "refused": (await ask_status(gate, declared={})).json()["exchange"],
            "held": (await ask_held(gate)).json()["exchange"],
            "waiting": waiting,
        }
        BODIES["known"] = foreign["held"]
        call = CALLS[route]
        before = row_counts(gate.middle)
        reference = await call(gate, JC2, UNKNOWN)
        expected = 204 if route == ("DELETE", "/v1/mailbox/{}") else 404
        assert reference.status_code == expected
        for state, exchange in foreign.items():
            assert same_bytes(await call(gate, JC2, exchange), reference), state
        assert row_counts(gate.middle) == before
        assert (await pick_up(gate, waiting)).json()["status"] == "answered"


async def _some_order(gate: Gate) -> str:
    await ask_status(gate)
    return gate.middle.holder.orders[-1].token


async def test_a_party_of_one_exchange_is_a_stranger_to_the_next(tmp_path: Path) -> None:
    """The job centre's own exchange is open to it; the counsellors' with the authority is not."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        exchange = await paper_waits(gate)
        assert await state_of(gate, exchange, MBE) == "waiting"
        assert same_bytes(await status(gate, JC, exchange), await status(gate, JC, UNKNOWN))


async def test_a_foreign_acknowledgement_deletes_nothing(tmp_path: Path) -> None:
    """Also after the pick-up, when the copy could be deleted by its recipient."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        exchange = await paper_waits(gate)
        await pick_up(gate, exchange)
        for stranger in (MBE, JC):
            assert (await acknowledging(gate, stranger, exchange)).status_code == 204
        assert (await pick_up(gate, exchange)).json()["status"] == "answered"


async def test_a_foreign_permission_is_like_none(tmp_path: Path) -> None:
    """One person with the number of another person's permission: the same bytes, no effect."""
    async with one_gate(tmp_path) as gate:
        mine, theirs = await gate.person(ABH, "A2"), await gate.person(ABH, "A1")
        permission = await consent_to_counsellor(gate, theirs)
        foreign = await gate.withdraw(mine, permission)
        assert same_bytes(foreign, await gate.withdraw(mine, UNKNOWN_PERMISSION))
        listed = await gate.client.get("/v1/permissions", headers=bearer(theirs))
        assert [one["state"] for one in listed.json()["permissions"]] == ["given"]


MALFORMED = [
    "x",
    "0",
    "%2e%2e",
    "%00",
    "01m6njda80zzzzzzzzzzzzzzzz",
    UNKNOWN + "0",
    UNKNOWN + "%0A",
    "ÄÖÜ" * 9,
]


async def test_what_is_no_id_at_all(tmp_path: Path) -> None:
    """Wrong alphabet, length, case, a newline at the end: 4xx, and nothing of it repeated."""
    async with one_gate(tmp_path) as gate:
        for method, path in CALLS:
            for broken in MALFORMED:
                body: object = None if method == "GET" else {}
                response = await gate.call(JC, method, path.replace("{}", broken), body)
                assert response.status_code in {400, 404, 405}, (path, broken)
                assert response.headers["content-type"] == "application/problem+json"
                assert "zzzz" not in response.text.lower()
