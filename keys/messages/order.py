# SPDX-License-Identifier: EUPL-1.2
"""The gateway's order to a holding agency, and the holder's release of a held order."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keys.errors import ContextMismatch, MalformedError
from keys.jws import Signer, VerifyKey, sign_jws, verify_jws
from keys.messages.decision import DECISION_MAX_BYTES
from keys.messages.statement import NONCE_BYTES, STATEMENT_MAX_BYTES
from keys.model import EXCHANGE_ID, IDENTIFIER, KID, AgencyId, ExchangeId, Kid, kid_owner
from keys.pseudonyms import REFERENCE_SIZES
from keys.reading import HEX32, Members
from keys.strict_json import b64u, dumps, loads
from keys.timing import check_in_force

ORDER_TYP: Final = "lotse-order+jws"
RELEASE_TYP: Final = "lotse-release+jws"

HELD_SECONDS: Final = 28 * 86_400
"""How long an order may rest at the holder until a clerk decides."""

ORDER_MAX_BYTES: Final = 393_216
RECEIPT_MAX_CHARACTERS: Final = 32_768

RELEASE_LIFETIME_SECONDS: Final = 300
RELEASE_MAX_BYTES: Final = 8_192

_ORDER_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_ORDER_MEMBERS: Final = (
    "v", "order", "exchange", "holder", "statement", "decision", "rkid", "ref", "receipt",
    "iat", "exp",
)  # fmt: skip
_RELEASE_MEMBERS: Final = (
    "v", "iss", "exchange", "statement", "head", "subject", "detail", "nonce", "iat", "exp",
)  # fmt: skip
_RELEASE_VERSION: Final = 2


@dataclass(frozen=True, slots=True)
class Order:
    """Single-use order to fetch, cut and seal; carries all that the holder must check."""

    order: str
    """Random id, 16 to 64 base64url characters; a repeated id gets identical bytes back."""

    exchange: ExchangeId

    holder: AgencyId
    """Who is to execute it."""

    statement: str
    """The starter's statement token, to be verified by the holder itself."""

    decision: str
    """The decision token."""

    recipient_kid: Kid
    """The recipient's key to seal to."""

    reference: bytes
    """The holder's own sealed reference, or a decoy of the same size."""

    receipt: str
    """Proof that the intent is in the log, as tlog-proof text with the leaf."""

    issued_at: int

    expires_at: int


@dataclass(frozen=True, slots=True)
class Release:
    """A person at the holder lets a held order go ahead; the gateway then decides afresh."""

    issuer: AgencyId

    exchange: ExchangeId

    statement: bytes
    """SHA-256 of the statement token that is released; 32 bytes."""

    by_head: bool
    """The head of the agency released it, and not a clerk."""

    subject: bytes
    """Commitment to nonce and the holder's blind index (random one for a decoy); 32 bytes."""

    detail: str
    """SHA-256 of the holder's sealed detail, hex."""

    nonce: bytes
    """16 random bytes."""

    issued_at: int

    expires_at: int


def sign_order(order: Order, signer: Signer) -> str:
    """Sign an order with the gateway's order key."""
    payload = dumps(
        {
            "v": 1,
            "order": order.order,
            "exchange": order.exchange,
            "holder": order.holder,
            "statement": order.statement,
            "decision": order.decision,
            "rkid": order.recipient_kid,
            "ref": b64u(order.reference),
            "receipt": order.receipt,
            "iat": order.issued_at,
            "exp": order.expires_at,
        }
    )
    return sign_jws(payload, typ=ORDER_TYP, signer=signer)


def read_order(
    unverified_jws: str, *, key: VerifyKey | Callable[[Kid], VerifyKey], now: int
) -> Order:
    """Verify an order and read it; statement, decision and receipt are still unverified.

    Raises:
        MalformedError: not an order.
        UnknownKey, SignatureInvalid: not signed by the key.
        NotInForce: expired, from the future, or valid for more than 28 days.
    """
    verified = verify_jws(unverified_jws, typ=ORDER_TYP, key=key, max_bytes=ORDER_MAX_BYTES)
    claims = Members(loads(verified.payload, max_bytes=ORDER_MAX_BYTES), _ORDER_MEMBERS)
    claims.version()
    order = Order(
        order=claims.text("order", _ORDER_ID),
        exchange=ExchangeId(claims.text("exchange", EXCHANGE_ID)),
        holder=AgencyId(claims.text("holder", IDENTIFIER)),
        statement=claims.long_text("statement", STATEMENT_MAX_BYTES),
        decision=claims.long_text("decision", DECISION_MAX_BYTES),
        recipient_kid=Kid(claims.text("rkid", KID)),
        reference=_reference(claims),
        receipt=claims.long_text("receipt", RECEIPT_MAX_CHARACTERS),
        issued_at=claims.integer("iat"),
        expires_at=claims.integer("exp"),
    )
    check_in_force(
        issued_at=order.issued_at,
        expires_at=order.expires_at,
        now=now,
        max_lifetime=HELD_SECONDS,
    )
    return order


def _reference(claims: Members) -> bytes:
    reference = claims.binary("ref")
    if len(reference) not in REFERENCE_SIZES:
        raise MalformedError("ref")
    return reference


def sign_release(release: Release, signer: Signer) -> str:
    """Sign a release with the holder's signing key."""
    payload = dumps(
        {
            "v": _RELEASE_VERSION,
            "iss": release.issuer,
            "exchange": release.exchange,
            "statement": b64u(release.statement),
            "head": release.by_head,
            "subject": b64u(release.subject),
            "detail": release.detail,
            "nonce": b64u(release.nonce),
            "iat": release.issued_at,
            "exp": release.expires_at,
        }
    )
    return sign_jws(payload, typ=RELEASE_TYP, signer=signer)


def read_release(
    unverified_jws: str, *, key: VerifyKey | Callable[[Kid], VerifyKey], now: int
) -> Release:
    """Verify a release and read it.

    Raises:
        MalformedError: not a release.
        UnknownKey, SignatureInvalid: not signed by the key.
        ContextMismatch: signed with a key of another agency.
        NotInForce: expired, from the future, or valid for more than five minutes.
    """
    verified = verify_jws(unverified_jws, typ=RELEASE_TYP, key=key, max_bytes=RELEASE_MAX_BYTES)
    claims = Members(loads(verified.payload, max_bytes=RELEASE_MAX_BYTES), _RELEASE_MEMBERS)
    claims.version(expected=_RELEASE_VERSION)
    release = Release(
        issuer=AgencyId(claims.text("iss", IDENTIFIER)),
        exchange=ExchangeId(claims.text("exchange", EXCHANGE_ID)),
        statement=claims.binary("statement", 32),
        by_head=claims.boolean("head"),
        subject=claims.binary("subject", 32),
        detail=claims.text("detail", HEX32),
        nonce=claims.binary("nonce", NONCE_BYTES),
        issued_at=claims.integer("iat"),
        expires_at=claims.integer("exp"),
    )
    if kid_owner(verified.kid) != release.issuer:
        raise ContextMismatch("iss")
    check_in_force(
        issued_at=release.issued_at,
        expires_at=release.expires_at,
        now=now,
        max_lifetime=RELEASE_LIFETIME_SECONDS,
    )
    return release
