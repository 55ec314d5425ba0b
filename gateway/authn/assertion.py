# SPDX-License-Identifier: EUPL-1.2
"""Client assertions: how an agency proves itself at the token endpoint.

RFC 7523 3 with the audience rule of RFC 10070: the one audience is the issuer identifier as a
string, so that an assertion made for another server, or for "any of these", is worth nothing
here; and the type is said explicitly, so that no other signed message of an agency is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.authn.errors import AssertionRefused
from gateway.authn.jwt import (
    NotThisJwt,
    text_claim,
    time_claim,
    unverified_header,
    verified_claims,
)
from keys.errors import KeysError
from keys.jwk import parse_p256
from keys.messages.assertion import ASSERTION_TYP
from keys.model import AgencyId, Kid, kid_owner, parse_kid

if TYPE_CHECKING:
    from keys.keylist import AgencyList
    from keys.strict_json import JsonValue


MAX_LIFE_SECONDS: Final = 60
"""From ``iat`` to ``exp``: long enough for one call, short enough to be remembered."""
SKEW_SECONDS: Final = 60
"""How far the clocks of an agency and the gateway may differ."""
MAX_CHARS: Final = 4096


@dataclass(frozen=True, slots=True)
class VerifiedAssertion:
    """An assertion whose signature and claims hold; it must still be spent."""

    agency: AgencyId
    """Who signed."""
    kid: Kid
    """With which key; tokens made from this assertion end with it."""
    jti: str
    """Chosen by the agency; unique per agency."""
    keep_until: int
    """Epoch seconds until which the ``jti`` must be remembered."""


def verify_assertion(
    unverified_assertion: str, *, issuer: str, agencies: AgencyList, now: int
) -> VerifiedAssertion:
    """Check everything about an assertion except whether it was used before.

    Args:
        unverified_assertion: compact JWT from the form.
        issuer: this gateway's issuer identifier.
        agencies: the agency list in force.
        now: epoch seconds.

    Raises:
        AssertionRefused: with the closed reason.
    """
    try:
        header = unverified_header(unverified_assertion, max_chars=MAX_CHARS)
    except NotThisJwt:
        raise AssertionRefused("malformed") from None
    if header.typ != ASSERTION_TYP:
        raise AssertionRefused("wrong_typ")
    if not header.strict or header.kid is None:
        raise AssertionRefused("wrong_header")
    agency, kid = _owner(header.kid)
    try:
        # The list decides whose key this is: the name inside the key id only says where to look.
        key = parse_p256(agencies.auth_key(agency, kid).jwk)
        claims = verified_claims(
            unverified_assertion,
            key,
            issuer=agency,
            audience=issuer,
            require=("iss", "sub", "aud", "iat", "exp", "jti"),
        )
    except KeysError:
        raise AssertionRefused("unknown_key") from None
    except NotThisJwt:
        raise AssertionRefused("not_verified") from None
    return _check_claims(claims, agency, kid, now)


def _owner(unverified_kid: str) -> tuple[AgencyId, Kid]:
    try:
        kid = parse_kid(unverified_kid)
    except KeysError:
        raise AssertionRefused("unknown_key") from None
    return kid_owner(kid), kid


def _check_claims(
    claims: dict[str, JsonValue], agency: AgencyId, kid: Kid, now: int
) -> VerifiedAssertion:
    """Check what is inside a signature that holds."""
    try:
        subject, jti = text_claim(claims, "sub"), text_claim(claims, "jti")
        issued, expires = time_claim(claims, "iat"), time_claim(claims, "exp")
        not_before = time_claim(claims, "nbf") if "nbf" in claims else issued
    except NotThisJwt:
        raise AssertionRefused("wrong_claims", signed=True) from None
    if subject != agency:
        raise AssertionRefused("wrong_subject", signed=True)
    if not 0 < expires - issued <= MAX_LIFE_SECONDS:
        raise AssertionRefused("life_too_long", signed=True)
    if max(issued, not_before) > now + SKEW_SECONDS:
        raise AssertionRefused("not_yet_valid", signed=True)
    if expires + SKEW_SECONDS <= now:
        raise AssertionRefused("expired", signed=True)
    return VerifiedAssertion(agency=agency, kid=kid, jti=jti, keep_until=expires + SKEW_SECONDS)
