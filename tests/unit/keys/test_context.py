# SPDX-License-Identifier: EUPL-1.2
"""Identifiers, PAE and the context of an exchange."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.context import ctx_hash, pae
from keys.errors import MalformedError
from keys.model import (
    kid_number,
    kid_owner,
    kid_use,
    new_exchange_id,
    parse_agency_id,
    parse_exchange_id,
    parse_kid,
)
from tests.unit.keys.parties import context

PARTS = st.lists(st.binary(max_size=12), max_size=4)


@given(PARTS, PARTS)
def test_different_parts_never_join_to_the_same_bytes(a: list[bytes], b: list[bytes]) -> None:
    """PAE is injective: where a separator would be ambiguous, it is not."""
    assert (pae(*a) == pae(*b)) == (a == b)


def test_pae_is_pasetos() -> None:
    """The examples of the PASETO specification (PAE definition) come out byte for byte."""
    assert pae() == bytes(8)
    assert pae("") == b"\x01" + bytes(15)
    assert pae("test") == b"\x01" + bytes(7) + b"\x04" + bytes(7) + b"test"


def test_a_number_is_eight_bytes_big_endian() -> None:
    """Numbers have a fixed width and keep their sign."""
    assert pae(1).endswith(bytes(7) + b"\x01")
    assert pae(-1).endswith(b"\xff" * 8)
    with pytest.raises(MalformedError, match="integer_range"):
        pae(2**63)


@pytest.mark.parametrize("text", ["e\u0301", "\u212b", "\ud800"])
def test_text_that_is_not_normalised_is_refused(text: str) -> None:
    """Two spellings of one text never reach a key derivation, and nothing is changed silently."""
    with pytest.raises(MalformedError, match="nfc"):
        pae(text)


CHANGES: dict[str, object] = {
    "source": "abh.goslar",
    "recipient": "jobcenter.goslar",
    "exchange": "01JD0000000000000000000001",
    "decision_token_hash": hashlib.sha256(b"another").digest(),
    "purpose": "p05",
    "subject": "another",
    "catalogue": "2026.11.2",
    "issued_at": 1_800_000_001,
    "expires_at": 1_800_000_901,
    "message_id": bytes(16),
    "suite": "GFE1-MLKEM1024-P384",
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_member_of_the_context_counts(name: str) -> None:
    """Changing any one member changes what every key is bound to."""
    assert ctx_hash(context(**{name: CHANGES[name]})) != ctx_hash(context())


def test_the_table_of_changes_is_complete() -> None:
    """A member added to the context must be added to the table above."""
    assert CHANGES.keys() == set(context().__dataclass_fields__)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("source", "ABH.hannover"),
        ("source", ""),
        ("recipient", "a" * 65),
        ("recipient", ".jc"),
        ("purpose", "P04"),
        ("catalogue", "2026 11"),
        ("exchange", "01jd0000000000000000000000"),
        ("exchange", "81JD0000000000000000000000"),
        ("subject", ""),
        ("subject", "ä"),
        ("decision_token_hash", bytes(31)),
        ("message_id", bytes(15)),
        ("suite", ""),
    ],
)
def test_members_have_their_form(name: str, value: object) -> None:
    """A member in another form is refused, and the error names it and nothing else."""
    with pytest.raises(MalformedError) as refused:
        context(**{name: value})
    assert str(refused.value) == name


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_exchange_ids_are_ulids(now_ms: int, randomness: bytes) -> None:
    """26 characters that parse, and that sort by time."""
    made = new_exchange_id(now_ms, randomness)
    assert parse_exchange_id(made) == made
    if now_ms:
        assert new_exchange_id(now_ms - 1, b"\xff" * 10) < made


@pytest.mark.parametrize(("now_ms", "size"), [(-1, 10), (2**48, 10), (0, 9), (0, 11)])
def test_exchange_ids_need_time_and_randomness_in_range(now_ms: int, size: int) -> None:
    """A wrong amount of randomness or an impossible time is a programming error."""
    with pytest.raises(ValueError, match=r"time|random"):
        new_exchange_id(now_ms, bytes(size))


def test_a_key_id_says_owner_use_and_number() -> None:
    """The three parts of a key id can be told apart."""
    kid = parse_kid("abh.hannover#sig-12")
    assert (kid_owner(kid), kid_use(kid), kid_number(kid)) == ("abh.hannover", "sig", 12)


@pytest.mark.parametrize(
    "text", ["abh.hannover", "abh#sig", "abh#sig-0", "abh#sig-01", "#sig-1", "a#b#sig-1", "a#SIG-1"]
)
def test_other_key_ids_are_refused(text: str) -> None:
    """A key id in another form is refused."""
    with pytest.raises(MalformedError, match="kid"):
        parse_kid(text)


@pytest.mark.parametrize("text", ["", "ABH", "abh hannover", "abh#1", "abh.hannover\n"])
def test_other_agency_ids_are_refused(text: str) -> None:
    """An agency id in another form is refused."""
    with pytest.raises(MalformedError, match="agency_id"):
        parse_agency_id(text)
