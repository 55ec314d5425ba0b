# SPDX-License-Identifier: EUPL-1.2
"""Before the first append: is what the database holds the log that its head describes?

Checked every time, at a cost that does not grow with the log:
the size against the newest row, the root against the compact range, the compact range against tiles and newest rows,
the leaves that are not in a full tile yet against their hashes,
and the head against the newest checkpoint that this key signed.
Old entries are checked by `lotse-verify`, not here.
"""

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from audit import store
from audit.checkpoint import Checkpoint, log_key, open_checkpoint
from audit.compactrange import CompactRange
from audit.errors import (
    ConsistencyInvalid,
    EntryNotFound,
    LogInconsistent,
    SignatureInvalid,
    UnusableInput,
)
from audit.merkle import EMPTY_ROOT, consistency_proof, leaf_hash, verify_continuation
from audit.note import NoteSigner
from audit.storedtree import StoredTree
from audit.tiles import TILE_WIDTH

COUNTED_ENTRIES = 100_000
"""Up to this size every row is counted; above it only the newest ones and the tiles."""


def found_log(connection: Connection, origin: str, signer: NoteSigner) -> int:
    """Return the number of the log called `origin`; make its head row when there is none. The caller commits.

    Raises:
        LogInconsistent: there are entries, but no head.
    """
    table = store.head.c
    heads, highest = connection.execute(select(func.count(), func.max(table.log_id))).one()
    if heads == 0 and connection.execute(select(store.entry.c.idx).limit(1)).first() is not None:
        message = "the database holds entries but no head: the head row was removed"
        raise LogInconsistent(message)
    values = {
        "log_id": (highest or 0) + 1,
        "origin": origin,
        "vkey": log_key(origin, signer).to_text(),
        "size": 0,
        "root": EMPTY_ROOT,
        "compact_range": b"",
    }
    # Two processes may start at once: the second one finds the row of the first.
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    connection.execute(dialect.insert(store.head).values(values).on_conflict_do_nothing())
    return int(connection.execute(select(table.log_id).where(table.origin == origin)).scalar_one())


def check_log(
    connection: Connection, origin: str, signer: NoteSigner, last_seen: str | None = None
) -> Checkpoint:
    """Check that the rows of a log belong together; the caller holds the lock on its head.

    `last_seen` is a signed checkpoint kept outside the database: an older or other log is refused.

    Raises:
        LogInconsistent: says what is missing or does not fit.
    """
    row = connection.execute(select(store.head).where(store.head.c.origin == origin)).one()
    if row.vkey != log_key(origin, signer).to_text():
        message = f"the log {origin} belongs to another signing key; a new key needs a new log"
        raise LogInconsistent(message)
    _check_rows(connection, row.log_id, row.size)
    tree = StoredTree(connection, row.log_id)
    try:
        kept = CompactRange.from_bytes(row.size, store.blob(row.compact_range))
        derived = tree.compact_range(row.size)
    except (UnusableInput, EntryNotFound) as error:
        message = f"the log {origin} is incomplete: {error}"
        raise LogInconsistent(message) from error
    if kept.root != store.blob(row.root) or derived != kept:
        message = f"the head of the log {origin} does not match its {row.size} entries"
        raise LogInconsistent(message)
    current = Checkpoint(origin, row.size, kept.root)
    for note in filter(None, (row.note, last_seen)):
        _check_continues(tree, note, signer, current)
    return current


def _check_rows(connection: Connection, log_id: int, size: int) -> None:
    """Compare the size with the rows: the newest, all of them while they are few, and the tiles."""
    entry, tile = store.entry.c, store.tile.c
    newest = connection.execute(
        select(func.max(entry.idx)).where(entry.log_id == log_id)
    ).scalar_one()
    rows = size
    if size <= COUNTED_ENTRIES:
        rows = connection.execute(select(func.count()).where(entry.log_id == log_id)).scalar_one()
    held = -1 if newest is None else newest
    if held != size - 1 or rows != size:
        message = (
            f"the head says {size} entries, but the newest one in the database has index {held} "
            f"and {rows} were counted: entries were removed or added, or this is an incomplete copy"
        )
        raise LogInconsistent(message)
    tiles = connection.execute(
        select(func.count()).where(tile.log_id == log_id, tile.lvl == 0)
    ).scalar_one()
    if tiles != size // TILE_WIDTH:
        message = (
            f"{size} entries have {size // TILE_WIDTH} full tiles, but {tiles} are in the database"
        )
        raise LogInconsistent(message)
    first = size - size % TILE_WIDTH
    query = select(entry.idx, entry.leaf, entry.leaf_hash).where(
        entry.log_id == log_id, entry.idx >= first
    )
    for index, leaf, stored in connection.execute(query.order_by(entry.idx)):
        if leaf_hash(store.blob(leaf)) != store.blob(stored):
            message = f"entry {index} was changed after it was written"
            raise LogInconsistent(message)


def _check_continues(tree: StoredTree, note: str, signer: NoteSigner, current: Checkpoint) -> None:
    """Refuse a head that does not continue a checkpoint which this log has signed."""
    try:
        signed = open_checkpoint(note, [log_key(current.origin, signer)])
    except (SignatureInvalid, UnusableInput) as error:
        message = f"the remembered checkpoint of the log {current.origin} was not signed by its key"
        raise LogInconsistent(message) from error
    if signed.size == 0 and signed.root == EMPTY_ROOT:
        return
    if signed.size > current.size:
        message = (
            f"the log {current.origin} has {current.size} entries but signed {signed.size} before: "
            "an older copy of the database was restored; continue in a new log"
        )
        raise LogInconsistent(message)
    try:
        proof = consistency_proof(signed.size, current.size, tree.node)
        verify_continuation(signed.size, current.size, signed.root, current.root, proof)
    except (ConsistencyInvalid, EntryNotFound) as error:
        message = (
            f"the log {current.origin} does not continue what it signed at {signed.size} entries"
        )
        raise LogInconsistent(message) from error
