# SPDX-License-Identifier: EUPL-1.2
"""The signed part of a GFE1 envelope: what it is for, and what belongs to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keys.context import HASH_BYTES, MESSAGE_ID_BYTES, ExchangeContext
from keys.errors import ContextMismatch, MalformedError
from keys.jws import VerifyKey, verify_jws
from keys.model import EXCHANGE_ID, IDENTIFIER, KID, AgencyId, ExchangeId, Kid, kid_owner
from keys.reading import Members
from keys.strict_json import b64u, dumps, loads, unb64u
from keys.suites import SEAL_OVERHEAD
from keys.timing import check_in_force

GFE1_TYP: Final = "gfe1+jws"

MAX_FIELDS: Final = 512
MAX_MANIFEST_BYTES: Final = 131_072

ENVELOPE_LIFETIME_SECONDS: Final = 7 * 86_400
"""Three working days in a mailbox, with a long weekend or holidays between them."""

_CEK_BYTES: Final = 32
_DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_MEMBERS: Final = (
    "v",
    "ste",
    "mid",
    "src",
    "rcp",
    "dec",
    "dth",
    "pur",
    "sub",
    "cat",
    "iat",
    "exp",
    "rkid",
    "ek",
    "cm",
    "dg",
)


@dataclass(frozen=True, slots=True)
class Expect:
    """What the reader knows from elsewhere and the manifest must repeat."""

    source: AgencyId
    recipient: AgencyId
    exchange: ExchangeId
    decision_token_hash: bytes
    purpose: str
    catalogue: str

    subject: str | None = None
    """The handle in the decision token; not compared when not given."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest's content."""

    context: ExchangeContext

    kid: Kid
    """The source's key that signed."""

    recipient_kid: Kid

    sealed_key: bytes
    """``ek``: the content key, sealed to the recipient."""

    commitment: bytes
    """``cm``: 32 bytes that only one content key gives."""

    digests: frozenset[bytes]
    """``dg``: one for every field that was sealed."""


def write_manifest(manifest: Manifest) -> bytes:
    """Write the bytes that are signed; digests are sorted, so their order says nothing."""
    ctx = manifest.context
    return dumps(
        {
            "v": 1,
            "ste": ctx.suite,
            "mid": b64u(ctx.message_id),
            "src": ctx.source,
            "rcp": ctx.recipient,
            "dec": ctx.exchange,
            "dth": b64u(ctx.decision_token_hash),
            "pur": ctx.purpose,
            "sub": ctx.subject,
            "cat": ctx.catalogue,
            "iat": ctx.issued_at,
            "exp": ctx.expires_at,
            "rkid": manifest.recipient_kid,
            "ek": b64u(manifest.sealed_key),
            "cm": b64u(manifest.commitment),
            "dg": sorted(b64u(digest) for digest in manifest.digests),
        }
    )


def read_manifest(
    unverified_manifest: str,
    *,
    key: VerifyKey | Callable[[Kid], VerifyKey],
    expect: Expect,
    now: int,
) -> Manifest:
    """Verify a manifest and read it; see :func:`keys.envelope.verify_manifest` for the errors."""
    verified = verify_jws(unverified_manifest, typ=GFE1_TYP, key=key, max_bytes=MAX_MANIFEST_BYTES)
    claims = Members(loads(verified.payload, max_bytes=MAX_MANIFEST_BYTES), _MEMBERS)
    claims.version()
    ctx = _context(claims)
    manifest = Manifest(
        context=ctx,
        kid=verified.kid,
        recipient_kid=Kid(claims.text("rkid", KID)),
        sealed_key=claims.binary("ek", SEAL_OVERHEAD[ctx.suite] + _CEK_BYTES),
        commitment=claims.binary("cm", HASH_BYTES),
        digests=_digests(claims),
    )
    _check_context(manifest, expect)
    check_in_force(
        issued_at=ctx.issued_at,
        expires_at=ctx.expires_at,
        now=now,
        max_lifetime=ENVELOPE_LIFETIME_SECONDS,
    )
    return manifest


def _context(claims: Members) -> ExchangeContext:
    suite = claims.text("ste")
    if suite not in SEAL_OVERHEAD:
        raise MalformedError("ste")
    return ExchangeContext(
        source=AgencyId(claims.text("src", IDENTIFIER)),
        recipient=AgencyId(claims.text("rcp", IDENTIFIER)),
        exchange=ExchangeId(claims.text("dec", EXCHANGE_ID)),
        decision_token_hash=claims.binary("dth", HASH_BYTES),
        purpose=claims.text("pur", IDENTIFIER),
        subject=claims.long_text("sub", 64),
        catalogue=claims.text("cat", IDENTIFIER),
        issued_at=claims.integer("iat"),
        expires_at=claims.integer("exp"),
        message_id=claims.binary("mid", MESSAGE_ID_BYTES),
        suite=suite,
    )


def _digests(claims: Members) -> frozenset[bytes]:
    digests = [unb64u(text) for text in claims.sorted_texts("dg", _DIGEST)]
    if not 0 < len(digests) <= MAX_FIELDS:
        raise MalformedError("dg")
    return frozenset(digests)


def _check_context(manifest: Manifest, expect: Expect) -> None:
    ctx = manifest.context
    if kid_owner(manifest.kid) != ctx.source:
        raise ContextMismatch("kid")
    if kid_owner(manifest.recipient_kid) != ctx.recipient:
        raise ContextMismatch("rkid")
    for name in ("source", "recipient", "exchange", "decision_token_hash", "purpose", "catalogue"):
        if getattr(ctx, name) != getattr(expect, name):
            raise ContextMismatch(name)
    if expect.subject is not None and ctx.subject != expect.subject:
        raise ContextMismatch("subject")
