# SPDX-License-Identifier: EUPL-1.2
"""What the gateway keeps of past decisions, for commands that look back; reads only."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, inspect, select, tuple_
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from audit.store import entry
from audit.vocabulary import EntryKind, Outcome
from gateway.settings import SettingsError, load_settings
from gateway.store.database import open_engine
from gateway.store.tables import decided_input, shadow_count
from policies.archive import ArchiveUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Engine, Select

AT_ONCE: Final = 500
"""Rows held in memory at a time."""
MICROSECONDS: Final = 1_000_000
_DECIDED: Final = [outcome.value for outcome in Outcome if outcome is not Outcome.ERROR]


class Archive:
    """Stored decisions of one gateway; see ``policies.archive.DecisionArchive``."""

    def __init__(self, engine: Engine) -> None:
        """Take the database."""
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def count(self, since: dt.date | None) -> int:
        """See ``DecisionArchive``."""
        query = select(func.count()).select_from(decided_input)
        if since is not None:
            query = query.where(decided_input.c.day >= since.isoformat())
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def rows(self, since: dt.date | None) -> Iterator[Mapping[str, Any]]:
        """See ``DecisionArchive``."""
        # Page by page: asking again takes its time, and no transaction may stay open that long.
        day, key = decided_input.c.day, decided_input.c.key
        after = ("" if since is None else since.isoformat(), "")
        while True:
            query = select(decided_input).where(tuple_(day, key) > after).order_by(day, key)
            page = self._page(query.limit(AT_ONCE))
            yield from page
            if len(page) < AT_ONCE:
                return
            after = (str(page[-1]["day"]), str(page[-1]["key"]))

    def on_record(self, since: dt.date | None) -> int:
        """See ``DecisionArchive``: what the log tells of, from the first day that is kept here."""
        with self._engine.connect() as connection:
            first = connection.execute(select(func.min(decided_input.c.day))).scalar_one()
            if first is None:
                return 0
            begin = max(dt.date.fromisoformat(first), since or dt.date.min)
            midnight = dt.datetime(begin.year, begin.month, begin.day, tzinfo=dt.UTC)
            query = (
                select(func.count())
                .select_from(entry)
                .where(
                    entry.c.kind == EntryKind.ACCESS_REQUESTED.value,
                    entry.c.outcome.in_(_DECIDED),
                    entry.c.ts_us >= int(midnight.timestamp()) * MICROSECONDS,
                )
            )
            return int(connection.execute(query).scalar_one())

    def shadow_rows(self) -> Iterator[Mapping[str, Any]]:
        """See ``DecisionArchive``."""
        yield from self._page(select(shadow_count))

    def close(self) -> None:
        """See ``DecisionArchive``."""
        self._engine.dispose()

    def _page(self, query: Select[Any]) -> list[dict[str, Any]]:
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


def open_archive(config: Path) -> Archive:
    """Open what the gateway with these settings keeps.

    Raises:
        ArchiveUnusable: the settings or the database cannot be used; the message says what to do.
    """
    try:
        url = load_settings(config).database_url
    except SettingsError as error:
        raise ArchiveUnusable(
            f"{config.name} cannot be used as a gateway's settings ({error}); "
            "name the gateway's file with --config"
        ) from None
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not _is_file(parsed.database):
        raise ArchiveUnusable("the gateway's database is not there yet; start the gateway once")
    engine = open_engine(url)
    try:
        known = set(inspect(engine).get_table_names())
    except SQLAlchemyError as error:
        engine.dispose()
        raise ArchiveUnusable(
            f"the gateway's database cannot be read ({type(error).__name__}); "
            "`lotse gateway check-config` says more"
        ) from None
    if not {decided_input.name, shadow_count.name} <= known:
        engine.dispose()
        raise ArchiveUnusable(
            "the gateway's database is of an earlier version; start the gateway once"
        )
    return Archive(engine)


def _is_file(name: str | None) -> bool:

    return name is not None and Path(name).is_file()
