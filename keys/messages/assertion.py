# SPDX-License-Identifier: EUPL-1.2
"""How an agency proves to the token endpoint who it is (RFC 7523 as updated by RFC 10070)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keys.errors import ContextMismatch
from keys.jws import Signer, VerifyKey, sign_jws, verify_jws
from keys.model import IDENTIFIER, AgencyId, Kid, kid_owner
from keys.reading import Members
from keys.strict_json import dumps, loads
from keys.timing import check_in_force

ASSERTION_TYP: Final = "client-authentication+jwt"
"""Explicit type of client assertions (RFC 10070)."""

ASSERTION_LIFETIME_SECONDS: Final = 60
ASSERTION_MAX_BYTES: Final = 4_096

_JTI: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    """A checked assertion; using ``token_id`` only once is the caller's part."""

    agency: AgencyId
    token_id: str
    expires_at: int


def client_assertion(agency: AgencyId, issuer: str, signer: Signer, now: int, jti: str) -> str:
    """Make an assertion for the authorization server with this issuer identifier.

    The only audience is the issuer identifier, as one string (RFC 10070).
    """
    payload = dumps(
        {
            "iss": agency,
            "sub": agency,
            "aud": issuer,
            "iat": now,
            "exp": now + ASSERTION_LIFETIME_SECONDS,
            "jti": jti,
        }
    )
    return sign_jws(payload, typ=ASSERTION_TYP, signer=signer)


def read_client_assertion(
    unverified_jws: str,
    *,
    key: VerifyKey | Callable[[Kid], VerifyKey],
    issuer: str,
    now: int,
) -> ClientAssertion:
    """Verify an assertion that must be meant for ``issuer`` and nobody else.

    Raises:
        MalformedError: not a client assertion.
        UnknownKey, SignatureInvalid: not signed by the key.
        ContextMismatch: another audience, or a key of another agency.
        NotInForce: expired, from the future, or valid for more than a minute.
    """
    verified = verify_jws(unverified_jws, typ=ASSERTION_TYP, key=key, max_bytes=ASSERTION_MAX_BYTES)
    claims = Members(
        loads(verified.payload, max_bytes=ASSERTION_MAX_BYTES),
        ("iss", "sub", "aud", "iat", "exp", "jti"),
    )
    agency = AgencyId(claims.text("iss", IDENTIFIER))
    if claims.text("sub", IDENTIFIER) != agency or kid_owner(verified.kid) != agency:
        raise ContextMismatch("iss")
    if claims.long_text("aud", 512) != issuer:
        raise ContextMismatch("aud")
    expires_at = claims.integer("exp")
    token_id = claims.text("jti", _JTI)
    check_in_force(
        issued_at=claims.integer("iat"),
        expires_at=expires_at,
        now=now,
        max_lifetime=ASSERTION_LIFETIME_SECONDS,
    )
    return ClientAssertion(agency=agency, token_id=token_id, expires_at=expires_at)
