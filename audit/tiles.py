# SPDX-License-Identifier: EUPL-1.2
"""Tiles and entry bundles: the tree cut into files of 256 (https://c2sp.org/tlog-tiles)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audit.errors import UnusableInput

TILE_WIDTH = 256
"""Hashes in a full tile, entries in a full bundle (tlog-tiles, "Parameters")."""
TILE_HEIGHT = 8
"""Tree levels that one tile spans."""
MAX_LEVEL = 63
MAX_ENTRY_BYTES = 65_535
"""An entry's length is a big-endian uint16 in its bundle."""

_GROUP = 1000


@dataclass(frozen=True, slots=True)
class TileRef:
    """Which tile: `level` counts in tiles, `number` from the left, `width` hashes of at most 256."""

    level: int
    number: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        """Refuse tiles that cannot exist; empty ones must not be served."""
        if not (
            0 <= self.level <= MAX_LEVEL and self.number >= 0 and 1 <= self.width <= TILE_WIDTH
        ):
            message = "there is no such tile"
            raise UnusableInput(message)

    @property
    def path(self) -> str:
        """Return `tile/<L>/<N>[.p/<W>]`."""
        return f"tile/{self.level}/{_numbered(self.number, self.width)}"


def _numbered(number: int, width: int) -> str:
    """Write a number in groups of three digits, `x` before all but the last (1234067 -> x001/x234/067)."""
    text = f"{number % _GROUP:03d}"
    while number := number // _GROUP:
        text = f"x{number % _GROUP:03d}/{text}"
    return text if width == TILE_WIDTH else f"{text}.p/{width}"


def bundle_path(number: int, width: int = TILE_WIDTH, prefix: str = "tile/entries") -> str:
    """Return `tile/entries/<N>[.p/<W>]`, or the same under another prefix."""
    return f"{prefix}/{_numbered(number, width)}"


_NUMBER = re.compile(r"((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


def parse_number(text: str) -> tuple[int, int]:
    """Read the `<N>[.p/<W>]` part of a tile path into number and width.

    Raises:
        UnusableInput: not written as the format wants it.
    """
    match = _NUMBER.fullmatch(text)
    if match is not None:
        number = int(match[1].replace("x", "").replace("/", ""))
        width = int(match[2]) if match[2] else TILE_WIDTH
        if width <= TILE_WIDTH and _numbered(number, width) == text:
            return number, width
    message = "this is not a tile number"
    raise UnusableInput(message)


def tile_width(size: int, level: int, number: int) -> int:
    """Return how many hashes this tile has in a tree of `size` entries; 0 when it does not exist."""
    hashes = size >> TILE_HEIGHT * level
    return max(0, min(TILE_WIDTH, hashes - number * TILE_WIDTH))


def tiles_of(size: int) -> Iterator[TileRef]:
    """Yield every tile of a tree of `size` entries, lowest level first."""
    level = 0
    while hashes := size >> TILE_HEIGHT * level:
        for number in range((hashes + TILE_WIDTH - 1) // TILE_WIDTH):
            yield TileRef(level, number, tile_width(size, level, number))
        level += 1


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return entries one after another, each behind its length.

    Raises:
        UnusableInput: an entry is longer than 65,535 bytes.
    """
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        message = "an entry is too long for a bundle"
        raise UnusableInput(message)
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def decode_bundle(data: bytes) -> list[bytes]:
    """Return the entries of a bundle.

    Raises:
        UnusableInput: the bundle ends inside an entry.
    """
    entries = []
    position = 0
    while position < len(data):
        start = position + 2
        position = start + int.from_bytes(data[position:start])
        entries.append(data[start:position])
    if position != len(data):
        message = "the bundle ends inside an entry"
        raise UnusableInput(message)
    return entries
