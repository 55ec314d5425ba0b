# SPDX-License-Identifier: EUPL-1.2
"""Attacks on a release of the rules: forged, swapped, repacked, replayed, or simply not true."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keys.errors import MalformedError
from keys.releases import ReleaseKeys
from policies.bundle import Bundle
from policies.errors import ReleaseRefused
from policies.release.activate import activate
from policies.release.archive import MAX_TAR_BYTES, pack, unpack
from policies.release.layout import SIGNATURES
from policies.release.make import Release, shipped_golden
from policies.release.opa import opa_signatures
from policies.release.store import ReleaseStore
from tests.support.releases import (
    DAY,
    NOW,
    ReleaseHouse,
    SigningKey,
    few_golden,
    next_version,
    signed_files,
    without_field,
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


def _refused(store: ReleaseStore, file: Path, code: str, now: int = NOW) -> None:
    with pytest.raises(ReleaseRefused, match=f"^release refused: {code}$"):
        activate(store, file, now)
    [(path, refusal)] = store.refusals()
    assert refusal.code == code, "what was refused waits to be put on record"
    path.unlink()


def test_a_signature_of_nobody(house: ReleaseHouse, store: ReleaseStore) -> None:
    """A bit of the signature is another one; the statement itself is genuine."""
    made = house.make(6)
    head, _, signature = made.token.strip().rpartition(b".")
    other = b"A" if signature[:1] != b"A" else b"B"
    forged = Release(made.file, head + b"." + other + signature[1:], made.statement)
    _refused(store, house.lay(forged), "signature")


def test_the_twin_of_a_genuine_signature(house: ReleaseHouse, store: ReleaseStore) -> None:
    """(r, n - s) verifies too; it would give one release two names."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    made = house.make(6)
    head, _, signature = made.token.strip().rpartition(b".")
    raw = base64.urlsafe_b64decode(signature + b"==")
    twin = raw[:32] + (order - int.from_bytes(raw[32:])).to_bytes(32)
    token = head + b"." + base64.urlsafe_b64encode(twin).rstrip(b"=")
    _refused(store, house.lay(Release(made.file, token, made.statement)), "signature")


def test_another_key_under_the_genuine_name(house: ReleaseHouse, store: ReleaseStore) -> None:
    """The attacker's own key claims to be the pinned one."""
    attacker = ReleaseHouse(house.folder, SigningKey(house.key.kid))
    _refused(store, attacker.lay(attacker.make(6)), "signature")


def test_another_key_under_its_own_name(house: ReleaseHouse, store: ReleaseStore) -> None:
    """A key that nobody pinned signs well."""
    attacker = ReleaseHouse(house.folder, SigningKey("policy#release-2"))
    _refused(store, attacker.lay(attacker.make(6)), "signature")


def test_the_name_of_the_key_is_swapped_between_two_pinned_ones(
    tmp_path: Path, house: ReleaseHouse
) -> None:
    """Signed by the second key, but named after the first: both are pinned, and still it is no."""
    second = SigningKey("policy#release-2")
    verifier = ReleaseKeys([(house.key.kid, house.key.jwk), (second.kid, second.jwk)])
    store = ReleaseStore(tmp_path / "two", verifier)
    swapped = ReleaseHouse(house.folder, SigningKey(house.key.kid, second.key))
    _refused(store, swapped.lay(swapped.make(6)), "signature")
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
    _refused(store, house.lay(Release(made.file, token[:4096], made.statement)), "signature")
    _refused(store, house.lay(Release(made.file, b"\xff", made.statement)), "signature")


def test_a_replayed_older_release(house: ReleaseHouse, store: ReleaseStore) -> None:
    """Genuine and still valid, but its time in the sequence is over."""
    _refused(store, house.lay(house.make(4)), "older")


def test_another_release_under_the_same_sequence(house: ReleaseHouse, store: ReleaseStore) -> None:
    """Other content, and also the same content signed a second time under longer terms."""
    _refused(store, house.lay(house.make(5, next_version("2027.1.0"))), "same_sequence")
    _refused(store, house.lay(house.make(5, valid_until=NOW + 300 * DAY)), "same_sequence")


