# SPDX-License-Identifier: EUPL-1.2
"""JWTs in one narrow shape, verified by PyJWT.

PyJWT by itself accepts tokens of any size, any ``typ``, a list as audience and a header that
brings its own key. So the header is read first, strictly: exactly ``alg``, ``kid`` and ``typ``
(RFC 8725 3.1, 3.11), ``alg`` is ES256 and nothing else. Times are compared by the caller of this
module, since time is an argument here and PyJWT reads a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import jwt

from keys.errors import KeysError
from keys.strict_json import JsonValue, loads, unb64u

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

ALGORITHM: Final = "ES256"
"""The only one (FAPI 2.0 Security Profile 5.4.1 allows PS256, ES256, EdDSA)."""
MAX_HEADER_BYTES: Final = 512
MAX_PAYLOAD_BYTES: Final = 8192
PARTS: Final = 3


class NotThisJwt(Exception):
    """The text is no JWT of the expected shape, key and audience."""


@dataclass(frozen=True, slots=True)
class UnverifiedHeader:
    """What a token says about itself before anything is checked."""

    alg: str | None
    kid: str | None
    typ: str | None
    strict: bool
    """Exactly alg, kid and typ, and alg is ES256."""


def unverified_header(unverified_token: str, *, max_chars: int) -> UnverifiedHeader:
    """Read the header of `unverified_token`; nothing in it may be believed.

    Raises:
        NotThisJwt: too long, not three base64url parts, or the header is not strict JSON.
    """
    if len(unverified_token) > max_chars:
        raise NotThisJwt
    parts = unverified_token.split(".")
    if len(parts) != PARTS or not all(parts[:2]):
        raise NotThisJwt
    try:
        header = loads(unb64u(parts[0]), max_bytes=MAX_HEADER_BYTES, max_depth=4)
    except KeysError:
        raise NotThisJwt from None
    if not isinstance(header, dict):
        raise NotThisJwt
    alg, kid, typ = (_text(header.get(name)) for name in ("alg", "kid", "typ"))
    strict = header.keys() == {"alg", "kid", "typ"} and alg == ALGORITHM and kid is not None
    return UnverifiedHeader(alg=alg, kid=kid, typ=typ, strict=strict)


def verified_claims(
    unverified_token: str,
    key: EllipticCurvePublicKey,
    *,
    issuer: str,
    audience: str,
    require: Sequence[str],
) -> dict[str, JsonValue]:
    """Verify signature, issuer and audience; give the claims. Times are not checked here.

    Raises:
        NotThisJwt: any of it does not hold, a claim in `require` is missing, or the payload is
            not strict JSON.
    """
    try:
        jwt.decode(
            unverified_token,
            key,
            algorithms=[ALGORITHM],
            issuer=issuer,
            audience=audience,
            options={
                "require": list(require),
                "strict_aud": True,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "enforce_minimum_key_length": True,
            },
        )
        payload = unb64u(unverified_token.split(".")[1])
        # PyJWT lets the last of two equal keys win; read again by the strict rules.
        claims = loads(payload, max_bytes=MAX_PAYLOAD_BYTES)
    except (jwt.PyJWTError, KeysError, ValueError):
        raise NotThisJwt from None
    if not isinstance(claims, dict):
        raise NotThisJwt
    return claims


def text_claim(claims: dict[str, JsonValue], name: str, *, max_chars: int = 128) -> str:
    """Give a non-empty text claim.

    Raises:
        NotThisJwt: missing, of another type, or too long.
    """
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= max_chars:
        raise NotThisJwt
    return value


def time_claim(claims: dict[str, JsonValue], name: str) -> int:
    """Give a time claim in whole epoch seconds.

    Raises:
        NotThisJwt: missing, not an integer, or before 1970.
    """
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise NotThisJwt
    return value


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None
