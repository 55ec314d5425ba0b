# SPDX-License-Identifier: EUPL-1.2
"""Attacks on the sealed envelope, by the gateway, by another agency, and by the source itself."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from keys.context import ctx_hash, pae
from keys.envelope import Envelope, SealedItem, open_, seal, strip, verify_manifest
from keys.errors import (
    ContextMismatch,
    MalformedError,
    NotInForce,
    OpenFailed,
    SealRefused,
    SignatureInvalid,
    UnknownKey,
)
from keys.jws import VerifyKey, sign_jws
from keys.manifest import ENVELOPE_LIFETIME_SECONDS
from keys.model import AgencyId, Kid
from keys.providers.base import KeyUse
from keys.strict_json import JsonValue, b64u, dumps, loads, unb64u
from keys.suites import MLKEM1024_P384, RecipientKey
from tests.unit.keys.parties import (
    ASKER,
    HOLDER,
    NOW,
    OTHER,
    PAD_BYTES,
    VALUES,
    Parties,
    context,
    expect,
    keyring,
    recipient_key,
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


def test_the_honest_exchange_works() -> None:
    """Without an attack the values arrive; so the refusals below are due to the attacks."""
    assert open_(PARTIES.verify(ENVELOPE), opener=OPENER) == VALUES


def test_gateway_swaps_the_names_of_two_fields() -> None:
    """A value cannot be passed off as another field's."""
    one, two, *rest = ENVELOPE.items
    swapped = with_items(
        ENVELOPE, SealedItem(one.name, two.ciphertext), SealedItem(two.name, one.ciphertext), *rest
    )
    with pytest.raises(MalformedError, match="item_digest"):
        PARTIES.verify(swapped)


def test_gateway_splices_a_field_from_another_answer() -> None:
    """A genuine field of the same name from another envelope of the same source is refused."""
    other = PARTIES.seal(context(message_id=bytes(16)))
    spliced = with_items(ENVELOPE, other.items[0], *ENVELOPE.items[1:])
    with pytest.raises(MalformedError, match="item_digest"):
        PARTIES.verify(spliced)


def test_gateway_swaps_the_manifest() -> None:
    """Items of one envelope do not pass under the manifest of another."""
    other = PARTIES.seal(context(message_id=bytes(16)))
    with pytest.raises(MalformedError, match="item_digest"):
        PARTIES.verify(replace(ENVELOPE, manifest=other.manifest))


def test_gateway_adds_a_field() -> None:
    """What the source did not name cannot be added."""
    extra = SealedItem("religion", ENVELOPE.items[0].ciphertext)
    with pytest.raises(MalformedError, match="item_digest"):
        PARTIES.verify(with_items(ENVELOPE, *ENVELOPE.items, extra))


def test_gateway_sends_a_field_twice() -> None:
    """A repeated item is refused, so that no reader can pick another one than the checker."""
    with pytest.raises(MalformedError, match="duplicate_item"):
        PARTIES.verify(with_items(ENVELOPE, *ENVELOPE.items, ENVELOPE.items[0]))


def test_gateway_changes_a_ciphertext() -> None:
    """One changed bit is noticed without decrypting."""
    item = ENVELOPE.items[0]
    changed = SealedItem(item.name, bytes([item.ciphertext[0] ^ 1]) + item.ciphertext[1:])
    with pytest.raises(MalformedError, match="item_digest"):
        PARTIES.verify(with_items(ENVELOPE, changed))


@pytest.mark.parametrize(
    "change",
    [
        {"src": OTHER},
        {"rcp": OTHER},
        {"rkid": f"{OTHER}#kem-1"},
        {"dec": "01JD0000000000000000000009"},
        {"dth": b64u(bytes(32))},
        {"pur": "p05"},
        {"sub": "another-handle"},
        {"cat": "2026.11.2"},
        {"exp": NOW + 901},
        {"ek": b64u(bytes(113))},
        {"cm": b64u(bytes(32))},
        {"dg": [b64u(bytes(32))]},
    ],
)
def test_gateway_changes_the_signed_manifest(change: dict[str, JsonValue]) -> None:
    """No member can be changed under the signature."""
    head, _, signature = ENVELOPE.manifest.split(".")
    payload = b64u(dumps(manifest_of(ENVELOPE) | change))
    with pytest.raises(SignatureInvalid):
        PARTIES.verify(replace(ENVELOPE, manifest=f"{head}.{payload}.{signature}"))


