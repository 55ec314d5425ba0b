# SPDX-License-Identifier: EUPL-1.2
"""One group commit, from the lock on the head to COMMIT.

1. lock the head row, read the compact range
2. run every caller's work inside the transaction: this is where guards look and spend
3. wrap details, commit to them, build the leaves
4. grow the tree, prove every new leaf in one pass
5. write entries, details, completed tiles and the new head
6. COMMIT; only then may anybody sign or hear of it

Works run without savepoints as long as nothing fails. When anything does, the whole transaction is rolled back and
run again with one savepoint per work, so that a failing work takes nobody else with it.
Therefore a work must not have effects outside its connection, and may be called more than once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import orjson
from sqlalchemy import Connection, select

from audit import store
from audit.backends import Backend, DetailRow, EntryRow, Head, TileRow
from audit.checkpoint import Checkpoint
from audit.detailkeys import DetailKeys
from audit.entry import Commitment, PendingEntry, SealedDetail
from audit.errors import EntryConflict, LogClosed, LogInconsistent, LogUnavailable
from audit.merkle import CompactRange, Extension, complete_root, extend, inclusion_proof, leaf_hash
from audit.proof import Receipt
from audit.storedtree import StoredTree
from audit.tiles import TILE_WIDTH

Work: TypeAlias = Callable[[Connection], PendingEntry | Sequence[PendingEntry]]
"""Runs inside the transaction, after the head is locked. It may read and write any table of the same database.

