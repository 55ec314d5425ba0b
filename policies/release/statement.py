# SPDX-License-Identifier: EUPL-1.2
"""What the release key signs about one release file, detached from it.

The statement is the payload of a compact JWS (ES256, type ``lotse-policy-release+jws``). It names
the file by its SHA-256, so that nothing is unpacked before the signature is known to be good.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, fields
from typing import Final, Protocol

from policies.errors import InputInvalid, ReleaseRefused
from policies.strict import JsonValue, Reader

STATEMENT_TYP: Final = "lotse-policy-release+jws"
DAY_SECONDS: Final = 86_400
MAX_DAYS: Final = 400
"""Rules are looked at again at least once a year; the rest is overlap."""
MAX_EMERGENCY_DAYS: Final = 3_660
"""A release that only denies may lie ready for long."""
MAX_SEQUENCE: Final = 10**6
MAX_TOKEN_BYTES: Final = 4_096

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")


@dataclass(frozen=True, slots=True)
class Statement:
    """One release, as the release key vouches for it."""

    sequence: int
    """Rises with every release; what is lower than the highest seen is never put in force."""
    oldest: int
    """The lowest sequence that may still count beside this release: for the automatic fall-back,
    and for what other agencies decided before they changed. Equal to ``sequence``: none may."""
    valid_from: int
    """Epoch seconds."""
    valid_until: int
    """Epoch seconds; from then on nothing is decided by it."""
    release: str
    """SHA-256 of the release file."""
    bundle: str
    """Digest of the bundle inside; what decisions name."""
    catalogue: str
    """Version of the catalogue inside."""
    law_version: str
    """State of the law it was written from."""
    emergency: bool
    """It denies everything, which the content must show; it outranks every sequence."""

    def to_bytes(self) -> bytes:
        """Return the one form that is signed."""
        members = {field.name: getattr(self, field.name) for field in fields(self)}
        return json.dumps({"v": 1, **members}, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, payload: bytes) -> Statement:
        """Read a payload whose signature is good.

        Raises:
            ReleaseRefused: ``statement``: not of this form, or it contradicts itself.
        """
        try:
            document: JsonValue = json.loads(payload)
            statement = _read(Reader.of(document))
        except (InputInvalid, ValueError, RecursionError):
            raise ReleaseRefused("statement") from None
        if statement.to_bytes() != payload or not statement.is_sound:
            raise ReleaseRefused("statement")
        return statement

    @property
    def is_sound(self) -> bool:
        """Whether its members fit together."""
        days = MAX_EMERGENCY_DAYS if self.emergency else MAX_DAYS
        return (
            1 <= self.oldest <= self.sequence <= MAX_SEQUENCE
            and 0 <= self.valid_from < self.valid_until
            and self.valid_until - self.valid_from <= days * DAY_SECONDS
            and all(_DIGEST.fullmatch(digest) for digest in (self.release, self.bundle))
            and all(_VERSION.fullmatch(name) for name in (self.catalogue, self.law_version))
        )

    def in_force(self, now: int) -> bool:
        """Say whether decisions may rest on it now. What only denies does not grow old."""
        return self.emergency or self.valid_from <= now < self.valid_until

    def tolerates(self, sequence: int) -> bool:
        """Say whether a release with this sequence may still count beside it."""
        return not self.emergency and sequence >= self.oldest


class ReleaseVerifier(Protocol):
    """Knows the public release keys that the settings pin."""

    @property
    def kids(self) -> tuple[str, ...]:
        """Names of the pinned keys."""
        ...

    def payload(self, token: str, *, typ: str) -> tuple[bytes, str] | None:
        """Return the signed bytes and the key's name; None: not signed so by a pinned key."""
        ...


def read_statement(token: bytes, verifier: ReleaseVerifier) -> tuple[Statement, str]:
    """Return a statement that a pinned key signed, and the name of that key.

    Raises:
        ReleaseRefused: ``signature``, or ``statement``.
    """
    if len(token) > MAX_TOKEN_BYTES or not token.isascii():
        raise ReleaseRefused("signature")
    signed = verifier.payload(token.decode("ascii").strip(), typ=STATEMENT_TYP)
    if signed is None:
        raise ReleaseRefused("signature")
    payload, kid = signed
    return Statement.from_bytes(payload), kid


def token_digest(token: bytes) -> str:
    """Return the name of a signed statement: SHA-256 in hex."""
    return hashlib.sha256(token.strip()).hexdigest()


def _read(reader: Reader) -> Statement:
    if reader.number("v") != 1:
        raise InputInvalid("version")
    statement = Statement(
        sequence=reader.number("sequence"),
        oldest=reader.number("oldest"),
        valid_from=reader.number("valid_from"),
        valid_until=reader.number("valid_until"),
        release=reader.text("release"),
        bundle=reader.text("bundle"),
        catalogue=reader.text("catalogue"),
        law_version=reader.text("law_version"),
        emergency=reader.flag("emergency"),
    )
    reader.done()
    return statement
