# SPDX-License-Identifier: EUPL-1.2
"""The keyring file and the handles that come out of it."""

from __future__ import annotations

import copy
import json
import pickle  # noqa: TID251 - to show that it refuses
from pathlib import Path

import pytest

from keys.errors import (
    KeyringConflict,
    KeyringError,
    MalformedError,
    PassphraseWrong,
    RollbackDetected,
    UnknownKey,
)
from keys.model import Kid
from keys.providers.base import KeyState, KeyUse
from keys.providers.file import Argon2Cost, FileKeyring, InsecureTestCost
from keys.providers.memory import InsecureMemoryKeyring
from keys.providers.software import KeyEntry
from keys.suites import MLKEM1024_P384
from tests.unit.keys.parties import HOLDER, NOW

PASSPHRASE = "invented passphrase"


def make(path: Path) -> FileKeyring:
    ring = FileKeyring.create(path / "keyring", PASSPHRASE, HOLDER, cost=InsecureTestCost())
    for use in KeyUse:
        ring.new_key(use, NOW)
    return ring


def reopen(path: Path, passphrase: str = PASSPHRASE, min_serial: int = 0) -> FileKeyring:
    return FileKeyring.open(
        path / "keyring", passphrase, min_serial=min_serial, insecure_test_cost=True
    )


def test_a_keyring_survives_closing(tmp_path: Path) -> None:
    """After reopening, the same keys are there, hybrid ones too."""
    ring = make(tmp_path)
    hybrid = ring.new_key(KeyUse.AUDIT, NOW, suite=MLKEM1024_P384)
    again = reopen(tmp_path)
    assert (again.owner, again.serial) == (HOLDER, ring.serial)
    for use in KeyUse:
        assert again.kids(use) == ring.kids(use)
    assert again.public_jwk(hybrid) == ring.public_jwk(hybrid)
    assert again.hmac_key(KeyUse.INDEX).hmac(b"x") == ring.hmac_key(KeyUse.INDEX).hmac(b"x")


def test_an_accept_only_key_makes_nothing_new(tmp_path: Path) -> None:
    """It still opens, but does not sign any more; the state is kept in the file."""
    ring = make(tmp_path)
    sig, kem = ring.kids(KeyUse.SIG)[0], ring.kids(KeyUse.KEM)[0]
    ring.set_state(sig, KeyState.ACCEPT_ONLY)
    ring.set_state(kem, KeyState.ACCEPT_ONLY)
    again = reopen(tmp_path)
    with pytest.raises(UnknownKey, match="no_active_key"):
        again.signer(KeyUse.SIG)
    assert again.opener(KeyUse.KEM).kids() == (kem,)
    with pytest.raises(UnknownKey, match="kid"):
        again.set_state(Kid("abh.hannover#sig-99"), KeyState.ACTIVE)


@pytest.mark.parametrize("passphrase", ["wrong", PASSPHRASE + " ", PASSPHRASE.upper()])
def test_a_wrong_passphrase_opens_nothing(tmp_path: Path, passphrase: str) -> None:
    """No part of the keyring is usable without the passphrase."""
    make(tmp_path)
    with pytest.raises(PassphraseWrong):
        reopen(tmp_path, passphrase)


def test_two_ways_to_type_a_passphrase_are_one(tmp_path: Path) -> None:
    """Composed and decomposed letters give the same key."""
    FileKeyring.create(tmp_path / "keyring", "Schlu\u0308ssel", HOLDER, cost=InsecureTestCost())
    assert reopen(tmp_path, "Schl\u00fcssel").owner == HOLDER
    with pytest.raises(KeyringError, match="empty_passphrase"):
        FileKeyring.create(tmp_path / "other", "", HOLDER, cost=InsecureTestCost())


