# SPDX-License-Identifier: EUPL-1.2
"""The assertion table: RFC 7523 with the audience rule of RFC 10070, row by row."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gateway.authn.assertion import verify_assertion
from gateway.authn.errors import AssertionRefused
from keys.jwk import p256_jwk
from keys.jws import sign_jws
from keys.providers.base import KeyUse
from keys.strict_json import dumps
from tests.support.signing_in import ABH, ISSUER, JC, World

TYP = "client-authentication+jwt"
YEAR_2100 = 4_102_444_800


def _claims(world: World, **changes: Any) -> dict[str, Any]:
    now = world.clock()
    claims = {
        "iss": ABH,
        "sub": ABH,
        "aud": ISSUER,
        "iat": now,
        "exp": now + 60,
        "jti": "0123456789abcdef",
    }
    claims.update(changes)
    return {name: value for name, value in claims.items() if value is not ...}


def _signed(world: World, claims: dict[str, Any], *, typ: str = TYP) -> str:
    return sign_jws(dumps(claims), typ=typ, signer=world.rings[ABH].signer(KeyUse.AUTH))


def _verify(world: World, assertion: str) -> str:
    verified = verify_assertion(
        assertion, issuer=ISSUER, agencies=world.agencies(), now=world.clock()
    )
    return verified.agency


def _reason(world: World, assertion: str) -> str:
    with pytest.raises(AssertionRefused) as refused:
        _verify(world, assertion)
    return refused.value.reason


def test_a_good_assertion_names_its_agency_key_and_memory() -> None:
    """What comes out is the agency, the key that signed, and how long the id is remembered."""
    world = World()
    verified = verify_assertion(
        _signed(world, _claims(world)),
        issuer=ISSUER,
        agencies=world.agencies(),
        now=world.clock(),
    )
    assert verified.agency == ABH
    assert verified.kid == "abh.hannover#auth-1"
    assert verified.keep_until == world.clock() + 120


def test_an_assertion_of_a_standard_client_is_accepted() -> None:
    """PyJWT as a client (nbf, random s in the signature) signs in twenty times of twenty."""
    world = World()
    key = ec.generate_private_key(ec.SECP256R1())
    ring = world.rings[ABH]
    kid = ring.kids(KeyUse.AUTH)[0]

    class Ring:
        def kids(self, use: KeyUse) -> tuple[Any, ...]:
            return (kid,) if use is KeyUse.AUTH else ()

        def public_jwk(self, _kid: object) -> dict[str, str]:
            return p256_jwk(key.public_key())

    world.rings[ABH] = Ring()  # type: ignore[assignment]  # a ring that fails on purpose
    world.publish()
    for number in range(20):
        claims = _claims(world, nbf=world.clock(), jti=f"standard-client-{number:04}")
        text = jwt.encode(claims, key, "ES256", headers={"typ": TYP, "kid": kid})
        assert _verify(world, text) == ABH


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": [ISSUER]}, "not_verified"),
        ({"aud": [ISSUER, "https://other.example"]}, "not_verified"),
        ({"aud": ISSUER + "/oauth/token"}, "not_verified"),
        ({"aud": ISSUER + "/"}, "not_verified"),
        ({"aud": "https://other.example"}, "not_verified"),
        ({"aud": ...}, "not_verified"),
        ({"iss": JC}, "not_verified"),
        ({"iss": ...}, "not_verified"),
        ({"sub": JC}, "wrong_subject"),
        ({"sub": ...}, "not_verified"),
        ({"jti": ...}, "not_verified"),
        ({"jti": ""}, "wrong_claims"),
        ({"jti": 7}, "not_verified"),
        ({"jti": "x" * 200}, "wrong_claims"),
        ({"exp": ...}, "not_verified"),
        ({"iat": ...}, "not_verified"),
        ({"exp": "soon"}, "wrong_claims"),
        ({"exp": True}, "wrong_claims"),
        ({"exp": YEAR_2100}, "life_too_long"),
    ],
)
def test_a_wrong_claim_is_refused(changes: dict[str, Any], reason: str) -> None:
    """Each claim alone is enough to refuse; the audience is the issuer as one string only."""
    world = World()
    assert _reason(world, _signed(world, _claims(world, **changes))) == reason


@pytest.mark.parametrize(
    ("issued", "expires", "reason"),
    [
        (0, 61, "life_too_long"),
        (0, 0, "life_too_long"),
        (10, -10, "life_too_long"),
        (-120, -60, "expired"),
        (61, 100, "not_yet_valid"),
        (YEAR_2100, YEAR_2100 + 60, "not_yet_valid"),
    ],
)
def test_a_wrong_time_is_refused(issued: int, expires: int, reason: str) -> None:
    """Sixty seconds of life and sixty of difference between clocks, to the second."""
    world = World()
    now = world.clock()
    claims = _claims(world, iat=now + issued, exp=now + expires)
    assert _reason(world, _signed(world, claims)) == reason


@pytest.mark.parametrize(("issued", "expires"), [(0, 60), (60, 120), (-119, -59)])
def test_a_time_at_the_edge_is_accepted(issued: int, expires: int) -> None:
    """The last accepted second on each side."""
    world = World()
    now = world.clock()
    assert _verify(world, _signed(world, _claims(world, iat=now + issued, exp=now + expires)))


def test_a_not_before_in_the_future_is_refused() -> None:
    """``nbf`` is optional, and obeyed when it is there."""
    world = World()
    claims = _claims(world, nbf=world.clock() + 61)
    assert _reason(world, _signed(world, claims)) == "not_yet_valid"


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "lotse-statement+jws", "jwt", TYP.upper()])
def test_another_type_is_refused(typ: str) -> None:
    """Only the explicit type of RFC 10070 is an assertion."""
    world = World()
    assert _reason(world, _signed(world, _claims(world), typ=typ)) == "wrong_typ"


def _with_header(world: World, key: Any, algorithm: str, header: dict[str, Any]) -> str:
    return jwt.encode(_claims(world), key, algorithm, headers=header)


def test_a_missing_type_is_refused() -> None:
    """A token that does not say what it is, is nothing."""
    world = World()
    key = ec.generate_private_key(ec.SECP256R1())
    text = _with_header(world, key, "ES256", {"kid": "abh.hannover#auth-1", "typ": None})
    assert _reason(world, text) == "wrong_typ"


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256", "ES384"])
def test_another_algorithm_is_refused(algorithm: str) -> None:
    """ES256 is the only one; what the header proposes is never followed."""
    world = World()
    key: Any = {
        "none": "",
        "HS256": "the public key of somebody, used as a shared secret",
        "RS256": rsa.generate_private_key(65_537, 2048),
        "ES384": ec.generate_private_key(ec.SECP384R1()),
    }[algorithm]
    header = {"kid": "abh.hannover#auth-1", "typ": TYP}
    assert _reason(world, _with_header(world, key, algorithm, header)) == "wrong_header"


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c", "crit", "cty"])
def test_a_header_that_brings_its_own_key_is_refused(member: str) -> None:
    """No member besides alg, kid and typ, whatever it says."""
    world = World()
    key = ec.generate_private_key(ec.SECP256R1())
    value: Any = p256_jwk(key.public_key()) if member == "jwk" else "https://evil.example"
    header = {"kid": "abh.hannover#auth-1", "typ": TYP, member: value}
    assert _reason(world, _with_header(world, key, "ES256", header)) == "wrong_header"


@pytest.mark.parametrize(
    "kid",
    ["jc.hannover#auth-1", "abh.hannover#sig-1", "abh.hannover#auth-2", "no.body#auth-1", "x"],
)
def test_a_foreign_or_unknown_key_id_is_refused(kid: str) -> None:
    """The list says whose key it is and what for; a signature by another key never helps."""
    world = World()
    key = ec.generate_private_key(ec.SECP256R1())
    text = _with_header(world, key, "ES256", {"kid": kid, "typ": TYP})
    assert _reason(world, text) in {"unknown_key", "not_verified"}


def test_another_agencys_good_signature_is_refused() -> None:
    """The job centre signs with its own listed key and says it is the foreigners' authority."""
    world = World()
    text = sign_jws(dumps(_claims(world)), typ=TYP, signer=world.rings[JC].signer(KeyUse.AUTH))
    assert _reason(world, text) == "not_verified"


def test_a_statement_key_does_not_sign_in() -> None:
    """A key for statements is no key for signing in, though both are the agency's."""
    world = World()
    text = sign_jws(dumps(_claims(world)), typ=TYP, signer=world.rings[ABH].signer(KeyUse.SIG))
    assert _reason(world, text) == "unknown_key"


@pytest.mark.parametrize(
    "text", ["", "a", "a.b", "a.b.c", "..", "a.b.c.d", "é.b.c", "x" * 1_000_000, "e30.e30.AAAA"]
)
def test_what_is_no_token_is_refused(text: str) -> None:
    """Nonsense of any size is refused before any key is touched."""
    assert _reason(World(), text) in {"malformed", "wrong_typ"}


def test_a_payload_with_a_repeated_claim_is_refused() -> None:
    """Two readers could see two subjects in one signed text."""
    world = World()
    payload = dumps(_claims(world))[:-1] + b',"sub":"jc.hannover"}'
    text = sign_jws(payload, typ=TYP, signer=world.rings[ABH].signer(KeyUse.AUTH))
    assert _reason(world, text) == "not_verified"
