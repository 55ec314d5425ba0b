# SPDX-License-Identifier: EUPL-1.2
"""The tables of the log, for PostgreSQL and SQLite.

An attacker who can write these tables can stop the log or lose it; they cannot change, remove, add or move an entry
without every later checkpoint, receipt and witness disagreeing. They can destroy details, but not exchange them.
The triggers only stop mistakes. The evidence is in the hashes.
"""

from collections.abc import Mapping

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

metadata = MetaData()

head = Table(
    "audit_head",
    metadata,
    Column("log_id", Integer, primary_key=True, autoincrement=False),
    Column("origin", String(255), nullable=False, unique=True),
    Column("vkey", String(512), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("compact_range", LargeBinary, nullable=False),
    # Grows whenever detail keys are destroyed, so that writers drop the keys they remember.
    Column("key_epoch", Integer, nullable=False, server_default=text("0")),
    Column("closed", Boolean, nullable=False, server_default=text("false")),
    # Newest signed checkpoint that was stored; may lag behind `size` for a moment.
    Column("note", Text, nullable=False, server_default=text("''")),
    Column("note_size", BigInteger, nullable=False, server_default=text("-1")),
)
"""One row per log. Whoever appends locks it first; that lock orders entries and guards."""

entry = Table(
    "audit_entry",
    metadata,
    Column("log_id", Integer, primary_key=True, autoincrement=False),
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", String(32), nullable=False),
    Column("ts_us", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("corr", String(64)),
    Column("from_agency", String(64)),
    Column("to_agency", String(64)),
    Column("purpose", String(64)),
    Column("leaf", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    UniqueConstraint("entry_id", name="audit_entry_id"),
    Index("audit_entry_corr", "corr"),
    Index("audit_entry_from", "from_agency", "idx"),
    Index("audit_entry_to", "to_agency", "idx"),
)
"""The leaves, and copies of a few members to search by. Only `leaf` is evidence."""

detail = Table(
    "audit_detail",
    metadata,
    Column("log_id", Integer, primary_key=True, autoincrement=False),
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("controller", String(64), primary_key=True),
    Column("key_id", String(32), nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("stored", LargeBinary, nullable=False),
    Index("audit_detail_key", "key_id"),
)
"""Details, sealed by their controller and wrapped once more under an erasable key."""

key = Table(
    "audit_key",
    metadata,
    Column("key_id", String(32), primary_key=True),
    Column("log_id", Integer, nullable=False),
    Column("controller", String(64), nullable=False),
    Column("retention", String(64), nullable=False),
    Column("period", String(7), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("wrapped", LargeBinary),
    Column("created_at", BigInteger, nullable=False),
    Column("destroyed_at", BigInteger),
    UniqueConstraint(
        "log_id", "controller", "retention", "period", "generation", name="audit_key_use"
    ),
)
"""Erasable keys per controller, retention class and month. A destroyed key stays as a row without `wrapped`."""

tile = Table(
    "audit_tile",
    metadata,
    Column("log_id", Integer, primary_key=True, autoincrement=False),
    Column("lvl", Integer, primary_key=True, autoincrement=False),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
"""Full tiles only; partial ones are put together when they are read."""

checkpoint = Table(
    "audit_checkpoint",
    metadata,
    Column("log_id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
    Column("ts_us", BigInteger, nullable=False),
)
"""Checkpoints that witnesses have cosigned."""


def _append_only(table: str) -> Mapping[str, tuple[str, ...]]:
    """Return the triggers that stop a mistaken UPDATE or DELETE, per dialect."""
    return {
        "sqlite": tuple(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ),
        "postgresql": (
            f"""CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$""",
            f"""CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
                FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()""",
        ),
    }


def _protect(target: Table, connection: Connection, **_: object) -> None:
    """Add the triggers of a table that has just been created."""
    for statement in _append_only(target.name)[connection.dialect.name]:
        connection.exec_driver_sql(statement)


for _table in (entry, tile):
    event.listen(_table, "after_create", _protect)


def blob(value: object) -> bytes:
    """Return a binary column as bytes, whatever somebody has put there: SQLite stores any type in any column."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return bytes(value) if isinstance(value, memoryview | bytearray) else b""


def create_tables(connection: Connection) -> None:
    """Create the tables and the append-only triggers where they are missing; safe to call again."""
    metadata.create_all(connection)
