# SPDX-License-Identifier: EUPL-1.2
"""The release file has one spelling, holds what it should, and is what other readers see."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.bundle import Bundle
from policies.errors import ReleaseRefused
from policies.release.archive import MAX_FILE_BYTES, MAX_FILES, pack, unpack
from policies.release.layout import MANIFEST, lay_out, manifest, read_layout
from policies.release.make import shipped_golden
from policies.release.opa import file_hash
from tests.support.releases import SigningKey, signed_files

NAMES = st.from_regex(
    r"[a-z0-9_]{1,12}(/[A-Za-z0-9_]{1,12}){0,3}\.(json|rego|wasm)", fullmatch=True
)


@given(st.dictionaries(NAMES, st.binary(max_size=200), max_size=8))
def test_what_is_packed_comes_out_again_and_is_the_same_twice(files: dict[str, bytes]) -> None:
    """Packing is a function of the files alone: neither their order nor the hour counts."""
    release = pack(files)
    assert unpack(release) == files
    assert pack(dict(reversed(files.items()))) == release


@given(st.binary(min_size=1, max_size=60), st.data())
def test_one_changed_byte_is_never_the_same_release(content: bytes, data: st.DataObject) -> None:
    """Every byte of the file is either refused or makes other content; none is ignored."""
    release = pack({"data.json": content})
    place = data.draw(st.integers(0, len(release) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != release[place]))
    changed = release[:place] + bytes([other]) + release[place + 1 :]
    try:
        files = unpack(changed)
    except ReleaseRefused:
        return
    assert files != {"data.json": content}


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_get_refused(noise: bytes) -> None:
    """Whatever somebody sends, the answer is a refusal and no accident."""
    with pytest.raises(ReleaseRefused):
        unpack(noise)


def test_other_readers_find_the_same_files() -> None:
    """Python's own gzip and tar readers agree; time and owner are zero, names are sorted."""
    files = signed_files(SigningKey())
    tar = gzip.decompress(pack(files))
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        members = archive.getmembers()
        found = {m.name: reader.read() for m in members if (reader := archive.extractfile(m))}
    assert found == files
    assert [m.name for m in members] == sorted(files)
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {
        (0, 0, 0, "", "", 0o644)
    }


def test_a_bundle_goes_in_and_out_of_a_release() -> None:
    """The digest survives; golden cases travel beside the bundle and are not part of it."""
    contents = read_layout(unpack(pack(signed_files(SigningKey()))))
    assert contents.bundle == Bundle.load()
    assert contents.golden == shipped_golden()
    assert json.loads(contents.files[MANIFEST])["revision"] == Bundle.load().digest


@pytest.mark.parametrize(
    "name",
    [
        "data/data.json",
        "golden/data.json",
        "golden/patch.json",
        "patch.json",
        "lotse/exchange/decision_test.rego",
        "system/authz.rego",
        "lotse/data.json",
        "other.wasm",
        "data/unknown.json",
    ],
)
def test_a_file_without_a_place_is_refused(name: str) -> None:
    """A file that OPA would load and we would not, or the other way round, is in no release."""
    with pytest.raises(ReleaseRefused, match="member"):
        read_layout(signed_files(SigningKey()) | {name: b"{}"})


def test_a_release_for_another_version_of_lotse_is_refused() -> None:
    """Without one of the data files there is no catalogue."""
    files = signed_files(SigningKey())
    del files["data/norms.json"]
    with pytest.raises(ReleaseRefused, match="files"):
        read_layout(files)
    del files["policy.wasm"]
    with pytest.raises(ReleaseRefused, match="files"):
        read_layout(files)


@pytest.mark.parametrize("wrong", [b"{}", manifest("0" * 64), b""])
def test_the_manifest_names_this_bundle_and_these_roots(wrong: bytes) -> None:
    """The revision that OPA reports is the digest that stands in decisions."""
    with pytest.raises(ReleaseRefused, match="manifest"):
        read_layout(signed_files(SigningKey()) | {MANIFEST: wrong})


def test_size_and_number_are_bounded() -> None:
    """A release that would not be read is not written either."""
    with pytest.raises(ReleaseRefused, match="too_many"):
        pack({f"data/f{number}.json": b"" for number in range(MAX_FILES + 1)})
    with pytest.raises(ReleaseRefused, match="too_large"):
        pack({"data.json": bytes(MAX_FILE_BYTES + 1)})
    with pytest.raises(ReleaseRefused, match="too_large"):
        pack({f"d{n}.json": bytes(MAX_FILE_BYTES) for n in range(5)})


def test_json_is_hashed_as_opa_hashes_it() -> None:
    """Key order, spaces and escapes do not count in files that OPA reads as JSON, bytes elsewhere."""
    spaced, dense = b'{ "b": [1, "\\u00e4"], "a": null }', '{"a":null,"b":[1,"ä"]}'.encode()
    assert file_hash("data.json", spaced) == file_hash("data.json", dense)
    assert file_hash("data/norms.json", spaced) != file_hash("data/norms.json", dense)
    line_end = '{"a":"x\u2028y"}'.encode()
    assert file_hash("data.json", line_end) == file_hash("data/norms.json", b'{"a":"x\\u2028y"}')


def test_tests_of_the_rules_do_not_travel() -> None:
    """What only checks is not in the release."""
    assert not [n for n in lay_out(Bundle.load(), {}) if "test" in n or n.startswith("golden/")]
