# SPDX-License-Identifier: EUPL-1.2
"""Standard base64 as the C2SP formats want it: RFC 4648 section 4, padded, one spelling only."""

import base64
import binascii

from audit.errors import UnusableInput

HASH_BYTES = 32
"""SHA-256."""


def encode(data: bytes) -> str:
    """Return `data` as padded standard base64."""
    return base64.b64encode(data).decode("ascii")


def decode(text: str, what: str) -> bytes:
    """Read the canonical base64 spelling of `what`.

    Raises:
        UnusableInput: other characters, wrong padding, or a second spelling of the same bytes.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        data = None
    if data is None or encode(data) != text:
        message = f"{what} is not canonical base64"
        raise UnusableInput(message)
    return data


def decode_hash(text: str, what: str) -> bytes:
    """Read a base64 SHA-256 value.

    Raises:
        UnusableInput: not base64, or not 32 bytes.
    """
    data = decode(text, what)
    if len(data) != HASH_BYTES:
        message = f"{what} is not a SHA-256 value"
        raise UnusableInput(message)
    return data
