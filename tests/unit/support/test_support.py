# SPDX-License-Identifier: EUPL-1.2
"""The tools of the suite are tested like everything else."""

from __future__ import annotations

import sys

import psycopg
import pytest

from tests.support.clock import START, Clock
from tests.support.processes import Processes, ProcessFailed, free_port


def test_the_clock_moves_only_by_hand() -> None:
    """Two readings agree until somebody advances the clock, and it never runs backwards."""
    clock = Clock()
    assert clock() == clock() == START
    clock.advance(60)
    assert clock() == START + 60
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)


def test_each_test_gets_an_empty_durable_database(fresh_postgres_database: str) -> None:
    """The database is empty, keeps what is written, and the server syncs to disk."""
    with psycopg.connect(fresh_postgres_database.replace("+psycopg", "")) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone()
        assert tables == (0,)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        connection.execute("CREATE TABLE kept (n int)")


def test_a_process_is_seen_healthy_and_killed(processes: Processes) -> None:
    """A server is reached, and after kill() nothing listens on its port any more."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    server = processes.start(command, name="server")
    url = f"http://127.0.0.1:{port}/"
    server.wait_healthy(url)
    server.kill()
    assert server.returncode == -9
    with pytest.raises(ProcessFailed, match="ended with -9"):
        server.wait_healthy(url, seconds=1)


def test_a_program_that_dies_early_shows_its_output(processes: Processes) -> None:
    """What a program printed before it ended stands in the error."""
    process = processes.start([sys.executable, "-c", "print('the reason'); raise SystemExit(3)"])
    with pytest.raises(ProcessFailed, match="the reason"):
        process.wait_healthy(f"http://127.0.0.1:{free_port()}/", seconds=10)
