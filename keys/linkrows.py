# SPDX-License-Identifier: EUPL-1.2
"""The gateway's sealed link rows: at rest no two rows show that they are one person's.

========  ==========================================  =====================================
row       found under                                 sealed under
========  ==========================================  =====================================
T1        HMAC(K_G, agency, blind index)              HMAC(K_G, unlock value): the person
T2        HMAC(K_G, person, agency)                   HMAC(K_G, person): reference, T1's key
T3        HMAC(K_G, portal account)                   HMAC(K_G, account secret): the person
========  ==========================================  =====================================

``K_G`` is the gateway's link key, used through a handle only. Opening a T1 row needs that key
and the unlock value that an agency sends along with a request and nobody stores; so a stolen
database, even together with the key, shows how many rows there are and no more.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.context import pae
from keys.errors import LinkUnlockFailed, MalformedError
from keys.model import AgencyId, BlindIndex, ExchangeId, SubjectId, UnlockValue
from keys.providers.base import HmacKey

SUBJECT_ID_BYTES: Final = 16
ROW_KEY_BYTES: Final = 32
HANDLE_BYTES: Final = 16
_NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class LinkRow:
    """What a T2 row holds."""

    reference: bytes
    """The agency's own sealed reference."""

    t1_key: bytes
    """Where the agency's T1 row is, so that unlinking finds it."""


def new_subject_id() -> SubjectId:
    """Draw a new person's id; it never leaves the gateway process."""
    return SubjectId(secrets.token_bytes(SUBJECT_ID_BYTES))


def _seal(key: bytes, plaintext: bytes, aad: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, aad)


def _open(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], aad)
    except (InvalidTag, ValueError):
        raise LinkUnlockFailed("unlock") from None


def _check_subject(sid: SubjectId) -> SubjectId:
    if len(sid) != SUBJECT_ID_BYTES:
        raise MalformedError("sid")
    return sid


def t1_key(link_key: HmacKey, agency: AgencyId, index: BlindIndex) -> bytes:
    """Return where the row of this file is; 32 bytes."""
    return link_key.hmac(pae("lotse-t1-v1", agency, index))


def seal_t1(link_key: HmacKey, unlock: UnlockValue, sid: SubjectId) -> bytes:
    """Seal the person's id under what the agency alone can derive; 44 bytes."""
    key = link_key.hmac(pae("lotse-t1-seal-v1", unlock))
    return _seal(key, _check_subject(sid), pae("lotse-t1-v1"))


def open_t1(link_key: HmacKey, unlock: UnlockValue, sealed: bytes) -> SubjectId:
    """Open a T1 row.

    Raises:
        LinkUnlockFailed: ``unlock``: wrong unlock value or changed row.
    """
    key = link_key.hmac(pae("lotse-t1-seal-v1", unlock))
    return SubjectId(_open(key, sealed, pae("lotse-t1-v1")))


def t2_key(link_key: HmacKey, sid: SubjectId, agency: AgencyId) -> bytes:
    """Return where this person's reference at an agency is; 32 bytes."""
    return link_key.hmac(pae("lotse-t2-v1", _check_subject(sid), agency))


def seal_t2(link_key: HmacKey, sid: SubjectId, agency: AgencyId, row: LinkRow) -> bytes:
    """Seal the reference at an agency; bound to the agency, so that rows cannot be swapped."""
    if len(row.t1_key) != ROW_KEY_BYTES:
        raise MalformedError("t1_key")
    key = link_key.hmac(pae("lotse-t2-seal-v1", _check_subject(sid)))
    return _seal(key, row.t1_key + row.reference, pae("lotse-t2-v1", agency))


def open_t2(link_key: HmacKey, sid: SubjectId, agency: AgencyId, sealed: bytes) -> LinkRow:
    """Open a T2 row.

    Raises:
        LinkUnlockFailed: ``unlock``: another person's or agency's row, or a changed one.
    """
    key = link_key.hmac(pae("lotse-t2-seal-v1", _check_subject(sid)))
    data = _open(key, sealed, pae("lotse-t2-v1", agency))
    return LinkRow(reference=data[ROW_KEY_BYTES:], t1_key=data[:ROW_KEY_BYTES])


def t3_key(link_key: HmacKey, account: bytes) -> bytes:
    """Return where a portal account's row is; 32 bytes."""
    return link_key.hmac(pae("lotse-t3-v1", account))


def seal_t3(account_secret: bytes, link_key: HmacKey, sid: SubjectId) -> bytes:
    """Seal the person's id under a secret that only the person's sign-in gives; 44 bytes."""
    key = link_key.hmac(pae("lotse-t3-seal-v1", account_secret))
    return _seal(key, _check_subject(sid), pae("lotse-t3-v1"))


def open_t3(account_secret: bytes, link_key: HmacKey, sealed: bytes) -> SubjectId:
    """Open a T3 row.

    Raises:
        LinkUnlockFailed: ``unlock``: wrong secret or changed row.
    """
    key = link_key.hmac(pae("lotse-t3-seal-v1", account_secret))
    return SubjectId(_open(key, sealed, pae("lotse-t3-v1")))


def consent_index(link_key: HmacKey, sid: SubjectId) -> bytes:
    """Return under what this person's permissions are found; 32 bytes."""
    return link_key.hmac(pae("lotse-consent-v1", _check_subject(sid)))


def exchange_handle(link_key: HmacKey, sid: bytes, exchange: ExchangeId) -> bytes:
    """Return the person's handle for one exchange; 16 bytes, different in every exchange.

    For a person who is not linked ``sid`` is 16 random bytes; nobody can tell.
    """
    return link_key.hmac(pae("lotse-handle-v1", sid, exchange))[:HANDLE_BYTES]
