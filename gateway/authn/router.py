# SPDX-License-Identifier: EUPL-1.2
"""The routes of the sign-in: token endpoint, metadata, keys.

The form is read here and not by the framework, since RFC 6749 3.2 wants repeated parameters
refused, and no value may come back in an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from gateway.authn.errors import AssertionRefused
from gateway.authn.metadata import (
    ASSERTION_TYPE,
    CLIENT_CREDENTIALS,
    JWKS_PATH,
    METADATA_PATH,
    TOKEN_PATH,
    key_set,
    server_metadata,
)
from gateway.authn.tokens import AGENCY_SCOPE
from gateway.problems import Problem

if TYPE_CHECKING:
    from gateway.authn.service import Authn

FORM: Final = "application/x-www-form-urlencoded"
MAX_FORM_BYTES: Final = 16_384
MAX_PARAMETERS: Final = 16
PARAMETERS: Final = (
    "grant_type",
    "client_assertion_type",
    "client_assertion",
    "client_id",
    "client_secret",
    "scope",
)
_FORM_SCHEMA: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["grant_type", "client_assertion_type", "client_assertion"],
                    "properties": {
                        "grant_type": {"const": CLIENT_CREDENTIALS},
                        "client_assertion_type": {"const": ASSERTION_TYPE},
                        "client_assertion": {"type": "string", "maxLength": 4096},
                        "client_id": {"type": "string", "maxLength": 64},
                        "scope": {"const": AGENCY_SCOPE},
                    },
                }
            }
        },
    }
}

router = APIRouter(tags=["sign-in"], redirect_slashes=False)


@router.post(TOKEN_PATH, openapi_extra=_FORM_SCHEMA, summary="Get an access token")
async def token(request: Request) -> JSONResponse:
    """Change a client assertion (RFC 7523, RFC 10070) for an access token (RFC 9068)."""
    authn: Authn = request.app.state.authn
    form = _form(request.headers.get("content-type", ""), await request.body())
    _check_grant(form, has_authorization="authorization" in request.headers)
    try:
        issued = await authn.sign_in(form["client_assertion"], client_id=form.get("client_id"))
    except AssertionRefused as refused:
        raise Problem(
            "not-authenticated",
            reason=refused.reason if refused.signed else None,
            oauth_error="invalid_client",
        ) from None
    body = {
        "access_token": issued.text,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "scope": issued.scope,
    }
    return JSONResponse(body, headers={"cache-control": "no-store"})


@router.get(METADATA_PATH, summary="Describe the sign-in (RFC 8414)")
async def metadata(request: Request) -> JSONResponse:
    """Give the authorization server's metadata."""
    authn: Authn = request.app.state.authn
    return JSONResponse(server_metadata(authn.issuer))


@router.get(JWKS_PATH, summary="Public keys of access tokens")
async def jwks(request: Request) -> JSONResponse:
    """Give the JWK set of the gateway's TOKEN keys."""
    authn: Authn = request.app.state.authn
    return JSONResponse(key_set(authn.token_jwks), media_type="application/jwk-set+json")


def _form(content_type: str, body: bytes) -> dict[str, str]:
    """Read the known parameters of a form; others are ignored (RFC 6749 3.2).

    Raises:
        Problem: not a form, too large, not ASCII percent-encoding of UTF-8, or a repeated
            parameter.
    """
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise Problem("unsupported-media-type", oauth_error="invalid_request")
    if len(body) > MAX_FORM_BYTES:
        raise Problem("body-too-large", oauth_error="invalid_request")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError:
        raise _invalid("form") from None
    form: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in pairs:
        if name in seen:
            raise _invalid("repeated_parameter")
        seen.add(name)
        if name in PARAMETERS and value:
            form[name] = value
    return form


def _check_grant(form: dict[str, str], *, has_authorization: bool) -> None:
    if "client_secret" in form or has_authorization:
        # RFC 6749 2.3: one method of client authentication; ours is the assertion.
        raise _invalid("two_methods")
    if "grant_type" not in form:
        raise _invalid("grant_type")
    if form["grant_type"] != CLIENT_CREDENTIALS:
        raise _invalid("grant_type", "unsupported_grant_type")
    if form.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in form:
        raise Problem("not-authenticated", oauth_error="invalid_client")
    if form.get("scope", AGENCY_SCOPE) != AGENCY_SCOPE:
        raise _invalid("scope", "invalid_scope")


def _invalid(reason: str, oauth_error: str = "invalid_request") -> Problem:
    return Problem("invalid-request", reason=reason, oauth_error=oauth_error)
