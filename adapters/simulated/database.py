# SPDX-License-Identifier: EUPL-1.2
"""Sets up a SQLite file for a simulated system that keeps its data in a database."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

Tables = Mapping[str, Sequence[Mapping[str, object]]]
"""Table name -> rows, in an order in which they can be inserted."""


def create(path: Path, ddl: str, tables: Tables) -> int:
    """Create the file with these tables and say how many rows it has.

    Raises:
        FileExistsError: something lies there already.
        OSError, sqlite3.Error: the file cannot be written.
    """
    if path.exists():
        raise FileExistsError(path)
    # Written beside its place and moved, so that nobody ever opens half a database.
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    connection = sqlite3.connect(draft)
    try:
        connection.executescript(ddl)
        for table, rows in tables.items():
            for row in rows:
                marks = ", ".join("?" for _ in row)
                insert = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"  # noqa: S608 - names of this package
                connection.execute(insert, tuple(row.values()))
        connection.commit()
    finally:
        connection.close()
    draft.replace(path)
    return sum(len(rows) for rows in tables.values())


def setup_arguments(program: str, what: str) -> argparse.ArgumentParser:
    """Options of a program that sets up a database."""
    parser = argparse.ArgumentParser(
        prog=program, description=f"Sets up {what}; all people are invented."
    )
    parser.add_argument(
        "--db", type=Path, required=True, metavar="FILE", help="SQLite file to create"
    )
    parser.add_argument("--today", type=date.fromisoformat, required=True, metavar="YYYY-MM-DD")
    parser.add_argument("--fresh", action="store_true", help="replace the file if it exists")
    return parser


def run_setup(arguments: argparse.Namespace, ddl: str, tables: Tables) -> int:
    """Create the file as the options say; returns the exit status."""
    path: Path = arguments.db
    try:
        if arguments.fresh:
            path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        count = create(path, ddl, tables)
    except FileExistsError:
        sys.stderr.write(f"{path} exists; use --fresh to replace it\n")
        return 2
    except (OSError, sqlite3.Error) as error:
        sys.stderr.write(f"{path} cannot be written: {error}\n")
        return 2
    sys.stdout.write(f"{path}: {len(tables)} tables, {count} rows\n")
    return 0