OTHER_CONTEXTS: dict[str, object] = {
    "source": AgencyId("abh.goslar"),
    "recipient": OTHER,
    "exchange": "01JD0000000000000000000009",
    "decision_token_hash": hashlib.sha256(b"another decision").digest(),
    "purpose": "p05",
    "catalogue": "2026.11.2",
    "subject": "another-handle",
}


@pytest.mark.parametrize("name", OTHER_CONTEXTS)
def test_gateway_uses_a_genuine_envelope_in_another_context(name: str) -> None:
    """A genuine answer for another exchange, decision, purpose, catalogue, person or party."""
    with pytest.raises(ContextMismatch, match=name):
        PARTIES.verify(ENVELOPE, expect(**{name: OTHER_CONTEXTS[name]}))


def test_another_agency_strips_and_signs_again_as_its_own() -> None:
    """Fields of the holder do not open as fields of another source: the keys are bound to it."""
    members = manifest_of(ENVELOPE) | {"src": OTHER}
    token = sign_jws(dumps(members), typ=TYP, signer=PARTIES.other.signer(KeyUse.SIG))
    vm = verify_manifest(
        replace(ENVELOPE, manifest=token),
        key=verify_key(PARTIES.other),
        expect=expect(source=OTHER),
        now=NOW,
    )
    with pytest.raises(OpenFailed):
        open_(vm, opener=OPENER)


def test_another_agency_signs_in_the_holders_name() -> None:
    """A signature by a key that is not the source's is refused, also if the finder knows the key."""
    token = sign_jws(dumps(manifest_of(ENVELOPE)), typ=TYP, signer=PARTIES.other.signer(KeyUse.SIG))
    forged = replace(ENVELOPE, manifest=token)
    with pytest.raises(UnknownKey):
        PARTIES.verify(forged)
    with pytest.raises(ContextMismatch, match="kid"):
        verify_manifest(forged, key=verify_key(PARTIES.other), expect=expect(), now=NOW)


def test_another_agency_tries_to_open() -> None:
    """Neither without the key, nor with its own key under the recipient's name."""
    vm = PARTIES.verify(ENVELOPE)
    with pytest.raises(UnknownKey):
        open_(vm, opener=PARTIES.other.opener(KeyUse.KEM))
    impostor = keyring(ASKER, KeyUse.KEM)
    with pytest.raises(OpenFailed):
        open_(vm, opener=impostor.opener(KeyUse.KEM))


@pytest.mark.parametrize(
    ("now", "code"),
    [(NOW + 900, "expired"), (NOW + 10**6, "expired"), (NOW - 61, "not_yet_valid")],
)
def test_gateway_keeps_an_envelope_for_later(now: int, code: str) -> None:
    """Outside its time an envelope is refused."""
    with pytest.raises(NotInForce, match=code):
        PARTIES.verify(ENVELOPE, now=now)


def test_source_makes_an_envelope_that_lives_too_long() -> None:
    """No envelope is accepted for longer than a mailbox may keep it."""
    env = PARTIES.seal(context(expires_at=NOW + ENVELOPE_LIFETIME_SECONDS + 1))
    with pytest.raises(NotInForce, match="lifetime"):
        PARTIES.verify(env)


def test_length_hidden() -> None:
    """Whether a value is there, which code it is and how long a name is does not show."""
    values: list[JsonValue] = [None, True, False, "Li", "Wolfeschlegelsteinhausen", {"code": "1"}]
    sizes = {len(dumps(PARTIES.seal(values={"family_name": value}).to_wire())) for value in values}
    assert len(sizes) == 1


