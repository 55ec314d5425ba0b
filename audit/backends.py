# SPDX-License-Identifier: EUPL-1.2
"""The few statements of an append, in the native words of each database, without any layer in between.

What both promise: `begin` returns only once this transaction alone may append; after `commit` has returned,
everything written survives a crash of the process, the database and the machine.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Protocol

from sqlalchemy import Connection

from audit.rows import DetailRow, EntryRow, Head, TileRow, Write

BUSY_MS = 30_000
"""How long a writer waits for the lock that another one holds."""


class Backend(Protocol):
    """One database, seen by the one thread that writes."""

    def prepare(self, connection: Connection) -> None:
        """Set what durability and locking need on a new connection, or raise."""

    def begin(self, connection: Connection, log_id: int) -> Head:
        """Start a transaction and lock the head row."""
        ...

    def write(self, connection: Connection, write: Write) -> None:
        """Insert the rows and move the locked head."""

    def store_note(self, connection: Connection, log_id: int, size: int, note: str) -> None:
        """Remember a signed checkpoint outside a batch; an older one never replaces a newer one."""

    def execute(self, connection: Connection, statement: str) -> None:
        """Run one statement without parameters: COMMIT, SAVEPOINT."""

    def rollback(self, connection: Connection) -> None:
        """End whatever transaction is open, also a failed one."""

    def in_transaction(self, connection: Connection) -> bool:
        """Tell whether the transaction that `begin` started is still open and usable."""
        ...

    def usable(self, connection: Connection) -> bool:
        """Tell whether the connection can be used again after an error."""
        ...


_COLUMNS = {
    "audit_entry": EntryRow._fields,
    "audit_detail": DetailRow._fields,
    "audit_tile": TileRow._fields,
}
_HEAD = "SELECT size, compact_range, key_epoch, closed FROM audit_head WHERE log_id = "


def _raw(connection: Connection) -> Any:
    """Return the driver's connection below SQLAlchemy."""
    return connection.connection.driver_connection


class SqliteBackend:
    """SQLite in WAL mode with synchronous=FULL, the only setting of WAL that survives a power cut."""

    def __init__(self) -> None:
        self._insert = {
            table: f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 - our own table and column names
            f"VALUES ({', '.join('?' * len(columns))})"
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
        size, compact, epoch, closed = raw.execute(f"{_HEAD}?", (log_id,)).fetchone()
        return Head(size, compact, epoch, bool(closed))

    def write(self, connection: Connection, write: Write) -> None:
        """Insert the rows and move the locked head."""
        raw = _raw(connection)
        raw.executemany(self._insert["audit_entry"], write.entries)
        if write.details:
            raw.executemany(self._insert["audit_detail"], write.details)
        if write.tiles:
            raw.executemany(self._insert["audit_tile"], write.tiles)
        note_size, note = write.note
        raw.execute(
            "UPDATE audit_head SET size = ?1, root = ?2, compact_range = ?3, "
            "note = CASE WHEN note_size < ?5 THEN ?4 ELSE note END, note_size = max(note_size, ?5) "
            "WHERE log_id = ?6",
            (write.size, write.root, write.compact_range, note, note_size, write.log_id),
        )

    def store_note(self, connection: Connection, log_id: int, size: int, note: str) -> None:
        """Remember a signed checkpoint outside a batch."""
        statement = (
            "UPDATE audit_head SET note = ?, note_size = ? WHERE log_id = ? AND note_size < ?"
        )
        _raw(connection).execute(statement, (note, size, log_id, size))

    def execute(self, connection: Connection, statement: str) -> None:
        """Run one statement without parameters."""
        _raw(connection).execute(statement)

    def rollback(self, connection: Connection) -> None:
        """End the transaction, if there is one."""
        _raw(connection).rollback()

    def in_transaction(self, connection: Connection) -> bool:
        """Ask the driver."""
        return bool(_raw(connection).in_transaction)

    def usable(self, connection: Connection) -> bool:
        """Return true: a connection to a file does not break."""
        return not connection.closed


_TYPES = {
    "audit_entry": ("int", "bigint", "text", "bigint", *("text",) * 6, "bytea", "bytea"),
    "audit_detail": ("int", "bigint", "text", "text", "bytea", "bytea"),
    "audit_tile": ("int", "int", "bigint", "bytea", "bytea"),
}


@cache
def _postgres_insert(table: str, *, single: bool) -> str:
    """Return an INSERT of one row, or of any number of rows that arrive as one array per column."""
    names = ", ".join(_COLUMNS[table])
    if single:
        values = ", ".join(f"%b::{kind}" for kind in _TYPES[table])
        return f"INSERT INTO {table} ({names}) VALUES ({values})"  # noqa: S608 - our own table and column names
    arrays = ", ".join(
        f"%b::{kind}[]" if kind == "bytea" else rf"string_to_array(%b, E'\n', '')::{kind}[]"
        for kind in _TYPES[table]
    )
    return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays})"  # noqa: S608 - our own table and column names


