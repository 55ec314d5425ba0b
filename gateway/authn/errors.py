# SPDX-License-Identifier: EUPL-1.2
"""Why a credential is not accepted.

::

    GatewayError
    └── AuthnError
        ├── AssertionRefused       a client assertion that proves nothing
        │   └── AssertionSpent     … because it was used before
        ├── TokenRefused           an access token that proves nothing
        │   ├── WrongTokenType     … because it is a token of another kind
        │   └── BindingMissing     … because the proof of possession is missing
        └── RouteUndeclared        an app with a route that nobody declared; it must not start

``reason`` is a closed code for the log and for the caller's own operator. It is told outside only
where the signature had already been verified, so that guessing teaches nothing.
"""

from __future__ import annotations

from gateway.errors import GatewayError


class AuthnError(GatewayError):
    """Base of everything that signing in can refuse."""


class AssertionRefused(AuthnError):
    """A client assertion that proves nothing."""

    def __init__(self, reason: str, *, signed: bool = False) -> None:
        """Take the closed code and whether the signature had been verified."""
        super().__init__(reason)
        self.reason = reason
        self.signed = signed


class AssertionSpent(AssertionRefused):
    """A client assertion that was already used."""

    def __init__(self) -> None:
        """Take nothing: there is one reason."""
        super().__init__("replayed", signed=True)


class TokenRefused(AuthnError):
    """An access token that proves nothing."""


class WrongTokenType(TokenRefused):
    """A token of another kind where an access token belongs."""


class BindingMissing(TokenRefused):
    """A sender-bound token without the proof of possession."""


class RouteUndeclared(AuthnError):
    """A route without a declared scope, or without the check that its scope needs."""
