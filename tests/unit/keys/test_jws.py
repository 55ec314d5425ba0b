# SPDX-License-Identifier: EUPL-1.2
"""Signed tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import MalformedError, SignatureInvalid, UnknownKey
from keys.jwk import thumbprint
from keys.jws import P256_ORDER, VerifyKey, sign_jws, unverified_kid, verify_jws
from keys.model import Kid
from keys.providers.base import KeyUse
from keys.strict_json import b64u, dumps, unb64u
from tests.unit.keys.parties import HOLDER, keyring, verify_key

TYP = "invented+jws"
RING = keyring(HOLDER, KeyUse.SIG)
SIGNER = RING.signer(KeyUse.SIG)
KEY = verify_key(RING)


def signed(header: Mapping[str, object], payload: bytes = b"{}") -> str:
    """A token with any header, correctly signed."""
    text = f"{b64u(dumps(header))}.{b64u(payload)}"  # type: ignore[arg-type]  # any JSON is meant
    signature = SIGNER.sign(text.encode())
    s = int.from_bytes(signature[32:], "big")
    small = min(s, P256_ORDER - s).to_bytes(32, "big")
    return f"{text}.{b64u(signature[:32] + small)}"


GOOD = {"alg": "ES256", "kid": KEY.kid, "typ": TYP}


@given(st.binary(max_size=300))
def test_a_token_is_believed_as_it_was_signed(payload: bytes) -> None:
    """The payload comes back byte for byte, with the key that signed it."""
    token = sign_jws(payload, typ=TYP, signer=SIGNER)
    verified = verify_jws(token, typ=TYP, key=KEY, max_bytes=2_000)
    assert (verified.payload, verified.kid, verified.raw) == (payload, KEY.kid, token)
    assert unverified_kid(token, max_bytes=2_000) == KEY.kid


def test_others_can_read_our_tokens() -> None:
    """PyJWT, which shares no code with this, accepts the signature."""
    token = sign_jws(b'{"sub":"x"}', typ=TYP, signer=SIGNER)
    assert jwt.decode(token, jwt.PyJWK(dict(KEY.jwk) | {"alg": "ES256"}), ["ES256"]) == {"sub": "x"}


@pytest.mark.parametrize(
    "header",
    [
        GOOD | {"alg": "none"},
        GOOD | {"alg": "HS256"},
        GOOD | {"alg": "ES384"},
        GOOD | {"typ": "dpop+jwt"},
        GOOD | {"jwk": dict(KEY.jwk)},
        GOOD | {"jku": "https://attacker.example"},
        GOOD | {"x5c": []},
        GOOD | {"crit": ["exp"]},
        GOOD | {"b64": False},
        {"alg": "ES256", "kid": KEY.kid},
        {"alg": "ES256", "typ": TYP},
        GOOD | {"kid": 1},
        GOOD | {"kid": "no-owner"},
        GOOD | {"typ": ["a"]},
    ],
)
def test_any_other_header_is_refused_although_well_signed(header: Mapping[str, object]) -> None:
    """Only the three members with the expected algorithm and type are accepted."""
    with pytest.raises(MalformedError):
        verify_jws(signed(header), typ=TYP, key=KEY, max_bytes=2_000)


def test_a_repeated_header_member_is_refused() -> None:
    """The header is strict JSON too."""
    header = b'{"alg":"none","alg":"ES256","kid":"abh.hannover#sig-1","typ":"invented+jws"}'
    text = f"{b64u(header)}.{b64u(b'{}')}"
    with pytest.raises(MalformedError, match="duplicate_key"):
        verify_jws(f"{text}.{b64u(SIGNER.sign(text.encode()))}", typ=TYP, key=KEY, max_bytes=2_000)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t + ".",
        lambda t: t.replace(".", ""),
        lambda t: t + "=",
        lambda t: " " + t,
        lambda t: t + "\n",
        lambda t: "Ä" + t[1:],
        lambda _: "",
        lambda _: "..",
        lambda t: t * 20,
    ],
)
def test_other_forms_of_a_token_are_refused(change: object) -> None:
    """White space, padding, other characters, missing and additional parts are refused."""
    token = signed(GOOD)
    assert callable(change)
    with pytest.raises(MalformedError):
        verify_jws(change(token), typ=TYP, key=KEY, max_bytes=2_000)


def test_a_changed_payload_is_refused() -> None:
    """A signature covers the payload."""
    head, _, signature = signed(GOOD).split(".")
    with pytest.raises(SignatureInvalid):
        verify_jws(f"{head}.{b64u(b'[]')}.{signature}", typ=TYP, key=KEY, max_bytes=2_000)


def test_the_twin_of_a_signature_is_refused() -> None:
    """(r, n-s) also verifies mathematically; accepting it would give one message two names."""
    head, payload, signature = sign_jws(b"{}", typ=TYP, signer=SIGNER).split(".")
    raw = unb64u(signature)
    twin = raw[:32] + (P256_ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    with pytest.raises(SignatureInvalid):
        verify_jws(f"{head}.{payload}.{b64u(twin)}", typ=TYP, key=KEY, max_bytes=2_000)


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(63), b"\xff" * 64, bytes(72)])
def test_a_degenerate_signature_is_refused(signature: bytes) -> None:
    """Zero, oversized and wrongly long signatures are refused (CVE-2022-21449)."""
    with pytest.raises(SignatureInvalid):
        KEY.verify(signature, b"data")


def test_a_key_of_the_same_name_that_did_not_sign_is_refused() -> None:
    """The name of a key proves nothing."""
    impostor = keyring(HOLDER, KeyUse.SIG)
    token = sign_jws(b"{}", typ=TYP, signer=impostor.signer(KeyUse.SIG))
    with pytest.raises(SignatureInvalid):
        verify_jws(token, typ=TYP, key=KEY, max_bytes=2_000)


def test_a_key_is_found_by_name_or_not_at_all() -> None:
    """With a single key its name must fit; with a finder, the finder decides."""
    token = signed(GOOD)
    other_name = VerifyKey(Kid("abh.hannover#sig-2"), KEY.jwk)
    with pytest.raises(UnknownKey):
        verify_jws(token, typ=TYP, key=other_name, max_bytes=2_000)
    assert verify_jws(token, typ=TYP, key={KEY.kid: KEY}.__getitem__, max_bytes=2_000).payload


@pytest.mark.parametrize(
    "change",
    [
        {"d": "AA"},
        {"kid": "x"},
        {"kty": "oct"},
        {"crv": "P-384"},
        {"x": "AA"},
        {"x": b64u(bytes(32)), "y": b64u(bytes(32))},
        {"y": b64u(b"\xff" * 32)},
        {"x": dict(KEY.jwk)["x"] + "="},
    ],
)
def test_a_jwk_has_four_members_and_names_a_point(change: dict[str, str]) -> None:
    """Private members, other curves, and points off the curve are refused."""
    with pytest.raises(MalformedError, match="jwk"):
        VerifyKey(KEY.kid, dict(KEY.jwk) | change)


def test_the_thumbprint_is_rfc_7638s() -> None:
    """Agrees with an independent computation of the required members in order."""
    # RFC 7638, 3.1 gives only an RSA example; for EC the members are crv, kty, x, y.
    canonical = '{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'.format(**KEY.jwk)

    assert thumbprint(KEY.jwk) == b64u(hashlib.sha256(canonical.encode()).digest())
