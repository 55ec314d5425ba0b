# SPDX-License-Identifier: EUPL-1.2
"""What a leaf may say, and that nothing else gets into it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.entry import (
    MAX_LEAF_BYTES,
    Commitment,
    Direction,
    EntryId,
    PendingEntry,
    SealedDetail,
    new_entry,
    new_entry_id,
    rfc3339_micro,
)
from audit.errors import EntryInvalid
from audit.vocabulary import EntryKind, Outcome
from tests.support.clock import START
from tests.unit.audit.samples import pending


def minimal(**members: Any) -> bytes:
    """Make the leaf of an entry with these members."""
    entry = new_entry(
        EntryKind.SELFTEST, Outcome.PERMIT, now_us=START * 1_000_000, node="gw-1", **members
    )
    return entry.leaf(0)


def test_a_leaf_is_sorted_ascii_json_without_spaces() -> None:
    """The bytes are what canonical writing would give, so nobody needs to canonicalise."""
    leaf = pending().entry.leaf(7, [Commitment("jc.hannover", "0" * 64, "months12")])
    value = json.loads(leaf)
    again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert leaf == again.encode()
    assert value["idx"] == 7
    assert value["v"] == 1


def test_a_leaf_has_exactly_the_known_members() -> None:
    """A new member needs a decision here."""
    assert sorted(json.loads(minimal())) == [
        "corr", "dec", "details", "dir", "doc", "fields", "id", "idx", "kind", "node", "outcome",
        "perm", "policy", "purpose", "reasons", "rnd", "rules", "stmt", "ts", "v",
    ]  # fmt: skip


def test_two_entries_about_the_same_event_share_no_handle() -> None:
    """Id and randomness are new each time."""
    one, other = json.loads(minimal()), json.loads(minimal())
    assert one["id"] != other["id"]
    assert one["rnd"] != other["rnd"]
    assert len(bytes.fromhex(one["rnd"])) == 16


@pytest.mark.parametrize(
    "members",
    [
        {"corr": "Amina Example"},
        {"corr": "short"},
        {"purpose": "because she asked"},
        {"purpose": "P04\n"},
        {"fields": ["Müller"]},
        {"rules": ["R02", ""]},
        {"reasons": ["x" * 65]},
        {"fields": ["f"] * 129},
        {"policy": "0" * 63},
        {"statement": "G" * 64},
        {"decision": "A" * 64},
        {"document": "not a digest"},
        {"permission": "too short"},
        {"direction": Direction("abh.hannover", "jc hannover", "jc.hannover")},
    ],
)
def test_free_text_has_no_place_in_an_entry(members: dict[str, Any]) -> None:
    """Every member is a closed code, a digest or a handle; the complaint does not repeat the value."""
    with pytest.raises(EntryInvalid) as refused:
        minimal(**members)
    assert not any(str(value) in str(refused.value) for value in members.values())


def test_a_leaf_is_at_most_8_kib() -> None:
    """Larger ones are refused, not cut."""
    codes = [f"{number:03d}" + "f" * 60 for number in range(128)]
    assert len(minimal(fields=codes[:100])) < MAX_LEAF_BYTES
    with pytest.raises(EntryInvalid):
        minimal(fields=codes)


def test_fields_are_sorted() -> None:
    """The order in which somebody asked is not recorded."""
    assert json.loads(minimal(fields=["b", "a"]))["fields"] == ["a", "b"]


def test_one_detail_per_controller() -> None:
    """A second one could not be told from the first."""
    detail = SealedDetail("jc.hannover", "months12", b"sealed")
    with pytest.raises(EntryInvalid):
        PendingEntry(pending().entry, (detail, detail))


@pytest.mark.parametrize("name", ["Frau Beispiel", ""])
def test_details_are_filed_under_codes(name: str) -> None:
    """Controller and retention class are closed codes."""
    with pytest.raises(EntryInvalid):
        SealedDetail(name, "months12", b"")
    with pytest.raises(EntryInvalid):
        SealedDetail("jc.hannover", name, b"")


def test_an_entry_id_must_be_a_version_7_uuid() -> None:
    """Ids from elsewhere are checked too."""
    with pytest.raises(EntryInvalid):
        replace(pending().entry, id=EntryId("0" * 32))


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_entry_ids_are_version_7_uuids_that_sort_by_time(now_ms: int, noise: bytes) -> None:
    """RFC 9562 section 5.7: 48 bits of milliseconds, version, variant, 74 random bits."""
    made = new_entry_id(now_ms, lambda count: noise[:count])
    assert len(made) == 32
    assert int(made[:12], 16) == now_ms
    assert made[12] == "7"
    assert made[16] in "89ab"


def test_times_are_written_with_microseconds() -> None:
    """RFC 3339 in UTC, six decimals, also when they are zero."""
    assert rfc3339_micro(0) == "1970-01-01T00:00:00.000000Z"
    assert rfc3339_micro(1_793_872_800_000_123) == "2026-11-05T10:00:00.000123Z"
