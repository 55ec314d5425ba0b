# SPDX-License-Identifier: EUPL-1.2
"""Access tokens of RFC 9068: issued by the gateway, presented to the gateway.

A token lives five minutes and says only who calls. What the caller may do is looked up at every
call, so a revoked key, an ended agreement or a withdrawn permission counts at once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.authn.errors import TokenRefused, WrongTokenType
from gateway.authn.jwt import (
    NotThisJwt,
    text_claim,
    time_claim,
    unverified_header,
    verified_claims,
)
from keys.errors import KeysError
from keys.jwk import parse_p256
from keys.jws import sign_jws
from keys.strict_json import b64u, dumps, unb64u

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keys.jwk import PublicJwk
    from keys.jws import Signer
    from keys.model import AgencyId, Kid
    from keys.strict_json import JsonValue

ACCESS_TYP: Final = "at+jwt"
"""RFC 9068 2.1; the long form ``application/at+jwt`` is never issued here."""
LIFE_SECONDS: Final = 300
AGENCY_SCOPE: Final = "exchange"
PERSON_SCOPE: Final = "person"
PERSON_CLIENT: Final = "lotse-portal"
"""Client id in persons' tokens (RFC 9068 2.2 demands one)."""
MAX_CHARS: Final = 2048
REMEMBERED_TOKENS: Final = 4096
"""Upper bound of the memory of verified signatures: one per agency and five minutes suffice."""
ID_BYTES: Final = 16
REQUIRED: Final = ("iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope")


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A fresh access token."""

    text: str = field(repr=False)
    """Compact JWT."""
    expires_in: int
    """Seconds."""
    scope: str
    """``exchange`` or ``person``."""


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a genuine access token says; whether it still counts is checked at every call."""

    subject: str
    """Agency id or account handle."""
    client: str
    """Equal to the subject in agencies' tokens."""
    scope: str
    """``exchange`` or ``person``."""
    token_id: str
    """Random."""
    issued_at: int
    """Epoch seconds."""
    expires_at: int
    """Epoch seconds."""
    bound: bool
    """It has a ``cnf`` claim: only whoever proves possession of a key may present it."""
    client_kid: str | None
    """The agency's key that signed in; the token ends with the key."""
    insecure: bool
    """Issued to a stand-in for a person."""
    secret: bytes = field(default=b"", repr=False)
    """A person's account secret."""


class TokenIssuer:
    """Signs access tokens; the private key stays in its provider."""

    def __init__(
        self,
        issuer: str,
        signer: Signer,
        *,
        clock: Callable[[], int],
        randomness: Callable[[int], bytes],
    ) -> None:
        """Take the gateway's issuer identifier and its TOKEN signer."""
        self._issuer = issuer
        self._signer = signer
        self._clock = clock
        self._randomness = randomness

    def for_agency(self, agency: AgencyId, kid: Kid) -> IssuedToken:
        """Make a token for `agency`, which proved itself with its key `kid`."""
        own: dict[str, JsonValue] = {"sub": agency, "client_id": agency, "client_kid": kid}
        return self._issue(own, AGENCY_SCOPE)

    def for_person(self, account: str, secret: bytes, *, insecure: bool) -> IssuedToken:
        """Make a token for the person behind `account`.

        Args:
            account: random account handle.
            secret: opens the account's sealed link row; the gateway keeps it nowhere else.
            insecure: the person was not identified but stood in for.
        """
        own: dict[str, JsonValue] = {
            "sub": account,
            "client_id": PERSON_CLIENT,
            "account_secret": b64u(secret),
            "acr": "insecure" if insecure else "identified",
        }
        return self._issue(own, PERSON_SCOPE)

    def _issue(self, own: dict[str, JsonValue], scope: str) -> IssuedToken:
        now = self._clock()
        claims: dict[str, JsonValue] = {
            **own,
            "iss": self._issuer,
            "aud": audience_of(self._issuer),
            "iat": now,
            "exp": now + LIFE_SECONDS,
            "jti": b64u(self._randomness(ID_BYTES)),
            "scope": scope,
        }
        text = sign_jws(dumps(claims), typ=ACCESS_TYP, signer=self._signer)
        return IssuedToken(text=text, expires_in=LIFE_SECONDS, scope=scope)


