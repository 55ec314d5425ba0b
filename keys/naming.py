# SPDX-License-Identifier: EUPL-1.2
"""Sealed bytes that say which key they are for, so that they survive its rotation.

Form: 0x01, length of the key's name, name, rest.
"""

from __future__ import annotations

from typing import Final

from keys.errors import OpenFailed
from keys.model import KID, Kid

_VERSION: Final = 1
_FIXED_BYTES: Final = 2


def name_key(kid: Kid) -> bytes:
    """Return the bytes that go before what is sealed."""
    name = kid.encode("ascii")
    return bytes([_VERSION, len(name)]) + name


def split_named(data: bytes) -> tuple[Kid, bytes]:
    """Split into the key's name and the rest.

    Raises:
        OpenFailed: ``form``.
    """
    if len(data) < _FIXED_BYTES or data[0] != _VERSION:
        raise OpenFailed("form")
    end = _FIXED_BYTES + data[1]
    name = data[_FIXED_BYTES:end].decode("ascii", errors="replace")
    if len(data) < end or KID.fullmatch(name) is None:
        raise OpenFailed("form")
    return Kid(name), data[end:]
