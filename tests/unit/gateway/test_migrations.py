# SPDX-License-Identifier: EUPL-1.2
"""The migrated tables are exactly those that the code writes to, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Engine, MetaData, String, Table, inspect

from audit.store import metadata as audit_metadata
from gateway.authn.tables import used_jti
from gateway.store.database import migrate, open_engine
from gateway.store.tables import metadata


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """An empty database of each kind."""
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("fresh_postgres_database")
    made = open_engine(url)
    yield made
    made.dispose()


def _differences(engine: Engine, *wanted: MetaData) -> list[Any]:
    everything = MetaData()
    for one in wanted:
        for table in one.sorted_tables:
            table.to_metadata(everything)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": False}
        )
        found = compare_metadata(context, everything)
    return [one for one in found if "alembic_version" not in repr(one)]


def test_the_migrated_tables_are_the_ones_in_the_code(engine: Engine) -> None:
    """Tables, columns, types, keys and indexes: nothing to add, nothing to take away."""
    migrate(engine)
    assert used_jti.metadata is metadata
    assert _differences(engine, metadata, audit_metadata) == []


def test_the_comparison_sees_a_column_that_nobody_migrated(engine: Engine) -> None:
    """One column more in the code than in the database is found: the test above can fail."""
    migrate(engine)
    more = MetaData()
    Table(
        "mailbox",
        more,
        *(column._copy() for column in metadata.tables["mailbox"].columns),
        Column("forgotten", String(8)),
    )
    assert any("forgotten" in repr(one) for one in _differences(engine, more))


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    """Every start migrates; on a database that is up to date that is a look and no more."""
    migrate(engine)
    before = sorted(inspect(engine).get_table_names())
    migrate(engine)
    assert sorted(inspect(engine).get_table_names()) == before