def test_an_expired_release(house: ReleaseHouse, store: ReleaseStore) -> None:
    """From its last second on it cannot come into force."""
    file = house.lay(house.make(6, valid_until=NOW + DAY))
    _refused(store, file, "expired", NOW + DAY)
    _refused(store, file, "expired", NOW + 300 * DAY)


def test_a_release_from_tomorrow(house: ReleaseHouse, store: ReleaseStore) -> None:
    """It waits for its first second."""
    _refused(store, house.lay(house.make(6, valid_from=NOW + 1)), "not_yet_valid")


def test_the_statement_of_one_release_beside_the_file_of_another(
    house: ReleaseHouse, store: ReleaseStore
) -> None:
    """Both are genuine; together they are nothing."""
    mixed = Release(house.make(6).file, house.make(7).token, house.make(7).statement)
    _refused(store, house.lay(mixed), "digest")


def test_one_byte_of_the_file_is_changed(house: ReleaseHouse, store: ReleaseStore) -> None:
    """Somewhere in the middle, where the rules are."""
    made = house.make(6)
    place = len(made.file) // 2
    changed = made.file[:place] + bytes([made.file[place] ^ 1]) + made.file[place + 1 :]
    _refused(store, house.lay(Release(changed, made.token, made.statement)), "digest")


def test_a_file_or_statement_that_is_not_there_or_not_a_file(
    house: ReleaseHouse, store: ReleaseStore, tmp_path: Path
) -> None:
    """Missing, a folder, a link to something else, or endless: refused without reading on."""
    file = house.lay(house.make(6))
    statement = file.with_name("release.jws")
    kept = statement.read_bytes()
    statement.unlink()
    _refused(store, file, "unreadable")
    statement.symlink_to(tmp_path / "policy" / "state.json")
    _refused(store, file, "unreadable")
    statement.unlink()
    statement.write_bytes(kept + b" " * 5_000)
    _refused(store, file, "too_large")
    _refused(store, tmp_path, "unreadable")


# --- what a bribed desk could sign ---------------------------------------------------------------


