# SPDX-License-Identifier: EUPL-1.2
"""Receipts: one text that proves offline that an entry is in a log (https://c2sp.org/tlog-proof, v1).

Lotse puts the leaf itself into the `extra` line; it is authenticated because its hash is what the path starts from.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from audit.base64s import decode, decode_hash, encode
from audit.errors import UnusableInput

MAGIC = "c2sp.org/tlog-proof@v1"
"""First line of every proof (tlog-proof, "Format")."""
MAX_PROOF_BYTES = 1024 * 1024
MAX_PATH = 63
"""More hashes than a tree of 2**63 entries needs."""

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A proof as it was read; nothing in it is verified."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def to_text(self) -> str:
        """Return the tlog-proof text."""
        return proof_text(self.index, self.path, self.checkpoint, self.extra)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a tlog-proof text.

        Raises:
            UnusableInput: not written as the format wants it.
        """
        head, gap, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if len(text) > MAX_PROOF_BYTES or not gap or lines.pop(0) != MAGIC:
            message = f"a receipt starts with the line {MAGIC} and carries a checkpoint"
            raise UnusableInput(message)
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = decode(lines.pop(0).removeprefix("extra "), "the extra line of the receipt")
        match = _INDEX.fullmatch(lines.pop(0)) if lines else None
        if match is None or len(lines) > MAX_PATH:
            message = "a receipt has an index line and at most 63 hashes"
            raise UnusableInput(message)
        path = tuple(decode_hash(line, "a hash of the receipt") for line in lines)
        return cls(int(match[1]), path, checkpoint, extra)


def proof_text(index: int, path: Sequence[bytes], checkpoint: str, extra: bytes | None) -> str:
    """Write a proof: index, hashes from the leaf's sibling up, and the signed checkpoint verbatim."""
    lines = [MAGIC]
    if extra is not None:
        lines.append(f"extra {encode(extra)}")
    lines.append(f"index {index}")
    lines.extend(encode(item) for item in path)
    return "\n".join(lines) + "\n\n" + checkpoint


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the log hands out for one entry, after it is durable: leaf, place, path and signed checkpoint."""

    leaf: bytes
    index: int
    path: tuple[bytes, ...]
    checkpoint: str

    @property
    def entry_id(self) -> str:
        """Return the id that the leaf carries."""
        return str(json.loads(self.leaf)["id"])

    def to_text(self) -> str:
        """Return the tlog-proof text with the leaf as `extra`."""
        return proof_text(self.index, self.path, self.checkpoint, self.leaf)
