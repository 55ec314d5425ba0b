# SPDX-License-Identifier: EUPL-1.2
"""Notes, checkpoints, receipts, tiles: what is written is read back, and nothing else is accepted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.base64s import decode, encode
from audit.checkpoint import Checkpoint, log_key, open_checkpoint, peek_checkpoint, sign_checkpoint
from audit.errors import SignatureInvalid, UnusableInput
from audit.note import COSIGNATURE, ED25519, VerifierKey, open_note, sign_note, signature_line
from audit.proof import TlogProof
from audit.tiles import (
    TileRef,
    bundle_path,
    decode_bundle,
    encode_bundle,
    parse_number,
    tile_width,
    tiles_of,
)
from tests.unit.audit.samples import ORIGIN, InsecureLogSigner

SIGNER = InsecureLogSigner()
KEY = log_key(ORIGIN, SIGNER)
CHECKPOINT = Checkpoint(ORIGIN, 7, bytes(range(32)))
NOTE = sign_checkpoint(CHECKPOINT, SIGNER)


def test_a_checkpoint_is_read_back() -> None:
    """Signed, opened, equal."""
    assert open_checkpoint(NOTE, [KEY]) == peek_checkpoint(NOTE) == CHECKPOINT


def test_signatures_of_unknown_keys_are_ignored() -> None:
    """Fifteen strangers do not matter, wherever they stand."""
    lines = "".join(
        signature_line(f"stranger{n}", b"\x00\x00\x00\x01", b"x" * 64) for n in range(15)
    )
    text, own = NOTE.split("\n\n")
    assert open_checkpoint(f"{text}\n\n{lines}{own}", [KEY]) == CHECKPOINT
    assert open_checkpoint(NOTE + lines, [KEY]) == CHECKPOINT


def test_a_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    """Also beside a right one."""
    with pytest.raises(SignatureInvalid):
        open_checkpoint(NOTE + signature_line(ORIGIN, KEY.id, b"x" * 64), [KEY])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        NOTE.removesuffix("\n"),
        NOTE.replace("\u2014 ", "- "),
        NOTE.replace("\u2014 ", "\u2014"),
        NOTE.replace("7\n", "7\r\n", 1),
        NOTE[:-2] + "!\n",
        NOTE.replace("=\n", "\n"),
        NOTE + "\u2014 a+b AAAAAAAA\n",
        NOTE + "\u2014 short AAAA\n",
        NOTE + signature_line("x", b"abcd", b"y") * 65,
    ],
)
def test_what_is_not_a_signed_note_is_refused(note: str) -> None:
    """Every deviation from the format is unusable, not merely unsigned."""
    with pytest.raises(UnusableInput):
        open_note(note, [KEY])


@pytest.mark.parametrize(
    "body",
    [
        f"{ORIGIN}\n07\n{encode(bytes(32))}\n",
        f"{ORIGIN}\n-1\n{encode(bytes(32))}\n",
        f"{ORIGIN}\n7\n{encode(bytes(31))}\n",
        f"{ORIGIN}\n7\n",
        f"\n7\n{encode(bytes(32))}\n",
        f"{ORIGIN}\n٧\n{encode(bytes(32))}\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(body: str) -> None:
    """The signature alone does not make it one."""
    with pytest.raises(UnusableInput):
        open_checkpoint(sign_note(body, ORIGIN, SIGNER), [KEY])


@pytest.mark.parametrize("name", ["", "with space", "with+plus", "line\nfeed", "no\u00a0break"])
def test_key_names_that_could_be_confused_are_refused(name: str) -> None:
    """Names have no spaces and no plus."""
    with pytest.raises(UnusableInput):
        VerifierKey(name, ED25519, bytes(32))


def test_verifier_keys_are_read_back_and_checked() -> None:
    """The id must belong to name and key; types other than Ed25519 are not known."""
    assert VerifierKey.parse(KEY.to_text()) == KEY
    name, ident, material = KEY.to_text().split("+", 2)
    wrong = [
        f"{name}+00000000+{material}",
        f"other+{ident}+{material}",
        f"{name}+{ident}",
        f"{name}+{ident}+{encode(bytes([6]) + bytes(1312))}",
        f"{name}+{ident}+",
        f"{name}+{ident}+{material}x",
    ]
    for text in wrong:
        with pytest.raises(UnusableInput):
            VerifierKey.parse(text)


def test_a_cosignature_covers_its_time() -> None:
    """c2sp.org/tlog-cosignature: 64-bit time before the signature over header, time and checkpoint."""
    witness = VerifierKey("witness.example", COSIGNATURE, SIGNER.public_bytes())
    signature = SIGNER.sign(b"cosignature/v1\ntime 1679315147\n" + CHECKPOINT.body().encode())
    line = signature_line(witness.name, witness.id, (1679315147).to_bytes(8) + signature)
    assert open_note(NOTE + line, [KEY, witness]).signed_by == (KEY, witness)
    late = signature_line(witness.name, witness.id, (1679315148).to_bytes(8) + signature)
    with pytest.raises(SignatureInvalid):
        open_note(NOTE + late, [KEY, witness])


def test_a_witness_alone_does_not_make_a_checkpoint() -> None:
    """The log itself must have signed."""
    witness = VerifierKey(ORIGIN, COSIGNATURE, SIGNER.public_bytes())
    signature = SIGNER.sign(b"cosignature/v1\ntime 1\n" + CHECKPOINT.body().encode())
    note = (
        CHECKPOINT.body() + "\n" + signature_line(ORIGIN, witness.id, (1).to_bytes(8) + signature)
    )
    with pytest.raises(SignatureInvalid):
        open_checkpoint(note, [witness])


@given(
    st.integers(0, 2**62),
    st.lists(st.binary(min_size=32, max_size=32), max_size=40),
    st.one_of(st.none(), st.binary(max_size=300)),
)
def test_receipts_are_read_back(index: int, path: list[bytes], extra: bytes | None) -> None:
    """Any index, path and extra survive the text form."""
    proof = TlogProof(index, tuple(path), NOTE, extra)
    assert TlogProof.from_text(proof.to_text()) == proof


GOOD = TlogProof(3, (bytes(32),), NOTE, b"leaf").to_text()


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.replace("@v1", "@v2"),
        GOOD.replace("index 3", "index 03"),
        GOOD.replace("index 3\n", ""),
        GOOD.replace("extra bGVhZg==", "extra bGVhZg"),
        GOOD.replace("extra bGVhZg==", "extra bGVhZh=="),
        GOOD.replace(encode(bytes(32)), encode(bytes(31))),
        GOOD.split("\n\n", maxsplit=1)[0],
        GOOD.replace(encode(bytes(32)), "\n".join([encode(bytes(32))] * 64)),
    ],
)
def test_what_is_not_a_receipt_is_refused(text: str) -> None:
    """Every deviation from c2sp.org/tlog-proof is unusable."""
    with pytest.raises(UnusableInput):
        TlogProof.from_text(text)


@given(st.binary(max_size=40))
def test_base64_has_one_spelling(data: bytes) -> None:
    """What we write we read; without padding it is refused."""
    text = encode(data)
    assert decode(text, "it") == data
    if text.endswith("="):
        with pytest.raises(UnusableInput):
            decode(text.rstrip("="), "it")


@given(st.integers(0, 10**12), st.integers(1, 256))
def test_tile_numbers_are_read_back(number: int, width: int) -> None:
    """Any number and width survive the path form."""
    assert parse_number(bundle_path(number, width).removeprefix("tile/entries/")) == (number, width)


@pytest.mark.parametrize(
    "text", ["1", "0001", "x001", "x000/001", "001.p/0", "001.p/257", "001.p/256", "../001"]
)
def test_other_spellings_of_a_tile_number_are_refused(text: str) -> None:
    """One tile has one path, and no path leads elsewhere."""
    with pytest.raises(UnusableInput):
        parse_number(text)


@given(st.integers(0, 20_000_000))
def test_tiles_cover_the_tree(size: int) -> None:
    """On each level, the widths add up to the number of complete subtrees."""
    hashes: dict[int, int] = {}
    for ref in tiles_of(size) if size < 300_000 else []:
        hashes[ref.level] = hashes.get(ref.level, 0) + ref.width
        assert tile_width(size, ref.level, ref.number) == ref.width
    assert all(count == size >> 8 * level for level, count in hashes.items())
    assert tile_width(size, 0, size // 256 + 1) == 0


def test_impossible_tiles_are_refused() -> None:
    """Empty ones are not served, wider ones do not exist."""
    for level, number, width in ((-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)):
        with pytest.raises(UnusableInput):
            TileRef(level, number, width)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_are_read_back(entries: list[bytes]) -> None:
    """Entries survive, also empty ones; a bundle that is cut off is refused."""
    data = encode_bundle(entries)
    assert decode_bundle(data) == entries
    if data:
        with pytest.raises(UnusableInput):
            decode_bundle(data[:-1] if entries[-1] else data + b"\x00\x05")


def test_an_entry_longer_than_its_length_field_is_refused() -> None:
    """65,535 bytes is the most."""
    assert len(encode_bundle([bytes(65_535)])) == 65_537
    with pytest.raises(UnusableInput):
        encode_bundle([bytes(65_536)])
