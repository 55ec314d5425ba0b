# SPDX-License-Identifier: EUPL-1.2
"""The identifiers that keys, signatures and envelopes speak of."""

from __future__ import annotations

import re
from typing import Final, NewType

from keys.errors import MalformedError

AgencyId = NewType("AgencyId", str)
"""One agency instance, for example ``abh.hannover``."""

Kid = NewType("Kid", str)
"""Key id ``owner#use-number``, for example ``abh.hannover#sig-1``."""

ExchangeId = NewType("ExchangeId", str)
"""A ULID: 26 upper-case Crockford characters."""

FileNumber = NewType("FileNumber", str)
"""An agency's own file number; never leaves that agency readable."""

BlindIndex = NewType("BlindIndex", bytes)
"""32 bytes; stands for a file number towards the gateway."""

UnlockValue = NewType("UnlockValue", bytes)
"""32 bytes; opens one link row together with the gateway's key; never stored."""

SubjectId = NewType("SubjectId", bytes)
"""16 random bytes; stands for a person inside the gateway process only."""

IDENTIFIER: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""Agencies, purposes, fields, catalogue versions inside an envelope's context."""

KID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}#[a-z]{2,12}-[1-9][0-9]{0,5}")

CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32 alphabet (ULID specification)."""

# 48 bits of time need ten characters, of which the first carries three bits only.
EXCHANGE_ID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")

_ULID_TIME_LIMIT_MS: Final = 1 << 48
_ULID_RANDOM_BYTES: Final = 10


def crockford(number: int, length: int) -> str:
    """Write a number as ``length`` Crockford characters, most significant first."""
    return "".join(CROCKFORD[(number >> (5 * i)) & 31] for i in range(length - 1, -1, -1))


def new_exchange_id(now_ms: int, randomness: bytes) -> ExchangeId:
    """Make an exchange id from milliseconds since the epoch and ten random bytes.

    Raises:
        ValueError: the time or the amount of randomness is out of range.
    """
    if not 0 <= now_ms < _ULID_TIME_LIMIT_MS:
        msg = "time out of range"
        raise ValueError(msg)
    if len(randomness) != _ULID_RANDOM_BYTES:
        msg = "exactly 10 random bytes are needed"
        raise ValueError(msg)
    number = (now_ms << 80) | int.from_bytes(randomness, "big")
    return ExchangeId(crockford(number, 26))


def parse_agency_id(text: str) -> AgencyId:
    """Check the form of an agency id.

    Raises:
        MalformedError: ``agency_id``.
    """
    if IDENTIFIER.fullmatch(text) is None:
        raise MalformedError("agency_id")
    return AgencyId(text)


def parse_exchange_id(text: str) -> ExchangeId:
    """Check the form of an exchange id.

    Raises:
        MalformedError: ``exchange_id``.
    """
    if EXCHANGE_ID.fullmatch(text) is None:
        raise MalformedError("exchange_id")
    return ExchangeId(text)


def parse_kid(text: str) -> Kid:
    """Check the form of a key id.

    Raises:
        MalformedError: ``kid``.
    """
    if KID.fullmatch(text) is None:
        raise MalformedError("kid")
    return Kid(text)


def kid_owner(kid: Kid) -> AgencyId:
    """Say whose key this claims to be; the agency list must confirm it."""
    return AgencyId(kid.partition("#")[0])


def kid_use(kid: Kid) -> str:
    """Say what this key claims to be for, for example ``sig``."""
    return kid.partition("#")[2].rpartition("-")[0]


def kid_number(kid: Kid) -> int:
    """Say which generation of the key this is; higher is newer."""
    return int(kid.rpartition("-")[2])