It must not end the transaction, must not act outside the connection, and may be called more than once.
"""


class CommitUnknown(Exception):  # noqa: N818 - not an error yet: the log is asked what happened
    """COMMIT did not answer."""

    def __init__(self, batch: "Batch") -> None:
        """Carry what was being committed."""
        super().__init__("COMMIT did not answer")
        self.batch = batch


@dataclass(frozen=True, slots=True)
class Placed:
    """A work whose entries are in this batch, at `first` and following."""

    pending: tuple[PendingEntry, ...]
    first: int


@dataclass(frozen=True, slots=True)
class Known:
    """A work whose entries were in the log before: a repeated call."""

    pending: tuple[PendingEntry, ...]


Result: TypeAlias = Placed | Known | Exception


@dataclass(slots=True)
class Batch:
    """What one transaction appends."""

    start: int
    results: list[Result] = field(default_factory=list)
    pending: list[PendingEntry] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    extension: Extension | None = None


class Appender:
    """Runs transactions for one writer thread on one connection."""

    def __init__(self, backend: Backend, connection: Connection, log_id: int, keys: DetailKeys) -> None:
        """Use `connection`, in AUTOCOMMIT mode, for this thread alone."""
        self._backend = backend
        self._connection = connection
        self._log_id = log_id
        self._keys = keys
        self._last = CompactRange.empty()

    def transact(self, works: Sequence[Work], note: tuple[int, str] | None, *, careful: bool) -> Batch:
        """Run one transaction; `note` is a signed checkpoint to store on the way.

        Raises:
            CommitUnknown: COMMIT was sent and nothing is known about it.
            LogClosed: the log was ended.
            LogInconsistent: the head went backwards or sideways since the last batch.
            Exception: whatever a work raised (never when `careful`), or the database.
        """
        head = self._backend.begin(self._connection, self._log_id)
        old = self._checked_range(head)
        self._keys.begin(head.key_epoch)
        batch = Batch(start=head.size)
        for work in works:
            batch.results.append(self._run_carefully(work, batch) if careful else self._run(work, batch))
        if not self._backend.in_transaction(self._connection):
            message = "a work ended the transaction of the log"
            raise LogUnavailable(message)
        self._write(batch, old)
        if note is not None and note[0] > head.note_size:
            self._backend.store_note(self._connection, self._log_id, *note)
        try:
            self._backend.execute(self._connection, "COMMIT")
        except Exception as error:
            raise CommitUnknown(batch) from error
        self._committed(batch)
        return batch

    def _committed(self, batch: Batch) -> None:
        """Remember what is durable now."""
        self._connection.commit()
        self._keys.committed()
        if batch.extension is not None:
            self._last = batch.extension.range

    def _checked_range(self, head: Head) -> CompactRange:
        """Refuse to go on from a head that is older than, or other than, what this process has seen."""
        if head.closed:
            message = "this log was ended and takes no more entries"
            raise LogClosed(message)
        old = CompactRange.from_bytes(head.size, head.compact_range)
        if old.size < self._last.size or (old.size == self._last.size and old != self._last):
            message = (
                f"the head of the log went from {self._last.size} to {old.size} entries or was changed: "
                "an older copy of the database was restored, or the head was edited"
            )
            raise LogInconsistent(message)
        return old

    def _run(self, work: Work, batch: Batch) -> Result:
        """Run one work and take its entries into the batch."""
        made = work(self._connection)
        pending = (made,) if isinstance(made, PendingEntry) else tuple(made)
        first = len(batch.pending)
        batch.pending.extend(pending)
        return Placed(pending, first)

    def _run_carefully(self, work: Work, batch: Batch) -> Result:
        """Run one work in its own savepoint; its failure, or its repetition, undoes only what it wrote."""
        self._backend.execute(self._connection, "SAVEPOINT work")
        try:
            made = work(self._connection)
            pending = (made,) if isinstance(made, PendingEntry) else tuple(made)
            known = self._already_there(pending, batch)
            for item in pending:
                item.entry.leaf(_placeholders(item))
            if not known:
                self._backend.execute(self._connection, "RELEASE SAVEPOINT work")
        except Exception as error:  # noqa: BLE001 - it belongs to the one caller who waits for this work
            self._undo_work()
            return error
        if known:
            self._undo_work()
            return Known(pending)
        first = len(batch.pending)
        batch.pending.extend(pending)
        return Placed(pending, first)

    def _undo_work(self) -> None:
        self._backend.execute(self._connection, "ROLLBACK TO SAVEPOINT work")
        self._backend.execute(self._connection, "RELEASE SAVEPOINT work")

    def _already_there(self, pending: Sequence[PendingEntry], batch: Batch) -> bool:
        """Tell whether these very entries were appended before.

        Raises:
            EntryConflict: some of them were, or others with the same ids.
        """
        if not pending:
            return False
        ids = {item.entry.id: item for item in pending}
        entry = store.entry.c
        query = select(entry.entry_id, entry.leaf).where(entry.entry_id.in_(ids))
        found = {row.entry_id: bytes(row.leaf) for row in self._connection.execute(query)}
        found.update((item.entry.id, item.entry.leaf(_placeholders(item))) for item in batch.pending)
        same = [_bare(found[key]) == _bare(item.entry.leaf(_placeholders(item))) for key, item in ids.items() if key in found]
        if not same:
            return False
        if len(same) != len(pending) or not all(same):
            message = "an entry with this id but other content is in the log"
            raise EntryConflict(message)
        return True

    def _write(self, batch: Batch, old: CompactRange) -> None:
        """Wrap, commit, hash, prove and insert everything of the batch."""
        if not batch.pending:
            return
        entries, details = [], []
        for index, item in enumerate(batch.pending, batch.start):
            entry, commitments = item.entry, []
            for detail in sorted(item.details, key=_controller):
                made = self._keys.wrap(self._connection, self._log_id, entry.id, entry.ts_us, detail)
                commitments.append(made.commitment)
                details.append(DetailRow(self._log_id, index, made.controller, made.key_id, made.salt, made.stored))
            leaf = entry.leaf(commitments)
            way = entry.direction
            source, recipient = (None, None) if way is None else (way.source, way.recipient)
            batch.leaves.append(leaf)
            entries.append(
                EntryRow(
                    self._log_id,
                    index,
                    entry.id,
                    entry.ts_us,
                    entry.kind.value,
                    entry.outcome.value,
                    entry.corr,
                    source,
                    recipient,
                    entry.purpose,
                    leaf,
                    leaf_hash(leaf),
                )
            )
        hashes = [row.leaf_hash for row in entries]
        batch.extension = extend(old, hashes)
        tiles = self._completed_tiles(old.size, hashes)
        self._backend.insert(self._connection, "audit_entry", entries)
        if details:
            self._backend.insert(self._connection, "audit_detail", details)
        if tiles:
            self._backend.insert(self._connection, "audit_tile", tiles)
        grown = batch.extension.range
        self._backend.update_head(self._connection, self._log_id, grown.size, batch.extension.root, grown.to_bytes())

    def _completed_tiles(self, first: int, hashes: list[bytes]) -> list[TileRow]:
        """Return the tiles that become full, on every level; what precedes them is read from the database."""
        tree = StoredTree(self._connection, self._log_id)
        rows: list[TileRow] = []
        level = 0
        while (first + len(hashes)) // TILE_WIDTH > first // TILE_WIDTH:
            lead = first % TILE_WIDTH
            row = (tree.hashes(level, first - lead, lead) if lead else []) + hashes
            first //= TILE_WIDTH
            hashes = []
            for number in range(len(row) // TILE_WIDTH):
                chunk = row[number * TILE_WIDTH : (number + 1) * TILE_WIDTH]
                hashes.append(complete_root(chunk))
                rows.append(TileRow(self._log_id, level, first + number, b"".join(chunk), hashes[-1]))
            level += 1
        return rows

    def abandon(self) -> bool:
        """Roll back; tell whether the connection can be used again."""
        try:
            if not self._backend.usable(self._connection):
                return False
            self._connection.rollback()
            if self._backend.in_transaction(self._connection):
                self._backend.execute(self._connection, "ROLLBACK")
        except Exception:  # noqa: BLE001 - whatever it was, this connection is given up
            return False
        return True

    def was_committed(self, batch: Batch) -> bool:
        """Ask the log, under its head lock, whether a batch of unknown outcome is in it."""
        self._backend.begin(self._connection, self._log_id)
        entry = store.entry.c
        query = select(entry.idx).where(entry.entry_id == batch.pending[0].entry.id)
        there = self._connection.execute(query).first() is not None
        self._backend.execute(self._connection, "COMMIT")
        self._connection.commit()
        if there:
            self._committed(batch)
        return there

    def receipts(self, pending: Sequence[PendingEntry], checkpoint: Checkpoint, note: str) -> tuple[Receipt, ...]:
        """Prove entries that were in the log before, in the tree of `checkpoint`."""
        tree = StoredTree(self._connection, self._log_id)
        entry = store.entry.c
        made = []
        for item in pending:
            query = select(entry.idx, entry.leaf).where(entry.entry_id == item.entry.id)
            index, leaf = self._connection.execute(query).one()
            made.append(Receipt(bytes(leaf), index, inclusion_proof(index, checkpoint.size, tree.node), note))
        self._connection.commit()
        return tuple(made)


def _controller(detail: SealedDetail) -> str:
    """Sort details by controller, so that the order of the caller does not show."""
    return detail.controller


def _placeholders(item: PendingEntry) -> list[Commitment]:
    """Return commitments of the right length, to compare and to measure a leaf before its details are wrapped."""
    return [Commitment(detail.controller, "0" * 64, detail.retention) for detail in sorted(item.details, key=_controller)]


def _bare(leaf: bytes) -> object:
    """Return a leaf without the digests of its details, which differ each time a detail is wrapped."""
    value = orjson.loads(leaf)
    for item in value["details"]:
        del item["h"]
    return value

