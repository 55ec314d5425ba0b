# SPDX-License-Identifier: EUPL-1.2
r"""The search of scene C: looks for texts in bytes, however they may be written there.

Each text is looked for as UTF-8, UTF-16 (both byte orders), base64 and base64url at the three
offsets at which it can begin, hexadecimal (both cases), JSON with ``\uXXXX`` for everything
outside ASCII or for every character, and percent-encoded. Then the search goes on inside what can
be taken apart: base64url that begins a JSON object (the parts of a JWS), zlib and gzip streams
wherever they begin, and raw deflate at the beginning of a file; and inside those again.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tempfile
import zlib
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_DEPTH: Final = 5
"""An order carries a statement in a JWS in a JWS; one more for what it may be wrapped in."""
MAX_INFLATED: Final = 4_194_304
"""Bytes of one compressed stream, before and after, that are looked at."""
CHUNK: Final = 256
"""Most candidates are no streams and fail within a few bytes."""
PAGE: Final = 4_096
GREP: Final = shutil.which("grep", path="/usr/bin:/bin") or "/usr/bin/grep"
"""Part of every Debian (package grep, essential)."""
GZIP_WBITS: Final = 31
GZIP: Final = re.compile(rb"\x1f\x8b\x08")
_HEADERS: Final = [
    bytes((method, flags))
    for method in range(0x08, 0x80, 0x10)
    for flags in range(256)
    if not flags & 0x20 and (method * 256 + flags) % 31 == 0
]
"""Every way in which a zlib stream without a preset dictionary can begin (RFC 1950, 2.2)."""
ZLIB: Final = re.compile(b"|".join(re.escape(header) for header in _HEADERS))
JSON_BASE64: Final = re.compile(rb"eyJ[A-Za-z0-9_-]{12,}")
JSON_BASE64_STD: Final = re.compile(rb"eyJ[A-Za-z0-9+/]{12,}")


class Hunt:
    """Looks for a fixed set of texts."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Write every text in every way."""
        self.texts = frozenset(texts)
        self._written: dict[bytes, str] = {
            way: text for text in sorted(self.texts) for way in set(ways(text))
        }

    def found_in(self, pieces: Sequence[bytes]) -> set[str]:
        """Name the texts that occur in these files or memory regions, also inside what unpacks."""
        # Joined, because starting grep costs more than reading a file.
        joined = b"\0".join(pieces)
        raw = b"\0".join(_inflate(piece, 0, -zlib.MAX_WBITS) for piece in pieces)
        found: set[str] = set()
        for layer in (*layers(joined), *layers(raw)):
            found |= self._in_layer(layer)
        return found

    def _in_layer(self, layer: bytes) -> set[str]:
        """Look with ``grep -F``: thousands of patterns in hundreds of megabytes within seconds."""
        found: set[str] = set()
        left = {way: text for way, text in self._written.items() if b"\n" not in way}
        # A match hides what overlaps it, so the search is repeated without what was found.
        while left:
            hits = {left[way] for way in _grep(sorted(left), layer) if way in left}
            if not hits:
                break
            found |= hits
            left = {way: text for way, text in left.items() if text not in hits}
        return found


def ways(text: str) -> Iterator[bytes]:
    """Give the ways in which a text can be written."""
    plain = text.encode("utf-8")
    for encoded in (plain, text.encode("utf-16-le"), text.encode("utf-16-be")):
        yield encoded
        yield encoded.hex().encode("ascii")
        yield encoded.hex().upper().encode("ascii")
        yield from _base64_anywhere(encoded)
    yield json.dumps(text)[1:-1].encode("ascii")
    escaped = "".join(f"\\u{unit:04x}" for unit in _utf16_units(text))
    yield escaped.encode("ascii")
    yield escaped.upper().replace("\\U", "\\u").encode("ascii")
    yield _upper_escapes(json.dumps(text)[1:-1]).encode("ascii")
    yield quote(text, safe="").encode("ascii")
    yield quote(text).lower().encode("ascii")


def layers(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """Give `data` and, one after the other, everything that can be unpacked out of it."""
    yield data
    if depth == MAX_DEPTH:
        return
    for inner in _unpacked(data):
        yield from layers(inner, depth + 1)


def without_empty_pages(memory: bytes) -> bytes:
    """Leave out pages of zeros: most of a process's memory, and nothing can be in them."""
    empty = bytes(PAGE)
    view = memoryview(memory)
    kept = bytearray()
    for begin in range(0, len(memory), PAGE):
        page = view[begin : begin + PAGE]
        if page != empty:
            kept += page
    return bytes(kept)


def _unpacked(data: bytes) -> Iterator[bytes]:
    joined = bytearray()
    for pattern, alphabet in ((JSON_BASE64, b"-_"), (JSON_BASE64_STD, b"+/")):
        for match in set(pattern.findall(data)):
            usable = match[: len(match) - len(match) % 4] if len(match) % 4 == 1 else match
            padded = usable + b"=" * (-len(usable) % 4)
            joined += base64.b64decode(padded, altchars=alphabet) + b"\0"
    if joined:
        yield bytes(joined)
    inflated = bytearray()
    for wbits, pattern in ((GZIP_WBITS, GZIP), (zlib.MAX_WBITS, ZLIB)):
        for match in pattern.finditer(data):
            inflated += _inflate(data, match.start(), wbits)
    if inflated:
        yield bytes(inflated)


def _inflate(data: bytes, begin: int, wbits: int) -> bytes:
    """Unpack what begins here, up to a break in it; nothing if it is no such stream."""
    stream = zlib.decompressobj(wbits)
    out = bytearray()
    for position in range(begin, min(len(data), begin + MAX_INFLATED), CHUNK):
        try:
            out += stream.decompress(data[position : position + CHUNK], MAX_INFLATED - len(out))
        except zlib.error:
            break
        if stream.eof or len(out) >= MAX_INFLATED:
            break
    return bytes(out) + b"\0" if out else b""


def _base64_anywhere(encoded: bytes) -> Iterator[bytes]:
    """Base64 of a text inside something longer: the letters that do not depend on what is around."""
    for offset in range(3):
        both = base64.b64encode(bytes(offset) + encoded)
        first = (0, 2, 3)[offset]
        last = (offset + len(encoded)) * 8 // 6
        core = both[first:last]
        yield core
        yield core.replace(b"+", b"-").replace(b"/", b"_")


def _utf16_units(text: str) -> Iterator[int]:
    data = text.encode("utf-16-be")
    for position in range(0, len(data), 2):
        yield int.from_bytes(data[position : position + 2], "big")


def _upper_escapes(text: str) -> str:
    return re.sub(r"\\u([0-9a-f]{4})", lambda match: "\\u" + match[1].upper(), text)


def _grep(patterns: list[bytes], data: bytes) -> set[bytes]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\n".join(patterns))
        file.flush()
        done = subprocess.run(
            [GREP, "-a", "-o", "-F", "-f", file.name],
            input=data,
            capture_output=True,
            check=False,
            env={"LC_ALL": "C"},
        )
    if done.returncode not in (0, 1):
        raise OSError("grep failed; the search needs GNU grep")
    return set(done.stdout.split(b"\n"))
