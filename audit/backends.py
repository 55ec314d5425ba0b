# SPDX-License-Identifier: EUPL-1.2
"""The few statements of an append, in the native words of each database, without any layer in between.

What both promise: `begin` returns only once this transaction alone may append; after `commit` has returned,
everything written survives a crash of the process, the database and the machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection

BUSY_MS = 30_000
"""How long a writer waits for the lock that another one holds."""


class EntryRow(NamedTuple):
    """One row of `audit_entry`, in column order."""

    log_id: int
    idx: int
    entry_id: str
    ts_us: int
    kind: str
    outcome: str
    corr: str | None
    from_agency: str | None
    to_agency: str | None
    purpose: str | None
    leaf: bytes
    leaf_hash: bytes


class DetailRow(NamedTuple):
    """One row of `audit_detail`, in column order."""

    log_id: int
    idx: int
    controller: str
    key_id: str
    salt: bytes
    stored: bytes


class TileRow(NamedTuple):
    """One row of `audit_tile`, in column order."""

    log_id: int
    lvl: int
    n: int
    hashes: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """What the lock on the head row brings with it."""

    size: int
    compact_range: bytes
    key_epoch: int
    closed: bool
    note_size: int


class Backend(Protocol):
    """One database, seen by the one thread that writes."""

    def prepare(self, connection: Connection) -> None:
        """Set what durability and locking need on a new connection, or raise."""

    def begin(self, connection: Connection, log_id: int) -> Head:
        """Start a transaction and lock the head row."""

    def insert(self, connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert whole rows."""

    def update_head(self, connection: Connection, log_id: int, size: int, root: bytes, compact_range: bytes) -> None:
        """Move the locked head."""

    def store_note(self, connection: Connection, log_id: int, size: int, note: str) -> None:
        """Remember the newest signed checkpoint, inside or outside a transaction; an older one never replaces it."""

    def execute(self, connection: Connection, statement: str) -> None:
        """Run one statement without parameters: COMMIT, ROLLBACK, SAVEPOINT."""

    def in_transaction(self, connection: Connection) -> bool:
        """Tell whether the transaction that `begin` started is still open and usable."""

    def usable(self, connection: Connection) -> bool:
        """Tell whether the connection can be used again after an error."""


_COLUMNS = {"audit_entry": EntryRow._fields, "audit_detail": DetailRow._fields, "audit_tile": TileRow._fields}
_HEAD = "SELECT size, compact_range, key_epoch, closed, note_size FROM audit_head WHERE log_id = "


class SqliteBackend:
    """SQLite in WAL mode with synchronous=FULL: the only mode that survives a power cut with WAL (sqlite.org/wal)."""

    def __init__(self) -> None:
        """Prepare the statements."""
        self._insert = {
            table: f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
            for table, columns in _COLUMNS.items()
        }

    def prepare(self, connection: Connection) -> None:
        """Switch to WAL, full synchronisation and a patient lock."""
        raw = _raw(connection)
        raw.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = FULL")

    def begin(self, connection: Connection, log_id: int) -> Head:
        """Take the write lock of the database file, then read the head."""
        raw = _raw(connection)
        raw.execute("BEGIN IMMEDIATE")
        size, compact, epoch, closed, note_size = raw.execute(f"{_HEAD}?", (log_id,)).fetchone()
        return Head(size, compact, epoch, bool(closed), note_size)

    def insert(self, connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert whole rows."""
        _raw(connection).executemany(self._insert[table], rows)

    def update_head(self, connection: Connection, log_id: int, size: int, root: bytes, compact_range: bytes) -> None:
        """Move the locked head."""
        statement = "UPDATE audit_head SET size = ?, root = ?, compact_range = ? WHERE log_id = ?"
        _raw(connection).execute(statement, (size, root, compact_range, log_id))

    def store_note(self, connection: Connection, log_id: int, size: int, note: str) -> None:
        """Remember the newest signed checkpoint."""
        statement = "UPDATE audit_head SET note = ?, note_size = ? WHERE log_id = ? AND note_size < ?"
        _raw(connection).execute(statement, (note, size, log_id, size))

    def execute(self, connection: Connection, statement: str) -> None:
        """Run one statement without parameters."""
        _raw(connection).execute(statement)

    def in_transaction(self, connection: Connection) -> bool:
        """Ask the driver."""
        return bool(_raw(connection).in_transaction)

    def usable(self, connection: Connection) -> bool:
        """Return true: a connection to a file does not break."""
        return not connection.closed


def _raw(connection: Connection) -> Any:  # noqa: ANN401 - the driver's own connection, typed by neither driver alike
    """Return the driver's connection below SQLAlchemy."""
    return connection.connection.driver_connection


class PostgresBackend:
    """PostgreSQL through psycopg 3: a row lock on the head, prepared statements, COPY for larger batches."""

    def prepare(self, connection: Connection) -> None:
        """Make commits durable even where the server's default is not."""
        raw = _raw(connection)
        (level,) = raw.execute("SHOW synchronous_commit").fetchone()
        if level == "off":
            raw.execute("SET synchronous_commit = on")
        raw.execute("SET default_transaction_isolation = 'read committed'")
        raw.execute(f"SET lock_timeout = {BUSY_MS}")

    def begin(self, connection: Connection, log_id: int) -> Head:
        """Start a transaction and lock the head row, in one round trip."""
        cursor = _raw(connection).execute(f"BEGIN; {_HEAD}{int(log_id)} FOR UPDATE")
        cursor.nextset()
        size, compact, epoch, closed, note_size = cursor.fetchone()
        return Head(size, bytes(compact), epoch, closed, note_size)

    def insert(self, connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert whole rows."""
        columns = _COLUMNS[table]
        one = f"({', '.join(['%b'] * len(columns))})"
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * len(rows))}"  # noqa: S608
        _raw(connection).execute(statement, [value for row in rows for value in row])

    def update_head(self, connection: Connection, log_id: int, size: int, root: bytes, compact_range: bytes) -> None:
        """Move the locked head."""
        statement = "UPDATE audit_head SET size = %b, root = %b, compact_range = %b WHERE log_id = %b"
        _raw(connection).execute(statement, (size, root, compact_range, log_id), prepare=True)

    def store_note(self, connection: Connection, log_id: int, size: int, note: str) -> None:
        """Remember the newest signed checkpoint."""
        statement = "UPDATE audit_head SET note = %s, note_size = %s WHERE log_id = %s AND note_size < %s"
        _raw(connection).execute(statement, (note, size, log_id, size), prepare=True)

    def execute(self, connection: Connection, statement: str) -> None:
        """Run one statement without parameters."""
        _raw(connection).execute(statement)

    def in_transaction(self, connection: Connection) -> bool:
        """Return true when a transaction is open and has not failed."""
        return bool(_raw(connection).info.transaction_status.name == "INTRANS")

    def usable(self, connection: Connection) -> bool:
        """Tell whether the server still answers on this connection."""
        raw = _raw(connection)
        return not (raw.closed or raw.broken)


def backend_for(dialect: str) -> Backend:
    """Return the statements for a SQLAlchemy dialect name.

    Raises:
        NotImplementedError: neither `sqlite` nor `postgresql`.
    """
    if dialect == "sqlite":
        return SqliteBackend()
    if dialect == "postgresql":
        return PostgresBackend()
    message = f"the log runs on SQLite and PostgreSQL, not on {dialect}"
    raise NotImplementedError(message)
