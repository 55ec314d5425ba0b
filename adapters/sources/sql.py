# SPDX-License-Identifier: EUPL-1.2
"""Reads from an agency's SQL database: one select per category, bound parameters only, read-only transactions.

The select lists, tables and queries come from the mapping; a file number is always a bound parameter.
SQLite is opened with ``mode=ro`` and ``query_only``, PostgreSQL runs read-only transactions with a statement timeout.
For any other database, and as a second lock for these, the account should only be allowed to SELECT on its views.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, Connection, Engine

from adapters.errors import (
    MappingError,
    SettingsError,
    SourceBroken,
    SourceError,
    SourceUnavailable,
)
from adapters.sources.mapped import Fetched, Wanted
from adapters.sources.mapping import SourceMapping
from adapters.sources.values import MAX_ELEMENTS, Row

_THREADS: Final = 4
_SQLITE_TRANSIENT: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
_PRIMARY_CODE: Final = 0xFF
"""The low byte of an extended SQLite result code is the primary one (https://sqlite.org/rescode.html)."""
_PROGRESS_STEPS: Final = 5000
"""SQLite looks at the clock after so many steps of its virtual machine (about 0.1 ms)."""


class SqlBackend:
    """Fetches rows from a database.

    Args:
        mapping: a mapping of kind ``sql``.
        url: SQLAlchemy URL; a driver must be installed.
        timeout_seconds: limit for a connection attempt and for the statements of one call.
        password: added to the URL, so that the URL in the settings file needs none.

    Raises:
        SettingsError: the URL cannot be used.
        MappingError: a query of the mapping is not one plain select.
    """

    def __init__(
        self,
        mapping: SourceMapping,
        url: str,
        *,
        timeout_seconds: float,
        password: str | None = None,
    ) -> None:
        self._mapping = mapping
        self._find_place = f"{mapping.file} [find]"
        self._timeout_seconds = timeout_seconds
        _check_query(mapping.find, self._find_place)
        for category in mapping.categories.values():
            _check_query(category.options, category.place)
        try:
            parsed = sa.make_url(url)
            if password is not None:
                parsed = parsed.set(password=password)
            self._engine = _engine(parsed, timeout_seconds)
        except (exc.ArgumentError, exc.NoSuchModuleError, ImportError):
            raise SettingsError("source.url: not a database URL that can be used here") from None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="lotse-source")

    async def fetch(self, number: str, wanted: Sequence[Wanted]) -> Fetched:
        """Find the person and fetch the columns in one read-only transaction (see `Backend`)."""
        work = partial(self._with_connection, partial(self._fetch, number=number, wanted=wanted))
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def probe(self, wanted: Sequence[Wanted]) -> None:
        """Run every select with a condition that no row meets (see `Backend`)."""
        work = partial(self._with_connection, partial(self._probe, wanted=wanted))
        await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def close(self) -> None:
        """Close all connections; a statement that still runs ends by its own time limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()

    def _with_connection(self, work: Callable[[Connection], Fetched]) -> Fetched:
        # Leaving the block rolls back: nothing here may ever be committed.
        with (
            _translated(self._find_place),
            self._engine.connect() as connection,
            _sqlite_deadline(connection, self._timeout_seconds),
        ):
            return work(connection)

    def _fetch(self, connection: Connection, *, number: str, wanted: Sequence[Wanted]) -> Fetched:
        keys = _run(connection, self._find_select(number), self._find_place)
        # For nobody and for two persons the same selects run, with a key that no row has.
        key = keys[0][self._mapping.find["key"]] if len(keys) == 1 else None
        rows = {
            one.category.name: _run(connection, _select(one, key), one.category.place)
            for one in wanted
        }
        return Fetched(len(keys), rows if len(keys) == 1 else {})

    def _probe(self, connection: Connection, *, wanted: Sequence[Wanted]) -> Fetched:
        _run(connection, self._find_select("").where(sa.false()), self._find_place)
        for one in wanted:
            _run(connection, _select(one, None).where(sa.false()), one.category.place)
        return Fetched(0, {})

    def _find_select(self, number: str) -> sa.Select[Any]:
        find = self._mapping.find
        source = _source(find, {find["number"], find["key"]})
        key = source.c[find["key"]]
        chosen = (
            sa.select(key).distinct().where(source.c[find["number"]] == number, key.is_not(None))
        )
        return chosen.limit(2)


def _select(wanted: Wanted, key: object) -> sa.Select[Any]:
    category = wanted.category
    names = {*wanted.columns, category.options["key"], *(column for column, _ in category.only)}
    if category.newest is not None:
        names.add(category.newest)
    columns = _source(category.options, names).c
    chosen = sa.select(*(columns[name] for name in wanted.columns)).where(
        columns[category.options["key"]] == sa.bindparam("key", key),
        *(columns[column] == text for column, text in category.only),
    )
    in_order = [columns[name] for name in wanted.columns]
    if category.newest is not None:
        return chosen.order_by(columns[category.newest].desc().nulls_last(), *in_order).limit(1)
    return chosen.order_by(*in_order).limit(MAX_ELEMENTS + 1 if category.many else 2)


def _source(options: Mapping[str, str], names: set[str]) -> sa.FromClause:
    """The table, view or query of the mapping, with the columns that are used now and no others."""
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in sorted(names)]
    if "query" in options:
        return sa.text(options["query"]).columns(*columns).subquery("q")
    schema, _, name = options["table"].rpartition(".")
    return sa.table(name, *columns, schema=schema or None)


def _check_query(options: Mapping[str, str], place: str) -> None:
    query = options.get("query")
    if query is None:
        return
    if (
        not query.lstrip().lower().startswith("select")
        or ";" in query
        or sa.text(query).compile().params
    ):
        raise MappingError(f"{place}: query must be one SELECT without semicolon and parameters")


def _run(connection: Connection, statement: sa.Select[Any], place: str) -> list[Row]:
    with _translated(place):
        return [dict(row) for row in connection.execute(statement).mappings()]


@contextmanager
def _translated(place: str) -> Generator[None]:
    """Turn errors of database and driver into ours, without their texts: they may quote a value."""
    try:
        yield
    except SourceError:
        raise
    except exc.SQLAlchemyError as error:
        if _is_transient(error):
            raise SourceUnavailable("the database does not answer, or not in time") from None
        cause = getattr(error, "orig", None) or error
        raise SourceBroken(
            f"{place}: the database refuses the query ({type(cause).__name__})"
        ) from None
    except (ValueError, OverflowError):  # drivers raise them for values that they cannot decode
        raise SourceBroken(f"{place}: the database gave a value that cannot be read") from None


def _is_transient(error: exc.SQLAlchemyError) -> bool:
    if isinstance(error, exc.TimeoutError):
        return True
    if not isinstance(error, exc.OperationalError | exc.InterfaceError):
        return isinstance(error, exc.DBAPIError) and error.connection_invalidated
    if isinstance(error.orig, sqlite3.Error):
        # SQLite says OperationalError also for a table that does not exist.
        return getattr(error.orig, "sqlite_errorcode", 0) & _PRIMARY_CODE in _SQLITE_TRANSIENT
    return True


@contextmanager
def _sqlite_deadline(connection: Connection, seconds: float) -> Generator[None]:
    """Let SQLite stop a statement by itself; other databases have limits of their own."""
    raw: object = connection.connection.dbapi_connection
    if not isinstance(raw, sqlite3.Connection):
        yield
        return
    deadline = time.monotonic() + seconds
    raw.set_progress_handler(lambda: time.monotonic() > deadline, _PROGRESS_STEPS)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)


def _engine(url: URL, timeout_seconds: float) -> Engine:
    dialect = url.get_backend_name()
    if dialect == "sqlite":
        return _sqlite_engine(url, timeout_seconds)
    options: dict[str, Any] = {}
    if dialect == "postgresql":
        milliseconds = max(1, int(timeout_seconds * 1000))
        options = {
            "connect_args": {
                "connect_timeout": max(
                    2, int(timeout_seconds)
                ),  # libpq takes whole seconds, at least two
                "options": f"-c default_transaction_read_only=on -c statement_timeout={milliseconds}",
            },
            "execution_options": {
                "postgresql_readonly": True,
                "isolation_level": "REPEATABLE READ",
            },
        }
    return sa.create_engine(
        url,
        pool_size=_THREADS,
        pool_timeout=timeout_seconds,
        pool_pre_ping=True,
        hide_parameters=True,
        **options,
    )


def _sqlite_engine(url: URL, timeout_seconds: float) -> Engine:
    if not url.database or url.database == ":memory:":
        raise SettingsError("source.url: a SQLite file is needed")
    uri = f"file:{quote(str(Path(url.database).absolute()))}?mode=ro"

    def connect() -> sqlite3.Connection:
        # isolation_level None: the driver begins nothing by itself, the event below does.
        return sqlite3.connect(
            uri, uri=True, timeout=timeout_seconds, isolation_level=None, check_same_thread=False
        )

    engine = sa.create_engine(
        "sqlite://",
        creator=connect,
        poolclass=sa.QueuePool,
        pool_size=_THREADS,
        pool_timeout=timeout_seconds,
        hide_parameters=True,
    )

    def harden(raw: sqlite3.Connection, _record: object) -> None:
        raw.execute("PRAGMA query_only=ON")

    def begin(connection: Connection) -> None:
        # One snapshot for all selects of a call.
        connection.exec_driver_sql("BEGIN")

    event.listen(engine, "connect", harden)
    event.listen(engine, "begin", begin)
    return engine
