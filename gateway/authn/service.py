# SPDX-License-Identifier: EUPL-1.2
"""Signing in, and checking every call: what the routes and the token endpoint use."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

from gateway.authn.assertion import verify_assertion
from gateway.authn.constraint import Unbound
from gateway.authn.errors import (
    AssertionRefused,
    BindingMissing,
    TokenRefused,
    WrongTokenType,
)
from gateway.authn.tokens import AGENCY_SCOPE, TokenIssuer, TokenReader
from gateway.caller import Caller, Person
from gateway.problems import Problem
from keys.errors import KeysError
from keys.model import AgencyId, Kid
from policies.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.datastructures import Headers

    from gateway.authn.constraint import SenderConstraint
    from gateway.authn.store import UsedAssertions
    from gateway.authn.tokens import AccessClaims, IssuedToken
    from keys.jwk import PublicJwk
    from keys.jws import Signer
    from keys.keylist import AgencyList

_INVALID_TOKEN: Final = {"www-authenticate": 'Bearer error="invalid_token"'}
"""RFC 6750 3.1."""


class Authn:
    """The sign-in service of one gateway process; kept as ``app.state.authn``."""

    def __init__(
        self,
        *,
        issuer: str,
        agencies: Callable[[], AgencyList],
        used: UsedAssertions,
        signer: Signer,
        token_jwks: Mapping[Kid, PublicJwk],
        clock: Callable[[], int],
        accept_insecure_persons: bool = False,
        constraint: SenderConstraint | None = None,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Put the parts together.

        Args:
            issuer: the gateway's issuer identifier, without a slash at the end.
            agencies: gives the agency list in force; raises a `KeysError` when none is.
            used: the single-use check shared by all replicas.
            signer: the gateway's active TOKEN key.
            token_jwks: public TOKEN keys by key id, the active one and older ones.
            clock: epoch seconds.
            accept_insecure_persons: the setting ``insecure_demo_person``.
            constraint: how tokens are tied to their sender; plain bearer tokens when left out.
            randomness: gives that many random bytes.

        Raises:
            KeysError: a key in `token_jwks` is not a public P-256 key.
        """
        self.issuer = issuer
        self.token_jwks = dict(token_jwks)
        self._agencies = agencies
        self._used = used
        self._clock = clock
        self._accept_insecure_persons = accept_insecure_persons
        self._constraint: SenderConstraint = constraint or Unbound()
        self._reader = TokenReader(issuer, token_jwks)
        self.tokens = TokenIssuer(issuer, signer, clock=clock, randomness=randomness)

    async def sign_in(
        self, unverified_assertion: str, *, client_id: str | None = None
    ) -> IssuedToken:
        """Change a client assertion for an access token.

        Args:
            unverified_assertion: compact JWT.
            client_id: not needed; when sent it must name the assertion's agency (RFC 7521 4.2).

        Raises:
            AssertionRefused: it proves nothing, or was used before.
            Problem: ``agency-list-expired``.
        """
        now = self._clock()
        assertion = verify_assertion(
            unverified_assertion, issuer=self.issuer, agencies=self._current_list(), now=now
        )
        if client_id is not None and client_id != assertion.agency:
            raise AssertionRefused("other_client", signed=True)
        await asyncio.to_thread(self._used.spend, assertion, now=now)
        return self.tokens.for_agency(assertion.agency, assertion.kid)

    def authenticate(self, headers: Headers) -> Caller | Person:
        """Give who sent `headers`, checked now.

        Raises:
            Problem: 401 with the row that fits, or ``agency-list-expired`` (503).
        """
        try:
            scheme, token = _credential(headers)
            claims = self._reader.read(token, now=self._clock())
            self._constraint.check(claims, scheme=scheme, headers=headers)
            return self._who(claims)
        except WrongTokenType:
            raise Problem("wrong-token-type", headers=_INVALID_TOKEN) from None
        except BindingMissing:
            raise Problem("sender-binding-required", headers=_INVALID_TOKEN) from None
        except TokenRefused:
            raise Problem("not-authenticated", headers=_INVALID_TOKEN) from None

    def _who(self, claims: AccessClaims) -> Caller | Person:
        if claims.scope != AGENCY_SCOPE:
            if claims.insecure and not self._accept_insecure_persons:
                raise TokenRefused
            return Person(account=claims.subject, secret=claims.secret, token_id=claims.token_id)
        listed = self._current_list()
        agency = listed.agency(AgencyId(claims.subject))
        if agency is None or claims.client_kid is None:
            raise TokenRefused
        try:
            # A key that left the list ends the tokens that it was used to get.
            listed.auth_key(agency.id, Kid(claims.client_kid))
        except KeysError:
            raise TokenRefused from None
        return Caller(agency=agency.id, kind=Kind(agency.kind), token_id=claims.token_id)

    def _current_list(self) -> AgencyList:
        try:
            return self._agencies()
        except KeysError:
            raise Problem("agency-list-expired") from None


def _credential(headers: Headers) -> tuple[str, str]:
    """Take the one Authorization header apart: (scheme in lower case, token)."""
    values = headers.getlist("authorization")
    if len(values) != 1:
        raise TokenRefused
    scheme, _, token = values[0].partition(" ")
    if not token or scheme.lower() not in {"bearer", "dpop"}:
        raise TokenRefused
    return scheme.lower(), token
