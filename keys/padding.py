# SPDX-License-Identifier: EUPL-1.2
"""Makes values of one kind equally long (ISO/IEC 7816-4 padding: 0x80, then zeros)."""

from __future__ import annotations

from typing import Final

from keys.errors import OpenFailed, SealRefused

MIN_BUCKET_BYTES: Final = 32
MAX_BUCKET_BYTES: Final = 65_536


def pad(data: bytes, bucket_bytes: int) -> bytes:
    """Pad to a multiple of the bucket, of at least one added byte.

    A bucket is chosen so that every ordinary value fits into one; a longer value takes the next
    multiple, which shows that it is unusually long and nothing more.

    Raises:
        SealRefused: ``bucket``: not between 32 and 65536 bytes.
    """
    if not MIN_BUCKET_BYTES <= bucket_bytes <= MAX_BUCKET_BYTES:
        raise SealRefused("bucket")
    size = (len(data) // bucket_bytes + 1) * bucket_bytes
    return data + b"\x80" + bytes(size - len(data) - 1)


def unpad(padded: bytes) -> bytes:
    """Take the padding off again.

    Raises:
        OpenFailed: ``padding``.
    """
    data = padded.rstrip(b"\x00")
    if not data.endswith(b"\x80"):
        raise OpenFailed("padding")
    return data[:-1]
