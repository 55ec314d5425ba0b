# SPDX-License-Identifier: EUPL-1.2
"""Releases that a bribed desk could sign: repacked, bombs, and content that is not what it says."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from policies.bundle import Bundle
from policies.errors import ReleaseRefused
from policies.release.activate import activate
from policies.release.archive import MAX_TAR_BYTES, pack, unpack
from policies.release.layout import SIGNATURES
from policies.release.make import shipped_golden
from policies.release.opa import opa_signatures
from policies.release.store import ReleaseStore
from tests.support.releases import (
    NOW,
    ReleaseHouse,
    SigningKey,
    check_refused,
    few_golden,
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
    check_refused(store, house.lay(house.vouch(made, bomb)), "too_large")
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
    check_refused(store, house.lay(house.vouch(made, made.file, bundle="0" * 64)), "digest")
    check_refused(store, house.lay(house.vouch(made, made.file, catalogue="1999.1.1")), "catalogue")
    check_refused(store, house.lay(house.vouch(made, made.file, law_version="1999")), "catalogue")


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
        check_refused(store, house.lay(house.vouch(made, file)), "opa_signature")


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
    check_refused(store, house.lay(forged), "document")


def test_rules_that_allow_under_the_name_of_an_emergency(
    house: ReleaseHouse, store: ReleaseStore
) -> None:
    """An old release that calls itself an emergency would outrank every sequence."""
    made = house.make(1)
    forged = house.vouch(made, made.file, emergency=True)
    check_refused(store, house.lay(forged), "emergency")
    narrowed = house.make(1, without_field("R02", "permit_issued"))
    check_refused(
        store, house.lay(house.vouch(narrowed, narrowed.file, emergency=True)), "emergency"
    )


def test_a_release_that_decides_otherwise_than_its_own_cases(
    house: ReleaseHouse, store: ReleaseStore
) -> None:
    """Signed by mistake before the cases were run: the self-test keeps it out."""
    file = house.lay(house.make(6, without_field("R02", "permit_type"), golden=shipped_golden()))
    check_refused(store, file, "self_test")
