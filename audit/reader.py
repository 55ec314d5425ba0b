# SPDX-License-Identifier: EUPL-1.2
"""Read the log: checkpoints, tiles, receipts, proofs, and details for the one controller they belong to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, or_, select

from audit import store
from audit.checkpoint import Checkpoint, log_key, sign_checkpoint
from audit.detailkeys import WrappedDetail, Wrapper, unwrap_detail
from audit.errors import EntryNotFound, LogInconsistent
from audit.merkle import consistency_proof, inclusion_proof
from audit.note import NoteSigner
from audit.proof import Receipt
from audit.storedtree import StoredTree
from audit.tiles import TILE_WIDTH, TileRef, encode_bundle, tile_width

MAX_FOUND = 1000


@dataclass(frozen=True, slots=True)
class FoundEntry:
    """One entry that `find` returns."""

    index: int
    entry_id: str
    ts_us: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class FoundDetail:
    """A detail of one controller: with salt and stored bytes its commitment can be checked."""

    index: int
    controller: str
    ciphertext: bytes
    """Sealed to the controller's audit key, exactly as it was handed in."""
    salt: bytes
    stored: bytes
    """What the commitment in the leaf covers: `ciphertext` wrapped once more."""


class LogReader:
    """Reads one log. Synchronous; call it from a thread where an event loop runs."""

    def __init__(
        self,
        engine: Engine,
        origin: str | None = None,
        signer: NoteSigner | None = None,
        wrapper: Wrapper | None = None,
    ) -> None:
        """Read the log `origin`, or the only one there is.

        With `signer` (the log key) checkpoints are as new as the database; without it they are the newest stored ones,
        at most a moment old. `wrapper` is needed for `detail` alone.
        """
        self._engine = engine
        self._origin = origin
        self._signer = signer
        self._wrapper = wrapper

    def checkpoint(self) -> str:
        """Return the newest signed checkpoint.

        Raises:
            EntryNotFound: there is no such log, or it has not signed anything yet.
        """
        with self._read() as (_, head):
            return self._signed(head)[1]

    def size(self) -> int:
        """Return how many entries the database holds."""
        with self._read() as (_, head):
            return int(head.size)

    def vkey(self) -> str:
        """Return the verifier key of the log, as the database has it: compare it with one from elsewhere."""
        with self._read() as (_, head):
            return str(head.vkey)

    def tile(self, level: int, number: int, width: int = TILE_WIDTH) -> bytes:
        """Return the hashes of a tile.

        Raises:
            EntryNotFound: the log does not reach that far.
            UnusableInput: no such tile can exist.
        """
        ref = TileRef(level, number, width)
        with self._read() as (connection, head):
            if tile_width(head.size, level, number) < width:
                raise EntryNotFound("the log does not reach that far")
            return StoredTree(connection, head.log_id).tile(ref)

    def entries(self, number: int, width: int = TILE_WIDTH) -> bytes:
        """Return an entry bundle; only for those who may see all leaves.

        Raises:
            EntryNotFound: the log does not reach that far.
            UnusableInput: no such bundle can exist.
        """
        ref = TileRef(0, number, width)
        first = ref.number * TILE_WIDTH
        with self._read() as (connection, head):
            leaves = read_leaves(connection, head.log_id, first, ref.width)
        if len(leaves) != width:
            raise EntryNotFound("the log does not reach that far")
        return encode_bundle([leaf for _, leaf in leaves])

    def receipt(self, entry_id: str) -> Receipt:
        """Return a fresh receipt for one entry, in the newest signed tree.

        Raises:
            EntryNotFound: no such entry, or it is newer than the newest signed checkpoint.
        """
        found = self._receipts(store.entry.c.entry_id == entry_id)
        if not found:
            raise EntryNotFound("the log has no entry with this id")
        return found[0]

    def receipts(self, corr: str) -> tuple[Receipt, ...]:
        """Return fresh receipts for all entries of one exchange, oldest first; empty when there are none."""
        return self._receipts(store.entry.c.corr == corr)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of `new` entries continues the tree of `old`.

        Raises:
            EntryNotFound: the log does not reach that far.
            UnusableInput: the sizes are in the wrong order.
        """
        with self._read() as (connection, head):
            if new > head.size:
                raise EntryNotFound("the log does not reach that far")
            return consistency_proof(old, new, StoredTree(connection, head.log_id).node)

    def detail(self, index: int, controller: str) -> FoundDetail:
        """Return the detail that belongs to `controller`, without the outer layer.

        Raises:
            EntryNotFound: there is none.
            DetailErased: its key was destroyed.
        """
        if self._wrapper is None:
            raise EntryNotFound("this reader cannot open details")
        detail, entry = store.detail.c, store.entry.c
        with self._read() as (connection, head):
            row = connection.execute(
                select(store.detail, entry.entry_id)
                .join(store.entry, (entry.log_id == detail.log_id) & (entry.idx == detail.idx))
                .where(
                    detail.log_id == head.log_id,
                    detail.idx == index,
                    detail.controller == controller,
                )
            ).one_or_none()
            if row is None:
                raise EntryNotFound("there is no such detail")
            wrapped = WrappedDetail(
                row.controller, row.key_id, store.blob(row.salt), store.blob(row.stored)
            )
            inner = unwrap_detail(connection, self._wrapper, row.entry_id, wrapped)
        return FoundDetail(index, controller, inner, wrapped.salt, wrapped.stored)

    def find(
        self,
        *,
        agency: str | None = None,
        corr: str | None = None,
        kind: str | None = None,
        since_us: int | None = None,
        until_us: int | None = None,
        after: int = -1,
        limit: int = 100,
    ) -> tuple[FoundEntry, ...]:
        """Return entries in log order: those of one agency, exchange, kind or time; at most 1000 at once.

        `after` is the index to go on from; times are microseconds, `since_us` included, `until_us` not.
        """
        entry = store.entry.c
        conditions = [entry.idx > after]
        if agency is not None:
            conditions.append(or_(entry.from_agency == agency, entry.to_agency == agency))
        if corr is not None:
            conditions.append(entry.corr == corr)
        if kind is not None:
            conditions.append(entry.kind == kind)
        if since_us is not None:
            conditions.append(entry.ts_us >= since_us)
        if until_us is not None:
            conditions.append(entry.ts_us < until_us)
        query = select(entry.idx, entry.entry_id, entry.ts_us, entry.leaf).where(*conditions)
        with self._read() as (connection, head):
            rows = connection.execute(
                query.where(entry.log_id == head.log_id)
                .order_by(entry.idx)
                .limit(min(limit, MAX_FOUND))
            ).all()
        return tuple(
            FoundEntry(row.idx, row.entry_id, row.ts_us, store.blob(row.leaf)) for row in rows
        )

    def _receipts(self, condition: Any) -> tuple[Receipt, ...]:
        entry = store.entry.c
        with self._read() as (connection, head):
            size, note = self._signed(head)
            query = select(entry.idx, entry.leaf).where(condition, entry.log_id == head.log_id)
            tree = StoredTree(connection, head.log_id)
            return tuple(
                Receipt(store.blob(leaf), index, inclusion_proof(index, size, tree.node), note)
                for index, leaf in connection.execute(
                    query.where(entry.idx < size).order_by(entry.idx)
                )
            )

    def _signed(self, head: Row[Any]) -> tuple[int, str]:
        """Return size and note of the newest checkpoint that can be had."""
        if head.note_size == head.size or (self._signer is None and head.note):
            return head.note_size, head.note
        if self._signer is None:
            raise EntryNotFound("this log has no signed checkpoint yet")
        if head.vkey != log_key(head.origin, self._signer).to_text():
            raise LogInconsistent("the log belongs to another signing key")
        return head.size, sign_checkpoint(
            Checkpoint(head.origin, head.size, store.blob(head.root)), self._signer
        )

    @contextmanager
    def _read(self) -> Iterator[tuple[Connection, Row[Any]]]:
        """Open a connection and read the head; rows below its size never change, so no snapshot is needed."""
        with self._engine.connect() as connection:
            yield connection, read_head(connection, self._origin)


def read_head(connection: Connection, origin: str | None) -> Row[Any]:
    """Return the head row of `origin`, or of the only log in the database.

    Raises:
        EntryNotFound: no such log, or several to choose from.
    """
    query = (
        select(store.head)
        if origin is None
        else select(store.head).where(store.head.c.origin == origin)
    )
    heads = connection.execute(query).all()
    if len(heads) != 1:
        count = connection.execute(select(func.count()).select_from(store.head)).scalar_one()
        raise EntryNotFound(f"the database holds {count} logs; name one of them")
    return heads[0]


def read_leaves(
    connection: Connection, log_id: int, first: int, count: int
) -> list[tuple[int, bytes]]:
    """Return (index, leaf) of the entries from `first`, as far as they are there."""
    entry = store.entry.c
    query = select(entry.idx, entry.leaf).where(entry.log_id == log_id, entry.idx >= first)
    rows = connection.execute(query.where(entry.idx < first + count).order_by(entry.idx))
    return [(row.idx, store.blob(row.leaf)) for row in rows]
