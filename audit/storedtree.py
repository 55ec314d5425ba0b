# SPDX-License-Identifier: EUPL-1.2
"""Read tree hashes back from the database: full tiles where they are stored, rows where they are not yet."""

from sqlalchemy import Connection, bindparam, select

from audit import store
from audit.base64s import HASH_BYTES
from audit.compactrange import CompactRange
from audit.errors import EntryNotFound
from audit.merkle import complete_root, peaks_of
from audit.tiles import TILE_HEIGHT, TILE_WIDTH, TileRef

_entry, _tile = store.entry.c, store.tile.c
_STORED = select(_tile.hashes).where(
    _tile.log_id == bindparam("log"),
    _tile.lvl == bindparam("level"),
    _tile.n == bindparam("number"),
)
_LEAF_HASHES = (
    select(_entry.idx, _entry.leaf_hash)
    .where(_entry.log_id == bindparam("log"))
    .where(_entry.idx >= bindparam("first"), _entry.idx < bindparam("end"))
    .order_by(_entry.idx)
)
_TILE_HASHES = (
    select(_tile.n, _tile.hash)
    .where(_tile.log_id == bindparam("log"), _tile.lvl == bindparam("level"))
    .where(_tile.n >= bindparam("first"), _tile.n < bindparam("end"))
    .order_by(_tile.n)
)


class StoredTree:
    """The tree of one log within one read; remembers the tiles it has read."""

    def __init__(self, connection: Connection, log_id: int) -> None:
        """Read through `connection`, which the caller keeps open."""
        self._connection = connection
        self._log_id = log_id
        self._tiles: dict[tuple[int, int], bytes] = {}

    def hashes(self, level: int, first: int, count: int) -> list[bytes]:
        """Return `count` neighbouring hashes of tile level `level`, put together from rows.

        Raises:
            EntryNotFound: rows are missing.
        """
        found = [item for _, item in self._rows(level, first, count)]
        if len(found) != count:
            what = "entries" if level == 0 else f"tiles of level {level - 1}"
            message = f"of the {what} {first} to {first + count - 1} only {len(found)} are in the database"
            raise EntryNotFound(message)
        return found

    def tile(self, ref: TileRef) -> bytes:
        """Return the bytes of a tile.

        Raises:
            EntryNotFound: the log does not reach that far, or rows are missing.
        """
        return self._part(ref.level, ref.number, 0, ref.width)

    def node(self, level: int, position: int) -> bytes:
        """Return the hash of the complete subtree over [position * 2**level, (position + 1) * 2**level)."""
        tile_level, rest = divmod(level, TILE_HEIGHT)
        number, start = divmod(position << rest, TILE_WIDTH)
        part = self._part(tile_level, number, start, 1 << rest)
        return complete_root([part[i : i + HASH_BYTES] for i in range(0, len(part), HASH_BYTES)])

    def compact_range(self, size: int) -> CompactRange:
        """Return the range of the tree of the first `size` entries."""
        return CompactRange(
            size, tuple(self.node(level, position) for level, position in peaks_of(size))
        )

    def _part(self, level: int, number: int, start: int, count: int) -> bytes:
        """Return `count` hashes of a tile from `start`; the whole tile is read once and remembered."""
        key = (level, number)
        known = self._tiles.get(key)
        if known is None:
            known = self._tiles[key] = self._read_tile(level, number)
        part = known[start * HASH_BYTES : (start + count) * HASH_BYTES]
        if len(part) == count * HASH_BYTES:
            return part
        # Rows are missing in between, or too few: this says which, or finds them after all.
        return b"".join(self.hashes(level, number * TILE_WIDTH + start, count))

    def _read_tile(self, level: int, number: int) -> bytes:
        """Read a stored tile; where there is none, as many leading hashes as there are without a gap."""
        where = {"log": self._log_id, "level": level, "number": number}
        stored = store.blob(self._connection.execute(_STORED, where).scalar_one_or_none())
        if stored:
            return stored
        first = number * TILE_WIDTH
        rows = self._rows(level, first, TILE_WIDTH)
        whole = [item for offset, (index, item) in enumerate(rows) if index == first + offset]
        return b"".join(whole)

    def _rows(self, level: int, first: int, count: int) -> list[tuple[int, bytes]]:
        """Read (index, hash) of the rows from `first` that are there."""
        where = {"log": self._log_id, "first": first, "end": first + count}
        query = _LEAF_HASHES
        if level:
            where["level"] = level - 1
            query = _TILE_HASHES
        return [(index, store.blob(item)) for index, item in self._connection.execute(query, where)]
