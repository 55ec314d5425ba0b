# SPDX-License-Identifier: EUPL-1.2
"""Routes and credentials: each route refuses every credential but its own (OWASP API5)."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest

from gateway.authn.scopes import ROUTES, Scope
from keys import messages
from keys.providers.base import KeyUse
from tests.attacks.test_invented_requests import good
from tests.support.middle import ABH, ISSUER, JC, MBE
from tests.support.offices import shown
from tests.support.scenes import (
    PAPER,
    allowed,
    ask_status,
    consent_to_counsellor,
    one_gate,
    row_counts,
)
from tests.support.signing_in import bearer, problem_code

MASS_ASSIGNMENT = {
    "agency": "abh.hannover",
    "from": "abh.hannover",
    "caller": {"agency": "abh.hannover"},
    "decision": "ALLOW_MIN",
    "permission": {"consent": "in_force"},
    "released_by_source": True,
    "agreement": {"in_force": True},
    "exchange": "01M6NJDA80ZZZZZZZZZZZZZZZZ",
    "profile": "demo",
}


@pytest.mark.parametrize("name", MASS_ASSIGNMENT)
async def test_a_body_that_wants_to_set_more(tmp_path: Path, name: str) -> None:
    """Members that the caller may not set are refused, not ignored (OWASP API3)."""
    async with one_gate(tmp_path) as gate:
        before = row_counts(gate.middle)
        body: dict[str, Any] = {**good(gate), name: MASS_ASSIGNMENT[name]}
        for path in ("/v1/exchanges", "/v1/deliveries"):
            response = await gate.call(JC, "POST", path, body)
            assert problem_code(response) == "invalid-request"
        assert row_counts(gate.middle) == before


@pytest.mark.parametrize(
    "name", ["state", "type", "single_use", "subject", "valid_until", "method"]
)
async def test_a_wish_that_wants_to_set_more(tmp_path: Path, name: str) -> None:
    """A person sets what the template leaves open, and nothing beside it."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        body = {
            "template": "papers-for-right-to-stay",
            "from_agency": MBE,
            "to_agency": ABH,
            "fields": [PAPER],
            "valid_days": 30,
            "language": "de",
            "notice_sha256": shown("papers-for-right-to-stay"),
            name: "given",
        }
        response = await gate.client.post("/v1/permissions", json=body, headers=bearer(token))
        assert problem_code(response) == "invalid-request"
        assert row_counts(gate.middle)["permission"] == 0


ASSERTED = [
    {"info_block": True},
    {"released_by_source": True},
    {"human_refusal": "other"},
    {"undertaking_78": True},
    {"consent": True},
    {"title_section": 3},
    {"azr_checked": "true"},
    {"reason_code": "canary"},
    {"decision": 1},
]


@pytest.mark.parametrize("declared", ASSERTED, ids=str)
async def test_an_asker_asserts_what_is_not_its_to_say(
    tmp_path: Path, declared: dict[str, bool | int | str]
) -> None:
    """Facts of the holder, the agreement, the person or the sender: refused, nothing recorded."""
    async with one_gate(tmp_path) as gate:
        before = row_counts(gate.middle)
        response = await gate.call(JC, "POST", "/v1/exchanges", good(gate, declared=declared))
        assert (response.status_code, problem_code(response)) == (400, "invalid-request")
        assert "canary" not in response.text
        assert row_counts(gate.middle) == before


def path_of(route: tuple[str, str]) -> str:
    """A path that fits a route; its ids belong to nobody."""
    some = "00000000-0000-4000-8000-000000000000" if "permissions" in route[1] else "0" * 26
    return route[1].replace("{}", some)


async def test_every_route_asks_for_its_own_credential(tmp_path: Path) -> None:
    """Agency routes refuse persons and strangers, person routes refuse agencies: all of them (API5)."""
    async with one_gate(tmp_path) as gate:
        agency, person = await gate.token(JC), await gate.person(ABH, "A1")
        wrong = {Scope.AGENCY: person, Scope.PERSON: agency}
        tried = 0
        for route, scope in ROUTES.items():
            if scope not in wrong:
                continue
            method, path = route[0], path_of(route)
            answer = await gate.client.request(method, path, headers=bearer(wrong[scope]))
            assert (answer.status_code, problem_code(answer)) == (403, "forbidden"), route
            answer = await gate.client.request(method, path)
            assert (answer.status_code, problem_code(answer)) == (401, "not-authenticated"), route
            tried += 1
        assert tried >= 17


async def test_signed_messages_are_no_access_tokens(tmp_path: Path) -> None:
    """Assertion, statement, decision and order as bearer: 401 on every route that needs a token."""
    async with one_gate(tmp_path) as gate:
        answer = (await ask_status(gate)).json()
        office = gate.middle.offices[JC]
        assertion = messages.client_assertion(
            JC, ISSUER, office.keys.signer(KeyUse.AUTH), gate.middle.clock(), secrets.token_hex(16)
        )
        disguised = {
            "assertion": assertion,
            "statement": good(gate)["statement"],
            "decision": answer["decision"],
            "order": gate.middle.holder.orders[-1].token,
        }
        for route, scope in ROUTES.items():
            if scope not in {Scope.AGENCY, Scope.PERSON}:
                continue
            for kind, token in disguised.items():
                response = await gate.client.request(
                    route[0], path_of(route), headers=bearer(token)
                )
                assert response.status_code == 401, (route, kind)


async def test_an_agency_gives_and_ends_no_permission(tmp_path: Path) -> None:
    """403 for every agency, also for those that the permission is about; it stands as before."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        permission = await consent_to_counsellor(gate, token)
        before = row_counts(gate.middle)
        for agency in (ABH, JC, MBE):
            answers = [
                await gate.allow(
                    await gate.token(agency), "papers-for-right-to-stay", MBE, ABH, [PAPER]
                ),
                await gate.withdraw(await gate.token(agency), permission),
                await gate.call(agency, "GET", "/v1/permissions"),
            ]
            assert [one.status_code for one in answers] == [403] * 3
        assert row_counts(gate.middle) == before
        assert await allowed(gate, token, "papers-for-right-to-stay", MBE, ABH, PAPER)
