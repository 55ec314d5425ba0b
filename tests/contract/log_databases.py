# SPDX-License-Identifier: EUPL-1.2
"""The databases that the log runs on, each empty and with one table of an application beside the log."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, insert

from tests.unit.audit.samples import database, sqlite_url

own = MetaData()
ticket = Table("ticket", own, Column("id", Integer, primary_key=True), Column("uses", Integer))
"""A table of the application, as a guard would read and spend it."""


KINDS = ("sqlite", "postgresql")


def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Engine]:
    """Open an empty database of the kind in `request.param`, with the tables of log and application."""
    if request.param == "sqlite":
        url = sqlite_url(tmp_path)
    else:
        url = request.getfixturevalue("fresh_postgres_database")
    with database(url) as opened:
        own.create_all(opened)
        with opened.begin() as connection:
            connection.execute(insert(ticket).values(id=1, uses=1))
        yield opened
