# SPDX-License-Identifier: EUPL-1.2
"""What the log promises, on every database it runs on: SQLite and PostgreSQL pass the same tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, insert, select, text

from audit import store
from audit.checkpoint import open_checkpoint
from audit.checks import verify_consistency, verify_receipt
from audit.entry import PendingEntry
from audit.errors import (
    EntryConflict,
    LogClosed,
    LogInconsistent,
    LogUnavailable,
)
from audit.note import VerifierKey
from audit.reader import LogReader
from audit.vocabulary import Outcome
from tests.contract.log_databases import KINDS, empty_database, ticket
from tests.unit.audit.samples import (
    ORIGIN,
    InsecureLogSigner,
    InsecureWrapper,
    append,
    pending,
    work,
    writer,
)


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Engine]:
    """An empty database of each kind."""
    yield from empty_database(request, tmp_path)


class Refused(Exception):
    """A work that fails on purpose."""


def held(gate: threading.Event) -> PendingEntry:
    """Keep the writer busy until the gate opens, so that what follows shares one batch."""
    gate.wait(10)
    return pending()


def uses(engine: Engine) -> int:
    """Read how often the ticket may still be used."""
    with engine.connect() as connection:
        return int(connection.execute(select(ticket.c.uses)).scalar_one())


def test_every_receipt_of_concurrent_callers_verifies(engine: Engine) -> None:
    """Three hundred callers at once each get a receipt that holds, for a place of their own."""
    with writer(engine) as log:
        receipts = [verify_receipt(item, log.vkey) for item in append(log, 300)]
    assert sorted(item.index for item in receipts) == list(range(300))
    assert len({item.leaf["id"] for item in receipts}) == 300


def test_an_entry_is_in_the_database_when_its_future_resolves(engine: Engine) -> None:
    """Another connection finds the entry at once, under the index of the receipt."""
    with writer(engine) as log:
        receipt = log.submit(work()).result(20).entries[0]
        with engine.connect() as connection:
            query = select(store.entry.c.idx).where(store.entry.c.entry_id == receipt.entry_id)
            assert connection.execute(query).scalar_one() == receipt.index


def test_one_failing_work_fails_alone(engine: Engine) -> None:
    """Its own error reaches its caller; its rows are undone; everybody else's stay."""

    def spend_and_fail(connection: Connection) -> PendingEntry:
        connection.execute(ticket.update().values(uses=ticket.c.uses - 1))
        raise Refused

    def spend(connection: Connection) -> PendingEntry:
        connection.execute(insert(ticket).values(id=2, uses=7))
        return pending()

    with writer(engine) as log:
        gate = threading.Event()
        first = log.submit(lambda _: held(gate))
        futures = [log.submit(item) for item in (work(), spend_and_fail, spend, work())]
        gate.set()
        with pytest.raises(Refused):
            futures[1].result(20)
        good = [first, futures[0], futures[2], futures[3]]
        assert sorted(item.result(20).entries[0].index for item in good) == [0, 1, 2, 3]
    with engine.connect() as connection:
        rows = connection.execute(select(ticket).order_by(ticket.c.id)).all()
    assert [tuple(row) for row in rows] == [(1, 1), (2, 7)]


def test_a_work_that_hides_a_refused_statement_harms_nobody_else(engine: Engine) -> None:
    """A work that swallows a database error spoils at most its own transaction part."""

    def hide(connection: Connection) -> PendingEntry:
        try:
            connection.execute(insert(ticket).values(id=1, uses=1))
        except Exception:  # noqa: BLE001 - the attack is to swallow it
            return pending()
        raise AssertionError

    with writer(engine) as log:
        gate = threading.Event()
        log.submit(lambda _: held(gate))
        hidden, other = log.submit(hide), log.submit(work())
        gate.set()
        assert other.result(20).entries
        hidden.exception(20)
        append(log, 1)
    assert uses(engine) == 1


def test_a_single_use_is_spent_once_by_many_racers(engine: Engine) -> None:
    """The guard runs under the head lock: of twenty racers over two writers one is permitted."""

    def guarded(connection: Connection) -> PendingEntry:
        left = connection.execute(select(ticket.c.uses)).scalar_one()
        if not left:
            return pending(outcome=Outcome.WITHHELD)
        connection.execute(ticket.update().values(uses=left - 1))
        return pending()

    with writer(engine) as one, writer(engine) as other:
        futures = [log.submit(guarded) for _ in range(10) for log in (one, other)]
        outcomes = [item.result(30).pending[0].entry.outcome for item in futures]
    assert outcomes.count(Outcome.PERMIT) == 1
    assert outcomes.count(Outcome.WITHHELD) == 19
    assert uses(engine) == 0


