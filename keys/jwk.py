# SPDX-License-Identifier: EUPL-1.2
"""Public P-256 keys as JSON Web Keys: the four required members and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec

from keys.errors import MalformedError
from keys.strict_json import b64u, unb64u

PublicJwk: TypeAlias = Mapping[str, str]
"""``{"kty","crv","x","y"}`` for P-256 (RFC 7518, 6.2.1), ``{"kty","alg","pub"}`` for the hybrid."""

P256_COORDINATE_BYTES: Final = 32
_MEMBERS: Final = frozenset({"kty", "crv", "x", "y"})


def parse_p256(unverified_jwk: Mapping[str, object]) -> ec.EllipticCurvePublicKey:
    """Read a public P-256 key; the point is checked to lie on the curve.

    A private member, an unknown member or another curve is refused.

    Raises:
        MalformedError: ``jwk``.
    """
    x, y = unverified_jwk.get("x"), unverified_jwk.get("y")
    if (
        unverified_jwk.keys() != _MEMBERS
        or unverified_jwk["kty"] != "EC"
        or unverified_jwk["crv"] != "P-256"
        or not isinstance(x, str)
        or not isinstance(y, str)
    ):
        raise MalformedError("jwk")
    try:
        x_bytes, y_bytes = unb64u(x), unb64u(y)
        if {len(x_bytes), len(y_bytes)} != {P256_COORDINATE_BYTES}:
            # A second spelling would be a second thumbprint.
            raise MalformedError("jwk")  # noqa: TRY301 - told like the errors beside it
        return ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(), b"\x04" + x_bytes + y_bytes
        )
    except (MalformedError, ValueError):
        raise MalformedError("jwk") from None


def p256_jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """Write a public P-256 key as a JWK."""
    numbers = key.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": b64u(numbers.x.to_bytes(P256_COORDINATE_BYTES, "big")),
        "y": b64u(numbers.y.to_bytes(P256_COORDINATE_BYTES, "big")),
    }


def thumbprint(jwk: PublicJwk) -> str:
    """Return the JWK thumbprint, base64url of SHA-256 (RFC 7638, 3).

    Raises:
        MalformedError: ``jwk``: a required member is missing.
    """
    needed = ("alg", "kty", "pub") if jwk.get("kty") == "AKP" else ("crv", "kty", "x", "y")
    if not jwk.keys() >= set(needed):
        raise MalformedError("jwk")
    canonical = json.dumps({name: jwk[name] for name in needed}, separators=(",", ":"))
    return b64u(hashlib.sha256(canonical.encode("utf-8")).digest())
