# SPDX-License-Identifier: EUPL-1.2
"""The place where a token is tied to whoever presents it.

Today tokens are plain bearer tokens, short and only between agencies' servers and the gateway.
DPoP (RFC 9449) or certificate-bound tokens (RFC 8705) arrive as further implementations of
`SenderConstraint`; nothing else changes. A token that says it is bound is refused until then,
so that a bound token never becomes worth more by dropping its proof.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gateway.authn.errors import BindingMissing, TokenRefused

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from gateway.authn.tokens import AccessClaims


class SenderConstraint(Protocol):
    """Checks that a token is presented by whom it was issued to."""

    def check(self, claims: AccessClaims, *, scheme: str, headers: Headers) -> None:
        """Return if the presentation holds.

        Args:
            claims: the verified token's claims.
            scheme: authorization scheme in lower case.
            headers: the request's headers.

        Raises:
            BindingMissing: the token is bound and the proof is missing.
            TokenRefused: scheme and token do not go together.
        """


class Unbound:
    """Plain bearer tokens (RFC 6750); refuses what is bound."""

    def check(self, claims: AccessClaims, *, scheme: str, headers: Headers) -> None:
        """Return for an unbound token under the Bearer scheme.

        Raises:
            BindingMissing: the token has a ``cnf`` claim.
            TokenRefused: another scheme.
        """
        if claims.bound:
            raise BindingMissing
        if scheme != "bearer" or "dpop" in headers:
            raise TokenRefused
