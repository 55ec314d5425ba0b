# SPDX-License-Identifier: EUPL-1.2
"""The context every key and every sealed value of an exchange is bound to.

This is the only place that turns several values into the bytes of a key derivation, of
associated data or of a commitment. Joining with a separator is ambiguous; PAE is not.
"""

from __future__ import annotations

import hashlib
import struct
import unicodedata
from dataclasses import dataclass
from typing import Final

from keys.errors import MalformedError
from keys.model import EXCHANGE_ID, IDENTIFIER, AgencyId, ExchangeId
from keys.reading import CODE

DEFAULT_SUITE: Final = "GFE1-P256"
MESSAGE_ID_BYTES: Final = 16
MAX_SUBJECT_CHARACTERS: Final = 64
HASH_BYTES: Final = 32

_LE64: Final = struct.Struct("<Q")
_BE64: Final = struct.Struct(">q")


def pae(*parts: bytes | str | int) -> bytes:
    """Join parts so that no other parts give the same bytes (PASETO, pre-authentication encoding).

    LE64(n), then LE64(length) and bytes for each part. Text is UTF-8 and must already be in
    NFC; numbers are eight bytes, big-endian, signed.

    Raises:
        MalformedError: ``nfc`` or ``integer_range``.
    """
    out = [_LE64.pack(len(parts))]
    for part in parts:
        if isinstance(part, str):
            if not part.isascii() and not unicodedata.is_normalized("NFC", part):
                raise MalformedError("nfc")
            try:
                data = part.encode("utf-8")
            except UnicodeEncodeError:
                raise MalformedError("nfc") from None
        elif isinstance(part, int):
            try:
                data = _BE64.pack(part)
            except struct.error:
                raise MalformedError("integer_range") from None
        else:
            data = part
        out.append(_LE64.pack(len(data)))
        out.append(data)
    return b"".join(out)


@dataclass(frozen=True, slots=True)
class ExchangeContext:
    """What one envelope is for; changing any member changes every key in it."""

    source: AgencyId
    """The holding agency, which seals and signs."""

    recipient: AgencyId
    """The one agency that may read."""

    exchange: ExchangeId

    decision_token_hash: bytes
    """SHA-256 of the decision token's ASCII bytes."""

    purpose: str
    """Lower case, for example ``p04``."""

    subject: str
    """Random handle of the person for this exchange only."""

    catalogue: str
    """Version of the field catalogue."""

    issued_at: int

    expires_at: int

    message_id: bytes
    """16 random bytes, fresh for every envelope."""

    suite: str = DEFAULT_SUITE

    def __post_init__(self) -> None:
        """Refuse members that have not their form.

        Raises:
            MalformedError: naming the member.
        """
        for name in ("source", "recipient", "purpose", "catalogue"):
            if IDENTIFIER.fullmatch(getattr(self, name)) is None:
                raise MalformedError(name)
        if EXCHANGE_ID.fullmatch(self.exchange) is None:
            raise MalformedError("exchange")
        if CODE.fullmatch(self.suite) is None:
            raise MalformedError("suite")
        if not 0 < len(self.subject) <= MAX_SUBJECT_CHARACTERS or not self.subject.isascii():
            raise MalformedError("subject")
        if len(self.decision_token_hash) != HASH_BYTES:
            raise MalformedError("decision_token_hash")
        if len(self.message_id) != MESSAGE_ID_BYTES:
            raise MalformedError("message_id")


def ctx_hash(ctx: ExchangeContext) -> bytes:
    """Return the 32 bytes that stand for the whole context."""
    return hashlib.sha256(
        pae(
            "gfe1/ctx",
            ctx.suite,
            ctx.message_id,
            ctx.source,
            ctx.recipient,
            ctx.exchange,
            ctx.decision_token_hash,
            ctx.purpose,
            ctx.subject,
            ctx.catalogue,
            ctx.issued_at,
            ctx.expires_at,
        )
    ).digest()
