# SPDX-License-Identifier: EUPL-1.2
"""The tie between a leaf and a detail that can be destroyed: a salted hash that says nothing without the salt."""

from hashlib import sha256

COMMITMENT_TAG = b"gwaudit/detail/v1"
"""Domain separation."""
SALT_BYTES = 32
"""Destroyed together with the detail; without it the commitment cannot be guessed."""


def commit(salt: bytes, stored: bytes) -> str:
    """Return the hex commitment to a stored detail: SHA-256(tag || salt || stored ciphertext)."""
    return sha256(COMMITMENT_TAG + salt + stored).hexdigest()
