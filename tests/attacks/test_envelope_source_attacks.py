# SPDX-License-Identifier: EUPL-1.2
"""Attacks on the sealed envelope by its own source, which has the signing key."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys import envelope as gfe1
from keys.context import ctx_hash, pae
from keys.envelope import Envelope, SealedItem, open_
from keys.errors import ContextMismatch, OpenFailed
from keys.jws import sign_jws
from keys.manifest import Manifest, write_manifest
from keys.providers.base import KeyUse
from keys.strict_json import JsonValue, b64u, dumps, loads, unb64u
from tests.attacks.two_keys import two_key_ciphertext
from tests.unit.keys.parties import (
    NOW,
    OTHER,
    Parties,
    context,
    expect,
    first,
    recipient_key,
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
    "change",
    [
        {"pur": "p05"},
        {"iat": NOW - 1},
        {"exp": NOW + 901},
        {"mid": b64u(bytes(16))},
        {"dth": b64u(hashlib.sha256(b"another decision").digest())},
        {"sub": "another-handle"},
        {"cat": "2026.11.2"},
        {"dec": "01JD0000000000000000000009"},
    ],
)
def test_source_moves_sealed_fields_under_another_context(change: dict[str, JsonValue]) -> None:
    """Even with the source's own signature, old ciphertexts do not open in a new context."""
    token = signed_by_holder(manifest_of(ENVELOPE) | change)
    changed = context(
        purpose=change.get("pur", "p04"),
        exchange=change.get("dec", context().exchange),
        catalogue=change.get("cat", context().catalogue),
        subject=change.get("sub", context().subject),
    )
    expected = expect(
        purpose=changed.purpose,
        exchange=changed.exchange,
        catalogue=changed.catalogue,
        subject=changed.subject,
        decision_token_hash=unb64u(str(change["dth"]))
        if "dth" in change
        else context().decision_token_hash,
    )
    vm = PARTIES.verify(replace(ENVELOPE, manifest=token), expected)
    with pytest.raises(OpenFailed):
        open_(vm, opener=OPENER)


def test_values_are_opened_all_or_none() -> None:
    """A source that signs one unreadable field gets no partial opening."""
    item = ENVELOPE.items[0]
    broken = SealedItem(item.name, bytes(len(item.ciphertext)))
    members = manifest_of(ENVELOPE)
    digests = members["dg"]
    assert isinstance(digests, list)
    members["dg"] = [*sorted([*map(str, digests), b64u(gfe1.item_digest(broken))])]
    env = Envelope(signed_by_holder(members), (broken, *ENVELOPE.items[1:]))
    with pytest.raises(OpenFailed):
        open_(PARTIES.verify(env), opener=OPENER)


@pytest.mark.parametrize(
    "plaintext",
    [b"sNaN", b'n"text"', b'b"true"', b'd"1"', b"s1", b"x1", b"", b's"\xff"', b'o{"a":1,"a":2}'],
)
def test_source_seals_a_value_of_another_type_than_it_says(plaintext: bytes) -> None:
    """Type tag and value must agree, and the value must be strict JSON."""
    assert_does_not_open(plaintext + b"\x80" + bytes(31))


@pytest.mark.parametrize("plaintext", [bytes(32), b'n"x"' + bytes(28), b"nnull"])
def test_source_leaves_out_the_padding(plaintext: bytes) -> None:
    """A value without its padding does not open."""
    assert_does_not_open(plaintext)


def assert_does_not_open(plaintext: bytes) -> None:
    """Seal exactly these bytes as the holder would, and see that the asker does not open them."""
    key, bound = bytes(32), ctx_hash(context())
    field_key, nonce = gfe1._field_key(key, bound, "phone")
    aad = pae("gfe1/field", bound, "phone")
    item = SealedItem("phone", AESGCM(field_key).encrypt(nonce, plaintext, aad))
    env = handmade(key, item)
    with pytest.raises(OpenFailed):
        open_(PARTIES.verify(env), opener=OPENER)


def handmade(key: bytes, item: SealedItem, commitment: bytes | None = None) -> Envelope:
    """An envelope around one given ciphertext, signed by the holder."""
    bound, rk = ctx_hash(context()), recipient_key(PARTIES.asker)
    manifest = Manifest(
        context=context(),
        kid=first(PARTIES.holder, KeyUse.SIG),
        recipient_kid=rk.kid,
        sealed_key=rk.seal(key, pae("gfe1/cek", bound, rk.kid)),
        commitment=gfe1._commitment(key, bound) if commitment is None else commitment,
        digests=frozenset({gfe1.item_digest(item)}),
    )
    token = sign_jws(write_manifest(manifest), typ=TYP, signer=PARTIES.holder.signer(KeyUse.SIG))
    return Envelope(token, (item,))


def test_source_shows_recipient_and_auditor_two_values() -> None:
    """One ciphertext that opens under two keys is made here; the commitment unmasks the second."""
    bound = ctx_hash(context())
    aad = pae("gfe1/field", bound, "residence_status")
    cek1, cek2 = b"1" * 32, b"2" * 32
    one, two = (gfe1._field_key(cek, bound, "residence_status") for cek in (cek1, cek2))
    plaintext = b's"GRANTED........................'[:32]
    ciphertext = two_key_ciphertext(one, two, aad, plaintext)
    # AES-GCM alone accepts both keys:
    assert AESGCM(one[0]).decrypt(one[1], ciphertext, aad)[:32] == plaintext
    assert AESGCM(two[0]).decrypt(two[1], ciphertext, aad)[:32] != plaintext
    with pytest.raises(InvalidTag):
        AESGCM(bytes(32)).decrypt(one[1], ciphertext, aad)
    # The manifest commits to one key; sealing the other one to the recipient does not open.
    item = SealedItem("residence_status", ciphertext)
    env = handmade(cek2, item, commitment=gfe1._commitment(cek1, bound))
    with pytest.raises(OpenFailed):
        open_(PARTIES.verify(env), opener=OPENER)


def test_source_commits_to_another_key_than_it_seals() -> None:
    """A field that would open properly does not, if the manifest commits to another key."""
    bound = ctx_hash(context())
    cek = b"1" * 32
    field_key, nonce = gfe1._field_key(cek, bound, "phone")
    plaintext = b's"0511"\x80' + bytes(24)
    aad = pae("gfe1/field", bound, "phone")
    item = SealedItem("phone", AESGCM(field_key).encrypt(nonce, plaintext, aad))
    assert open_(PARTIES.verify(handmade(cek, item)), opener=OPENER) == {"phone": "0511"}
    env = handmade(cek, item, commitment=gfe1._commitment(b"2" * 32, bound))
    with pytest.raises(OpenFailed):
        open_(PARTIES.verify(env), opener=OPENER)


def test_source_seals_to_another_agency_under_the_recipients_name() -> None:
    """The key that the manifest names must be the recipient's."""
    token = signed_by_holder(manifest_of(ENVELOPE) | {"rkid": f"{OTHER}#kem-1"})
    with pytest.raises(ContextMismatch, match="rkid"):
        PARTIES.verify(replace(ENVELOPE, manifest=token))
