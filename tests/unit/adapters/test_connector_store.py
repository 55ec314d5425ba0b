# SPDX-License-Identifier: EUPL-1.2
"""The connector's file: an older one is brought up to date in place, a newer one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, select, update

from adapters.connector.errors import SettingsRejected
from adapters.connector.store import held, tables
from adapters.connector.store.database import Store, open_engine
from adapters.connector.store.held import Held, HeldState
from keys.model import ExchangeId

NOW = 1_793_872_800


def _version_1(file: Path) -> Engine:
    """A file as version 1 left it, with one request that waits."""
    engine = open_engine(file)
    Store(engine).now(
        lambda connection: held.add(
            connection,
            Held(
                id="0" * 26,
                exchange=ExchangeId("1" * 26),
                state=HeldState.WAITING,
                direction="pull",
                other="abh.hannover",
                purpose="P02",
                fields=("benefit_granted",),
                statement="a.b.c",
                statement_checked_at=NOW,
                order_jws="a.b.c",
                file_number=None,
                received_at=NOW,
                expires_at=NOW + 60,
            ),
        )
    )
    with engine.begin() as connection:
        for column in ("needs_head", "by_head"):
            connection.exec_driver_sql(f"ALTER TABLE held DROP COLUMN {column}")
        connection.execute(update(tables.schema_version).values(version=1))
    return engine


def test_a_file_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    """What waited goes on waiting, for a clerk as before; the columns are those of a new file."""
    engine = _version_1(tmp_path / "store.db")
    store = Store(engine)
    (item,) = store.now(lambda connection: held.waiting(connection, NOW))
    assert (item.id, item.needs_head, item.by_head) == ("0" * 26, False, False)
    fresh = open_engine(tmp_path / "fresh.db")
    Store(fresh)
    for table in tables.metadata.sorted_tables:
        old, new = (
            {(one["name"], str(one["type"])) for one in inspect(each).get_columns(table.name)}
            for each in (engine, fresh)
        )
        assert old == new
    assert store.now(
        lambda connection: connection.execute(select(tables.schema_version.c.version)).scalar_one()
    ) == (tables.SCHEMA_VERSION)
    Store(engine)


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    """This connector does not know what a later one keeps there."""
    engine = open_engine(tmp_path / "store.db")
    Store(engine).now(
        lambda connection: connection.execute(
            update(tables.schema_version).values(version=tables.SCHEMA_VERSION + 1)
        )
    )
    with pytest.raises(SettingsRejected, match=f"version {tables.SCHEMA_VERSION + 1}"):
        Store(engine)


def test_every_change_since_the_first_version_is_written_down() -> None:
    """A version without its change would leave older files behind."""
    assert set(tables.CHANGES) == set(range(2, tables.SCHEMA_VERSION + 1))
