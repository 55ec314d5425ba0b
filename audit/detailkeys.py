# SPDX-License-Identifier: EUPL-1.2
"""Erasable keys: every detail is wrapped once more, so that destroying one key destroys a month of one controller.

The key of a (controller, retention class, month) is made on first use in the transaction that uses it,
and stored only in the form that the gateway's own wrapping key encloses.
Once destroyed it is never made again: the next detail gets a new generation.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Select, insert, select

from audit import store
from audit.commitment import SALT_BYTES, commit
from audit.entry import Commitment, EntryId, SealedDetail, rfc3339_micro
from audit.errors import DetailErased

NONCE_BYTES = 12
"""NIST SP 800-38D section 5.2.1.1."""
KEY_BITS = 256


class Wrapper(Protocol):
    """Encloses keys under one that never leaves its provider."""

    def wrap(self, data: bytes, context: bytes, /) -> bytes:
        """Enclose `data`; the same `context` is needed to open it."""

    def unwrap(self, data: bytes, context: bytes, /) -> bytes:
        """Open what `wrap` made, or raise."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What one key is for."""

    log_id: int
    controller: str
    retention: str
    period: str
    """Calendar month `YYYY-MM` in UTC."""


@dataclass(frozen=True, slots=True)
class StoredDetail:
    """A detail row, ready to be inserted, and its commitment."""

    controller: str
    key_id: str
    salt: bytes
    stored: bytes
    commitment: Commitment


@dataclass(frozen=True, slots=True)
class WrappedDetail:
    """A detail row as it was read."""

    controller: str
    key_id: str
    salt: bytes
    stored: bytes


def month_of(ts_us: int) -> str:
    """Return the UTC calendar month of a time in microseconds."""
    return rfc3339_micro(ts_us)[:7]


def _key_context(key_id: str, use: KeyUse) -> bytes:
    """Bind a wrapped key to its row; codes have no NUL."""
    return (
        f"lotse/detail-key/v1\0{key_id}\0{use.controller}\0{use.retention}\0{use.period}".encode()
    )


def _detail_context(entry_id: str, controller: str) -> bytes:
    """Bind a wrapped detail to its entry and controller."""
    return f"lotse/detail/v1\0{entry_id}\0{controller}".encode()


class DetailKeys:
    """The keys one writer remembers between batches; only its own thread touches it."""

    def __init__(self, wrapper: Wrapper, clock: Callable[[], int]) -> None:
        """Start without keys. `clock` returns epoch seconds and dates new keys."""
        self._wrapper = wrapper
        self._clock = clock
        self._known: dict[KeyUse, tuple[str, AESGCM]] = {}
        self._fresh: dict[KeyUse, tuple[str, AESGCM]] = {}
        self._epoch = -1

    def begin(self, epoch: int) -> None:
        """Start a transaction; forget everything when keys were destroyed since the last one."""
        self._fresh.clear()
        if epoch != self._epoch:
            self._known.clear()
            self._epoch = epoch

    def committed(self) -> None:
        """Keep the keys that the committed transaction made."""
        self._known.update(self._fresh)
        self._fresh.clear()

    def wrap(
        self,
        connection: Connection,
        log_id: int,
        entry_id: EntryId,
        ts_us: int,
        detail: SealedDetail,
    ) -> StoredDetail:
        """Wrap one detail and commit to the result."""
        key_id, cipher = self._key(
            connection, KeyUse(log_id, detail.controller, detail.retention, month_of(ts_us))
        )
        noise = secrets.token_bytes(NONCE_BYTES + SALT_BYTES)
        nonce, salt = noise[:NONCE_BYTES], noise[NONCE_BYTES:]
        stored = nonce + cipher.encrypt(
            nonce, detail.ciphertext, _detail_context(entry_id, detail.controller)
        )
        commitment = Commitment(detail.controller, commit(salt, stored), detail.retention)
        return StoredDetail(detail.controller, key_id, salt, stored, commitment)

    def _key(self, connection: Connection, use: KeyUse) -> tuple[str, AESGCM]:
        found = self._known.get(use) or self._fresh.get(use)
        if found is None:
            found = self._fresh[use] = self._load(connection, use) or self._make(connection, use)
        return found

    def _load(self, connection: Connection, use: KeyUse) -> tuple[str, AESGCM] | None:
        row = connection.execute(_newest(use)).one_or_none()
        if row is None or row.wrapped is None:
            return None
        return row.key_id, AESGCM(
            self._wrapper.unwrap(bytes(row.wrapped), _key_context(row.key_id, use))
        )

    def _make(self, connection: Connection, use: KeyUse) -> tuple[str, AESGCM]:
        newest = connection.execute(_newest(use)).one_or_none()
        key_id = secrets.token_hex(16)
        secret = AESGCM.generate_key(KEY_BITS)
        connection.execute(
            insert(store.key).values(
                key_id=key_id,
                log_id=use.log_id,
                controller=use.controller,
                retention=use.retention,
                period=use.period,
                generation=0 if newest is None else newest.generation + 1,
                wrapped=self._wrapper.wrap(secret, _key_context(key_id, use)),
                created_at=self._clock(),
            )
        )
        return key_id, AESGCM(secret)


def _newest(use: KeyUse) -> Select[tuple[str, bytes | None, int]]:
    """Select id, wrapped key and generation of the newest key for this use."""
    table = store.key.c
    return (
        select(table.key_id, table.wrapped, table.generation)
        .where(table.log_id == use.log_id, table.controller == use.controller)
        .where(table.retention == use.retention, table.period == use.period)
        .order_by(table.generation.desc())
        .limit(1)
    )


def unwrap_detail(
    connection: Connection, wrapper: Wrapper, entry_id: str, row: WrappedDetail
) -> bytes:
    """Take off the outer layer; what remains is sealed to the controller.

    Raises:
        DetailErased: the key was destroyed.
    """
    found = connection.execute(
        select(store.key).where(store.key.c.key_id == row.key_id)
    ).one_or_none()
    if found is None or found.wrapped is None:
        message = "the key of this detail was destroyed"
        raise DetailErased(message)
    use = KeyUse(found.log_id, found.controller, found.retention, found.period)
    cipher = AESGCM(wrapper.unwrap(bytes(found.wrapped), _key_context(found.key_id, use)))
    nonce, body = row.stored[:NONCE_BYTES], row.stored[NONCE_BYTES:]
    return cipher.decrypt(nonce, body, _detail_context(entry_id, row.controller))
