# SPDX-License-Identifier: EUPL-1.2
"""Grow the hash tree without holding it: one hash per set bit of the size is enough.

`CompactRange` appends a batch and proves every new leaf; `Accumulator` only wants the root.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from audit.base64s import HASH_BYTES
from audit.errors import UnusableInput
from audit.merkle import EMPTY_ROOT, bag, node_hash, peaks_of


@dataclass(frozen=True, slots=True)
class CompactRange:
    """The complete subtrees of a tree of `size`, largest first: enough to compute its root and to grow it."""

    size: int
    peaks: tuple[bytes, ...]

    @classmethod
    def empty(cls) -> Self:
        """Return the range of a tree without entries."""
        return cls(0, ())

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            UnusableInput: the number of hashes does not fit the size.
        """
        if len(data) != HASH_BYTES * size.bit_count():
            message = f"a tree of {size} entries has {size.bit_count()} peaks, not {len(data) / HASH_BYTES:g}"
            raise UnusableInput(message)
        return cls(size, tuple(data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)))

    def to_bytes(self) -> bytes:
        """Return the hashes one after another (at most 2 KiB for 2**64 entries)."""
        return b"".join(self.peaks)

    @property
    def root(self) -> bytes:
        """Return the RFC 6962 tree head."""
        return bag(self.peaks) if self.peaks else EMPTY_ROOT


class Accumulator:
    """Computes the root of leaves that are read one after another; remembers only the peaks."""

    __slots__ = ("_peaks",)

    def __init__(self, peaks: Sequence[tuple[int, bytes]] = ()) -> None:
        """Start from (level, hash) peaks, largest first."""
        self._peaks = list(peaks)

    def push(self, level: int, subtree: bytes) -> None:
        """Append a complete subtree of 2**level leaves; it must not be larger than the last one."""
        while self._peaks and self._peaks[-1][0] == level:
            subtree = node_hash(self._peaks.pop()[1], subtree)
            level += 1
        self._peaks.append((level, subtree))

    @property
    def peaks(self) -> tuple[tuple[int, bytes], ...]:
        """Return (level, hash) of the complete subtrees so far, largest first."""
        return tuple(self._peaks)

    @property
    def root(self) -> bytes:
        """Return the tree head over everything pushed so far."""
        return bag([peak for _, peak in self._peaks]) if self._peaks else EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class Extension:
    """A grown tree: its range, its root, and the inclusion path of every leaf just added."""

    range: CompactRange
    root: bytes
    paths: tuple[tuple[bytes, ...], ...]


def extend(old: CompactRange, leaves: Sequence[bytes]) -> Extension:
    """Append leaf hashes and prove all of them in the new tree, visiting each new node once."""
    start = old.size
    end = start + len(leaves)
    known = {
        position << level: peak
        for (level, position), peak in zip(peaks_of(start), old.peaks, strict=True)
    }
    paths: list[list[bytes]] = [[] for _ in leaves]

    def build(level: int, low: int) -> bytes:
        """Hash the complete subtree at `low`; a subtree without new leaves is always one of the old peaks."""
        high = low + (1 << level)
        if high <= start:
            return known[low]
        if level == 0:
            return leaves[low - start]
        middle = low + (1 << level - 1)
        left = build(level - 1, low)
        right = build(level - 1, middle)
        for path in paths[max(low - start, 0) : max(middle - start, 0)]:
            path.append(right)
        for path in paths[max(middle - start, 0) : high - start]:
            path.append(left)
        return node_hash(left, right)

    shape = peaks_of(end)
    peaks = [build(level, position << level) for level, position in shape]
    # Above its own peak a leaf sees first everything to the right, joined, then each peak to the left.
    for number, (level, position) in enumerate(shape):
        high = (position + 1) << level
        if high <= start:
            continue
        above = [bag(peaks[number + 1 :])] if number + 1 < len(peaks) else []
        above.extend(reversed(peaks[:number]))
        for path in paths[max((position << level) - start, 0) : high - start]:
            path.extend(above)
    grown = CompactRange(end, tuple(peaks))
    return Extension(grown, grown.root, tuple(tuple(path) for path in paths))
