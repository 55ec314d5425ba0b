# SPDX-License-Identifier: EUPL-1.2
"""Signed notes: a text with one or more signatures below it (https://c2sp.org/signed-note, v1.0.0)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.base64s import decode, encode
from audit.errors import SignatureInvalid, UnusableInput

ED25519 = 0x01
"""Signature type of the log itself (signed-note, "Signature types")."""
COSIGNATURE = 0x04
"""Signature type of a timestamped witness cosignature (https://c2sp.org/tlog-cosignature)."""
MAX_SIGNATURES = 64
"""A verifier must accept at least 16 signatures; more than this is refused."""
MAX_NOTE_BYTES = 512 * 1024
"""Room for 64 post-quantum signature lines of nearly 5 kB."""

_KEY_ID_BYTES = 4
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_TIME_BYTES = 8
_DASH = "\N{EM DASH} "
_NAME = re.compile(r"[^\s+\x00-\x1f]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NoteSigner(Protocol):
    """An Ed25519 private key that somebody else keeps."""

    def public_bytes(self) -> bytes:
        """Return the raw 32-byte public key."""
        ...

    def sign(self, data: bytes, /) -> bytes:
        """Return the 64-byte Ed25519 signature over `data`."""
        ...


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """Return the four bytes that, with the name, find the key of a signature."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:_KEY_ID_BYTES]


def _check_name(name: str) -> None:
    """Refuse key names that could not be told apart from the rest of a signature line."""
    if not _NAME.fullmatch(name):
        message = "a key name must be non-empty and free of spaces, control characters and '+'"
        raise UnusableInput(message)


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name: what a verifier is configured with."""

    name: str
    kind: int
    public: bytes

    def __post_init__(self) -> None:
        """Refuse names and keys the format has no place for."""
        _check_name(self.name)
        if self.kind not in (ED25519, COSIGNATURE) or len(self.public) != _KEY_BYTES:
            message = "only Ed25519 keys (type 0x01) and Ed25519 cosignature keys (type 0x04) are supported"
            raise UnusableInput(message)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `<name>+<hex key id>+<base64 type and key>`.

        Raises:
            UnusableInput: not a vkey, an unsupported type, or a key id that does not fit.
        """
        parts = text.strip().split("+", 2)
        if len(parts) != 3:  # noqa: PLR2004 - name, id, key
            message = "a verifier key looks like name+hexid+base64"
            raise UnusableInput(message)
        name, hex_id, material = parts
        raw = decode(material, "the verifier key")
        if not raw:
            message = "the verifier key is empty"
            raise UnusableInput(message)
        key = cls(name, raw[0], raw[1:])
        if key.id.hex() != hex_id:
            message = "the id in the verifier key does not belong to its name and key"
            raise UnusableInput(message)
        return key

    @property
    def id(self) -> bytes:
        """Return the four-byte key id."""
        return key_id(self.name, self.kind, self.public)

    def to_text(self) -> str:
        """Return the vkey text that `parse` reads."""
        return f"{self.name}+{self.id.hex()}+{encode(bytes([self.kind]) + self.public)}"

    def verify(self, text: str, signature: bytes) -> None:
        """Check one signature over a note text; the text includes its last line feed.

        Raises:
            SignatureInvalid: it was not made by this key over this text.
        """
        message = text.encode()
        if self.kind == COSIGNATURE:
            stamp, signature = signature[:_TIME_BYTES], signature[_TIME_BYTES:]
            message = b"cosignature/v1\ntime %d\n" % int.from_bytes(stamp) + message
        if len(signature) != _SIGNATURE_BYTES:
            wrong = f"the signature of {self.name} has the wrong length"
            raise SignatureInvalid(wrong)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            wrong = f"the signature of {self.name} does not belong to this text"
            raise SignatureInvalid(wrong) from None


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note with at least one signature of a known key, all of whose known signatures hold."""

    text: str
    signed_by: tuple[VerifierKey, ...]


def signature_line(name: str, key: bytes, signature: bytes) -> str:
    """Return one signature line; `key` is the four-byte key id."""
    return f"{_DASH}{name} {encode(key + signature)}\n"


def sign_note(text: str, name: str, signer: NoteSigner) -> str:
    """Return `text` with the signature line of `signer` under `name`.

    Raises:
        UnusableInput: the text does not end in a line feed or holds control characters.
    """
    _check_name(name)
    _check_text(text)
    return f"{text}\n" + signature_line(
        name, key_id(name, ED25519, signer.public_bytes()), signer.sign(text.encode())
    )


def _check_text(text: str) -> None:
    """Enforce what the format says about note texts."""
    if not text.endswith("\n") or _CONTROL.search(text):
        message = "a note text ends in a line feed and has no other control characters"
        raise UnusableInput(message)


def split_note(unverified_note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Return the text and (name, key id, signature) of each line, nothing of it verified.

    Raises:
        UnusableInput: this is not a signed note.
    """
    if len(unverified_note) > MAX_NOTE_BYTES:
        message = "the note is too large"
        raise UnusableInput(message)
    text, gap, tail = unverified_note.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        message = "a signed note is a text, an empty line, and signature lines"
        raise UnusableInput(message)
    text += "\n"
    _check_text(unverified_note)
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        message = "the note has too many signatures"
        raise UnusableInput(message)
    signatures = []
    for line in lines:
        name, space, coded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not space:
            message = "a signature line looks like: em dash, name, base64"
            raise UnusableInput(message)
        _check_name(name)
        raw = decode(coded, "a signature")
        if len(raw) <= _KEY_ID_BYTES:
            message = "a signature is too short"
            raise UnusableInput(message)
        signatures.append((name, raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:]))
    return text, signatures


def open_note(unverified_note: str, keys: Sequence[VerifierKey]) -> OpenedNote:
    """Verify every signature made by one of `keys`; signatures of other keys are ignored.

    Raises:
        UnusableInput: not a signed note.
        SignatureInvalid: a known key's signature fails, or no known key signed.
    """
    text, signatures = split_note(unverified_note)
    known = {(key.name, key.id): key for key in keys}
    seen: dict[tuple[str, bytes], VerifierKey] = {}
    for name, ident, signature in signatures:
        key = known.get((name, ident))
        if key is not None:
            key.verify(text, signature)
            seen[name, ident] = key
    if not seen:
        message = "no trusted key signed this note"
        raise SignatureInvalid(message)
    return OpenedNote(text, tuple(seen.values()))
