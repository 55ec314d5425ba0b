# SPDX-License-Identifier: EUPL-1.2
"""Compact JWS in the one form Lotse uses: ES256, and a header of ``alg``, ``kid``, ``typ``.

Every kind of message has its own ``typ`` and is read by a reader that accepts only this one,
so that no signature can be taken for another (RFC 8725, 3.11). Header members that could bring
in a key or change the meaning (``jwk``, ``jku``, ``x5c``, ``crit`` …) are refused, as is
everything else that is not expected.

An ECDSA signature (r, s) has a twin (r, n-s) that anyone can compute. Hashes of whole tokens
are used as names of messages, so only the form with the smaller s is made and accepted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from keys.errors import MalformedError, SignatureInvalid, UnknownKey
from keys.jwk import PublicJwk, parse_p256
from keys.model import KID, Kid
from keys.strict_json import b64u, dumps, loads, unb64u

SIGNATURE_BYTES: Final = 64
"""r and s of P-256, 32 bytes each, concatenated (RFC 7518, 3.4)."""

P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order n of the group (FIPS 186-5, SP 800-186 3.2.1.3)."""

_ECDSA: Final = ec.ECDSA(hashes.SHA256())
_MAX_HEADER_CHARACTERS: Final = 512
_DOTS: Final = 2
_HEADER_MEMBERS: Final = frozenset({"alg", "kid", "typ"})


class Signer(Protocol):
    """Signs with one private key that it never shows."""

    @property
    def kid(self) -> Kid:
        """Name of the key."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Return the ES256 signature over ``data``: r || s, 64 bytes."""
        ...


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A public key for checking signatures; parsed once, used often.

    Raises:
        MalformedError: ``jwk``: not a public P-256 key.
    """

    kid: Kid
    """Name of the key."""

    jwk: PublicJwk
    """The key itself."""

    _key: ec.EllipticCurvePublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Parse the key."""
        object.__setattr__(self, "_key", parse_p256(self.jwk))

    def verify(self, signature: bytes, data: bytes) -> None:
        """Return if the signature is good and in its one accepted form.

        Raises:
            SignatureInvalid: ``signature``.
        """
        if len(signature) != SIGNATURE_BYTES:
            raise SignatureInvalid("signature")
        r = int.from_bytes(signature[:32], "big")
        s = int.from_bytes(signature[32:], "big")
        if s > P256_ORDER // 2:
            raise SignatureInvalid("signature")
        try:
            self._key.verify(encode_dss_signature(r, s), data, _ECDSA)
        except InvalidSignature:
            raise SignatureInvalid("signature") from None


@dataclass(frozen=True, slots=True)
class VerifiedJws:
    """A token whose signature and type have been checked; its payload has not been read yet."""

    payload: bytes
    """The signed bytes."""

    kid: Kid
    """The key that signed."""

    raw: str
    """The whole token as it was received."""

    @property
    def digest(self) -> bytes:
        """SHA-256 of the token's ASCII bytes; the name of this message."""
        return token_hash(self.raw)


def token_hash(token: str) -> bytes:
    """Return SHA-256 of a token's ASCII bytes."""
    return hashlib.sha256(token.encode("ascii")).digest()


def _with_small_s(signature: bytes) -> bytes:
    s = int.from_bytes(signature[32:], "big")
    if s > P256_ORDER // 2:
        return signature[:32] + (P256_ORDER - s).to_bytes(32, "big")
    return signature


@lru_cache(maxsize=256)
def _written_header(kid: Kid, typ: str) -> str:
    return b64u(dumps({"alg": "ES256", "kid": kid, "typ": typ}))


@lru_cache(maxsize=1024)
def _read_header(unverified_header: str) -> tuple[Kid, str]:
    header = loads(unb64u(unverified_header), max_bytes=_MAX_HEADER_CHARACTERS, max_depth=1)
    if not isinstance(header, dict) or header.keys() != _HEADER_MEMBERS:
        raise MalformedError("jws_header")
    kid, typ = header["kid"], header["typ"]
    if header["alg"] != "ES256" or not isinstance(kid, str) or not isinstance(typ, str):
        raise MalformedError("jws_header")
    if KID.fullmatch(kid) is None:
        raise MalformedError("kid")
    return Kid(kid), typ


def sign_jws(payload: bytes, *, typ: str, signer: Signer) -> str:
    """Sign exactly these bytes under this type."""
    signing_input = f"{_written_header(signer.kid, typ)}.{b64u(payload)}"
    signature = _with_small_s(signer.sign(signing_input.encode("ascii")))
    return f"{signing_input}.{b64u(signature)}"


def unverified_kid(token: str, *, max_bytes: int) -> Kid:
    """Return the key id a token claims, to look the key up; nothing is believed yet.

    Raises:
        MalformedError: the token has not the agreed shape.
    """
    return _split(token, max_bytes)[0]


def _split(token: str, max_bytes: int) -> tuple[Kid, str, int, int]:
    if len(token) > max_bytes:
        raise MalformedError("jws_too_large")
    header_end = token.find(".")
    payload_end = token.rfind(".")
    if token.count(".") != _DOTS or not token.isascii() or header_end > _MAX_HEADER_CHARACTERS:
        raise MalformedError("jws_form")
    kid, typ = _read_header(token[:header_end])
    return kid, typ, header_end, payload_end


def verify_jws(
    token: str,
    *,
    typ: str,
    key: VerifyKey | Callable[[Kid], VerifyKey],
    max_bytes: int,
) -> VerifiedJws:
    """Check form, type and signature of a token.

    ``key`` is the one key that is expected, or a function that finds the key by its id; the
    function decides whether this key may sign this type.

    Raises:
        MalformedError: the token has not the agreed shape or is of another type.
        UnknownKey: the key id is not the expected one, or the function knows no such key.
        SignatureInvalid: the signature does not fit.
    """
    kid, found_typ, header_end, payload_end = _split(token, max_bytes)
    if found_typ != typ:
        raise MalformedError("jws_typ")
    verify_key = key if isinstance(key, VerifyKey) else key(kid)
    if verify_key.kid != kid:
        raise UnknownKey("kid")
    payload = unb64u(token[header_end + 1 : payload_end])
    signature = unb64u(token[payload_end + 1 :])
    verify_key.verify(signature, token[:payload_end].encode("ascii"))
    return VerifiedJws(payload=payload, kid=kid, raw=token)
