# SPDX-License-Identifier: EUPL-1.2
"""Read tree hashes back from the database: full tiles where they are stored, rows where they are not yet."""

from sqlalchemy import Connection, select

from audit import store
from audit.base64s import HASH_BYTES
from audit.compactrange import CompactRange
from audit.errors import EntryNotFound
from audit.merkle import complete_root, peaks_of
from audit.tiles import TILE_HEIGHT, TILE_WIDTH, TileRef


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
        if level == 0:
            entry = store.entry.c
            query = select(entry.leaf_hash).where(entry.log_id == self._log_id).order_by(entry.idx)
            query = query.where(entry.idx >= first, entry.idx < first + count)
        else:
            tile = store.tile.c
            query = (
                select(tile.hash)
                .where(tile.log_id == self._log_id, tile.lvl == level - 1)
                .order_by(tile.n)
            )
            query = query.where(tile.n >= first, tile.n < first + count)
        found = [store.blob(row[0]) for row in self._connection.execute(query)]
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
        stored = self._full_tile(ref.level, ref.number)
        if stored is not None:
            return stored[: ref.width * HASH_BYTES]
        return b"".join(self.hashes(ref.level, ref.number * TILE_WIDTH, ref.width))

    def node(self, level: int, position: int) -> bytes:
        """Return the hash of the complete subtree over [position * 2**level, (position + 1) * 2**level)."""
        tile_level, rest = divmod(level, TILE_HEIGHT)
        first, count = position << rest, 1 << rest
        stored = self._full_tile(tile_level, first // TILE_WIDTH)
        if stored is None:
            return complete_root(self.hashes(tile_level, first, count))
        start = first % TILE_WIDTH
        return complete_root(
            [stored[i * HASH_BYTES : (i + 1) * HASH_BYTES] for i in range(start, start + count)]
        )

    def compact_range(self, size: int) -> CompactRange:
        """Return the range of the tree of the first `size` entries."""
        return CompactRange(
            size, tuple(self.node(level, position) for level, position in peaks_of(size))
        )

    def _full_tile(self, level: int, number: int) -> bytes | None:
        key = (level, number)
        if key not in self._tiles:
            tile = store.tile.c
            query = select(tile.hashes).where(
                tile.log_id == self._log_id, tile.lvl == level, tile.n == number
            )
            self._tiles[key] = store.blob(self._connection.execute(query).scalar_one_or_none())
        return self._tiles[key] or None
