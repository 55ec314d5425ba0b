# SPDX-License-Identifier: EUPL-1.2
"""Sealing, checking, stripping and opening; the attacks are in tests/attacks."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.envelope import Envelope, VerifiedManifest, open_, strip
from keys.errors import MalformedError, OpenFailed, SealRefused
from keys.padding import pad, unpad
from keys.providers.base import KeyState, KeyUse
from keys.strict_json import MAX_INTEGER, JsonValue, dumps, loads
from keys.suites import MLKEM1024_P384, P256
from tests.unit.keys.parties import (
    ASKER,
    HOLDER,
    PAD_BYTES,
    VALUES,
    Parties,
    context,
    keyring,
    recipient_key,
)

CHARACTERS = st.characters(exclude_categories=["Cs"])
FIELD_VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(CHARACTERS)
    | st.lists(st.text(CHARACTERS, max_size=5), max_size=3)
    | st.dictionaries(st.sampled_from(["year", "month"]), st.none() | st.integers(0, 99))
)

PARTIES = Parties()
ENVELOPE = PARTIES.seal()


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(sorted(VALUES)), FIELD_VALUES, min_size=1))
def test_values_arrive_as_they_were_sealed(values: Mapping[str, JsonValue]) -> None:
    """Every JSON value survives sealing, the wire, checking and opening."""
    wire = dumps(PARTIES.seal(values=values).to_wire())
    env = Envelope.from_wire(loads(wire, max_bytes=1_000_000))
    assert open_(PARTIES.verify(env), opener=PARTIES.asker.opener(KeyUse.KEM)) == values


@settings(max_examples=30)
@given(st.frozensets(st.sampled_from([*sorted(VALUES), "not_in_it"])))
def test_any_fields_can_be_removed_and_the_rest_still_verifies(allowed: frozenset[str]) -> None:
    """After stripping, exactly the allowed fields are left, and everything checks again."""
    vm, dropped = strip(PARTIES.verify(ENVELOPE), allowed)
    assert dropped == VALUES.keys() - allowed
    again = PARTIES.verify(Envelope.from_wire(vm.envelope.to_wire()))
    opened = open_(again, opener=PARTIES.asker.opener(KeyUse.KEM))
    assert opened == {name: VALUES[name] for name in VALUES.keys() & allowed}
    assert again.removed == len(dropped)
    assert again.names == VALUES.keys() & allowed
    assert again.manifest_hash == PARTIES.verify(ENVELOPE).manifest_hash


def test_the_hybrid_suite_carries_the_same_values(parties: Parties) -> None:
    """A recipient with a hybrid key gets everything sealed with it."""
    asker = keyring(ASKER, KeyUse.KEM, suite=MLKEM1024_P384)
    env = parties.seal(context(suite=MLKEM1024_P384), recipient=recipient_key(asker))
    assert open_(parties.verify(env), opener=asker.opener(KeyUse.KEM)) == VALUES


def test_a_recipient_opens_with_the_key_that_was_used(parties: Parties) -> None:
    """After a rotation, what is under way still opens."""
    asker = keyring(ASKER, KeyUse.KEM)
    env = parties.seal(recipient=recipient_key(asker))
    old = asker.kids(KeyUse.KEM)[0]
    asker.new_key(KeyUse.KEM, 0)
    asker.set_state(old, KeyState.ACCEPT_ONLY)
    assert open_(parties.verify(env), opener=asker.opener(KeyUse.KEM)) == VALUES


def test_two_envelopes_of_the_same_values_share_nothing(parties: Parties) -> None:
    """Keys are fresh for every envelope, so equal values do not show."""
    one, two = parties.seal(), parties.seal()
    assert not {item.ciphertext for item in one.items} & {item.ciphertext for item in two.items}


def test_only_the_check_makes_a_verified_manifest() -> None:
    """Opening without checking is not possible by accident."""
    vm = PARTIES.verify(ENVELOPE)
    with pytest.raises(TypeError, match="verify_manifest"):
        VerifiedManifest(ENVELOPE, vm.manifest, object())


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"Birth": 1},
        {"phone": float("nan")},
        {"phone": "\ud800"},
        {"phone": 2**53},
        {"phone": {"a": [2**53]}},
        {"phone": {1: 2}},
        {"phone": object()},
        {"phone": [[[[[[[1]]]]]]]},
        {"phone": "x" * 70_000},
    ],
)
def test_what_could_not_be_opened_is_not_sealed(values: dict[str, JsonValue]) -> None:
    """A value that the recipient would refuse is refused by the source, with no partial result."""
    with pytest.raises(SealRefused):
        PARTIES.seal(values=values)


def test_a_field_without_a_bucket_is_not_sealed() -> None:
    """A default bucket would silently show a length."""
    with pytest.raises(SealRefused, match="bucket"):
        PARTIES.seal(values={"no_bucket": 1})


@pytest.mark.parametrize(
    "wire",
    [
        {},
        [],
        {"m": "x"},
        {"m": "x", "f": {}},
        {"m": "x", "f": [], "extra": 1},
        {"m": "", "f": []},
        {"m": 1, "f": []},
        {"m": "x", "f": [{"n": "a"}]},
        {"m": "x", "f": [{"n": "a", "c": None}]},
        {"m": "x", "f": [{"n": "a", "c": "AB"}]},
        {"m": "x", "f": [{"n": "A", "c": "AA"}]},
        {"m": "x", "f": [{"n": "a", "c": "AA", "v": "plain"}]},
        {"m": "x", "f": [{"n": "a", "c": "AA"}] * 513},
    ],
)
def test_another_shape_on_the_wire_is_refused(wire: JsonValue) -> None:
    """An item without a ciphertext, or with anything beside it, is refused."""
    with pytest.raises(MalformedError):
        Envelope.from_wire(wire)


@given(st.binary(max_size=300), st.integers(32, 256))
def test_padding_comes_off_again_and_fills_buckets(data: bytes, bucket: int) -> None:
    """Padding is reversible, never empty, and ends on a bucket."""
    padded = pad(data, bucket)
    assert unpad(padded) == data
    assert len(padded) % bucket == 0
    assert 0 < len(padded) - len(data) <= bucket


@pytest.mark.parametrize("data", [b"", bytes(32), b"abc", b"\x81" + bytes(31)])
def test_bytes_without_padding_are_refused(data: bytes) -> None:
    """Missing padding is an error and not an empty value."""
    with pytest.raises(OpenFailed, match="padding"):
        unpad(data)


@pytest.mark.parametrize("bucket", [0, -32, 31, 65_537])
def test_a_bucket_is_neither_tiny_nor_huge(bucket: int) -> None:
    """A catalogue error does not turn padding off."""
    with pytest.raises(SealRefused, match="bucket"):
        pad(b"", bucket)


def test_the_invented_catalogue_covers_the_values() -> None:
    """The values of these tests have buckets and parties that fit the context."""
    assert PAD_BYTES.keys() == VALUES.keys()
    assert (context().source, context().recipient, context().suite) == (HOLDER, ASKER, P256)
