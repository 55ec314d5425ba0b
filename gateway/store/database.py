# SPDX-License-Identifier: EUPL-1.2
"""Opens the gateway's database and brings its tables up to date.

Drivers are synchronous and run in threads (ADR 0004): one writer thread for everything that is
recorded, a few for look-ups.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event, func, select
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

T = TypeVar("T")

READERS = 4
"""Threads for look-ups: more than the cores, since they wait for the disk or the server."""
BUSY_MILLISECONDS = 30_000
"""How long an SQLite writer waits for another process's transaction."""


MIGRATION_LOCK = 0x4C6F747365
"""Number of the advisory lock under which tables are made: "Lotse" in ASCII."""

WAL_TRIES = 100
WAL_PAUSE_SECONDS = 0.05


class _DriverConnection(Protocol):
    """The part of a database driver's connection that the set-up uses."""

    def execute(self, sql: str) -> object:
        """Run one statement."""


def open_engine(url: str) -> Engine:
    """Make the engine for `url`: ``sqlite:///file`` or ``postgresql+psycopg://…``.

    SQLite runs in WAL mode with ``synchronous=FULL``: an entry that was acknowledged survives a
    power failure (``NORMAL`` does not promise that).
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=READERS + 2, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_MILLISECONDS / 1000})

    @event.listens_for(engine, "connect")
    def prepare(connection: _DriverConnection, _record: object) -> None:
        connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")

    return engine


def _switch_to_wal(connection: _DriverConnection) -> None:
    # The busy timeout does not cover this statement: two processes that make the file meet here.
    for _ in range(WAL_TRIES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            time.sleep(WAL_PAUSE_SECONDS)
        else:
            return
    connection.execute("PRAGMA journal_mode=WAL")


def migrate(engine: Engine) -> None:
    """Bring the tables of the gateway and of its log to the newest version, in place.

    Replicas that start at the same moment do it one after the other.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


class Database:
    """Look-ups from the event loop: each runs in a thread on a connection of its own."""

    def __init__(self, engine: Engine) -> None:
        """Take the engine; the threads start when first used."""
        self.engine = engine
        # A look-up needs no transaction: each of its statements sees what is committed by then.
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="lotse-read")

    async def read(self, look_up: Callable[[Connection], T]) -> T:
        """Run `look_up` in a thread; what it raises is raised here."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, look_up)

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Run `change` in a transaction of its own: for rows that no log entry speaks of."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._write, change)

    def _write(self, change: Callable[[Connection], Any]) -> Any:
        with self.engine.begin() as connection:
            return change(connection)

    def _read(self, look_up: Callable[[Connection], Any]) -> Any:
        with self._reading.connect() as connection:
            return look_up(connection)

    def close(self) -> None:
        """Wait for running look-ups and close all connections."""
        self._threads.shutdown()
        self.engine.dispose()
