# SPDX-License-Identifier: EUPL-1.2
"""Write a whole log into a directory that `lotse-verify log` checks offline.

Layout: `checkpoint`, `log.policy`, `tile/…` and `tile/entries/…` as in https://c2sp.org/tlog-tiles, and beside them
`ids/…` (entry ids, to name entries that cannot be read), `details/…` (wrapped details with their salts),
`erased` (which detail keys were destroyed) and `peaks` (the compact range, to narrow down a wrong root).
Only `checkpoint` is signed; everything else is checked against it.
What is missing in the database is exported as empty, so that tampering is found by the verifier, not hidden here.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine, Row, select

from audit import store
from audit.base64s import HASH_BYTES, encode
from audit.checkpoint import peek_checkpoint
from audit.errors import EntryNotFound, UnusableInput
from audit.reader import read_head
from audit.storedtree import StoredTree
from audit.tiles import MAX_ENTRY_BYTES, TILE_WIDTH, TileRef, bundle_path, encode_bundle, tiles_of

Progress: TypeAlias = Callable[[int, int], None]
"""Called with (entries done, entries in all)."""
_NO_ID = "-" * 32
_NO_HASH = bytes(HASH_BYTES)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    origin: str
    size: int
    left_out: int
    """Newest entries that no stored checkpoint covers yet; the running gateway stores one within moments."""


def export_log(
    engine: Engine,
    directory: Path,
    origin: str | None = None,
    *,
    progress: Progress | None = None,
) -> Exported:
    """Export the log `origin`, or the only one in the database, up to its newest stored checkpoint.

    Raises:
        UnusableInput: the directory is not empty.
        EntryNotFound: no such log, or it has no signed checkpoint yet.
    """
    if directory.exists() and any(directory.iterdir()):
        raise UnusableInput("the directory is not empty")
    with engine.connect() as connection:
        head = read_head(connection, origin)
        if not head.note:
            raise EntryNotFound("this log has no signed checkpoint yet: start the gateway once")
        size = peek_checkpoint(head.note).size
        tree = StoredTree(connection, head.log_id)
        for ref in tiles_of(size):
            if ref.level == 0:
                _write_bundle(connection, head.log_id, directory, ref)
                if progress is not None:
                    progress(ref.number * TILE_WIDTH + ref.width, size)
            _write(directory / ref.path, _tile(tree, ref))
        _write_lines(directory / "erased", _erased(connection, head.log_id))
        if head.size == size:
            _write(directory / "peaks", store.blob(head.compact_range))
        _write(directory / "log.policy", f"log {head.vkey}\nquorum none\n".encode())
        # Last, so that an export that was interrupted is recognised as one.
        _write(directory / "checkpoint", head.note.encode())
    return Exported(head.origin, size, head.size - size)


def _write_bundle(connection: Connection, log_id: int, directory: Path, ref: TileRef) -> None:
    """Write the entries, ids and details of one bundle."""
    first = ref.number * TILE_WIDTH
    entry, detail = store.entry.c, store.detail.c
    rows = connection.execute(
        select(entry.idx, entry.entry_id, entry.leaf)
        .where(entry.log_id == log_id, entry.idx >= first, entry.idx < first + ref.width)
        .order_by(entry.idx)
    )
    by_index = {row.idx: row for row in rows}
    indexes = range(first, first + ref.width)
    leaves = [
        store.blob(by_index[index].leaf)[:MAX_ENTRY_BYTES] if index in by_index else b""
        for index in indexes
    ]
    _write(directory / bundle_path(ref.number, ref.width), encode_bundle(leaves))
    ids = [by_index[index].entry_id if index in by_index else _NO_ID for index in indexes]
    _write(directory / bundle_path(ref.number, ref.width, "ids"), "\n".join([*ids, ""]).encode())
    details = connection.execute(
        select(store.detail)
        .where(detail.log_id == log_id, detail.idx >= first, detail.idx < first + ref.width)
        .order_by(detail.idx, detail.controller)
    )
    lines = [_detail_line(row) for row in details]
    if lines:
        _write_lines(directory / bundle_path(ref.number, ref.width, "details"), lines)


def _detail_line(row: Row[Any]) -> dict[str, object]:
    return {
        "c": row.controller,
        "idx": row.idx,
        "key": row.key_id,
        "salt": encode(store.blob(row.salt)),
        "stored": encode(store.blob(row.stored)),
    }


def _erased(connection: Connection, log_id: int) -> Iterator[dict[str, object]]:
    key = store.key.c
    query = select(store.key).where(key.log_id == log_id, key.destroyed_at.is_not(None))
    for row in connection.execute(query.order_by(key.period, key.controller, key.key_id)):
        yield {
            "at": row.destroyed_at,
            "c": row.controller,
            "key": row.key_id,
            "period": row.period,
            "ret": row.retention,
        }


def _tile(tree: StoredTree, ref: TileRef) -> bytes:
    """Return a tile as it is stored; where rows are missing, put each that is there in its place."""
    try:
        return tree.tile(ref)
    except EntryNotFound:
        first = ref.number * TILE_WIDTH
        found: dict[int, bytes] = defaultdict(lambda: _NO_HASH)
        for index in range(first, first + ref.width):
            try:
                (found[index],) = tree.hashes(ref.level, index, 1)
            except EntryNotFound:
                continue
        return b"".join(found[index] for index in range(first, first + ref.width))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _write_lines(path: Path, values: Iterable[dict[str, object]]) -> None:
    _write(path, "".join(json.dumps(value, sort_keys=True) + "\n" for value in values).encode())
