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

from sqlalchemy import Connection, select

from audit import store
from audit.backends import Backend
from audit.compactrange import CompactRange, Extension, extend
from audit.detailkeys import DetailKeys
from audit.entry import MAX_INDEX, PendingEntry
from audit.errors import LogClosed, LogInconsistent
from audit.growth import completed_tiles
from audit.merkle import inclusion_proof, leaf_hash
from audit.proof import Receipt
from audit.repeats import already_there, controller_of, placeholders
from audit.rows import DetailRow, EntryRow, Head, Write
from audit.storedtree import StoredTree

Work: TypeAlias = Callable[[Connection], PendingEntry | Sequence[PendingEntry]]
"""Runs inside the transaction, after the head is locked. It may read and write any table of the same database.

It must not end the transaction, must not act outside the connection, and may be called more than once.
"""


class CommitUnknown(Exception):
    """COMMIT did not answer."""

    def __init__(self, batch: "Batch") -> None:
        """Carry what was being committed."""
        super().__init__("COMMIT did not answer")
        self.batch = batch


class TransactionLost(Exception):
    """A work left the transaction ended or failed without saying so."""


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

    range: CompactRange
    """The tree before and, once written, after this batch."""
    start: int
    results: list[Result] = field(default_factory=list)
    pending: list[PendingEntry] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    extension: Extension | None = None


class Appender:
    """Runs transactions for one writer thread on one connection."""

    def __init__(
        self, backend: Backend, connection: Connection, log_id: int, keys: DetailKeys
    ) -> None:
        """Use `connection`, in AUTOCOMMIT mode, for this thread alone."""
        self._backend = backend
        self._connection = connection
        self._log_id = log_id
        self._keys = keys
        self._last = CompactRange.empty()

    def transact(self, works: Sequence[Work], note: tuple[int, str], *, careful: bool) -> Batch:
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
        batch = Batch(range=old, start=head.size)
        for work in works:
            batch.results.append(
                self._run_carefully(work, batch) if careful else self._run(work, batch)
            )
        if not self._backend.in_transaction(self._connection):
            # One of them ended the transaction, or went on after the database refused a statement.
            raise TransactionLost
        self._write(batch, old, note)
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
        self._last = batch.range

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
            known = already_there(self._connection, pending, batch.pending)
            for item in pending:
                item.entry.leaf(MAX_INDEX, placeholders(item))
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

    def _write(self, batch: Batch, old: CompactRange, note: tuple[int, str]) -> None:
        """Wrap, commit, hash, prove and insert everything of the batch."""
        if not batch.pending:
            return
        entries, details = [], []
        for index, item in enumerate(batch.pending, batch.start):
            entry, commitments = item.entry, []
            for detail in sorted(item.details, key=controller_of):
                made = self._keys.wrap(
                    self._connection, self._log_id, entry.id, entry.ts_us, detail
                )
                commitments.append(made.commitment)
                details.append(
                    DetailRow(
                        self._log_id, index, made.controller, made.key_id, made.salt, made.stored
                    )
                )
            leaf = entry.leaf(index, commitments)
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
        tiles = completed_tiles(
            StoredTree(self._connection, self._log_id), self._log_id, old.size, hashes
        )
        grown = batch.range = batch.extension.range
        self._backend.write(
            self._connection,
            Write(
                self._log_id,
                grown.size,
                batch.extension.root,
                grown.to_bytes(),
                entries,
                details,
                tiles,
                note,
            ),
        )

    def abandon(self) -> bool:
        """Roll back; tell whether the connection can be used again."""
        try:
            if not self._backend.usable(self._connection):
                return False
            self._backend.rollback(self._connection)
            self._connection.rollback()
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

    def receipts(
        self, pending: Sequence[PendingEntry], size: int, note: str
    ) -> tuple[Receipt, ...]:
        """Prove entries that were in the log before, in the tree of `size` entries."""
        tree = StoredTree(self._connection, self._log_id)
        entry = store.entry.c
        made = []
        for item in pending:
            query = select(entry.idx, entry.leaf).where(entry.entry_id == item.entry.id)
            index, leaf = self._connection.execute(query).one()
            made.append(Receipt(bytes(leaf), index, inclusion_proof(index, size, tree.node), note))
        self._connection.commit()
        return tuple(made)
