# SPDX-License-Identifier: EUPL-1.2
"""The tree code against twenty lines that follow the recursion of RFC 6962 section 2.1 word for word."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.compactrange import Accumulator, CompactRange, extend
from audit.errors import ConsistencyInvalid, InclusionInvalid, UnusableInput
from audit.merkle import (
    EMPTY_ROOT,
    complete_root,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    peaks_of,
    verify_continuation,
    verify_inclusion,
)


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(d: list[bytes]) -> bytes:
    """MTH(D[n])."""
    if len(d) < 2:
        return sha256(b"\x00" + d[0]).digest() if d else sha256(b"").digest()
    k = split(len(d))
    return sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path(m: int, d: list[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(d) == 1:
        return []
    k = split(len(d))
    return [*path(m, d[:k]), mth(d[k:])] if m < k else [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m: int, d: list[bytes], whole: bool) -> list[bytes]:  # noqa: FBT001 - the b of the RFC
    """SUBPROOF(m, D[n], b)."""
    if m == len(d):
        return [] if whole else [mth(d)]
    k = split(len(d))
    if m <= k:
        return [*subproof(m, d[:k], whole), mth(d[k:])]
    return [*subproof(m - k, d[k:], False), mth(d[:k])]


def entries(count: int) -> list[bytes]:
    """Make different entries."""
    return [number.to_bytes(3) for number in range(count)]


class Tree:
    """Gives subtree hashes of a list of entries, as the database would."""

    def __init__(self, data: list[bytes]) -> None:
        """Hash all leaves."""
        self.hashes = [leaf_hash(item) for item in data]

    def node(self, level: int, position: int) -> bytes:
        """Hash a complete subtree."""
        return complete_root(self.hashes[position << level : (position + 1) << level])


sizes = st.integers(1, 300)

slow_reference = settings(deadline=None, max_examples=60)
"""The reference hashes everything again for each answer."""


@slow_reference
@given(sizes, st.data())
def test_roots_and_inclusion_proofs_are_those_of_the_reference(
    size: int, data: st.DataObject
) -> None:
    """Any entry of any tree: same root, same path, and the path verifies."""
    all_entries = entries(size)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, Tree(all_entries).node)
    assert proof == tuple(path(index, all_entries))
    verify_inclusion(index, size, leaf_hash(all_entries[index]), proof, mth(all_entries))


@slow_reference
@given(sizes, st.data())
def test_consistency_proofs_are_those_of_the_reference(new: int, data: st.DataObject) -> None:
    """Any two sizes of one log: same proof, and it verifies."""
    old = data.draw(st.integers(1, new))
    all_entries = entries(new)
    proof = consistency_proof(old, new, Tree(all_entries).node)
    assert proof == tuple(subproof(old, all_entries, True))
    verify_continuation(old, new, mth(all_entries[:old]), mth(all_entries), proof)


@slow_reference
@given(st.lists(st.integers(0, 40), max_size=8))
def test_growing_in_batches_gives_the_root_and_every_path_of_the_reference(
    batches: list[int],
) -> None:
    """However entries are cut into batches, each batch's root and paths are right."""
    grown = CompactRange.empty()
    for batch in batches:
        all_entries = entries(grown.size + batch)
        added = extend(grown, [leaf_hash(item) for item in all_entries[grown.size :]])
        assert added.root == mth(all_entries)
        for offset, proof in enumerate(added.paths):
            assert list(proof) == path(grown.size + offset, all_entries)
        grown = CompactRange.from_bytes(added.range.size, added.range.to_bytes())
        assert grown == added.range


@slow_reference
@given(sizes)
def test_an_accumulator_has_the_peaks_of_the_compact_range(size: int) -> None:
    """Root and peaks agree with the other way to grow a tree, from leaves and from whole subtrees."""
    tree = Tree(entries(size))
    whole = extend(CompactRange.empty(), tree.hashes)
    one_by_one, by_subtree = Accumulator(), Accumulator()
    for item in tree.hashes:
        one_by_one.push(0, item)
    for level, position in peaks_of(size):
        by_subtree.push(level, tree.node(level, position))
    assert one_by_one.root == by_subtree.root == whole.root
    assert tuple(peak for _, peak in one_by_one.peaks) == whole.range.peaks


@slow_reference
@given(sizes, st.data())
def test_one_changed_bit_breaks_an_inclusion_proof(size: int, data: st.DataObject) -> None:
    """No bit of leaf, path or root can be changed."""
    all_entries = entries(size)
    index = data.draw(st.integers(0, size - 1))
    parts = [leaf_hash(all_entries[index]), mth(all_entries), *path(index, all_entries)]
    which = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, 255))
    parts[which] = (int.from_bytes(parts[which]) ^ 1 << bit).to_bytes(32)
    with pytest.raises(InclusionInvalid):
        verify_inclusion(index, size, parts[0], parts[2:], parts[1])


@slow_reference
@given(st.integers(2, 300), st.data())
def test_one_changed_entry_breaks_every_continuation(new: int, data: st.DataObject) -> None:
    """A log whose past was changed has no proof that it continues the old one."""
    old = data.draw(st.integers(1, new - 1))
    before = entries(new)
    after = list(before)
    after[data.draw(st.integers(0, old - 1))] = b"changed"
    proof = consistency_proof(old, new, Tree(after).node)
    with pytest.raises(ConsistencyInvalid):
        verify_continuation(old, new, mth(before[:old]), mth(after), proof)


def test_the_empty_tree() -> None:
    """It has a root, no proofs, and nothing in it."""
    assert CompactRange.empty().root == Accumulator().root == EMPTY_ROOT == mth([])
    assert consistency_proof(0, 5, Tree(entries(5)).node) == ()
    with pytest.raises(UnusableInput):
        inclusion_proof(0, 0, Tree([]).node)
    with pytest.raises(InclusionInvalid):
        verify_inclusion(0, 0, bytes(32), [], EMPTY_ROOT)
    with pytest.raises(ConsistencyInvalid):
        verify_continuation(0, 5, EMPTY_ROOT, mth(entries(5)), [])


def test_sizes_in_the_wrong_order_have_no_proof() -> None:
    """A log does not shrink."""
    with pytest.raises(UnusableInput):
        consistency_proof(5, 4, Tree(entries(5)).node)


def test_a_compact_range_of_the_wrong_length_is_refused() -> None:
    """Six entries have two peaks."""
    with pytest.raises(UnusableInput):
        CompactRange.from_bytes(6, bytes(32))
