# SPDX-License-Identifier: EUPL-1.2
"""A log key, a wrapping key and entries for tests. Agencies and exchanges are invented."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection, Engine, create_engine

from audit import store
from audit.entry import Direction, PendingEntry, SealedDetail, new_entry
from audit.log import LogWriter
from audit.vocabulary import EntryKind, Outcome
from tests.support.clock import START

ORIGIN = "audit.lotse.example/gw-test/2026"
EXCHANGE = "01JABCDEFGHJKMNPQRSTVWXYZ0"

_moments = itertools.count(START * 1_000_000)


class InsecureLogSigner:
    """An Ed25519 key whose seed everybody knows."""

    def __init__(self, seed: int = 1) -> None:
        """Derive the key from one repeated byte."""
        self._key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)

    def sign(self, data: bytes) -> bytes:
        """Sign."""
        return self._key.sign(data)

    def public_bytes(self) -> bytes:
        """Give the public key."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


class InsecureWrapper:
    """Wraps under a key that everybody knows."""

    def __init__(self) -> None:
        """Use a fixed key."""
        self._cipher = AESGCM(b"\x02" * 32)

    def wrap(self, data: bytes, context: bytes) -> bytes:
        """Enclose."""
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, data, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Open."""
        return self._cipher.decrypt(wrapped[:12], wrapped[12:], context)


def pending(
    *,
    corr: str = EXCHANGE,
    outcome: Outcome = Outcome.PERMIT,
    details: Sequence[str] = ("jc.hannover",),
) -> PendingEntry:
    """Make an entry with a detail for each named controller; each call makes another one."""
    entry = new_entry(
        EntryKind.ACCESS_REQUESTED,
        outcome,
        now_us=next(_moments),
        node="gw-1",
        corr=corr,
        direction=Direction("abh.hannover", "jc.hannover", "jc.hannover"),
        purpose="P04",
        rules=("R02",),
        reasons=("statutory",),
        fields=("residence_status", "birth_date"),
        policy="0" * 64,
        statement="1" * 64,
        decision="2" * 64,
    )
    return PendingEntry(
        entry, tuple(SealedDetail(name, "months12", os.urandom(256)) for name in details)
    )


def work(item: PendingEntry | None = None) -> Callable[[Connection], PendingEntry]:
    """Make a work that appends `item`, or a new entry, and looks at nothing."""
    return lambda _connection: pending() if item is None else item


def clock() -> int:
    """Tell an invented time."""
    return START


@contextmanager
def database(url: str) -> Iterator[Engine]:
    """Open a database with the tables of the log; closed at the end."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            store.create_tables(connection)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def writer(
    engine: Engine, *, seed: int = 1, origin: str = ORIGIN, last_seen: str | None = None
) -> Generator[LogWriter]:
    """Open a writer with the known keys; closed at the end."""
    log = LogWriter(
        engine, InsecureLogSigner(seed), origin, InsecureWrapper(), clock, last_seen=last_seen
    )
    try:
        yield log
    finally:
        log.close()


def append(log: LogWriter, count: int, details: Sequence[str] = ("jc.hannover",)) -> list[str]:
    """Append `count` entries, many per batch, and give their receipts."""
    futures = [log.submit(work(pending(details=details))) for _ in range(count)]
    return [future.result(60).entries[0].to_text() for future in futures]


def sqlite_url(directory: Path) -> str:
    """Name a database file in `directory`."""
    return f"sqlite:///{directory / 'log.db'}"
