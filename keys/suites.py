# SPDX-License-Identifier: EUPL-1.2
"""The two suites Lotse seals with, and the public keys it seals to.

==========================  ==============================================  =================
suite                       HPKE (RFC 9180, draft-ietf-hpke-pq)             recipient's JWK
==========================  ==============================================  =================
``GFE1-P256``               DHKEM(P-256), HKDF-SHA256, AES-256-GCM          ``kty`` EC, P-256
``GFE1-MLKEM1024-P384``     MLKEM1024-P384, HKDF-SHA384, AES-256-GCM        ``kty`` AKP
==========================  ==============================================  =================

A key belongs to exactly one suite, and the suite is part of every derived key. Nothing is
negotiated: the recipient's entry in the signed agency list decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, mlkem
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM1024P384PublicKey,
    Suite,
)

from keys.errors import MalformedError
from keys.jwk import PublicJwk, parse_p256
from keys.model import Kid
from keys.strict_json import unb64u

P256: Final = "GFE1-P256"
MLKEM1024_P384: Final = "GFE1-MLKEM1024-P384"

HYBRID_ALG: Final = "gfe1-mlkem1024-p384"
"""Private ``alg`` until JOSE names one for HPKE hybrids."""

MLKEM1024_PUBLIC_BYTES: Final = 1568
"""Encapsulation key of ML-KEM-1024 (FIPS 203, table 3)."""

P384_POINT_BYTES: Final = 97
"""Uncompressed point on P-384 (SEC 1, 2.3.3)."""

_HYBRID_MEMBERS: Final = frozenset({"kty", "alg", "pub"})

HPKE: Final[Mapping[str, Suite]] = {
    P256: Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
    MLKEM1024_P384: Suite(KEM.MLKEM1024_P384, KDF.HKDF_SHA384, AEAD.AES_256_GCM),
}

SEAL_OVERHEAD: Final[Mapping[str, int]] = {
    P256: 65 + 16,
    MLKEM1024_P384: 1568 + 97 + 16,
}
"""Bytes that sealing adds: encapsulated key and tag."""

KemPublicKey: TypeAlias = ec.EllipticCurvePublicKey | MLKEM1024P384PublicKey


class KemOpener(Protocol):
    """Opens what was sealed to one of its keys, and never shows a key."""

    def kids(self) -> tuple[Kid, ...]:
        """Name the keys it can open with, newest first."""
        ...

    def suite_of(self, kid: Kid) -> str:
        """Return the one suite that this key belongs to.

        Raises:
            UnknownKey: it has no such key.
        """
        ...

    def open(self, kid: Kid, suite: str, sealed: bytes, info: bytes) -> bytes:
        """Open with this key.

        Raises:
            UnknownKey: it has no such key.
            OpenFailed: wrong key, suite, info or bytes; deliberately not said which.
        """
        ...


@dataclass(frozen=True, slots=True)
class RecipientKey:
    """A public key to seal to; parsed once, used often.

    Raises:
        MalformedError: ``jwk``.
    """

    kid: Kid
    """Name of the key."""

    jwk: PublicJwk
    """The key itself."""

    suite: str = field(init=False)
    """The only suite this key may be used with; follows from the kind of key."""

    _key: KemPublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Parse the key."""
        suite, key = parse_kem_key(self.jwk)
        object.__setattr__(self, "suite", suite)
        object.__setattr__(self, "_key", key)

    def seal(self, plaintext: bytes, info: bytes) -> bytes:
        """Seal to the owner of this key, single shot: encapsulated key || ciphertext."""
        return HPKE[self.suite].encrypt(plaintext, self._key, info)


def parse_kem_key(unverified_jwk: Mapping[str, object]) -> tuple[str, KemPublicKey]:
    """Read a public KEM key and say which suite it belongs to.

    Raises:
        MalformedError: ``jwk``.
    """
    if unverified_jwk.get("kty") != "AKP":
        return P256, parse_p256(unverified_jwk)
    pub = unverified_jwk.get("pub")
    if (
        unverified_jwk.keys() != _HYBRID_MEMBERS
        or unverified_jwk["alg"] != HYBRID_ALG
        or not isinstance(pub, str)
    ):
        raise MalformedError("jwk")
    try:
        data = unb64u(pub)
        if len(data) != MLKEM1024_PUBLIC_BYTES + P384_POINT_BYTES:
            # A compressed point would be a second spelling.
            raise MalformedError("jwk")  # noqa: TRY301 - told like the errors beside it
        return MLKEM1024_P384, MLKEM1024P384PublicKey(
            mlkem.MLKEM1024PublicKey.from_public_bytes(data[:MLKEM1024_PUBLIC_BYTES]),
            ec.EllipticCurvePublicKey.from_encoded_point(
                ec.SECP384R1(), data[MLKEM1024_PUBLIC_BYTES:]
            ),
        )
    except (MalformedError, ValueError):
        raise MalformedError("jwk") from None