def tampered(path: Path, change: object) -> None:
    """Change the file as someone who can write it would."""
    file = path / "keyring"
    document = json.loads(file.read_bytes())
    assert callable(change)
    change(document)
    file.write_text(json.dumps(document))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["entries"].pop(),
        lambda d: d["entries"].append(d["entries"][0]),
        lambda d: d["entries"][0].update(state="accept-only"),
        lambda d: d["entries"][0].update(kid="abh.hannover#sig-9"),
        lambda d: d["entries"][0].update(ct=d["entries"][1]["ct"]),
        lambda d: d.update(owner="jobcenter.hannover"),
        lambda d: d.update(serial=d["serial"] + 1),
        lambda d: d["kdf"].update(passes=2),
        lambda d: d.update(mac="A" * 43),
    ],
)
def test_a_changed_keyring_is_refused(tmp_path: Path, change: object) -> None:
    """Removing, copying, renaming, re-stating and swapping entries is all noticed."""
    make(tmp_path)
    tampered(tmp_path, change)
    with pytest.raises(PassphraseWrong):
        reopen(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(format="other"),
        lambda d: d.pop("mac"),
        lambda d: d.update(extra=1),
        lambda d: d["kdf"].update(alg="pbkdf2"),
        lambda d: d["kdf"].update(lanes=4),
        lambda d: d["kdf"].update(memory_kib=2**40),
        lambda d: d["kdf"].update(passes=10**6),
        lambda d: d["kdf"].update(salt="AA"),
    ],
)
def test_another_form_of_keyring_is_refused_before_any_work(tmp_path: Path, change: object) -> None:
    """Foreign formats and absurd costs are refused without trying the passphrase."""
    make(tmp_path)
    tampered(tmp_path, change)
    with pytest.raises(KeyringError, match="form"):
        reopen(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"a":1,"a":2}', b"\xff"])
def test_a_file_that_is_no_keyring_is_refused(tmp_path: Path, content: bytes) -> None:
    """Garbage is an error with a name, and no crash."""
    make(tmp_path)
    (tmp_path / "keyring").write_bytes(content)
    with pytest.raises(KeyringError, match="form"):
        reopen(tmp_path)


def test_the_cost_of_a_guess_cannot_be_lowered() -> None:
    """Production has a floor; only the stand-in for tests is cheaper."""
    assert Argon2Cost(memory_kib=131_072, passes=4).passes == 4
    for cheaper in ({"memory_kib": 65_535}, {"passes": 2}):
        with pytest.raises(ValueError, match="cannot be lowered"):
            Argon2Cost(**cheaper)


def test_a_cheap_keyring_opens_only_when_asked_for(tmp_path: Path) -> None:
    """A keyring from a test is refused in production, before the passphrase is tried."""
    make(tmp_path)
    with pytest.raises(KeyringError, match="insecure_cost"):
        FileKeyring.open(tmp_path / "keyring", PASSPHRASE)


def test_a_production_keyring_opens(tmp_path: Path) -> None:
    """The default cost is the floor, is written down, and works."""
    FileKeyring.create(tmp_path / "keyring", PASSPHRASE, HOLDER).new_key(KeyUse.SIG, NOW)
    kdf = json.loads((tmp_path / "keyring").read_bytes())["kdf"]
    assert (kdf["memory_kib"], kdf["passes"]) == (65_536, 3)
    assert FileKeyring.open(tmp_path / "keyring", PASSPHRASE).kids(KeyUse.SIG)


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    """The file is 0600, and one that others can read is refused."""
    make(tmp_path)
    assert (tmp_path / "keyring").stat().st_mode & 0o777 == 0o600
    (tmp_path / "keyring").chmod(0o640)
    with pytest.raises(KeyringError, match="readable_by_others"):
        reopen(tmp_path)


def test_an_existing_keyring_is_never_overwritten(tmp_path: Path) -> None:
    """Making a keyring twice is an error and leaves the first one."""
    make(tmp_path)
    with pytest.raises(KeyringError, match="exists"):
        FileKeyring.create(tmp_path / "keyring", "another", HOLDER, cost=InsecureTestCost())
    assert reopen(tmp_path).kids(KeyUse.SIG)


