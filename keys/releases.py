# SPDX-License-Identifier: EUPL-1.2
"""The keys that sign releases of the rules: public ones that are pinned, private ones at the desk.

``policies`` knows neither keys nor signatures; it states what it needs as Protocols
(``ReleaseVerifier``, ``ReleaseSigner``), and these two classes fit them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.errors import KeysError, MalformedError, UnknownKey
from keys.jwk import PublicJwk, parse_p256
from keys.jws import Signer, VerifyKey, sign_jws, verify_jws
from keys.model import Kid, kid_use, parse_kid
from keys.providers.base import KeyProvider, KeyUse
from keys.providers.file import FileKeyring

MAX_TOKEN_BYTES: Final = 131_072
"""The list of all files of a release takes about a quarter of this."""
MAX_PINNED: Final = 2
"""The key in use and the one that follows it."""
OWNER: Final = "policy"
"""Owner of the release keyring; key names read ``policy#release-1``."""


class ReleaseKeys:
    """The pinned public release keys of one gateway or connector."""

    def __init__(self, pinned: Iterable[tuple[str, PublicJwk]]) -> None:
        """Take key names and keys.

        Raises:
            MalformedError: ``kid``, ``jwk``, or ``pinned``: none, too many, or a name twice.
        """
        self._keys: dict[Kid, VerifyKey] = {}
        for name, jwk in pinned:
            kid = parse_kid(name)
            if kid_use(kid) != KeyUse.RELEASE.value:
                raise MalformedError("kid")
            if kid in self._keys:
                raise MalformedError("pinned")
            self._keys[kid] = VerifyKey(kid, jwk)
        if not 1 <= len(self._keys) <= MAX_PINNED:
            raise MalformedError("pinned")

    @property
    def kids(self) -> tuple[str, ...]:
        """Names of the pinned keys."""
        return tuple(self._keys)

    def payload(self, token: str, *, typ: str) -> tuple[bytes, str] | None:
        """Return the signed bytes and the key's name; None: not signed so by a pinned key."""
        try:
            signed = verify_jws(token, typ=typ, key=self._find, max_bytes=MAX_TOKEN_BYTES)
        except KeysError:
            return None
        return signed.payload, signed.kid

    def _find(self, kid: Kid) -> VerifyKey:
        if kid not in self._keys:
            raise UnknownKey("kid")
        return self._keys[kid]


class ReleaseDesk:
    """Signs releases with the newest active release key, and knows its own public keys."""

    def __init__(self, keys: KeyProvider) -> None:
        """Take the release keyring.

        Raises:
            UnknownKey: it has no release key.
        """
        self._signer: Signer = keys.signer(KeyUse.RELEASE)
        newest = keys.kids(KeyUse.RELEASE)[:MAX_PINNED]
        self.public: tuple[tuple[str, PublicJwk], ...] = tuple(
            (kid, keys.public_jwk(kid)) for kid in newest
        )
        self.verifier = ReleaseKeys(self.public)

    @property
    def public_pem(self) -> str:
        """The newest public key as OPA reads it."""
        key = parse_p256(self.public[0][1])
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")

    @property
    def kid(self) -> str:
        """Name of the key that signs."""
        return self._signer.kid

    def sign(self, payload: bytes, *, typ: str) -> str:
        """Return the token over exactly these bytes."""
        return sign_jws(payload, typ=typ, signer=self._signer)


def open_desk(
    keyring: Path, passphrase_file: Path, *, new_key_at: int | None = None
) -> ReleaseDesk:
    """Open the release keyring; ``new_key_at`` makes it if needed, and a key in it at that time.

    Raises:
        KeysError: it does not open, or has no release key.
        OSError: a file cannot be read.
    """
    passphrase = passphrase_file.read_text(encoding="utf-8").strip()
    if new_key_at is not None and not keyring.exists():
        ring = FileKeyring.create(keyring, passphrase, OWNER)
    else:
        ring = FileKeyring.open(keyring, passphrase)
    if new_key_at is not None:
        ring.new_key(KeyUse.RELEASE, new_key_at)
    return ReleaseDesk(ring)