def _tar(*members: tuple[tarfile.TarInfo, bytes], files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in sorted(files.items()):
            plain = tarfile.TarInfo(name)
            plain.size = len(content)
            archive.addfile(plain, io.BytesIO(content))
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def _member(name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = len(content), kind, "/etc/passwd"
    return member


ODD_MEMBERS = {
    "an extra member": (_member("extra.json"), b"x"),
    "a path that climbs out": (_member("../escaped.json"), b"x"),
    "an absolute path": (_member("/etc/cron.d/x.json"), b"x"),
    "a path with a dot in between": (_member("data/../data/rules.json"), b"x"),
    "a symbolic link": (_member("data/link.json", b"", tarfile.SYMTYPE), b""),
    "a hard link": (_member("data/link.json", b"", tarfile.LNKTYPE), b""),
    "a device": (_member("data/device.json", b"", tarfile.CHRTYPE), b""),
    "a folder": (_member("data", b"", tarfile.DIRTYPE), b""),
    "a member twice": (_member("data/rules.json"), b"x"),
    "a name in another case": (_member("DATA/rules.json"), b"x"),
    "a patch that makes it a delta bundle": (_member("patch.json"), b"x"),
    "data for another root": (_member("lotse/data.json", b"{}"), b"{}"),
    "a policy of OPA's own system": (_member("system/authz.rego"), b"x"),
}


@pytest.mark.parametrize("what", ODD_MEMBERS)
def test_a_signed_archive_holds(what: str, house: ReleaseHouse, store: ReleaseStore) -> None:
    """The key vouches for these bytes, and they are still refused: nothing is unpacked to disk."""
    made = house.make(6)
    repacked = _tar(ODD_MEMBERS[what], files=unpack(made.file))
    with pytest.raises(ReleaseRefused, match=r"member|not_canonical"):
        activate(store, house.lay(house.vouch(made, repacked)), NOW)
    assert not list(house.folder.parent.rglob("*escaped*"))


def test_a_bomb_and_a_member_that_claims_to_be_huge(
    house: ReleaseHouse, store: ReleaseStore
) -> None:
    """A gigabyte of nothing, small on disk, and a header that lies about its size."""
    made = house.make(6)
    bomb = gzip.compress(bytes(MAX_TAR_BYTES + 1), mtime=0)
    assert len(bomb) < 20_000
    _refused(store, house.lay(house.vouch(made, bomb)), "too_large")
    header = _member("data.json")
    header.size = 2**33
    lying = gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(1024), mtime=0)
    with pytest.raises(ReleaseRefused, match=r"member|not_tar"):
        activate(store, house.lay(house.vouch(made, lying)), NOW)


@pytest.mark.parametrize(
    "twist",
    [
        lambda file: file + b"x",
        lambda file: file[:-1],
        lambda file: file + file,
        lambda file: gzip.compress(gzip.decompress(file), mtime=0),
        lambda file: gzip.compress(gzip.decompress(file) + bytes(512), mtime=0),
        lambda _file: b"",
        lambda _file: b"not a gzip",
    ],
    ids=["a byte more", "a byte less", "two of them", "compressed", "padded", "empty", "words"],
)
def test_another_spelling_of_the_same_files(
    twist: Callable[[bytes], bytes], house: ReleaseHouse, store: ReleaseStore
) -> None:
    """Two readers could find two things in such bytes; only the one spelling is read."""
    made = house.make(6)
    with pytest.raises(ReleaseRefused, match=r"not_gzip|not_canonical|not_tar"):
        activate(store, house.lay(house.vouch(made, twist(made.file))), NOW)


def test_the_statement_names_another_bundle_than_the_file_holds(
    house: ReleaseHouse, store: ReleaseStore
) -> None:
    """Decisions would carry a digest of rules that nobody evaluates."""
    made = house.make(6)
    _refused(store, house.lay(house.vouch(made, made.file, bundle="0" * 64)), "digest")
    _refused(store, house.lay(house.vouch(made, made.file, catalogue="1999.1.1")), "catalogue")
    _refused(store, house.lay(house.vouch(made, made.file, law_version="1999")), "catalogue")


def test_opa_would_see_another_signature_than_we_do(
    house: ReleaseHouse, store: ReleaseStore
) -> None:
    """Without OPA's signature, or with one of another key, both engines would not load the same."""
    made = house.make(6)
    files = unpack(made.file)
    other = files | {SIGNATURES: opa_signatures(files, SigningKey(house.key.kid))}
    less = {name: content for name, content in files.items() if name != SIGNATURES}
    stale = files | {"golden/U04.json": b"{}"}
    for changed in (other, less, stale, files | {SIGNATURES: b"{}"}):
        file = pack(changed)
        _refused(store, house.lay(house.vouch(made, file)), "opa_signature")


def test_data_that_the_reviewed_files_do_not_give(house: ReleaseHouse, store: ReleaseStore) -> None:
    """The engines' document widens what the reviewed file says; the digest fits, the source not."""
    files = dict(Bundle.load().files)
    document = json.loads(files["rego/data.json"])
    document["catalogue"]["rules"]["R02"]["fields"]["net_income"] = True
    files["rego/data.json"] = json.dumps(document).encode()
    bundle = Bundle.of(files)
    file = pack(signed_files(house.key, bundle=bundle, golden=few_golden()))
    made = house.make(6)
    forged = house.vouch(made, file, bundle=bundle.digest)
    _refused(store, house.lay(forged), "document")


def test_rules_that_allow_under_the_name_of_an_emergency(
    house: ReleaseHouse, store: ReleaseStore
) -> None:
    """An old release that calls itself an emergency would outrank every sequence."""
    made = house.make(1)
    forged = house.vouch(made, made.file, emergency=True)
    _refused(store, house.lay(forged), "emergency")
    narrowed = house.make(1, without_field("R02", "permit_issued"))
    _refused(store, house.lay(house.vouch(narrowed, narrowed.file, emergency=True)), "emergency")


def test_a_release_that_decides_otherwise_than_its_own_cases(
    house: ReleaseHouse, store: ReleaseStore
) -> None:
    """Signed by mistake before the cases were run: the self-test keeps it out."""
    file = house.lay(house.make(6, without_field("R02", "permit_type"), golden=shipped_golden()))
    _refused(store, file, "self_test")