def test_the_gateway_learns_no_value() -> None:
    """No value, and no piece of one, stands in what the gateway sees."""
    seen = dumps(PARTIES.seal(values={"family_name": "Mustermann"}).to_wire())
    everything = seen + unb64u(ENVELOPE.manifest.split(".")[1])
    for item in PARTIES.seal(values={"family_name": "Mustermann"}).items:
        everything += item.ciphertext
    assert b"Mustermann" not in everything
    assert b"Muster" not in everything


def test_the_gateway_cannot_open_with_any_key_of_its_own() -> None:
    """The gateway's keys do not even have a use that opens fields."""
    with pytest.raises(UnknownKey):
        open_(PARTIES.verify(ENVELOPE), opener=PARTIES.gateway.opener(KeyUse.KEM))


def test_pae_ambiguity() -> None:
    """Moving a boundary between source and recipient changes every key (SOPS joins with ':')."""
    one = context(source="abh.h", recipient="annover")
    two = context(source="abh.ha", recipient="nnover")
    assert ctx_hash(one) != ctx_hash(two)
    assert pae("a.b") != pae("a", "b")


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        (recipient_key(PARTIES.other), "recipient_key"),
        (recipient_key(keyring("gateway", KeyUse.KEM)), "recipient_key"),
        (recipient_key(keyring(ASKER, KeyUse.KEM, suite=MLKEM1024_P384)), "suite"),
    ],
)
def test_a_swapped_recipient_key_is_not_sealed_to(recipient: RecipientKey, code: str) -> None:
    """A key of another owner, or of another suite than the context's, is refused before sealing."""
    with pytest.raises(SealRefused, match=code):
        PARTIES.seal(recipient=recipient)


def test_a_source_does_not_seal_in_anothers_name() -> None:
    """The signer must be the source."""
    with pytest.raises(SealRefused, match="signer"):
        seal(
            context(),
            VALUES,
            pad_bytes=PAD_BYTES,
            recipient=recipient_key(PARTIES.asker),
            signer=PARTIES.other.signer(KeyUse.SIG),
        )


def test_suites_cannot_be_mixed() -> None:
    """A manifest that names another suite than its key's does not verify or does not open."""
    token = signed_by_holder(manifest_of(ENVELOPE) | {"ste": MLKEM1024_P384})
    with pytest.raises(MalformedError, match="ek"):
        PARTIES.verify(replace(ENVELOPE, manifest=token))
    hybrid = keyring(ASKER, KeyUse.KEM, suite=MLKEM1024_P384)
    env = PARTIES.seal(context(suite=MLKEM1024_P384), recipient=recipient_key(hybrid))
    assert open_(PARTIES.verify(env), opener=hybrid.opener(KeyUse.KEM)) == VALUES
    with pytest.raises(OpenFailed):
        open_(PARTIES.verify(env), opener=OPENER)


def test_a_stripped_field_does_not_come_back() -> None:
    """After stripping, opening gives only what was allowed; one failing field fails all."""
    vm, dropped = strip(PARTIES.verify(ENVELOPE), frozenset({"phone"}))
    assert dropped == VALUES.keys() - {"phone"}
    assert open_(vm, opener=OPENER) == {"phone": None}


def test_the_content_key_is_never_taken_from_an_earlier_envelope() -> None:
    """Sealing the same values twice uses two keys, so no nonce is repeated."""
    one, two = PARTIES.seal(), PARTIES.seal()
    assert manifest_of(one)["cm"] != manifest_of(two)["cm"]
    assert manifest_of(one)["ek"] != manifest_of(two)["ek"]


def test_a_key_of_the_right_name_and_the_wrong_body_is_refused() -> None:
    """The name of the source's key proves nothing."""
    impostor = keyring(HOLDER, KeyUse.SIG)
    key = VerifyKey(Kid(f"{HOLDER}#sig-1"), impostor.public_jwk(Kid(f"{HOLDER}#sig-1")))
    with pytest.raises(SignatureInvalid):
        verify_manifest(ENVELOPE, key=key, expect=expect(), now=NOW)