class TokenReader:
    """Verifies access tokens of this issuer.

    The signature of an agency's token is checked once and remembered under the token's SHA-256
    until it expires: that is the only thing remembered. Persons' tokens are not kept at all,
    since they hold a secret.
    """

    def __init__(self, issuer: str, token_jwks: Mapping[Kid, PublicJwk]) -> None:
        """Take the public halves of the gateway's TOKEN keys, old ones included.

        Raises:
            KeysError: a key is not a public P-256 JWK.
        """
        self._issuer = issuer
        self._keys = {str(kid): parse_p256(jwk) for kid, jwk in token_jwks.items()}
        self._remembered: dict[bytes, AccessClaims] = {}

    def read(self, unverified_token: str, *, now: int) -> AccessClaims:
        """Verify `unverified_token` and its times.

        Raises:
            WrongTokenType: it is a token, but not an access token.
            TokenRefused: anything else that does not hold.
        """
        if len(unverified_token) > MAX_CHARS or not unverified_token.isascii():
            raise TokenRefused
        digest = hashlib.sha256(unverified_token.encode()).digest()
        claims = self._remembered.get(digest)
        if claims is None:
            claims = self._verify(unverified_token)
            if claims.scope == AGENCY_SCOPE and now < claims.expires_at:
                self._remember(digest, claims, now)
        # Issuer and reader are replicas of one gateway: no leeway for the end.
        if now >= claims.expires_at:
            raise TokenRefused
        return claims

    def _verify(self, unverified_token: str) -> AccessClaims:
        try:
            header = unverified_header(unverified_token, max_chars=MAX_CHARS)
        except NotThisJwt:
            raise TokenRefused from None
        if header.typ != ACCESS_TYP:
            raise WrongTokenType
        key = self._keys.get(header.kid or "")
        if key is None or not header.strict:
            raise TokenRefused
        try:
            claims = verified_claims(
                unverified_token,
                key,
                issuer=self._issuer,
                audience=audience_of(self._issuer),
                require=REQUIRED,
            )
            return _access_claims(claims)
        except (NotThisJwt, KeysError):
            raise TokenRefused from None

    def _remember(self, digest: bytes, claims: AccessClaims, now: int) -> None:
        if len(self._remembered) >= REMEMBERED_TOKENS:
            live = [item for item in self._remembered.items() if item[1].expires_at > now]
            self._remembered = dict(live[-(REMEMBERED_TOKENS // 2) :])
        self._remembered[digest] = claims


def audience_of(issuer: str) -> str:
    """Name the audience of access tokens: the versioned API of this issuer."""
    return f"{issuer}/v1"


def _access_claims(claims: dict[str, JsonValue]) -> AccessClaims:
    issued, expires = time_claim(claims, "iat"), time_claim(claims, "exp")
    scope = text_claim(claims, "scope")
    subject, client = text_claim(claims, "sub"), text_claim(claims, "client_id")
    own_client = {AGENCY_SCOPE: subject, PERSON_SCOPE: PERSON_CLIENT}.get(scope)
    if client != own_client or not 0 < expires - issued <= LIFE_SECONDS:
        raise NotThisJwt
    person = scope == PERSON_SCOPE
    return AccessClaims(
        subject=subject,
        client=client,
        scope=scope,
        token_id=text_claim(claims, "jti"),
        issued_at=issued,
        expires_at=expires,
        bound="cnf" in claims,
        client_kid=None if person else text_claim(claims, "client_kid"),
        insecure=person and text_claim(claims, "acr") != "identified",
        secret=unb64u(text_claim(claims, "account_secret")) if person else b"",
    )
