# SPDX-License-Identifier: EUPL-1.2
"""Everything that can go wrong with keys, signatures and sealed values.

::

    KeysError
    ├── MalformedError              the bytes do not have the agreed shape
    │   └── StrictJsonError         … because they are not strict JSON
    ├── VerificationError           well-formed, but must not be believed
    │   ├── SignatureInvalid        the signature does not fit the key
    │   ├── ContextMismatch         genuine, but for another exchange, purpose or party
    │   ├── NotInForce              expired, not yet valid, or valid for too long
    │   └── RollbackDetected        older than what was already accepted
    ├── UnknownKey                  no such key, or not for this use
    ├── OpenFailed                  a sealed value does not open (one reason for all causes)
    │   └── LinkUnlockFailed        a link row does not open with this unlock value
    ├── SealRefused                 the caller asked to seal something that must not be sealed
    └── KeyringError                the keyring file is missing, damaged, or not ours to use
        ├── PassphraseWrong         also raised for a tampered file: the two cannot be told apart
        └── KeyringConflict         another process changed the file in between

Every error carries a ``code`` from a closed list in this package.
A code may name a member or a rule, never a value that was sent.
"""

from __future__ import annotations


class KeysError(Exception):
    """Base of this package's errors; never raised directly."""

    def __init__(self, code: str) -> None:
        """Keep the closed code; it is also the whole message."""
        super().__init__(code)
        self.code = code


class MalformedError(KeysError):
    """The bytes do not have the agreed shape."""


class StrictJsonError(MalformedError):
    """The bytes are not strict JSON; see :mod:`keys.strict_json` for the codes."""


class VerificationError(KeysError):
    """Well-formed, but must not be believed."""


class SignatureInvalid(VerificationError):
    """The signature does not fit the key, or is not in its one accepted form."""


class ContextMismatch(VerificationError):
    """Genuinely signed, but for another exchange, purpose or party."""


class NotInForce(VerificationError):
    """Expired, not yet valid, or claiming to be valid for longer than allowed."""


class RollbackDetected(VerificationError):
    """Older than a version that was already accepted."""


class UnknownKey(KeysError):
    """There is no such key, or it may not be used for this."""


class OpenFailed(KeysError):
    """A sealed value does not open; deliberately one reason for every cause."""


class LinkUnlockFailed(OpenFailed):
    """A link row does not open with this unlock value."""


class SealRefused(KeysError):
    """The caller asked to seal something that must not be sealed like this."""


class KeyringError(KeysError):
    """The keyring file is missing, damaged, readable by others, or not ours to use."""


class PassphraseWrong(KeyringError):
    """Wrong passphrase or tampered file; by design the two cannot be told apart."""


class KeyringConflict(KeyringError):
    """Another process changed the keyring since it was read."""
