# SPDX-License-Identifier: EUPL-1.2
"""Attacks on the form of an envelope's manifest: headers, spellings, members."""

from __future__ import annotations

import hmac
from dataclasses import replace

import pytest

from keys.envelope import Envelope, SealedItem
from keys.errors import (
    MalformedError,
)
from keys.jws import sign_jws
from keys.providers.base import KeyUse
from keys.strict_json import JsonValue, b64u, dumps, loads, unb64u
from tests.unit.keys.parties import (
    Parties,
    first,
    verify_key,
)

PARTIES = Parties()
ENVELOPE = PARTIES.seal()
OPENER = PARTIES.asker.opener(KeyUse.KEM)
TYP = "gfe1+jws"


def with_items(env: Envelope, *items: SealedItem) -> Envelope:
    return replace(env, items=items)


def manifest_of(env: Envelope) -> dict[str, JsonValue]:
    value = loads(unb64u(env.manifest.split(".")[1]), max_bytes=100_000)
    assert isinstance(value, dict)
    return value


def signed_by_holder(members: dict[str, JsonValue]) -> str:
    return sign_jws(dumps(members), typ=TYP, signer=PARTIES.holder.signer(KeyUse.SIG))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"typ": "dpop+jwt"},
        {"typ": "lotse-order+jws"},
        {"jwk": {"kty": "EC"}},
        {"jku": "https://attacker.example/keys"},
        {"crit": []},
    ],
)
def test_header_brings_its_own_rules(header: dict[str, JsonValue]) -> None:
    """Another algorithm, another type or an embedded key never reaches the verification."""
    honest: dict[str, JsonValue] = {
        "alg": "ES256",
        "kid": first(PARTIES.holder, KeyUse.SIG),
        "typ": TYP,
    }
    _, payload, signature = ENVELOPE.manifest.split(".")
    token = f"{b64u(dumps(honest | header))}.{payload}.{signature}"
    with pytest.raises(MalformedError):
        PARTIES.verify(replace(ENVELOPE, manifest=token))


def test_hs256_with_the_public_key_as_secret() -> None:
    """The classic confusion: the verification never asks the token which algorithm to use."""
    key = verify_key(PARTIES.holder)
    header = b64u(dumps({"alg": "HS256", "kid": key.kid, "typ": TYP}))
    text = f"{header}.{ENVELOPE.manifest.split('.')[1]}"
    code = hmac.digest(dumps(dict(key.jwk)), text.encode(), "sha256")
    with pytest.raises(MalformedError, match="jws_header"):
        PARTIES.verify(replace(ENVELOPE, manifest=f"{text}.{b64u(code)}"))


def test_gateway_respells_the_manifest() -> None:
    """Padding and left-over bits give no second name to the same manifest."""
    last = ENVELOPE.manifest[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 64 bytes leave four unused bits in the last character.
    respelled = ENVELOPE.manifest[:-1] + alphabet[alphabet.index(last) | 1]
    for token in (respelled, ENVELOPE.manifest + "=="):
        with pytest.raises(MalformedError, match="base64url"):
            PARTIES.verify(replace(ENVELOPE, manifest=token))


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"v": 2},
        {"v": True},
        {"ste": "GFE1-NONE"},
        {"ste": "P256"},
        {"dg": []},
        {"mid": b64u(bytes(15))},
        {"cm": b64u(bytes(31))},
        {"ek": b64u(bytes(112))},
        {"rkid": "no-owner"},
        {"iat": "now"},
        {"src": "ABH.hannover"},
    ],
)
def test_a_badly_formed_manifest_is_refused_although_signed(change: dict[str, JsonValue]) -> None:
    """Exactly the agreed members in the agreed form, also from a genuine source."""
    token = signed_by_holder(manifest_of(ENVELOPE) | change)
    with pytest.raises(MalformedError):
        PARTIES.verify(replace(ENVELOPE, manifest=token))


def test_digests_in_their_original_order_are_refused() -> None:
    """Only sorted digests are accepted: their order could say which fields were removed."""
    members = manifest_of(ENVELOPE)
    digests = members["dg"]
    assert isinstance(digests, list)
    for order in (digests[::-1], [*digests, digests[-1]]):
        token = signed_by_holder(members | {"dg": order})
        with pytest.raises(MalformedError, match="dg"):
            PARTIES.verify(replace(ENVELOPE, manifest=token))
