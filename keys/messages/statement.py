# SPDX-License-Identifier: EUPL-1.2
"""What the agency that starts an exchange says and signs itself.

The holding agency checks this signature too, so the gateway cannot invent a request.
Nothing in it names a person: the subject is a commitment, the detail only its hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from keys.context import pae
from keys.errors import ContextMismatch, MalformedError
from keys.jws import Signer, VerifyKey, sign_jws, unverified_kid, verify_jws
from keys.model import IDENTIFIER, KID, AgencyId, BlindIndex, Kid, kid_owner
from keys.reading import CODE, HEX32, Members
from keys.strict_json import b64u, dumps, loads, unb64u
from keys.timing import check_in_force

STATEMENT_TYP: Final = "lotse-statement+jws"
STATEMENT_LIFETIME_SECONDS: Final = 300
STATEMENT_MAX_BYTES: Final = 32_768
NONCE_BYTES: Final = 16
MAX_DECLARED_TEXT: Final = 64

_MEMBERS: Final = (
    "v", "iss", "dir", "from", "to", "purpose", "trigger", "fields", "declared", "rkid",
    "nonce", "subject", "detail", "iat", "exp",
)  # fmt: skip

Direction = Literal["pull", "push"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One agency's request or delivery, in closed codes."""

    issuer: AgencyId
    """Who started: the recipient for a pull, the source for a push."""

    direction: Direction

    source: AgencyId
    """``from``: the agency that holds the facts."""

    recipient: AgencyId
    """``to``: the agency that will read them."""

    purpose: str

    trigger: str

    fields: tuple[str, ...]
    """Sorted, without repetition, at least one."""

    declared: Mapping[str, bool | int | str]
    """What the issuer asserts, as codes from the catalogue's closed lists."""

    recipient_kid: Kid
    """The recipient's key that the fields are to be sealed to."""

    nonce: bytes
    """16 random bytes."""

    subject: bytes
    """:func:`subject_commitment` over nonce and blind index; 32 bytes."""

    detail: str
    """SHA-256 of the issuer's sealed detail, hex."""

    issued_at: int

    expires_at: int

    @property
    def other(self) -> AgencyId:
        """Return the agency that did not start."""
        return self.source if self.direction == "pull" else self.recipient


def subject_commitment(nonce: bytes, index: BlindIndex) -> bytes:
    """Commit to the person without saying who; differs in every exchange."""
    return hashlib.sha256(pae("lotse-subject-v1", nonce, index)).digest()


def sign_statement(statement: Statement, signer: Signer) -> str:
    """Sign; the fields are sorted and made unique here."""
    payload = dumps(
        {
            "v": 1,
            "iss": statement.issuer,
            "dir": statement.direction,
            "from": statement.source,
            "to": statement.recipient,
            "purpose": statement.purpose,
            "trigger": statement.trigger,
            "fields": sorted(set(statement.fields)),
            "declared": dict(statement.declared),
            "rkid": statement.recipient_kid,
            "nonce": b64u(statement.nonce),
            "subject": b64u(statement.subject),
            "detail": statement.detail,
            "iat": statement.issued_at,
            "exp": statement.expires_at,
        }
    )
    return sign_jws(payload, typ=STATEMENT_TYP, signer=signer)


def read_statement(
    unverified_jws: str,
    *,
    key: VerifyKey | Callable[[Kid], VerifyKey],
    now: int,
    grace_seconds: int = 0,
) -> Statement:
    """Verify a statement and read it.

    ``grace_seconds`` is 0 when the statement comes from its issuer. A holder that reads it out
    of an order that lawfully waited passes :data:`keys.messages.HELD_SECONDS`.

    Raises:
        MalformedError: not a statement.
        UnknownKey, SignatureInvalid: not signed by the key.
        ContextMismatch: the issuer is not the party that starts, or signs with another's key.
        NotInForce: expired, from the future, or valid for more than five minutes.
    """
    verified = verify_jws(unverified_jws, typ=STATEMENT_TYP, key=key, max_bytes=STATEMENT_MAX_BYTES)
    statement = _claims(verified.payload)
    _check_parties(statement, verified.kid)
    check_in_force(
        issued_at=statement.issued_at,
        expires_at=statement.expires_at,
        now=now,
        max_lifetime=STATEMENT_LIFETIME_SECONDS,
        grace=grace_seconds,
    )
    return statement


def unverified_statement(unverified_jws: str) -> Statement:
    """Read a statement without believing it: to end what hangs on it, never to release anything.

    An exchange must be closable after its issuer's key was revoked or its agency left the list.

    Raises:
        MalformedError: not a statement.
    """
    unverified_kid(unverified_jws, max_bytes=STATEMENT_MAX_BYTES)
    return _claims(unb64u(unverified_jws.split(".")[1]))


def _claims(payload: bytes) -> Statement:
    claims = Members(loads(payload, max_bytes=STATEMENT_MAX_BYTES), _MEMBERS)
    claims.version()
    return Statement(
        issuer=AgencyId(claims.text("iss", IDENTIFIER)),
        direction=_direction(claims),
        source=AgencyId(claims.text("from", IDENTIFIER)),
        recipient=AgencyId(claims.text("to", IDENTIFIER)),
        purpose=claims.text("purpose"),
        trigger=claims.text("trigger"),
        fields=claims.sorted_texts("fields", IDENTIFIER),
        declared=_declared(claims),
        recipient_kid=Kid(claims.text("rkid", KID)),
        nonce=claims.binary("nonce", NONCE_BYTES),
        subject=claims.binary("subject", 32),
        detail=claims.text("detail", HEX32),
        issued_at=claims.integer("iat"),
        expires_at=claims.integer("exp"),
    )


def _direction(claims: Members) -> Direction:
    match claims.text("dir"):
        case "pull":
            return "pull"
        case "push":
            return "push"
        case _:
            raise MalformedError("dir")


def _declared(claims: Members) -> Mapping[str, bool | int | str]:
    declared: dict[str, bool | int | str] = {}
    for code, value in claims.object("declared").items():
        if CODE.fullmatch(code) is None or not isinstance(value, bool | int | str):
            raise MalformedError("declared")
        if isinstance(value, str) and not 0 < len(value) <= MAX_DECLARED_TEXT:
            raise MalformedError("declared")
        declared[code] = value
    return declared


def _check_parties(statement: Statement, kid: Kid) -> None:
    if not statement.fields:
        raise MalformedError("fields")
    if statement.source == statement.recipient:
        raise ContextMismatch("parties")
    starter = statement.recipient if statement.direction == "pull" else statement.source
    if statement.issuer != starter or kid_owner(kid) != starter:
        raise ContextMismatch("iss")
    if kid_owner(statement.recipient_kid) != statement.recipient:
        raise ContextMismatch("rkid")
