# SPDX-License-Identifier: EUPL-1.2
"""What survives: several processes on one log, kill -9 under load, connections that break at the worst moment."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, select, text

from audit import store
from audit.backends import Backend, PostgresBackend, SqliteBackend
from audit.checks import verify_receipt
from audit.entry import PendingEntry
from audit.errors import LogUnavailable, OutcomeUnknown
from audit.export import export_log
from audit.log import LogWriter
from audit.reader import LogReader
from audit.verify import verify_log
from tests.contract.log_databases import KINDS, empty_database
from tests.support.processes import ROOT
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


def start(engine: Engine, count: int, output: Path) -> subprocess.Popen[bytes]:
    """Start another process that appends `count` entries, or until it is killed."""
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.unit.audit.writing_process", url, str(count)]
    with output.open("wb") as sink:
        return subprocess.Popen(command, cwd=ROOT, stdout=sink, stderr=sink)


def acknowledged(output: Path) -> dict[str, int]:
    """Read which entries were acknowledged, by id; the last line may be cut off."""
    lines = output.read_text(encoding="ascii").split("\n")[:-1]
    return {line.split()[0]: int(line.split()[1]) for line in lines}


def wait_for(output: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until that many entries were acknowledged."""
    deadline = time.monotonic() + 60
    while output.read_bytes().count(b"\n") < count:
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(output.read_text(encoding="utf-8"))
        time.sleep(0.02)


def check_whole(engine: Engine, directory: Path) -> int:
    """Reopen the log, export and verify all of it; return its size."""
    with writer(engine) as log:
        vkey = log.vkey
    export_log(engine, directory)
    return verify_log(directory, vkey).checkpoint.size


def test_two_processes_share_one_log_under_load(engine: Engine, tmp_path: Path) -> None:
    """Their entries interleave without gap or double, and the whole log verifies."""
    outputs = [tmp_path / "one", tmp_path / "two"]
    processes = [start(engine, 400, output) for output in outputs]
    assert [process.wait(90) for process in processes] == [0, 0], outputs[0].read_text()
    first, second = (acknowledged(output) for output in outputs)
    assert sorted([*first.values(), *second.values()]) == list(range(800))
    assert check_whole(engine, tmp_path / "export") == 800


def test_kill_9_under_load_loses_no_acknowledged_entry(engine: Engine, tmp_path: Path) -> None:
    """Every entry whose receipt was handed out is there, at its index, and the log goes on."""
    output = tmp_path / "acks"
    process = start(engine, 0, output)
    wait_for(output, 300, process)
    process.kill()
    process.wait(10)
    promised = acknowledged(output)
    size = check_whole(engine, tmp_path / "export")
    with engine.connect() as connection:
        entry = store.entry.c
        rows = connection.execute(select(entry.entry_id, entry.idx)).all()
    held = {row.entry_id: row.idx for row in rows}
    assert len(promised) >= 300
    assert {key: held.get(key) for key in promised} == promised
    assert size == len(held) >= len(promised)


def breaking(kind: type[Any], when: str, log: LogWriter) -> Backend:
    """Make a backend whose connection breaks once, right before or right after COMMIT reaches the database."""

    class Breaking(kind):  # type: ignore[misc]  # the class is chosen at run time
        broken = False

        def execute(self, connection: Connection, statement: str) -> None:
            if statement != "COMMIT" or self.broken:
                super().execute(connection, statement)
                return
            self.broken = True
            if when == "after":
                super().execute(connection, statement)
            else:
                connection.connection.driver_connection.rollback()  # type: ignore[union-attr]  # set while open
            raise OSError("the connection broke")

        def usable(self, connection: Connection) -> bool:
            return not self.broken and super().usable(connection)

    made: Backend = Breaking()
    log._backend = made
    log._disconnect()
    return made


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_that_breaks_in_commit_neither_loses_nor_doubles(
    engine: Engine, when: str
) -> None:
    """The log is asked by entry id: a committed batch is acknowledged, an uncommitted one is repeated."""
    kind = SqliteBackend if engine.dialect.name == "sqlite" else PostgresBackend
    calls = []

    def counted(_connection: Connection) -> PendingEntry:
        calls.append(1)
        return item

    item = pending()
    with writer(engine) as log:
        append(log, 3)
        breaking(kind, when, log)
        receipt = verify_receipt(log.submit(counted).result(20).entries[0].to_text(), log.vkey)
        assert receipt.index == 3
        assert verify_receipt(append(log, 1)[0], log.vkey).index == 4
    assert len(calls) == {"before": 2, "after": 1}[when]
    assert LogReader(engine).size() == 5


def test_a_batch_without_entries_that_breaks_in_commit_is_reported_as_unknown(
    engine: Engine,
) -> None:
    """What cannot be looked up is neither repeated nor called done."""
    kind = SqliteBackend if engine.dialect.name == "sqlite" else PostgresBackend
    with writer(engine) as log:
        breaking(kind, "after", log)
        with pytest.raises(OutcomeUnknown):
            log.submit(lambda _: []).result(20)


def test_a_server_that_drops_the_connection_between_batches_is_not_noticed(
    fresh_postgres_database: str,
) -> None:
    """A restarted server costs no entry and no error."""
    engine = create_engine(fresh_postgres_database)
    with engine.begin() as connection:
        store.create_tables(connection)
    with writer(engine) as log:
        append(log, 2)
        with engine.connect() as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
            connection.execute(text(others))
        assert verify_receipt(append(log, 1)[0], log.vkey).index == 2
    engine.dispose()


def test_a_server_that_is_gone_acknowledges_nothing(fresh_postgres_database: str) -> None:
    """Without a database the future fails; nobody is told that something was recorded."""
    engine = create_engine(fresh_postgres_database)
    with engine.begin() as connection:
        store.create_tables(connection)
    nowhere = create_engine(engine.url.set(port=1))
    with writer(engine) as log:
        append(log, 1)
        log._engine = nowhere
        log._disconnect()
        with pytest.raises(LogUnavailable):
            log.submit(work()).result(30)
        log._engine = engine
        assert verify_receipt(append(log, 1)[0], log.vkey).index == 1
    nowhere.dispose()
    engine.dispose()


def test_a_database_restored_under_a_running_writer_is_noticed(engine: Engine) -> None:
    """When the head goes back to an earlier size, the writer stops instead of signing a second history."""
    with writer(engine) as log:
        append(log, 3)
        with engine.connect() as connection:
            before = connection.execute(select(store.head)).one()
        append(log, 3)
        with engine.begin() as connection:
            values = {
                "size": before.size,
                "root": before.root,
                "compact_range": before.compact_range,
            }
            connection.execute(store.head.update().values(values))
        with pytest.raises(LogUnavailable) as refused:
            log.submit(work()).result(20)
    assert "6 to 3 entries" in str(refused.value.__cause__)


def test_a_writer_needs_the_tables(engine: Engine) -> None:
    """Without its tables the log does not start at all."""
    with engine.begin() as connection:
        store.metadata.drop_all(connection)
    with pytest.raises(Exception, match="audit_head"):
        LogWriter(engine, InsecureLogSigner(), ORIGIN, InsecureWrapper(), lambda: 0)
