# SPDX-License-Identifier: EUPL-1.2
"""Checkpoints: the signed size and root of a log (https://c2sp.org/tlog-checkpoint)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from audit.base64s import HASH_BYTES, decode_hash, encode
from audit.errors import SignatureInvalid, UnusableInput
from audit.note import ED25519, NoteSigner, VerifierKey, open_note, sign_note, split_note

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_FIXED_LINES = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Name, number of entries and RFC 6962 root of a log at one moment."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """Return the note text: origin, decimal size, base64 root, one per line."""
        return f"{self.origin}\n{self.size}\n{encode(self.root)}\n"

    @classmethod
    def parse_body(cls, text: str) -> Self:
        """Read a note text; extension lines are allowed and ignored.

        Raises:
            UnusableInput: not a checkpoint.
        """
        lines = text.split("\n")
        if len(lines) <= _FIXED_LINES or not lines[0] or not _DECIMAL.fullmatch(lines[1]):
            message = "a checkpoint has an origin, a decimal size and a root, one per line"
            raise UnusableInput(message)
        return cls(lines[0], int(lines[1]), decode_hash(lines[2], "the root of the checkpoint"))


def sign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> str:
    """Return the checkpoint as a note signed under the log's origin.

    The caller must only ask for trees that continue every tree signed before.
    """
    if len(checkpoint.root) != HASH_BYTES:
        message = "a root has 32 bytes"
        raise UnusableInput(message)
    return sign_note(checkpoint.body(), checkpoint.origin, signer)


def log_key(origin: str, signer: NoteSigner) -> VerifierKey:
    """Return the verifier key under which this signer's checkpoints are checked."""
    return VerifierKey(origin, ED25519, signer.public_bytes())


def open_checkpoint(unverified_note: str, keys: Sequence[VerifierKey]) -> Checkpoint:
    """Verify a signed checkpoint against the keys of the logs that are trusted.

    Raises:
        UnusableInput: not a signed checkpoint.
        SignatureInvalid: not signed by a key whose name is the checkpoint's origin.
    """
    note = open_note(unverified_note, keys)
    checkpoint = Checkpoint.parse_body(note.text)
    if not any(key.kind == ED25519 and key.name == checkpoint.origin for key in note.signed_by):
        message = "the checkpoint is not signed by the log that it names"
        raise SignatureInvalid(message)
    return checkpoint


def peek_checkpoint(unverified_note: str) -> Checkpoint:
    """Read a checkpoint without checking any signature.

    Raises:
        UnusableInput: not a signed checkpoint.
    """
    return Checkpoint.parse_body(split_note(unverified_note)[0])
