# SPDX-License-Identifier: EUPL-1.2
"""Opens the connector's SQLite file and runs work in transactions, off the event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import create_engine, event, insert, select, update

from adapters.connector.errors import SettingsRejected
from adapters.connector.store.tables import CHANGES, SCHEMA_VERSION, metadata, schema_version

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection, Engine

T = TypeVar("T")


def open_engine(file: Path) -> Engine:
    """Give an engine whose commits survive a power cut (WAL, ``synchronous=FULL``).

    Transactions take the write lock at once, so that what is read inside one cannot change
    before its commit.
    """
    engine = create_engine(f"sqlite:///{file}")

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy's own BEGIN below, not sqlite3's
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "busy_timeout=5000",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


class Store:
    """The connector's memory."""

    def __init__(self, engine: Engine) -> None:
        """Create missing tables, and bring those of an older version up to this one.

        Raises:
            SettingsRejected: the file was written by a newer version of the connector.
        """
        self._engine = engine
        metadata.create_all(engine)
        with engine.begin() as connection:
            found = connection.execute(select(schema_version.c.version)).scalar_one_or_none()
            if found is None:
                connection.execute(insert(schema_version).values(only=1, version=SCHEMA_VERSION))
                return
            if found > SCHEMA_VERSION:
                message = f"the store has version {found}, this connector reads {SCHEMA_VERSION}"
                raise SettingsRejected(message)
            for version in range(found + 1, SCHEMA_VERSION + 1):
                for statement in CHANGES[version]:
                    connection.exec_driver_sql(statement)
            connection.execute(update(schema_version).values(version=SCHEMA_VERSION))

    def now(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction, in this thread."""
        with self._engine.begin() as connection:
            return work(connection)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction, in a worker thread."""
        return await asyncio.to_thread(self.now, work)

    def close(self) -> None:
        """Give the file back."""
        self._engine.dispose()