def test_a_work_may_append_several_entries_or_none(engine: Engine) -> None:
    """Entries of one work follow each other; a work without entries still commits its rows."""

    def quiet(connection: Connection) -> list[PendingEntry]:
        connection.execute(ticket.update().values(uses=5))
        return []

    with writer(engine) as log:
        three = log.submit(lambda _: [pending(), pending(), pending()]).result(20)
        assert [item.index for item in three.entries] == [0, 1, 2]
        assert log.submit(quiet).result(20).entries == ()
    assert uses(engine) == 5


def test_the_same_entry_handed_in_again_is_appended_once(engine: Engine) -> None:
    """A repeated call gets a receipt for the entry that is there, and does not act a second time."""
    item = pending(details=("jc.hannover", "abh.hannover"))

    def spend(connection: Connection) -> PendingEntry:
        connection.execute(ticket.update().values(uses=ticket.c.uses - 1))
        return item

    with writer(engine) as log:
        first = log.submit(spend).result(20).entries[0]
        append(log, 5)
        again = log.submit(spend).result(20).entries[0]
        assert (again.index, again.leaf) == (first.index, first.leaf)
        assert verify_receipt(again.to_text(), log.vkey).size == 6
        both = [log.submit(work(other)) for other in [pending()] * 2]
        assert len({one.result(20).entries[0].index for one in both}) == 1
    reader = reading(engine)
    assert reader.size() == 7
    assert uses(engine) == 0


def reading(engine: Engine) -> LogReader:
    """Read the log of the tests with all its keys."""
    return LogReader(engine, ORIGIN, InsecureLogSigner(), InsecureWrapper())


def test_another_entry_under_a_used_id_is_refused(engine: Engine) -> None:
    """An id stands for one event."""
    item = pending()
    other = PendingEntry(replace(item.entry, outcome=Outcome.DENY))
    with writer(engine) as log:
        log.submit(work(item)).result(20)
        with pytest.raises(EntryConflict):
            log.submit(work(other)).result(20)


def test_close_finishes_what_was_handed_in_and_takes_no_more(engine: Engine) -> None:
    """No future is left hanging; afterwards nothing is accepted."""
    with writer(engine) as log:
        futures = [log.submit(work()) for _ in range(50)]
        log.close()
        assert [len(item.result(0).entries) for item in futures] == [1] * 50
        with pytest.raises(LogClosed):
            log.submit(work())


def test_coroutines_get_receipts_and_their_own_errors(engine: Engine) -> None:
    """The async face does what submit does."""

    def refuse(_connection: Connection) -> PendingEntry:
        raise Refused

    async def run() -> list[object]:
        jobs = [log.append(work()), log.append(refuse), log.append(work())]
        return await asyncio.gather(*jobs, return_exceptions=True)

    with writer(engine) as log:
        first, second, third = asyncio.run(run())
    assert isinstance(second, Refused)
    assert {len(getattr(one, "entries", ())) for one in (first, third)} == {1}


def test_a_log_goes_on_after_a_restart(engine: Engine) -> None:
    """Sizes continue and the new checkpoint continues the old one."""
    with writer(engine) as log:
        append(log, 260)
        before = open_checkpoint(log.checkpoint, [VerifierKey.parse(log.vkey)])
    with writer(engine, last_seen=log.checkpoint) as log:
        append(log, 1)
        after = open_checkpoint(log.checkpoint, [VerifierKey.parse(log.vkey)])
    assert (before.size, after.size) == (260, 261)
    verify_consistency(before, after, LogReader(engine).consistency(260, 261))


def test_another_key_cannot_continue_a_log(engine: Engine) -> None:
    """A log belongs to the key that began it."""
    with writer(engine) as log:
        append(log, 1)
    with pytest.raises(LogInconsistent, match="another signing key"), writer(engine, seed=2):
        pass


def test_an_ended_log_takes_no_more_entries(engine: Engine) -> None:
    """The flag in the head stops every writer."""
    with writer(engine) as log:
        append(log, 1)
        with engine.begin() as connection:
            connection.execute(store.head.update().values(closed=True))
        with pytest.raises(LogClosed):
            log.submit(work()).result(20)


def test_rows_cannot_be_changed_or_deleted_by_mistake(engine: Engine) -> None:
    """The triggers refuse UPDATE and DELETE on entries."""
    with writer(engine) as log:
        append(log, 1)
    for statement in ("UPDATE audit_entry SET kind = 'x'", "DELETE FROM audit_entry"):
        with pytest.raises(Exception, match="append-only"), engine.begin() as connection:
            connection.execute(text(statement))


def test_when_the_database_is_unusable_nothing_is_acknowledged(engine: Engine) -> None:
    """A lost table fails the future instead of resolving it, and the log goes on when it is back."""
    with writer(engine) as log:
        append(log, 1)
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE audit_detail RENAME TO gone"))
        with pytest.raises(LogUnavailable):
            log.submit(work()).result(20)
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE gone RENAME TO audit_detail"))
        assert verify_receipt(append(log, 1)[0], log.vkey).index == 1
