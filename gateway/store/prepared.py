# SPDX-License-Identifier: EUPL-1.2
"""Statements that run at every exchange: written with Core, compiled once per database.

Core makes the statement, its cache key and its result anew at each call, which costs several times
what the database itself takes (``docs/performance.md``). Here the compiled text goes straight to
the driver. Values come as plain ``str``, ``int``, ``bool``, ``bytes`` or None, and so do the rows.
Errors are those of Core.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.selectable import Select

if TYPE_CHECKING:
    from sqlalchemy import Connection, Delete, Insert, Update


class Prepared:
    """One statement with named values (``bindparam``), for any number of connections."""

    __slots__ = ("_row", "_statement", "_texts")

    def __init__(self, statement: Select[Any] | Insert | Update | Delete) -> None:
        """Take the statement; an insert has a value for every column of its table."""
        self._statement = statement
        self._texts: dict[str, tuple[str, list[str] | None]] = {}
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        self._row = _row_type([str(column.key) for column in columns])

    def rows(self, connection: Connection, **values: object) -> list[Any]:
        """Run a select and give all rows, each with its columns as attributes."""
        return [self._row._make(row) for row in self._run(connection, values).fetchall()]

    def first(self, connection: Connection, **values: object) -> Any:
        """Run a select and give its first row, or None."""
        rows = self._run(connection, values).fetchall()
        return self._row._make(rows[0]) if rows else None

    def change(self, connection: Connection, **values: object) -> int:
        """Run an insert, update or delete and give how many rows it met.

        Raises:
            sqlalchemy.exc.IntegrityError: a row with this key is there.
        """
        return int(self._run(connection, values).rowcount)

    def _run(self, connection: Connection, values: dict[str, object]) -> Any:
        dialect = connection.dialect
        text, order = self._texts.get(dialect.name) or self._compile(connection)
        raw: Any = connection.connection.driver_connection
        try:
            return raw.execute(text, values if order is None else [values[n] for n in order])
        except dialect.loaded_dbapi.Error as error:
            # Parameters are left out: they would stand in the message.
            raise DBAPIError.instance(
                text, None, error, dialect.loaded_dbapi.Error, dialect=dialect
            ) from error

    def _compile(self, connection: Connection) -> tuple[str, list[str] | None]:
        compiled = self._statement.compile(dialect=connection.dialect)
        order = list(compiled.positiontup or ()) if compiled.positional else None
        self._texts[connection.dialect.name] = found = (str(compiled), order)
        return found


def _row_type(names: list[str]) -> Any:
    return namedtuple("Row", names)  # noqa: PYI024 - the names are those of the statement
