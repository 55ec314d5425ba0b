# SPDX-License-Identifier: EUPL-1.2
"""Attacks on the token endpoint: replay, races, malformed forms, misleading addresses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlencode

import httpx
import jwt
import pytest

from gateway.authn.metadata import ASSERTION_TYPE
from tests.support.signing_in import (
    ABH,
    ISSUER,
    World,
    client_of,
    make_app,
    problem_code,
    shared_database,
    token_form,
)

CANARY = "canary-29.02.1984"


async def test_a_stolen_assertion_is_replayed_to_another_replica(tmp_path: Path) -> None:
    """Two apps on one database: the second use fails on both, at once and later."""
    world = World()
    form = token_form(world.assertion())
    with shared_database(tmp_path) as one, shared_database(tmp_path) as two:
        first, second = make_app(world.authn(one)), make_app(world.authn(two))
        async with client_of(first) as a, client_of(second) as b:
            assert (await a.post("/oauth/token", data=form)).status_code == 200
            for client in (b, a, b):
                answer = await client.post("/oauth/token", data=form)
                assert problem_code(answer) == "not-authenticated"
                assert answer.json()["reason"] == "replayed"
            world.clock.advance(119)
            assert (await b.post("/oauth/token", data=form)).json()["reason"] == "replayed"
            world.clock.advance(1)
            assert (await b.post("/oauth/token", data=form)).json()["reason"] == "expired"


async def test_a_stolen_assertion_races_its_owner(tmp_path: Path) -> None:
    """Eight uses at the same instant on two replicas: exactly one wins."""
    world = World()
    form = token_form(world.assertion())
    with shared_database(tmp_path) as one, shared_database(tmp_path) as two:
        first, second = make_app(world.authn(one)), make_app(world.authn(two))
        async with client_of(first) as a, client_of(second) as b:
            calls = [client.post("/oauth/token", data=form) for client in (a, b) * 4]
            answers = await asyncio.gather(*calls)
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


async def test_a_refused_assertion_is_not_used_up(tmp_path: Path) -> None:
    """Someone who sees an assertion cannot spoil it with a wrong form."""
    world = World()
    assertion = world.assertion()
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            wrong = token_form(assertion, client_id="jc.hannover")
            answer = await client.post("/oauth/token", data=wrong)
            assert answer.json()["reason"] == "other_client"
            right = token_form(assertion, client_id="abh.hannover")
            assert (await client.post("/oauth/token", data=right)).status_code == 200


async def test_the_host_header_moves_no_address(tmp_path: Path) -> None:
    """Issuer, token endpoint and keys are named from the settings, whoever asks under what name."""
    world = World()
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            answer = await client.get(
                "/.well-known/oauth-authorization-server",
                headers={"host": "evil.example", "x-forwarded-host": "evil.example"},
            )
            keys = (await client.get("/.well-known/jwks.json")).json()["keys"]
    assert answer.json() == {
        "issuer": ISSUER,
        "token_endpoint": ISSUER + "/oauth/token",
        "jwks_uri": ISSUER + "/.well-known/jwks.json",
        "scopes_supported": ["exchange"],
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
    }
    assert [set(key) for key in keys] == [{"kty", "crv", "x", "y", "kid", "use", "alg"}]


async def test_an_issued_token_verifies_with_the_published_keys(tmp_path: Path) -> None:
    """An independent reader with the JWK set alone comes to the same result."""
    world = World()
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            answer = await client.post("/oauth/token", data=token_form(world.assertion()))
            key_set = jwt.PyJWKSet.from_dict((await client.get("/.well-known/jwks.json")).json())
    body = answer.json()
    assert {k: body[k] for k in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "exchange",
    }
    assert answer.headers["cache-control"] == "no-store"
    kid = jwt.get_unverified_header(body["access_token"])["kid"]
    claims = jwt.decode(
        body["access_token"],
        key_set[kid],
        algorithms=["ES256"],
        audience=ISSUER + "/v1",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["client_id"] == ABH


def _form_bytes(world: World, *pairs: tuple[str, str]) -> bytes:
    return urlencode([*token_form(world.assertion()).items(), *pairs]).encode()


MALFORMED: dict[str, tuple[Callable[[World], bytes], str, str]] = {
    "empty": (lambda _w: b"", "invalid-request", "invalid_request"),
    "no form": (lambda _w: CANARY.encode(), "invalid-request", "invalid_request"),
    "json": (lambda _w: b'{"grant_type":"client_credentials"}', "invalid-request", "invalid_request"),
    "not ascii": (lambda _w: "grant_type=ä".encode(), "invalid-request", "invalid_request"),
    "not utf-8": (lambda _w: b"grant_type=%ff", "invalid-request", "invalid_request"),
    "nul": (lambda _w: b"grant_type=a%00b", "invalid-request", "unsupported_grant_type"),
    "repeated": (
        lambda w: _form_bytes(w, ("grant_type", CANARY)), "invalid-request", "invalid_request"
    ),
    "repeated unknown": (
        lambda w: _form_bytes(w, (CANARY, "1"), (CANARY, "2")), "invalid-request", "invalid_request"
    ),
    "many": (
        lambda w: _form_bytes(w, *((f"p{n}", CANARY) for n in range(99))),
        "invalid-request",
        "invalid_request",
    ),
    "two methods": (
        lambda w: _form_bytes(w, ("client_secret", CANARY)), "invalid-request", "invalid_request"
    ),
    "foreign scope": (
        lambda w: _form_bytes(w, ("scope", "person")), "invalid-request", "invalid_scope"
    ),
    "password grant": (
        lambda _w: b"grant_type=password&username=" + CANARY.encode(),
        "invalid-request",
        "unsupported_grant_type",
    ),
    "no assertion": (
        lambda _w: urlencode(
            {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
        ).encode(),
        "not-authenticated",
        "invalid_client",
    ),
    "saml": (
        lambda w: _form_bytes(w).replace(b"jwt-bearer", b"saml2-bearer"),
        "not-authenticated",
        "invalid_client",
    ),
    "forged": (
        lambda _w: urlencode(token_form(CANARY)).encode(), "not-authenticated", "invalid_client"
    ),
    "20 KB": (
        lambda w: _form_bytes(w, ("x", "y" * 20_000)), "body-too-large", "invalid_request"
    ),
}  # fmt: skip


async def _post(client: httpx.AsyncClient, body: bytes, kind: str) -> httpx.Response:
    return await client.post("/oauth/token", content=body, headers={"content-type": kind})


@pytest.mark.parametrize("kind", MALFORMED)
async def test_a_malformed_sign_in(tmp_path: Path, kind: str) -> None:
    """Every wrong form is a 4xx problem with RFC 6749's code, and nothing of it comes back."""
    world = World()
    body, code, oauth_error = MALFORMED[kind]
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            answer = await _post(client, body(world), "application/x-www-form-urlencoded")
    assert problem_code(answer) == code
    assert answer.json()["error"] == oauth_error
    assert CANARY not in answer.text


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", ""])
async def test_a_sign_in_of_another_content_type(tmp_path: Path, kind: str) -> None:
    """The token endpoint reads forms only, whatever is inside."""
    world = World()
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            answer = await _post(client, _form_bytes(world), kind)
    assert problem_code(answer) == "unsupported-media-type"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_sign_in_of_more_than_a_mebibyte(tmp_path: Path, chunked: bool) -> None:  # noqa: FBT001 - pytest passes it
    """Announced or in pieces: the limit holds before the form is read."""
    world = World()
    body = _form_bytes(world, ("x", "y" * 1_048_576))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            answer = await client.post(
                "/oauth/token",
                content=pieces() if chunked else body,
                headers={"content-type": "application/x-www-form-urlencoded"},
            )
    assert problem_code(answer) == "body-too-large"


async def test_a_sign_in_with_an_authorization_header(tmp_path: Path) -> None:
    """Two ways to authenticate in one call are refused (RFC 6749 2.3)."""
    world = World()
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            answer = await client.post(
                "/oauth/token", data=token_form(world.assertion()), auth=("abh.hannover", "x")
            )
    assert problem_code(answer) == "invalid-request"
    assert answer.json()["reason"] == "two_methods"


async def test_nothing_is_issued_on_an_expired_agency_list(tmp_path: Path) -> None:
    """Keys of a list that is past its date are no keys."""
    world = World()
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            world.clock.advance(3600)
            answer = await client.post("/oauth/token", data=token_form(world.assertion()))
    assert problem_code(answer) == "agency-list-expired"
