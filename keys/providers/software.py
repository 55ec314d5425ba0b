# SPDX-License-Identifier: EUPL-1.2
"""Private keys that are used inside this process.

Python cannot wipe memory. What can be done is done: secrets stand in members that are never
printed, and no object that holds one can be pickled or copied out by accident.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mlkem
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import MLKEM1024P384PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.context import pae
from keys.errors import KeyringError, MalformedError, OpenFailed, UnknownKey
from keys.jwk import PublicJwk, p256_jwk
from keys.model import KID, Kid, kid_number, kid_use
from keys.naming import name_key, split_named
from keys.providers.base import (
    HMAC_USES,
    KEM_USES,
    SIGNING_USES,
    KeyState,
    KeyUse,
)
from keys.strict_json import b64u
from keys.suites import HPKE, HYBRID_ALG, MLKEM1024_P384, P256

SECRET_BYTES: Final = 32
_MLKEM_SEED_BYTES: Final = 64
_P384_SCALAR_BYTES: Final = 48
_NONCE_BYTES: Final = 12
_ECDSA: Final = ec.ECDSA(hashes.SHA256())

_KemPrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | MLKEM1024P384PrivateKey


class _StaysHere:
    """Keeps an object with secrets out of pickles and deep copies."""

    __slots__ = ()

    # Frozen slotted dataclasses bring their own __getstate__, so the door is one step earlier.
    def __reduce_ex__(self, _protocol: object) -> NoReturn:  # type: ignore[explicit-override]  # typing.override is 3.12
        msg = "holds a secret"
        raise TypeError(msg)


@dataclass(frozen=True, slots=True)
class KeyEntry(_StaysHere):
    """One secret with its name and state."""

    kid: Kid
    state: KeyState
    created_at: int
    secret: bytes = field(repr=False, compare=False)
    """P-256 or Ed25519 scalar, HMAC or AES key (32 bytes), or seed and scalar of a hybrid key."""

    def __post_init__(self) -> None:
        """Refuse an entry that cannot be a key of its use."""
        if KID.fullmatch(self.kid) is None or kid_use(self.kid) not in tuple(KeyUse):
            raise KeyringError("entry")
        hybrid = self.use in KEM_USES and len(self.secret) == _MLKEM_SEED_BYTES + _P384_SCALAR_BYTES
        if len(self.secret) != SECRET_BYTES and not hybrid:
            raise KeyringError("entry")

    @property
    def use(self) -> KeyUse:
        """What the key is for."""
        return KeyUse(kid_use(self.kid))


def _p256(secret: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())


def _hybrid(secret: bytes) -> tuple[mlkem.MLKEM1024PrivateKey, ec.EllipticCurvePrivateKey]:
    return (
        mlkem.MLKEM1024PrivateKey.from_seed_bytes(secret[:_MLKEM_SEED_BYTES]),
        ec.derive_private_key(int.from_bytes(secret[_MLKEM_SEED_BYTES:], "big"), ec.SECP384R1()),
    )


def new_secret(use: KeyUse, suite: str = P256) -> bytes:
    """Draw the secret of a new key from the system's generator."""
    if use in KEM_USES and suite == MLKEM1024_P384:
        scalar = ec.generate_private_key(ec.SECP384R1()).private_numbers().private_value
        return secrets.token_bytes(_MLKEM_SEED_BYTES) + scalar.to_bytes(_P384_SCALAR_BYTES, "big")
    if use in KEM_USES or use in SIGNING_USES:
        scalar = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
        return scalar.to_bytes(SECRET_BYTES, "big")
    return secrets.token_bytes(SECRET_BYTES)


def public_jwk(entry: KeyEntry) -> PublicJwk:
    """Return the public half of an entry.

    Raises:
        UnknownKey: ``no_public_half``: a symmetric key.
    """
    if entry.use is KeyUse.LOG:
        raw = _ed25519(entry).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": b64u(raw)}
    if entry.use not in SIGNING_USES and entry.use not in KEM_USES:
        raise UnknownKey("no_public_half")
    if len(entry.secret) == SECRET_BYTES:
        return p256_jwk(_p256(entry.secret).public_key())
    kem, curve = _hybrid(entry.secret)
    pub = kem.public_key().public_bytes_raw() + curve.public_key().public_bytes(
        Encoding.X962, PublicFormat.UncompressedPoint
    )
    return {"kty": "AKP", "alg": HYBRID_ALG, "pub": b64u(pub)}


def _ed25519(entry: KeyEntry) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(entry.secret)


@dataclass(frozen=True, slots=True)
class SoftwareSigner(_StaysHere):
    """ES256 with a key in memory."""

    kid: Kid
    _key: ec.EllipticCurvePrivateKey = field(repr=False, compare=False)

    def sign(self, data: bytes) -> bytes:
        """Return r || s, 64 bytes."""
        r, s = decode_dss_signature(self._key.sign(data, _ECDSA))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@dataclass(frozen=True, slots=True)
