# SPDX-License-Identifier: EUPL-1.2
"""Which tiles become full when leaves are added."""

from audit.merkle import complete_root
from audit.rows import TileRow
from audit.storedtree import StoredTree
from audit.tiles import TILE_WIDTH


def completed_tiles(
    tree: StoredTree, log_id: int, first: int, hashes: list[bytes]
) -> list[TileRow]:
    """Return the tiles, on every level, that leaf hashes appended at `first` complete.

    What stands before them in their tiles is read from the database: at most 255 hashes per level,
    once every 256 entries.
    """
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
            rows.append(TileRow(log_id, level, first + number, b"".join(chunk), hashes[-1]))
        level += 1
    return rows
