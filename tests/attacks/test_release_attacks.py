# SPDX-License-Identifier: EUPL-1.2
"""Attacks on a release of the rules: forged, swapped, replayed, too early or too late."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from keys.errors import MalformedError
from keys.releases import ReleaseKeys
from policies.release.activate import activate
from policies.release.archive import unpack
from policies.release.layout import SIGNATURES
from policies.release.make import Release
from policies.release.store import ReleaseStore
from tests.support.releases import (
    DAY,
    NOW,
    ReleaseHouse,
    SigningKey,
    check_refused,
    next_version,
)


@pytest.fixture
def house(tmp_path: Path) -> ReleaseHouse:
    """The genuine release desk."""
    return ReleaseHouse(tmp_path / "desk")


@pytest.fixture
def store(tmp_path: Path, house: ReleaseHouse) -> Iterator[ReleaseStore]:
    """A machine with release 5 in force; whatever is tried, it stays so."""
    store = ReleaseStore(tmp_path / "policy", house.key.verifier)
    activate(store, house.lay(house.make(5), "five"), NOW)
    before = store.state()
    yield store
    assert store.state() == before


def test_a_signature_of_nobody(house: ReleaseHouse, store: ReleaseStore) -> None:
    """A bit of the signature is another one; the statement itself is genuine."""
    made = house.make(6)
    head, _, signature = made.token.strip().rpartition(b".")
    other = b"A" if signature[:1] != b"A" else b"B"
    forged = Release(made.file, head + b"." + other + signature[1:], made.statement)
    check_refused(store, house.lay(forged), "signature")


def test_the_twin_of_a_genuine_signature(house: ReleaseHouse, store: ReleaseStore) -> None:
    """(r, n - s) verifies too; it would give one release two names."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    made = house.make(6)
    head, _, signature = made.token.strip().rpartition(b".")
    raw = base64.urlsafe_b64decode(signature + b"==")
    twin = raw[:32] + (order - int.from_bytes(raw[32:])).to_bytes(32)
    token = head + b"." + base64.urlsafe_b64encode(twin).rstrip(b"=")
    check_refused(store, house.lay(Release(made.file, token, made.statement)), "signature")


def test_another_key_under_the_genuine_name(house: ReleaseHouse, store: ReleaseStore) -> None:
    """The attacker's own key claims to be the pinned one."""
    attacker = ReleaseHouse(house.folder, SigningKey(house.key.kid))
    check_refused(store, attacker.lay(attacker.make(6)), "signature")


def test_another_key_under_its_own_name(house: ReleaseHouse, store: ReleaseStore) -> None:
    """A key that nobody pinned signs well."""
    attacker = ReleaseHouse(house.folder, SigningKey("policy#release-2"))
    check_refused(store, attacker.lay(attacker.make(6)), "signature")


def test_the_name_of_the_key_is_swapped_between_two_pinned_ones(
    tmp_path: Path, house: ReleaseHouse
) -> None:
    """Signed by the second key, but named after the first: both are pinned, and still it is no."""
    second = SigningKey("policy#release-2")
    verifier = ReleaseKeys([(house.key.kid, house.key.jwk), (second.kid, second.jwk)])
    store = ReleaseStore(tmp_path / "two", verifier)
    swapped = ReleaseHouse(house.folder, SigningKey(house.key.kid, second.key))
    check_refused(store, swapped.lay(swapped.make(6)), "signature")
    genuine = ReleaseHouse(house.folder, second)
    assert activate(store, genuine.lay(genuine.make(6)), NOW).verified.kid == second.kid


def test_a_key_for_something_else_is_pinned(house: ReleaseHouse) -> None:
    """A list key, too many keys, none, or one name twice: the settings are refused."""
    mine = (house.key.kid, house.key.jwk)
    others = [(f"policy#release-{number}", SigningKey().jwk) for number in (2, 3)]
    for pinned in (
        [("registry#list-1", house.key.jwk)],
        [],
        [mine, *others],
        [mine, mine],
        [(house.key.kid, {**house.key.jwk, "y": house.key.jwk["x"]})],
    ):
        with pytest.raises(MalformedError):
            ReleaseKeys(pinned)


def test_opas_signature_is_taken_for_the_statement(
    house: ReleaseHouse, store: ReleaseStore
) -> None:
    """Genuine key, genuine token, another type: it lists files and says nothing of a sequence."""
    made = house.make(6)
    token = json.loads(unpack(made.file)[SIGNATURES])["signatures"][0].encode()
    check_refused(store, house.lay(Release(made.file, token[:4096], made.statement)), "signature")
    check_refused(store, house.lay(Release(made.file, b"\xff", made.statement)), "signature")


def test_a_replayed_older_release(house: ReleaseHouse, store: ReleaseStore) -> None:
    """Genuine and still valid, but its time in the sequence is over."""
    check_refused(store, house.lay(house.make(4)), "older")


def test_another_release_under_the_same_sequence(house: ReleaseHouse, store: ReleaseStore) -> None:
    """Other content, and also the same content signed a second time under longer terms."""
    check_refused(store, house.lay(house.make(5, next_version("2027.1.0"))), "same_sequence")
    check_refused(store, house.lay(house.make(5, valid_until=NOW + 300 * DAY)), "same_sequence")


def test_an_expired_release(house: ReleaseHouse, store: ReleaseStore) -> None:
    """From its last second on it cannot come into force."""
    file = house.lay(house.make(6, valid_until=NOW + DAY))
    check_refused(store, file, "expired", NOW + DAY)
    check_refused(store, file, "expired", NOW + 300 * DAY)


def test_a_release_from_tomorrow(house: ReleaseHouse, store: ReleaseStore) -> None:
    """It waits for its first second."""
    check_refused(store, house.lay(house.make(6, valid_from=NOW + 1)), "not_yet_valid")


def test_the_statement_of_one_release_beside_the_file_of_another(
    house: ReleaseHouse, store: ReleaseStore
) -> None:
    """Both are genuine; together they are nothing."""
    mixed = Release(house.make(6).file, house.make(7).token, house.make(7).statement)
    check_refused(store, house.lay(mixed), "digest")


def test_one_byte_of_the_file_is_changed(house: ReleaseHouse, store: ReleaseStore) -> None:
    """Somewhere in the middle, where the rules are."""
    made = house.make(6)
    place = len(made.file) // 2
    changed = made.file[:place] + bytes([made.file[place] ^ 1]) + made.file[place + 1 :]
    check_refused(store, house.lay(Release(changed, made.token, made.statement)), "digest")


def test_a_file_or_statement_that_is_not_there_or_not_a_file(
    house: ReleaseHouse, store: ReleaseStore, tmp_path: Path
) -> None:
    """Missing, a folder, a link to something else, or endless: refused without reading on."""
    file = house.lay(house.make(6))
    statement = file.with_name("release.jws")
    kept = statement.read_bytes()
    statement.unlink()
    check_refused(store, file, "unreadable")
    statement.symlink_to(tmp_path / "policy" / "state.json")
    check_refused(store, file, "unreadable")
    statement.unlink()
    statement.write_bytes(kept + b" " * 5_000)
    check_refused(store, file, "too_large")
    check_refused(store, tmp_path, "unreadable")
