# SPDX-License-Identifier: EUPL-1.2
"""The sealed link rows."""

from __future__ import annotations

import pytest

from keys.errors import LinkUnlockFailed, MalformedError
from keys.linkrows import (
    LinkRow,
    consent_index,
    exchange_handle,
    new_subject_id,
    open_t1,
    open_t2,
    open_t3,
    seal_t1,
    seal_t2,
    seal_t3,
    t1_key,
    t2_key,
    t3_key,
)
from keys.model import AgencyId, BlindIndex, ExchangeId, SubjectId, UnlockValue
from keys.providers.base import KeyUse
from tests.unit.keys.parties import ASKER, EXCHANGE, HOLDER, keyring

LINK_KEY = keyring("gateway", KeyUse.LINK).hmac_key(KeyUse.LINK)
OTHER_KEY = keyring("gateway", KeyUse.LINK).hmac_key(KeyUse.LINK)
SID = SubjectId(bytes(range(16)))
OTHER_SID = SubjectId(bytes(16))
INDEX = BlindIndex(b"i" * 32)
UNLOCK = UnlockValue(b"u" * 32)
ROW = LinkRow(reference=b"r" * 145, t1_key=b"k" * 32)


def test_a_request_finds_the_reference_at_the_other_agency() -> None:
    """From index and unlock value to the person, and from there to the other agency's row."""
    rows = {
        t1_key(LINK_KEY, ASKER, INDEX): seal_t1(LINK_KEY, UNLOCK, SID),
        t2_key(LINK_KEY, SID, HOLDER): seal_t2(LINK_KEY, SID, HOLDER, ROW),
        t3_key(LINK_KEY, b"account"): seal_t3(b"secret", LINK_KEY, SID),
    }
    sid = open_t1(LINK_KEY, UNLOCK, rows[t1_key(LINK_KEY, ASKER, INDEX)])
    assert sid == SID
    assert open_t2(LINK_KEY, sid, HOLDER, rows[t2_key(LINK_KEY, sid, HOLDER)]) == ROW
    assert open_t3(b"secret", LINK_KEY, rows[t3_key(LINK_KEY, b"account")]) == SID


def test_a_stolen_database_with_the_gateways_key_opens_no_row() -> None:
    """Without the unlock value, which is not stored, the person's id stays sealed."""
    sealed = seal_t1(LINK_KEY, UNLOCK, SID)
    with pytest.raises(LinkUnlockFailed):
        open_t1(LINK_KEY, UnlockValue(INDEX), sealed)
    with pytest.raises(LinkUnlockFailed):
        open_t1(LINK_KEY, UnlockValue(bytes(32)), sealed)


def test_an_agency_without_the_gateways_key_opens_no_row() -> None:
    """The unlock value alone is not enough."""
    with pytest.raises(LinkUnlockFailed):
        open_t1(OTHER_KEY, UNLOCK, seal_t1(LINK_KEY, UNLOCK, SID))
    with pytest.raises(LinkUnlockFailed):
        open_t3(b"secret", OTHER_KEY, seal_t3(b"secret", LINK_KEY, SID))
    with pytest.raises(LinkUnlockFailed):
        open_t3(b"guess", LINK_KEY, seal_t3(b"secret", LINK_KEY, SID))


def test_rows_cannot_be_swapped_between_agencies_or_persons() -> None:
    """Someone who can write the database cannot put one row in the place of another."""
    sealed = seal_t2(LINK_KEY, SID, HOLDER, ROW)
    with pytest.raises(LinkUnlockFailed):
        open_t2(LINK_KEY, SID, ASKER, sealed)
    with pytest.raises(LinkUnlockFailed):
        open_t2(LINK_KEY, OTHER_SID, HOLDER, sealed)
    with pytest.raises(LinkUnlockFailed):
        open_t3(bytes(UNLOCK), LINK_KEY, seal_t1(LINK_KEY, UNLOCK, SID))


@pytest.mark.parametrize("sealed", [b"", bytes(12), bytes(44)])
def test_a_damaged_row_fails_in_the_one_way(sealed: bytes) -> None:
    """Truncated or overwritten rows are not told apart from a wrong unlock value."""
    with pytest.raises(LinkUnlockFailed, match="unlock"):
        open_t1(LINK_KEY, UNLOCK, sealed)


def test_rows_of_one_person_share_nothing() -> None:
    """No two stored values of a person are equal, and sealing again gives other bytes."""
    stored = [
        t1_key(LINK_KEY, ASKER, INDEX),
        t1_key(LINK_KEY, HOLDER, INDEX),
        t2_key(LINK_KEY, SID, ASKER),
        t2_key(LINK_KEY, SID, HOLDER),
        consent_index(LINK_KEY, SID),
        seal_t1(LINK_KEY, UNLOCK, SID),
        seal_t1(LINK_KEY, UNLOCK, SID),
        seal_t2(LINK_KEY, SID, ASKER, ROW),
        seal_t2(LINK_KEY, SID, ASKER, ROW),
    ]
    assert len(set(stored)) == len(stored)
    assert not any(bytes(SID) in value for value in stored)


def test_rows_have_the_sizes_of_the_design() -> None:
    """T1 is 76 bytes with its key; T2 is 237 with key, reference and the place of T1."""
    assert len(t1_key(LINK_KEY, ASKER, INDEX) + seal_t1(LINK_KEY, UNLOCK, SID)) == 76
    sealed = seal_t2(LINK_KEY, SID, HOLDER, ROW)
    assert len(t2_key(LINK_KEY, SID, HOLDER) + sealed) == 32 + 12 + 32 + 145 + 16


def test_handles_do_not_repeat_across_exchanges() -> None:
    """A person has another handle in every exchange; 16 bytes."""
    one = exchange_handle(LINK_KEY, SID, EXCHANGE)
    two = exchange_handle(LINK_KEY, SID, ExchangeId("01JD0000000000000000000001"))
    assert one != two
    assert exchange_handle(LINK_KEY, SID, EXCHANGE) == one
    assert {len(one), len(two)} == {16}


def test_subject_ids_are_fresh() -> None:
    """Ids come from the system's generator and have 16 bytes."""
    ids = {new_subject_id() for _ in range(50)}
    assert len(ids) == 50
    assert {len(sid) for sid in ids} == {16}


def test_wrong_sizes_are_refused() -> None:
    """A handle, a reference or an index does not pass for a person's id."""
    with pytest.raises(MalformedError, match="sid"):
        seal_t1(LINK_KEY, UNLOCK, SubjectId(bytes(32)))
    with pytest.raises(MalformedError, match="t1_key"):
        seal_t2(LINK_KEY, SID, AgencyId(HOLDER), LinkRow(reference=b"", t1_key=b"short"))
