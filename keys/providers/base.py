# SPDX-License-Identifier: EUPL-1.2
"""What a key provider offers, whether its keys lie in a file, a smart card or a service."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from keys.jwk import PublicJwk
from keys.jws import Signer
from keys.model import Kid
from keys.suites import KemOpener


class KeyUse(StrEnum):
    """What a key is for; one key, one use."""

    SIG = "sig"
    """An agency signs statements, manifests and releases (ES256)."""

    KEM = "kem"
    """An agency opens what was sealed to it (HPKE)."""

    AUDIT = "audit"
    """A controller opens its own details (HPKE)."""

    AUTH = "auth"
    """An agency authenticates to the token endpoint (ES256)."""

    INDEX = "index"
    """An agency derives blind indexes and unlock values (HMAC)."""

    LINK = "link"
    """The gateway seals its link rows (HMAC)."""

    ORDER = "order"
    """The gateway signs decisions and orders (ES256)."""

    TOKEN = "token"  # noqa: S105 - the name of a use, not a secret
    """The gateway signs access tokens (ES256)."""

    LOG = "log"
    """The gateway signs checkpoints (Ed25519)."""

    WRAP = "wrap"
    """The gateway wraps data keys (AES-256-GCM)."""

    ROOT = "root"
    """The offline registry root certifies list keys (ES256)."""

    LIST = "list"
    """The list key signs the agency list (ES256)."""

    RELEASE = "release"
    """The release desk signs releases of the rules (ES256)."""


class KeyState(StrEnum):
    """Where a key is in its life."""

    ACTIVE = "active"
    """Signs, and may be sealed to."""

    ACCEPT_ONLY = "accept-only"
    """Still opens and still verifies, but nothing new is made with it."""


SIGNING_USES = frozenset(
    {
        KeyUse.SIG,
        KeyUse.AUTH,
        KeyUse.ORDER,
        KeyUse.TOKEN,
        KeyUse.ROOT,
        KeyUse.LIST,
        KeyUse.RELEASE,
    }
)
KEM_USES = frozenset({KeyUse.KEM, KeyUse.AUDIT})
HMAC_USES = frozenset({KeyUse.INDEX, KeyUse.LINK})


class HmacKey(Protocol):
    """Computes HMAC-SHA256 with one key that it never shows."""

    def hmac(self, data: bytes) -> bytes:
        """Return the 32-byte code over ``data``."""
        ...


class LogSigner(Protocol):
    """Signs checkpoints with an Ed25519 key that it never shows."""

    @property
    def kid(self) -> Kid:
        """Name of the key."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature over ``data``."""
        ...

    def public_bytes(self) -> bytes:
        """Return the 32-byte public key."""
        ...


class Wrapper(Protocol):
    """Wraps small secrets, bound to a context."""

    def wrap(self, data: bytes, context: bytes) -> bytes:
        """Encrypt; the result names its key, so that it survives rotation."""
        ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt what was wrapped under the same context.

        Raises:
            OpenFailed: wrong context, key or bytes.
        """
        ...


class KeyProvider(Protocol):
    """Private keys of one owner. Every method but ``new_key`` leaves it unchanged."""

    @property
    def owner(self) -> str:
        """The agency (or ``gateway``, ``registry``) whose keys these are."""
        ...

    def new_key(self, use: KeyUse, now: int) -> Kid:
        """Make a key, durably, and return its name ``owner#use-number``."""
        ...

    def kids(self, use: KeyUse) -> tuple[Kid, ...]:
        """Name the keys for this use, newest first."""
        ...

    def public_jwk(self, kid: Kid) -> PublicJwk:
        """Return the public half.

        Raises:
            UnknownKey: no such key, or it has no public half.
        """
        ...

    def signer(self, use: KeyUse) -> Signer:
        """Return the newest active signing key for this use.

        Raises:
            UnknownKey: there is none.
        """
        ...

    def log_signer(self) -> LogSigner:
        """Return the newest active log key.

        Raises:
            UnknownKey: there is none.
        """
        ...

    def opener(self, use: KeyUse) -> KemOpener:
        """Return what opens with any key of this use.

        Raises:
            UnknownKey: there is none.
        """
        ...

    def hmac_key(self, use: KeyUse) -> HmacKey:
        """Return the newest active HMAC key for this use.

        Raises:
            UnknownKey: there is none.
        """
        ...

    def wrap_key(self) -> Wrapper:
        """Return what wraps with the newest and unwraps with any wrapping key.

        Raises:
            UnknownKey: there is none.
        """
        ...
