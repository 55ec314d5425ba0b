# SPDX-License-Identifier: EUPL-1.2
"""Details of an exchange that only their own controller can read.

Who asked, for which file and why stands in a detail; the gateway keeps it sealed and cannot open
it. All details of one kind have one size, so that size tells nothing about the person.

Form: 0x01, length of the key's name, name, HPKE (encapsulated key || ciphertext). The plaintext
is JSON, padded (ISO/IEC 7816-4) to a multiple of 1024 bytes, at least 2048.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from keys.context import pae
from keys.errors import KeysError, OpenFailed, SealRefused
from keys.model import AgencyId, kid_owner
from keys.naming import name_key, split_named
from keys.padding import unpad
from keys.strict_json import JsonLike, JsonValue, dumps, loads
from keys.suites import KemOpener, RecipientKey

BUCKET_BYTES: Final = 1_024
MIN_BYTES: Final = 2_048
MAX_DETAIL_BYTES: Final = 32_768


def _info(controller: AgencyId, corr: str) -> bytes:
    return pae("lotse/detail", controller, corr)


def seal_detail(
    detail: Mapping[str, JsonLike], *, controller: AgencyId, corr: str, audit_key: RecipientKey
) -> bytes:
    """Seal a detail to its controller's audit key, bound to controller and exchange.

    Raises:
        SealRefused: ``audit_key`` of another controller, or ``value``: not JSON or too large.
    """
    if kid_owner(audit_key.kid) != controller:
        raise SealRefused("audit_key")
    try:
        data = dumps(detail)
    except KeysError:
        raise SealRefused("value") from None
    if len(data) > MAX_DETAIL_BYTES:
        raise SealRefused("value")
    size = max(MIN_BYTES, (len(data) // BUCKET_BYTES + 1) * BUCKET_BYTES)
    padded = data + b"\x80" + bytes(size - len(data) - 1)
    return name_key(audit_key.kid) + audit_key.seal(padded, _info(controller, corr))


def open_detail(
    sealed: bytes, *, controller: AgencyId, corr: str, opener: KemOpener
) -> dict[str, JsonValue]:
    """Open a detail at its controller.

    Raises:
        OpenFailed: another controller, exchange or key, or changed bytes.
    """
    kid, body = split_named(sealed)
    try:
        data = unpad(opener.open(kid, opener.suite_of(kid), body, _info(controller, corr)))
        value = loads(data, max_bytes=MAX_DETAIL_BYTES)
    except KeysError:
        raise OpenFailed("open") from None
    if not isinstance(value, dict):
        raise OpenFailed("open")
    return value
