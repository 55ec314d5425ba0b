# SPDX-License-Identifier: EUPL-1.2
"""What the gateway publishes about its sign-in: RFC 8414 metadata and its token keys (RFC 7517)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.authn.jwt import ALGORITHM
from gateway.authn.tokens import AGENCY_SCOPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keys.jwk import PublicJwk
    from keys.model import Kid

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
JWKS_PATH: Final = "/.well-known/jwks.json"
METADATA_PATH: Final = "/.well-known/oauth-authorization-server"
CLIENT_CREDENTIALS: Final = "client_credentials"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""RFC 7523 2.2."""


def server_metadata(issuer: str) -> dict[str, Any]:
    """Describe the authorization server; addresses come from the settings, never from a request."""
    return {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "jwks_uri": issuer + JWKS_PATH,
        "scopes_supported": [AGENCY_SCOPE],
        "response_types_supported": [],
        "grant_types_supported": [CLIENT_CREDENTIALS],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": [ALGORITHM],
    }


def key_set(token_jwks: Mapping[Kid, PublicJwk]) -> dict[str, Any]:
    """Publish the public TOKEN keys."""
    return {
        "keys": [
            {**jwk, "kid": kid, "use": "sig", "alg": ALGORITHM}
            for kid, jwk in sorted(token_jwks.items())
        ]
    }