def _postgres_columns(table: str, rows: Sequence[tuple[Any, ...]]) -> Iterator[object]:
    """Turn rows into one value per column: bytes as an array, all else as lines, which are far cheaper to send.

    Codes, ids and numbers hold no line feed and are never empty; an empty line stands for NULL.
    """
    for kind, column in zip(_TYPES[table], zip(*rows, strict=True), strict=True):
        if kind == "bytea":
            yield list(column)
        else:
            yield "\n".join(["" if value is None else str(value) for value in column])


@cache
def _postgres_write(*inserts: str) -> str:
    """Return one statement that inserts everything and moves the head: one round trip, few plans."""
    parts = ", ".join(f"part{number} AS ({insert})" for number, insert in enumerate(inserts))
    return f"""
        WITH {parts}
        UPDATE audit_head SET size = %b, root = %b, compact_range = %b,
          note = CASE WHEN note_size < %b THEN %b ELSE note END, note_size = greatest(note_size, %b)
        WHERE log_id = %b"""  # noqa: S608 - our own table and column names


class PostgresBackend:
    """PostgreSQL through psycopg 3: a row lock on the head, three round trips per batch."""

    def prepare(self, connection: Connection) -> None:
        """Make commits durable even where the server's default is not, and read what is committed."""
        raw = _raw(connection)
        (level,) = raw.execute("SHOW synchronous_commit").fetchone()
        if level == "off":
            raw.execute("SET synchronous_commit = on")
        raw.execute("SET default_transaction_isolation = 'read committed'")
        raw.execute(f"SET lock_timeout = {BUSY_MS}")

    def begin(self, connection: Connection, log_id: int) -> Head:
        """Start a transaction and lock the head row."""
        cursor = _raw(connection).execute(f"BEGIN; {_HEAD}{int(log_id)} FOR UPDATE")
        cursor.nextset()
        size, compact, epoch, closed = cursor.fetchone()
        return Head(size, bytes(compact), epoch, closed)

    def write(self, connection: Connection, write: Write) -> None:
        """Insert the rows and move the locked head."""
        values: list[Any] = []
        inserts = []
        for table, rows in (
            ("audit_entry", write.entries),
            ("audit_detail", write.details),
            ("audit_tile", write.tiles),
        ):
            if rows:
                single = len(rows) == 1
                inserts.append(_postgres_insert(table, single=single))
                values.extend(rows[0] if single else _postgres_columns(table, rows))
        note_size, note = write.note
        values += [
            write.size,
            write.root,
            write.compact_range,
            note_size,
            note,
            note_size,
            write.log_id,
        ]
        _raw(connection).execute(_postgres_write(*inserts), values, prepare=True)

    def store_note(self, connection: Connection, log_id: int, size: int, note: str) -> None:
        """Remember a signed checkpoint outside a batch."""
        statement = (
            "UPDATE audit_head SET note = %s, note_size = %s WHERE log_id = %s AND note_size < %s"
        )
        _raw(connection).execute(statement, (note, size, log_id, size))

    def execute(self, connection: Connection, statement: str) -> None:
        """Run one statement without parameters."""
        _raw(connection).execute(statement)

    def rollback(self, connection: Connection) -> None:
        """End the transaction, if there is one; psycopg sends ROLLBACK also after a failed statement."""
        _raw(connection).rollback()

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
