# SPDX-License-Identifier: EUPL-1.2
"""Attacks with access tokens over HTTP: mistaken, forged, foreign, bound and revoked ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from keys import messages
from keys.jws import sign_jws
from keys.model import AgencyId, BlindIndex, ExchangeId, Kid
from keys.providers.base import KeyUse
from keys.strict_json import dumps
from tests.support.signing_in import (
    ABH,
    ISSUER,
    JC,
    World,
    bearer,
    client_of,
    make_app,
    problem_code,
    shared_database,
    sign_in,
    token_form,
)

CANARY = "canary-29.02.1984"
EXCHANGE = ExchangeId("01ARZ3NDEKTSV4RRFFQ69G5FAV")


def _access_claims(world: World) -> dict[str, str | int]:
    """Everything that a good access token says."""
    now = world.clock()
    return {
        "iss": ISSUER,
        "aud": ISSUER + "/v1",
        "sub": ABH,
        "client_id": ABH,
        "client_kid": "abh.hannover#auth-1",
        "iat": now,
        "exp": now + 300,
        "jti": "AAAAAAAAAAAAAAAAAAAAAA",
        "scope": "exchange",
    }


def _statement(world: World) -> str:
    now = world.clock()
    statement = messages.Statement(
        issuer=ABH,
        direction="pull",
        source=JC,
        recipient=ABH,
        purpose="P04",
        trigger="request",
        fields=("residence_status",),
        declared={},
        recipient_kid=Kid("abh.hannover#kem-1"),
        nonce=b"n" * 16,
        subject=messages.subject_commitment(b"n" * 16, BlindIndex(b"i" * 32)),
        detail="0" * 64,
        issued_at=now,
        expires_at=now + 300,
    )
    return messages.sign_statement(statement, world.rings[ABH].signer(KeyUse.SIG))


def _decision(world: World) -> str:
    now = world.clock()
    decision = messages.DecisionToken(
        exchange=EXCHANGE,
        statement=b"s" * 32,
        source=JC,
        recipient=ABH,
        purpose="P04",
        trigger="request",
        fields=(messages.DecidedField("residence_status", "ALLOW_MIN", "R02", ("n",), ("c",)),),
        input={},
        input_digest="0" * 64,
        bundle="0" * 64,
        catalogue="2026.11.1",
        subject=b"h" * 16,
        issued_at=now,
        expires_at=now + 60,
    )
    return messages.sign_decision(decision, world.rings["gateway"].signer(KeyUse.ORDER))


def _order(world: World) -> str:
    now = world.clock()
    order = messages.Order(
        order="A" * 22,
        exchange=EXCHANGE,
        holder=JC,
        statement=_statement(world),
        decision=_decision(world),
        recipient_kid=Kid("abh.hannover#kem-1"),
        reference=b"r" * 145,
        receipt="c2sp.org/tlog-proof@v1\n",
        issued_at=now,
        expires_at=now + 60,
    )
    return messages.sign_order(order, world.rings["gateway"].signer(KeyUse.ORDER))


def _release(world: World) -> str:
    now = world.clock()
    release = messages.Release(
        issuer=ABH,
        exchange=EXCHANGE,
        statement=b"s" * 32,
        by_head=False,
        subject=b"c" * 32,
        detail="0" * 64,
        nonce=b"n" * 16,
        issued_at=now,
        expires_at=now + 300,
    )
    return messages.sign_release(release, world.rings[ABH].signer(KeyUse.SIG))


def _id_token(world: World) -> str:
    key = rsa.generate_private_key(65_537, 2048)
    return jwt.encode(dict(_access_claims(world)), key, "RS256", headers={"kid": "login-1"})


def _receipt(_world: World) -> str:
    return "c2sp.org/tlog-proof@v1 extra index 7 AAAA"


MISTAKEN: dict[str, Callable[[World], str]] = {
    "client assertion": World.assertion,
    "statement": _statement,
    "decision token": _decision,
    "order": _order,
    "release": _release,
    "ID token": _id_token,
    "receipt": _receipt,
}


@pytest.mark.parametrize("kind", MISTAKEN)
@pytest.mark.parametrize("path", ["/v1/mailbox", "/v1/permissions"])
async def test_another_signed_message_as_access_token(tmp_path: Path, kind: str, path: str) -> None:
    """Whatever an agency or the gateway signs for something else opens no route."""
    world = World()
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            answer = await client.get(path, headers=bearer(MISTAKEN[kind](world)))
    assert answer.status_code == 401
    assert problem_code(answer) in {"wrong-token-type", "not-authenticated"}


@pytest.mark.parametrize(
    "typ",
    [
        "JWT",
        "client-authentication+jwt",
        "lotse-statement+jws",
        "lotse-decision+jws",
        "lotse-order+jws",
        "lotse-release+jws",
        "lotse-agencies+jws",
        "AT+JWT",
        "application/at+jwt",
    ],
)
async def test_the_right_claims_under_the_wrong_type(tmp_path: Path, typ: str) -> None:
    """Signed by the token key itself and right in every claim: the type alone decides."""
    world = World()
    signer = world.rings["gateway"].signer(KeyUse.TOKEN)
    wrong = sign_jws(dumps(_access_claims(world)), typ=typ, signer=signer)
    right = sign_jws(dumps(_access_claims(world)), typ="at+jwt", signer=signer)
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            refused = await client.get("/v1/mailbox", headers=bearer(wrong))
            accepted = await client.get("/v1/mailbox", headers=bearer(right))
    assert problem_code(refused) == "wrong-token-type"
    assert accepted.status_code == 200


async def test_the_order_key_signs_no_access_tokens(tmp_path: Path) -> None:
    """One key, one use: the gateway's other key is no token key."""
    world = World()
    signer = world.rings["gateway"].signer(KeyUse.ORDER)
    token = sign_jws(dumps(_access_claims(world)), typ="at+jwt", signer=signer)
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            answer = await client.get("/v1/mailbox", headers=bearer(token))
    assert problem_code(answer) == "not-authenticated"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_a_token_without_a_real_signature(tmp_path: Path, algorithm: str) -> None:
    """``none``, and the public key used as a shared secret."""
    world = World()
    # PyJWT refuses a whole JWK as a secret, so the attacker takes what identifies the key.
    public = world.rings["gateway"].public_jwk(Kid("gateway#token-1"))
    key = "" if algorithm == "none" else public["x"] + public["y"]
    header = {"typ": "at+jwt", "kid": "gateway#token-1"}
    token = jwt.encode(dict(_access_claims(world)), key, algorithm, headers=header)
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            answer = await client.get("/v1/mailbox", headers=bearer(token))
    assert problem_code(answer) == "not-authenticated"


