# SPDX-License-Identifier: EUPL-1.2
"""Counting decisions in memory and writing the counts: nothing lost, nothing delayed, erased on time."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from gateway import kept as kept_module
from gateway.kept import MAX_WAITING, KeptDecisions
from gateway.store.database import migrate, open_engine
from gateway.store.tables import decided_input
from policies.catalogue import Catalogue
from policies.model import ReasonCode
from policies.stored import StoredDecision, first_day_kept
from tests.support.clock import Clock
from tests.support.lookback import statutory, today

DAY = 86_400


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A gateway's database of each kind."""
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("fresh_postgres_database")
    made = open_engine(url)
    migrate(made)
    yield made
    made.dispose()


def _keeper(engine: Engine, clock: Clock | None = None, **more: Any) -> KeptDecisions:
    return KeptDecisions(
        engine, clock or Clock(), months=6, engine_name=lambda: today().engine_name, **more
    )


def _note(keeper: KeptDecisions, *fields: str, times: int = 1) -> None:
    question = statutory(*fields)
    decision = today().decide(question)
    for _ in range(times):
        keeper.note(question, decision)


def _rows(engine: Engine) -> list[StoredDecision]:
    with engine.connect() as connection:
        found = connection.execute(select(decided_input)).mappings()
        return [StoredDecision.from_row(dict(row)) for row in found]


def test_equal_decisions_are_added_up(engine: Engine) -> None:
    """Within one write and from write to write: one row, and the number grows."""
    keeper = _keeper(engine)
    _note(keeper, "permit_type", times=5)
    _note(keeper, "residence_status")
    assert keeper.flush() == 2
    _note(keeper, "permit_type", times=2)
    assert keeper.flush() == 1
    assert keeper.flush() == 0
    assert sorted(one.times for one in _rows(engine)) == [1, 7]


def test_two_processes_add_to_the_same_row(engine: Engine) -> None:
    """Replicas that write at the same moment: nothing is lost, nobody waits for ever."""
    keepers = [_keeper(engine) for _ in range(3)]
    fields = [one.id for one in list(Catalogue.load().fields.values())[:12]]

    def write(keeper: KeptDecisions) -> None:
        for _ in range(5):
            for name in fields:
                _note(keeper, name)
            keeper.flush()

    threads = [threading.Thread(target=write, args=(keeper,)) for keeper in keepers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [one.times for one in _rows(engine)] == [15] * len(fields)


def test_another_day_is_another_row(engine: Engine) -> None:
    """The day in UTC is the only time that is kept."""
    clock = Clock()
    keeper = _keeper(engine, clock)
    _note(keeper, "permit_type")
    clock.advance(DAY)
    _note(keeper, "permit_type")
    keeper.flush()
    assert sorted(one.day for one in _rows(engine)) == [
        dt.date(2026, 11, 5),
        dt.date(2026, 11, 6),
    ]


def test_two_answers_to_one_question_are_both_kept(engine: Engine) -> None:
    """An engine that answers equal questions differently does not hide it here."""
    keeper = _keeper(engine)
    question = statutory("permit_type")
    decision = today().decide(question)
    (field,) = decision.fields
    other = replace(
        decision, fields=(replace(field, reason=field.reason, reasons=(ReasonCode("no_rule"),)),)
    )
    for _ in range(2):
        keeper.note(question, decision)
        keeper.note(question, other)
    keeper.flush()
    assert [one.times for one in _rows(engine)] == [2, 2]
    assert len({one.result for one in _rows(engine)}) == 2


def test_a_database_that_is_away_loses_nothing(engine: Engine) -> None:
    """What could not be written waits, and is written once."""
    keeper = _keeper(engine)
    _note(keeper, "permit_type", times=3)
    broken = True

    @event.listens_for(engine, "before_cursor_execute")
    def refuse(*_arguments: object) -> None:
        if broken:
            raise OSError("away")

    assert keeper.flush() == 0
    _note(keeper, "permit_type")
    assert keeper.flush() == 0
    broken = False
    assert keeper.flush() == 1
    assert [one.times for one in _rows(engine)] == [4]


def test_what_waits_is_bounded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the database is away memory does not grow without end; known questions still count."""
    assert MAX_WAITING == 10_000
    monkeypatch.setattr(kept_module, "MAX_WAITING", 2)
    keeper = _keeper(engine)
    _note(keeper, "permit_type", times=2)
    _note(keeper, "residence_status")
    _note(keeper, "birth_date")
    _note(keeper, "permit_type")
    assert keeper.flush() == 2
    assert sorted(one.times for one in _rows(engine)) == [1, 3]


def test_noting_never_raises(engine: Engine) -> None:
    """Whatever happens while counting, the exchange goes on."""

    def broken_clock() -> int:
        raise OSError("no time")

    keeper = KeptDecisions(engine, broken_clock, months=6, engine_name=lambda: "x/1")
    _note(keeper, "permit_type")
    assert keeper.flush() == 0


def test_old_rows_are_erased_and_new_ones_stay(engine: Engine) -> None:
    """By calendar months, on the first write of a day."""
    clock = Clock()
    keeper = _keeper(engine, clock)
    for _ in range(8):
        _note(keeper, "permit_type")
        clock.advance(30 * DAY)
    keeper.flush()
    today_is = dt.datetime.fromtimestamp(clock(), tz=dt.UTC).date()
    first = first_day_kept(today_is, 6)
    old = [one for one in _rows(engine) if one.day < first]
    assert old
    assert keeper.erase() == len(old)
    assert _rows(engine)
    assert all(one.day >= first for one in _rows(engine))
    assert keeper.erase() == 0


@pytest.mark.parametrize(
    ("day", "months", "first"),
    [
        (dt.date(2026, 11, 22), 6, dt.date(2026, 5, 22)),
        (dt.date(2026, 8, 31), 6, dt.date(2026, 2, 28)),
        (dt.date(2028, 8, 31), 6, dt.date(2028, 2, 29)),
        (dt.date(2026, 1, 15), 1, dt.date(2025, 12, 15)),
        (dt.date(2026, 12, 31), 6, dt.date(2026, 6, 30)),
        (dt.date(2026, 6, 1), 6, dt.date(2025, 12, 1)),
    ],
)
def test_the_first_day_that_is_kept(day: dt.date, months: int, first: dt.date) -> None:
    """Ends of months, turns of years and leap days."""
    assert first_day_kept(day, months) == first


def test_the_period_is_the_shortest_of_the_laws_log_classes() -> None:
    """What is kept here may not outlive the log that it comes from."""
    classes = Catalogue.load().retention.values()
    assert min(one.period_months for one in classes) == 6


def test_it_writes_by_itself_and_ends_when_told(engine: Engine) -> None:
    """The thread writes within seconds; closing writes the rest, also right after a note."""
    keeper = _keeper(engine)
    keeper.start()
    _note(keeper, "permit_type")
    for _ in range(200):
        if _rows(engine):
            break
        time.sleep(0.05)
    assert [one.times for one in _rows(engine)] == [1]
    _note(keeper, "permit_type")
    keeper.close()
    assert [one.times for one in _rows(engine)] == [2]
    assert not keeper._thread.is_alive()


def test_a_note_asks_nothing_of_the_database(engine: Engine) -> None:
    """Counting is a look into a table in memory, and one more question is no statement more."""
    asked: list[object] = []
    event.listen(engine, "before_cursor_execute", lambda *_arguments: asked.append(_arguments))
    keeper = _keeper(engine)
    _note(keeper, "permit_type", times=200)
    _note(keeper, "residence_status", times=200)
    assert asked == []
    keeper.flush()
    assert len(asked) == 1