class SoftwareLogSigner(_StaysHere):
    """Ed25519 with a key in memory."""

    kid: Kid
    _key: ed25519.Ed25519PrivateKey = field(repr=False, compare=False)
    _public: bytes
    """Derived once: every checkpoint names it."""

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte signature."""
        return self._key.sign(data)

    def public_bytes(self) -> bytes:
        """Return the 32-byte public key."""
        return self._public


@dataclass(frozen=True, slots=True)
class SoftwareOpener(_StaysHere):
    """HPKE with keys in memory."""

    _keys: Mapping[Kid, tuple[str, _KemPrivateKey]] = field(repr=False, compare=False)

    def kids(self) -> tuple[Kid, ...]:
        """Name the keys, newest first."""
        return tuple(self._keys)

    def suite_of(self, kid: Kid) -> str:
        """Return the suite of one of its keys."""
        if kid not in self._keys:
            raise UnknownKey("kid")
        return self._keys[kid][0]

    def open(self, kid: Kid, suite: str, sealed: bytes, info: bytes) -> bytes:
        """Open with this key; see :class:`keys.suites.KemOpener`."""
        if kid not in self._keys:
            raise UnknownKey("kid")
        key_suite, key = self._keys[kid]
        if suite != key_suite:
            raise OpenFailed("open")
        try:
            return HPKE[key_suite].decrypt(sealed, key, info)
        except (InvalidTag, ValueError):
            raise OpenFailed("open") from None


@dataclass(frozen=True, slots=True)
class SoftwareHmacKey(_StaysHere):
    """HMAC-SHA256 with a key in memory."""

    _key: bytes = field(repr=False, compare=False)

    def hmac(self, data: bytes) -> bytes:
        """Return the 32-byte code."""
        return hmac.digest(self._key, data, "sha256")


@dataclass(frozen=True, slots=True)
class SoftwareWrapper(_StaysHere):
    """AES-256-GCM with keys in memory.

    Form: 0x01, length of the key's name, name, 12-byte nonce, ciphertext with tag.
    Nonces are random, so one key must stay far below 2**32 wraps (NIST SP 800-38D, 8.3).
    """

    _keys: Mapping[Kid, bytes] = field(repr=False, compare=False)
    """Newest first."""

    def wrap(self, data: bytes, context: bytes) -> bytes:
        """Encrypt with the newest key."""
        kid, key = next(iter(self._keys.items()))
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, data, pae("lotse-wrap-v1", kid, context))
        return name_key(kid) + nonce + sealed

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt with the key that the bytes name."""
        kid, body = split_named(wrapped)
        if kid not in self._keys:
            raise OpenFailed("unwrap")
        aad = pae("lotse-wrap-v1", kid, context)
        try:
            return AESGCM(self._keys[kid]).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], aad)
        except (InvalidTag, ValueError):
            raise OpenFailed("unwrap") from None


@dataclass(slots=True)
class SoftwareKeys(_StaysHere):
    """A set of key entries, and the handles made from them."""

    owner: str
    entries: dict[Kid, KeyEntry] = field(default_factory=dict, repr=False, compare=False)

    def kids(self, use: KeyUse) -> tuple[Kid, ...]:
        """Name the keys for this use, newest first."""
        found = [kid for kid, entry in self.entries.items() if entry.use is use]
        return tuple(sorted(found, key=kid_number, reverse=True))

    def next_kid(self, use: KeyUse) -> Kid:
        """Name the key that would come next."""
        known = self.kids(use)
        number = kid_number(known[0]) + 1 if known else 1
        kid = f"{self.owner}#{use.value}-{number}"
        if KID.fullmatch(kid) is None:
            raise MalformedError("kid")
        return Kid(kid)

    def public_jwk(self, kid: Kid) -> PublicJwk:
        """Return the public half of a key."""
        if kid not in self.entries:
            raise UnknownKey("kid")
        return public_jwk(self.entries[kid])

    def signer(self, use: KeyUse) -> SoftwareSigner:
        """Return the newest active signing key."""
        entry = self._newest(use, SIGNING_USES)
        return SoftwareSigner(entry.kid, _p256(entry.secret))

    def log_signer(self) -> SoftwareLogSigner:
        """Return the newest active log key."""
        entry = self._newest(KeyUse.LOG, frozenset({KeyUse.LOG}))
        key = _ed25519(entry)
        return SoftwareLogSigner(entry.kid, key, key.public_key().public_bytes_raw())

    def opener(self, use: KeyUse) -> SoftwareOpener:
        """Return what opens with any key of this use."""
        self._newest(use, KEM_USES, KeyState.ACCEPT_ONLY)
        keys: dict[Kid, tuple[str, _KemPrivateKey]] = {}
        for kid in self.kids(use):
            secret = self.entries[kid].secret
            if len(secret) == SECRET_BYTES:
                keys[kid] = (P256, _p256(secret))
            else:
                keys[kid] = (MLKEM1024_P384, MLKEM1024P384PrivateKey(*_hybrid(secret)))
        return SoftwareOpener(keys)

    def hmac_key(self, use: KeyUse) -> SoftwareHmacKey:
        """Return the newest active HMAC key."""
        return SoftwareHmacKey(self._newest(use, HMAC_USES).secret)

    def wrap_key(self) -> SoftwareWrapper:
        """Return what wraps with the newest active key and unwraps with any."""
        newest = self._newest(KeyUse.WRAP, frozenset({KeyUse.WRAP}))
        others = [kid for kid in self.kids(KeyUse.WRAP) if kid != newest.kid]
        return SoftwareWrapper({kid: self.entries[kid].secret for kid in (newest.kid, *others)})

    def _newest(
        self, use: KeyUse, allowed: frozenset[KeyUse], also: KeyState = KeyState.ACTIVE
    ) -> KeyEntry:
        if use not in allowed:
            raise UnknownKey("use")
        for kid in self.kids(use):
            if self.entries[kid].state in (KeyState.ACTIVE, also):
                return self.entries[kid]
        raise UnknownKey("no_active_key")
