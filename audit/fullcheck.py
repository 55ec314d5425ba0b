# SPDX-License-Identifier: EUPL-1.2
"""Check a whole exported log: hash every entry again, and say which one is the first that does not fit.

Every exported byte is compared with something that the signed root covers:
entries with the hashes in the tiles, both with the root, details with the commitments in their entries.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from audit.base64s import HASH_BYTES
from audit.checkpoint import Checkpoint
from audit.commitment import commit
from audit.compactrange import Accumulator, CompactRange
from audit.errors import UnusableInput
from audit.exportfiles import ExportFiles
from audit.merkle import complete_root, leaf_hash, peaks_of
from audit.tiles import TILE_HEIGHT, TILE_WIDTH, TileRef, tile_width

Progress: TypeAlias = Callable[[int, int], None]
"""Called with (entries checked, entries in all)."""
MAX_FINDINGS = 100
"""More than this are counted, not listed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold."""

    index: int | None
    """Zero-based index of the entry; None when it concerns no single one."""
    entry_id: str | None
    sentence: str


@dataclass(slots=True)
class LogReport:
    """Result of a full check; the log holds when there are no findings."""

    checkpoint: Checkpoint
    details: int = 0
    """Details that were compared with their commitments."""
    erased: int = 0
    """Details that are gone because their key was destroyed."""
    broken: int = 0
    """Number of findings, also of those that are not listed."""
    findings: list[Finding] = field(default_factory=list)
    """First broken entry first."""


class FullCheck:
    """One pass over an export whose checkpoint has been verified."""

    def __init__(
        self, files: ExportFiles, checkpoint: Checkpoint, seen: Sequence[Checkpoint] = ()
    ) -> None:
        """Check `files` against `checkpoint`; `seen` are verified checkpoints that the log must contain."""
        self._files = files
        self._size = checkpoint.size
        self._root = checkpoint.root
        self._seen = {known.size: known for known in seen if known.size}
        self._report = LogReport(checkpoint)
        self._entries = Accumulator()
        self._tiles = Accumulator()
        self._tile_roots: list[bytes] = []
        self._changed: set[int] = set()
        self._erased = files.erased()

    def run(self, progress: Progress | None = None) -> LogReport:
        """Read everything once, then judge.

        Raises:
            UnusableInput: files are missing or cannot be read.
        """
        for size in self._seen:
            if size > self._size:
                self._add(
                    None,
                    f"The log was seen with {size} entries, but this one has only {self._size}: "
                    "it was truncated or rolled back.",
                )
        for number in range((self._size + TILE_WIDTH - 1) // TILE_WIDTH):
            width = tile_width(self._size, 0, number)
            self._bundle(number, width)
            if progress is not None:
                progress(number * TILE_WIDTH + width, self._size)
        self._judge()
        self._report.findings.sort(key=_by_index)
        return self._report

    def _bundle(self, number: int, width: int) -> None:
        """Check one bundle of entries against its tile and its details."""
        first = number * TILE_WIDTH
        leaves = self._files.leaves(number, width)
        hashes = [leaf_hash(leaf) for leaf in leaves]
        tile = self._files.tile(TileRef(0, number, width))
        claimed = hashes
        if b"".join(hashes) != tile:
            claimed = [tile[i : i + HASH_BYTES] for i in range(0, len(tile), HASH_BYTES)]
            pairs = enumerate(zip(hashes, claimed, strict=True), first)
            self._changed.update(index for index, (mine, theirs) in pairs if mine != theirs)
        self._check_details(number, width, leaves)
        self._check_seen(first, hashes)
        _push(self._entries, hashes)
        root = _push(self._tiles, claimed)
        if root is not None:
            self._tile_roots.append(root)

    def _check_details(self, number: int, width: int, leaves: list[bytes]) -> None:
        """Compare every detail with the commitment in its entry, and look for missing ones."""
        first = number * TILE_WIDTH
        held: dict[int, dict[str, str]] = {}
        for detail in self._files.details(number, width):
            of_entry = held.setdefault(detail.index, {})
            of_entry[detail.controller] = commit(detail.salt, detail.stored)
        for index, leaf in enumerate(leaves, first):
            if index not in held and b'"details":[]' in leaf:
                continue
            self._compare_details(index, leaf, held.get(index, {}))

    def _compare_details(self, index: int, leaf: bytes, held: dict[str, str]) -> None:
        try:
            value = json.loads(leaf)
            month = value["ts"][:7]
            committed = {item["c"]: (item["h"], item["ret"]) for item in value["details"]}
        except (ValueError, KeyError, TypeError, RecursionError):
            return  # the entry itself is broken, which its hash shows
        for controller, (digest, retention) in committed.items():
            if controller not in held:
                if (controller, retention, month) in self._erased:
                    self._report.erased += 1
                else:
                    self._add(index, f"The detail of {controller} for {{entry}} is missing.")
            elif held[controller] != digest:
                self._add(index, f"The detail of {controller} for {{entry}} was changed.")
            else:
                self._report.details += 1
        for controller in held.keys() - committed.keys():
            self._add(index, f"The detail of {controller} for {{entry}} was added later.")

    def _check_seen(self, first: int, hashes: list[bytes]) -> None:
        """Compare with checkpoints from elsewhere whose size lies in this bundle."""
        for offset in range(1, len(hashes) + 1):
            known = self._seen.get(first + offset)
            if known is None:
                continue
            until = Accumulator(self._entries.peaks)
            for item in hashes[:offset]:
                until.push(0, item)
            if until.root != known.root:
                self._add(
                    None,
                    f"The log was seen with other content at {known.size} entries: "
                    "it was rewritten or forked.",
                )

    def _judge(self) -> None:
        """Decide what the mismatches mean, now that both roots are known."""
        if self._entries.root == self._root:
            for index in sorted(self._changed):
                self._add(
                    None, f"The hash of entry {index} in its tile was changed; the entry is intact."
                )
            self._check_upper_tiles(intact=True)
            return
        wrong = dict.fromkeys(self._changed, "was changed after it was signed")
        for index, leaf in self._leaves():
            if not leaf:
                wrong[index] = "is missing"
            elif index not in wrong and b'"idx":%d,' % index not in leaf:
                wrong[index] = "does not belong in this place: entries were moved"
        # What else was found about these entries only follows from that.
        before = len(self._report.findings)
        self._report.findings = [f for f in self._report.findings if f.index not in wrong]
        self._report.broken -= before - len(self._report.findings)
        for index in sorted(wrong):
            self._add(index, f"{{entry}} {wrong[index]}.")
        if not any(item.index is not None for item in self._report.findings):
            self._check_upper_tiles(intact=False)
        if not any(item.index is not None for item in self._report.findings):
            self._narrow_down()

    def _leaves(self) -> Iterator[tuple[int, bytes]]:
        """Read every entry once more."""
        for number in range((self._size + TILE_WIDTH - 1) // TILE_WIDTH):
            leaves = self._files.leaves(number, tile_width(self._size, 0, number))
            yield from enumerate(leaves, number * TILE_WIDTH)

    def _check_upper_tiles(self, *, intact: bool) -> None:
        """Compare every tile above the lowest with the tiles below it."""
        level, below = 1, self._tile_roots
        while below:
            roots = []
            for number in range((len(below) + TILE_WIDTH - 1) // TILE_WIDTH):
                row = below[number * TILE_WIDTH : (number + 1) * TILE_WIDTH]
                tile = self._files.tile(TileRef(level, number, len(row)))
                for offset, mine in enumerate(row):
                    if tile[offset * HASH_BYTES : (offset + 1) * HASH_BYTES] != mine:
                        self._upper_mismatch(level, number * TILE_WIDTH + offset, intact=intact)
                if len(row) == TILE_WIDTH:
                    roots.append(complete_root(row))
            level, below = level + 1, roots

    def _upper_mismatch(self, level: int, position: int, *, intact: bool) -> None:
        first = position << TILE_HEIGHT * level
        last = (position + 1 << TILE_HEIGHT * level) - 1
        if intact:
            self._add(
                None, f"A hash over the entries {first} to {last} was changed; they are intact."
            )
        else:
            self._add(
                first, f"One of the entries {first} to {last} was changed together with its hash."
            )

    def _narrow_down(self) -> None:
        """Entries and tiles agree with each other but not with the signature: somebody rewrote both."""
        try:
            kept = CompactRange.from_bytes(self._size, self._files.peaks())
        except UnusableInput:
            kept = CompactRange.empty()
        # Peaks that join to the signed root are as good as signed.
        if kept.size and kept.root == self._root:
            for (level, position), mine, peak in zip(
                peaks_of(self._size), self._entries.peaks, kept.peaks, strict=True
            ):
                if mine[1] != peak:
                    first, last = position << level, (position + 1 << level) - 1
                    where = "{entry}" if level == 0 else f"One of the entries {first} to {last}"
                    self._add(first, f"{where} was changed together with its hash.")
                    return
        self._add(
            None, "The entries do not lead to the root that was signed: the log was rewritten."
        )

    def _add(self, index: int | None, sentence: str) -> None:
        """Note a finding; `{entry}` in the sentence becomes index and id."""
        self._report.broken += 1
        if len(self._report.findings) >= MAX_FINDINGS:
            return
        entry_id = None if index is None else self._files.entry_id(index, self._size)
        name = f"entry {index}" + (f" (id {entry_id})" if entry_id else "")
        text = sentence.replace("{entry}", name)
        self._report.findings.append(Finding(index, entry_id, text[0].upper() + text[1:]))


def _push(accumulator: Accumulator, hashes: list[bytes]) -> bytes | None:
    """Append the leaf hashes of one bundle; return its root when it is full."""
    if len(hashes) < TILE_WIDTH:
        for item in hashes:
            accumulator.push(0, item)
        return None
    root = complete_root(hashes)
    accumulator.push(TILE_HEIGHT, root)
    return root


def _by_index(finding: Finding) -> tuple[bool, int]:
    """Sort entries by place, and what concerns no single one last."""
    return finding.index is None, finding.index or 0
