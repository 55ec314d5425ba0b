# SPDX-License-Identifier: EUPL-1.2
"""The hash tree of RFC 6962 section 2.1: prove membership and continuity, check such proofs.

Everything here is a pure function of bytes and sizes.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TypeAlias

from audit.base64s import HASH_BYTES
from audit.errors import ConsistencyInvalid, InclusionInvalid, UnusableInput

EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without entries (RFC 6962 section 2.1)."""

Node: TypeAlias = Callable[[int, int], bytes]
"""node(level, position): hash of the complete subtree over [position * 2**level, (position + 1) * 2**level)."""


def leaf_hash(leaf: bytes) -> bytes:
    """Return SHA-256(0x00 || leaf)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a power-of-two number of neighbouring subtree hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def peaks_of(size: int) -> list[tuple[int, int]]:
    """Return (level, position) of the complete subtrees that make up a tree of `size`, largest first."""
    peaks = []
    start = 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            peaks.append((level, start >> level))
            start += 1 << level
    return peaks


def bag(peaks: Sequence[bytes]) -> bytes:
    """Join peaks from the right into the root above them."""
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def _split(size: int) -> int:
    """Return the largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


def range_root(low: int, high: int, node: Node) -> bytes:
    """Return the tree hash over entries [low, high); `low` must be a multiple of every subtree used (RFC recursion)."""
    base = [node(level, (low >> level) + position) for level, position in peaks_of(high - low)]
    return bag(base)


def inclusion_proof(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """Return the audit path of entry `index` in the tree of `size`, from the leaf's sibling up (RFC 6962 2.1.1).

    Raises:
        UnusableInput: there is no such entry.
    """
    if not 0 <= index < size:
        message = f"a tree of {size} entries has no entry {index}"
        raise UnusableInput(message)
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(range_root(middle, high, node))
            high = middle
        else:
            path.append(range_root(low, middle, node))
            low = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, node: Node) -> tuple[bytes, ...]:
    """Return the proof that the tree of `new` entries begins with the tree of `old` (RFC 6962 2.1.2).

    Empty when both are the same or the old tree was empty.

    Raises:
        UnusableInput: the sizes are in the wrong order.
    """
    if not 0 <= old <= new:
        message = f"there is no proof from {old} to {new} entries"
        raise UnusableInput(message)
    if old in (0, new):
        return ()
    proof: list[bytes] = []
    low, high = 0, new
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            proof.append(range_root(middle, high, node))
            high = middle
        else:
            proof.append(range_root(low, middle, node))
            low = middle
    if low:
        proof.append(range_root(low, high, node))
    return tuple(reversed(proof))


def root_from_path(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """Return the root that `path` leads to from the leaf hash `leaf` (RFC 9162 section 2.1.3.2).

    Raises:
        InclusionInvalid: no such index, or the path has the wrong length for the size.
    """
    if not 0 <= index < size or len(leaf) != HASH_BYTES:
        message = f"a tree of {size} entries has no entry {index}"
        raise InclusionInvalid(message)
    first, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0 or len(sibling) != HASH_BYTES:
            message = f"the path of entry {index} is too long for {size} entries"
            raise InclusionInvalid(message)
        if first & 1 or first == last:
            root = node_hash(sibling, root)
            while not first & 1 and first:
                first >>= 1
                last >>= 1
        else:
            root = node_hash(root, sibling)
        first >>= 1
        last >>= 1
    if last:
        message = f"the path of entry {index} is too short for {size} entries"
        raise InclusionInvalid(message)
    return root


def verify_inclusion(
    index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes
) -> None:
    """Check that the leaf hash `leaf` is entry `index` of the tree with this `size` and `root`.

    Raises:
        InclusionInvalid: it is not.
    """
    if root_from_path(index, size, leaf, path) != root:
        message = f"entry {index} does not lead to the root that was signed for {size} entries"
        raise InclusionInvalid(message)


def verify_continuation(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree (new, new_root) begins with the tree (old, old_root), old > 0 (RFC 9162 section 2.1.4.2).

    Raises:
        ConsistencyInvalid: it does not; the log was rewritten, truncated or forked.
    """
    broken = ConsistencyInvalid(
        f"the log of {new} entries does not continue the log of {old} entries"
    )
    if not 0 < old <= new or any(len(item) != HASH_BYTES for item in proof):
        raise broken
    if old == new:
        if proof or old_root != new_root:
            raise broken
        return
    hashes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if _two_roots(old, new, hashes) != (old_root, new_root):
        raise broken


def _two_roots(old: int, new: int, hashes: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Return the roots of both trees that a consistency proof leads to; None if its length is wrong."""
    first, last = old - 1, new - 1
    while first & 1:
        first >>= 1
        last >>= 1
    if not hashes:
        return None
    seen_old = seen_new = hashes[0]
    for item in hashes[1:]:
        if last == 0:
            return None
        if first & 1 or first == last:
            seen_old = node_hash(item, seen_old)
            seen_new = node_hash(item, seen_new)
            while not first & 1 and first:
                first >>= 1
                last >>= 1
        else:
            seen_new = node_hash(seen_new, item)
        first >>= 1
        last >>= 1
    return None if last else (seen_old, seen_new)
