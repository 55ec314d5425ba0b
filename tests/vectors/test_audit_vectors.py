# SPDX-License-Identifier: EUPL-1.2
"""Vectors that others published: C2SP and Go (signed notes), transparency-dev (RFC 6962 trees)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audit.checkpoint import Checkpoint
from audit.compactrange import Accumulator, CompactRange, extend
from audit.errors import ConsistencyInvalid, InclusionInvalid, SignatureInvalid
from audit.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    verify_continuation,
    verify_inclusion,
)
from audit.note import VerifierKey, open_note
from audit.tiles import TileRef, bundle_path, tiles_of

HERE = Path(__file__).parent / "audit"
NOTES: dict[str, Any] = json.loads((HERE / "signed_note.json").read_text(encoding="utf-8"))
TREE: dict[str, Any] = json.loads((HERE / "rfc6962.json").read_text(encoding="utf-8"))
LEAF_HASHES = [bytes.fromhex(item) for item in TREE["leaf_hashes"]]
ROOTS = [EMPTY_ROOT, *(bytes.fromhex(item) for item in TREE["roots"])]
SOME_HASH = bytes.fromhex("abacaba000000000000000000000000000000000000000000060061e00123456")


def node(level: int, position: int) -> bytes:
    """Hash a complete subtree of the published tree."""
    if level == 0:
        return LEAF_HASHES[position]
    return node_hash(node(level - 1, 2 * position), node(level - 1, 2 * position + 1))


def test_the_example_note_of_the_specification_verifies() -> None:
    """C2SP's example note opens with C2SP's example key, and the key is written back the same."""
    key = VerifierKey.parse(NOTES["vkey"])
    assert key.id.hex() == "530d903a"
    assert key.to_text() == NOTES["vkey"]
    assert open_note(NOTES["note"], [key]).text == NOTES["text"]


def test_the_example_note_with_one_letter_changed_is_refused() -> None:
    """The signature covers the text."""
    with pytest.raises(SignatureInvalid):
        open_note(
            NOTES["note"].replace("example message", "example massage"),
            [VerifierKey.parse(NOTES["vkey"])],
        )


def test_the_note_of_the_go_project_verifies_for_one_and_for_both_signers() -> None:
    """A note with two signatures opens for whoever knows one of the keys."""
    (vector,) = NOTES["more"]
    peter = VerifierKey.parse(vector["vkeys"][0])
    enoch = VerifierKey.parse(vector["vkeys"][1])
    assert open_note(vector["note"], [peter]).signed_by == (peter,)
    assert open_note(vector["note"], [enoch, peter]).signed_by == (peter, enoch)


def test_leaf_hashes_and_roots_are_the_published_ones() -> None:
    """Eight published leaves give the nine published roots, grown one by one and all at once."""
    hashes = [leaf_hash(bytes.fromhex(item)) for item in TREE["leaves"]]
    assert hashes == LEAF_HASHES
    assert bytes.fromhex(TREE["empty_root"]) == CompactRange.empty().root
    one_by_one = Accumulator()
    for size in range(1, 9):
        one_by_one.push(0, hashes[size - 1])
        assert one_by_one.root == extend(CompactRange.empty(), hashes[:size]).root == ROOTS[size]


@pytest.mark.parametrize("vector", TREE["inclusion"])
def test_published_inclusion_proofs(vector: dict[str, Any]) -> None:
    """Each published proof is what we compute, verifies, and fails in every way it can be bent."""
    index, size = vector["index"], vector["size"]
    leaf, root = LEAF_HASHES[index], ROOTS[size]
    proof = tuple(bytes.fromhex(item) for item in vector["proof"])
    assert inclusion_proof(index, size, node) == proof
    verify_inclusion(index, size, leaf, proof, root)
    bent = [
        (index - 1, size, leaf, proof, root),
        (index + 1, size, leaf, proof, root),
        (index ^ 2, size, leaf, proof, root),
        (index, size * 2, leaf, proof, root),
        (index, size // 2, leaf, proof, root),
        (index, size, b"WrongLeaf", proof, root),
        (index, size, SOME_HASH, proof, root),
        (index, size, leaf, proof, EMPTY_ROOT),
        (index, size, leaf, proof, SOME_HASH),
        (index, size, leaf, (*proof, b""), root),
        (index, size, leaf, (*proof, root), root),
        (index, size, leaf, (b"", *proof), root),
        (index, size, leaf, (root, *proof), root),
        *(
            (index, size, leaf, (*proof[:i], flip(proof[i]), *proof[i + 1 :]), root)
            for i in range(len(proof))
        ),
    ]
    if proof:
        bent.append((index, size, leaf, proof[:-1], root))
    for wrong in bent:
        with pytest.raises(InclusionInvalid):
            verify_inclusion(*wrong)


@pytest.mark.parametrize("vector", TREE["consistency"])
def test_published_consistency_proofs(vector: dict[str, Any]) -> None:
    """Each published proof is what we compute, verifies, and fails in every way it can be bent."""
    old, new = vector["old"], vector["new"]
    first, second = ROOTS[old], ROOTS[new]
    proof = tuple(bytes.fromhex(item) for item in vector["proof"])
    assert consistency_proof(old, new, node) == proof
    verify_continuation(old, new, first, second, proof)
    bent = [
        (old - 1, new, first, second, proof),
        (old, new, SOME_HASH, second, proof),
        (old, new, first, SOME_HASH, proof),
        (old, new, first, second, (*proof, b"")),
        (old, new, first, second, (*proof, first)),
        (old, new, first, second, (first, *proof)),
        (new + 1, new, second, first, proof),
    ]
    if proof:
        bent += [
            (old + 1, new, first, second, proof),
            (old ^ 2, new, first, second, proof),
            (old, new * 2, first, second, proof),
            (old, new // 2, first, second, proof),
            (old, new, second, first, proof),
            (old, new, first, second, ()),
            (old, new, first, second, proof[:-1]),
            (old, new, first, second, (proof[0], *proof)),
            *(
                (old, new, first, second, (*proof[:i], flip(proof[i]), *proof[i + 1 :]))
                for i in range(len(proof))
            ),
        ]
    for wrong in bent:
        with pytest.raises(ConsistencyInvalid):
            verify_continuation(*wrong)


def flip(item: bytes) -> bytes:
    """Change one bit."""
    return bytes([item[0] ^ 8]) + item[1:]


def test_the_tiles_of_70000_entries_are_those_of_the_specification() -> None:
    """C2SP tlog-tiles, "Merkle Tree": 273 full and one partial tile at level 0, one and one at 1, one at 2."""
    tiles = list(tiles_of(70_000))
    assert [ref.width for ref in tiles if ref.level == 0] == [256] * 273 + [112]
    assert [ref for ref in tiles if ref.level > 0] == [
        TileRef(1, 0, 256),
        TileRef(1, 1, 17),
        TileRef(2, 0, 1),
    ]


def test_tile_paths_are_those_of_the_specification() -> None:
    """C2SP tlog-tiles, "Merkle Tree": 1234067 is written x001/x234/067."""
    assert TileRef(0, 1234067).path == "tile/0/x001/x234/067"
    assert TileRef(1, 1, 17).path == "tile/1/001.p/17"
    assert bundle_path(273, 112) == "tile/entries/273.p/112"


def test_the_checkpoint_of_the_specification_is_read_and_written_the_same() -> None:
    """C2SP tlog-checkpoint, first example: origin, size and root."""
    body = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = Checkpoint.parse_body(body)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.body() == body