async def test_an_agency_acts_for_a_person_and_a_person_for_an_agency(tmp_path: Path) -> None:
    """Each good token on the other's route: 403, and its own route still opens."""
    world = World()
    with shared_database(tmp_path) as engine:
        authn = world.authn(engine)
        person = authn.tokens.for_person("account-1", b"s" * 32, insecure=False).text
        async with client_of(make_app(authn)) as client:
            agency = await sign_in(client, world)
            for token, own, other in (
                (agency, "/v1/mailbox", "/v1/permissions"),
                (person, "/v1/permissions", "/v1/mailbox"),
            ):
                assert (await client.get(own, headers=bearer(token))).status_code == 200
                answer = await client.get(other, headers=bearer(token))
                assert answer.status_code == 403
                assert problem_code(answer) == "forbidden"


async def test_the_caller_is_the_credential_and_nothing_else(tmp_path: Path) -> None:
    """Headers and queries that name another agency change nothing."""
    world = World()
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            headers = {**bearer(await sign_in(client, world, JC)), "x-agency": ABH}
            answer = await client.get("/v1/mailbox?agency=abh.hannover", headers=headers)
    assert answer.json() == {"agency": JC, "kind": "JC"}


async def test_a_revoked_key_ends_its_tokens_at_the_next_call(tmp_path: Path) -> None:
    """The token has minutes left and its signature is remembered: the next call fails all the same."""
    world = World()
    kid = world.rings[ABH].kids(KeyUse.AUTH)[0]
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            token, other = await sign_in(client, world), await sign_in(client, world, JC)
            for _ in range(2):
                answer = await client.get("/v1/mailbox", headers=bearer(token))
                assert answer.status_code == 200
            world.revoke(kid)
            answer = await client.get("/v1/mailbox", headers=bearer(token))
            assert problem_code(answer) == "not-authenticated"
            assert (await client.get("/v1/mailbox", headers=bearer(other))).status_code == 200
            again = await client.post("/oauth/token", data=token_form(world.assertion()))
            assert problem_code(again) == "not-authenticated"


async def test_a_token_of_an_agency_that_left_the_list(tmp_path: Path) -> None:
    """The gateway's own signature does not bring an agency back."""
    world = World()
    with shared_database(tmp_path) as engine:
        authn = world.authn(engine)
        gone = authn.tokens.for_agency(AgencyId("gone.hannover"), Kid("gone.hannover#auth-1"))
        async with client_of(make_app(authn)) as client:
            answer = await client.get("/v1/mailbox", headers=bearer(gone.text))
    assert problem_code(answer) == "not-authenticated"


async def test_a_bound_token_without_its_proof(tmp_path: Path) -> None:
    """A token with ``cnf`` sent as plain Bearer, with and without something like a proof."""
    world = World()
    claims = {**_access_claims(world), "cnf": {"jkt": "A" * 43}}
    signer = world.rings["gateway"].signer(KeyUse.TOKEN)
    token = sign_jws(dumps(claims), typ="at+jwt", signer=signer)
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            for headers in (
                {"authorization": f"Bearer {token}"},
                {"authorization": f"Bearer {token}", "dpop": "x.y.z"},
                {"authorization": f"DPoP {token}", "dpop": "x.y.z"},
            ):
                answer = await client.get("/v1/mailbox", headers=headers)
                assert problem_code(answer) == "sender-binding-required"


@pytest.mark.parametrize("size", [5_000, 1_000_000])
async def test_a_huge_token(tmp_path: Path, size: int) -> None:
    """Refused by its length alone, as assertion and as access token."""
    world = World()
    key = ec.generate_private_key(ec.SECP256R1())
    claims = {**_access_claims(world), "filler": "x" * size}
    token = jwt.encode(claims, key, "ES256", headers={"typ": "at+jwt", "kid": "gateway#token-1"})
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            answer = await client.get("/v1/mailbox", headers=bearer(token))
            assert problem_code(answer) == "not-authenticated"
            answer = await client.post("/oauth/token", data=token_form(token))
            assert problem_code(answer) in {"not-authenticated", "body-too-large"}