def test_a_missing_or_linked_file_is_refused(tmp_path: Path) -> None:
    """Symbolic links are not followed: they could lead anywhere."""
    with pytest.raises(KeyringError, match="missing"):
        reopen(tmp_path)
    make(tmp_path)
    (tmp_path / "keyring").rename(tmp_path / "moved")
    (tmp_path / "keyring").symlink_to(tmp_path / "moved")
    with pytest.raises(KeyringError, match="missing"):
        reopen(tmp_path)


def test_nothing_but_the_keyring_is_left_behind(tmp_path: Path) -> None:
    """Writing leaves no half-written copies beside the file and its lock."""
    make(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keyring", "keyring.lock"]


def test_an_older_copy_of_the_file_is_refused_by_who_remembers(tmp_path: Path) -> None:
    """With the last serial at hand, an older file does not come back."""
    ring = make(tmp_path)
    old = (tmp_path / "keyring").read_bytes()
    ring.new_key(KeyUse.SIG, NOW)
    (tmp_path / "keyring").write_bytes(old)
    assert reopen(tmp_path).serial < ring.serial
    with pytest.raises(RollbackDetected, match="serial"):
        reopen(tmp_path, min_serial=ring.serial)


def test_two_processes_do_not_undo_each_others_keys(tmp_path: Path) -> None:
    """Who has an outdated copy in memory is told so instead of overwriting."""
    make(tmp_path)
    one, two = reopen(tmp_path), reopen(tmp_path)
    made = one.new_key(KeyUse.SIG, NOW)
    with pytest.raises(KeyringConflict):
        two.new_key(KeyUse.SIG, NOW)
    with pytest.raises(KeyringConflict):
        two.set_state(made, KeyState.ACCEPT_ONLY)
    assert reopen(tmp_path).kids(KeyUse.SIG)[0] == made


def test_an_owner_must_fit_into_a_key_name(tmp_path: Path) -> None:
    """A name that could be read as another key is refused."""
    for owner in ("ABH", "a#b", ""):
        with pytest.raises(MalformedError, match="agency_id"):
            FileKeyring.create(tmp_path / "k", PASSPHRASE, owner, cost=InsecureTestCost())
        with pytest.raises(MalformedError, match="agency_id"):
            InsecureMemoryKeyring(owner)


def test_no_secret_is_printed_copied_or_pickled(tmp_path: Path) -> None:
    """No handle, entry, keyring or error shows or hands out a secret."""
    ring = make(tmp_path)
    holders: list[object] = [
        ring,
        *ring.entries.values(),
        ring.signer(KeyUse.SIG),
        ring.log_signer(),
        ring.opener(KeyUse.KEM),
        ring.hmac_key(KeyUse.INDEX),
        ring.wrap_key(),
    ]
    secrets = [entry.secret for entry in ring.entries.values()]
    assert len(secrets) == len(KeyUse)
    for holder in holders:
        shown = repr(holder) + str(holder) + f"{holder}"
        for secret in secrets:
            for spelling in (repr(secret), secret.hex(), str(int.from_bytes(secret, "big"))):
                assert spelling not in shown
        assert PASSPHRASE not in shown
        for copier in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="holds a secret"):
                copier(holder)


@pytest.mark.parametrize(
    ("kid", "secret"),
    [("abh#sig-1", bytes(31)), ("abh#sig-1", bytes(112)), ("abh#none-1", bytes(32)), ("abh", b"")],
)
def test_an_entry_that_cannot_be_a_key_is_refused(kid: str, secret: bytes) -> None:
    """Wrong sizes and unknown uses do not become keys."""
    with pytest.raises(KeyringError, match="entry"):
        KeyEntry(Kid(kid), KeyState.ACTIVE, NOW, secret)


def test_a_secret_stands_in_the_file_only_sealed(tmp_path: Path) -> None:
    """The file shows names and states, and no secret in any spelling."""
    ring = make(tmp_path)
    content = (tmp_path / "keyring").read_bytes()
    for entry in ring.entries.values():
        assert entry.kid.encode() in content
        assert entry.secret not in content
        assert entry.secret.hex().encode() not in content
