# SPDX-License-Identifier: EUPL-1.2
"""A real PostgreSQL for one test run: a temporary cluster, a fresh database per test.

The server refuses to run as root, so as root it runs as `postgres` or `nobody`.
`fsync` stays on: the promises about the log are promises about the disk.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.support.processes import free_port


class PostgresUnavailable(Exception):
    """No PostgreSQL can be started here; the message says why."""


def find_binaries() -> Path:
    """The directory with `initdb` and `postgres`: newest Debian version first, then `PATH`.

    Raises:
        PostgresUnavailable: the server is not installed.
    """
    installed = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    for server in sorted(installed, key=lambda path: int(path.parts[4]), reverse=True):
        return server.parent
    on_path = shutil.which("postgres")
    if on_path:
        return Path(on_path).resolve().parent
    raise PostgresUnavailable("PostgreSQL is not installed (Debian package: postgresql)")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running temporary server."""

    directory: Path
    """Data, socket and server log."""
    port: int
    """Loopback TCP port."""

    def url(self, database: str) -> str:
        """SQLAlchemy URL of one database."""
        return f"postgresql+psycopg://lotse@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """Make an empty database and give its name."""
        name = f"lotse_{secrets.token_hex(6)}"
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, also while somebody is connected to it."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="lotse", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)


def _server_user() -> pwd.struct_passwd | None:
    """Whom the server runs as: None for the present user, who is not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresUnavailable("root may not run PostgreSQL, and there is no user to run it as")


def _run_as(user: pwd.struct_passwd | None, command: Sequence[str], *, cwd: Path) -> None:
    # Into a file, not a pipe: the server inherits it and would keep a pipe open for ever.
    with tempfile.TemporaryFile() as output:
        try:
            done = subprocess.run(
                command,
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=90,
                check=False,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            )
        except (OSError, subprocess.SubprocessError) as failed:
            raise PostgresUnavailable(f"{Path(command[0]).name} cannot run: {failed}") from failed
        if done.returncode != 0:
            output.seek(0)
            text = output.read().decode(errors="replace")
            raise PostgresUnavailable(f"{Path(command[0]).name} failed:\n{text}")


def start_cluster() -> tuple[Cluster, pwd.struct_passwd | None]:
    """Create and start a server in a new directory of its own.

    Raises:
        PostgresUnavailable: not installed, or it does not start.
    """
    binaries = find_binaries()
    user = _server_user()
    # A short path: the name of a Unix socket is at most 107 bytes long.
    directory = Path(tempfile.mkdtemp(prefix="lotse-pg-"))
    if user:
        os.chown(directory, user.pw_uid, user.pw_gid)
    cluster = Cluster(directory, free_port())
    data = directory / "data"
    options = (
        f"-c listen_addresses=127.0.0.1 -c port={cluster.port} -c unix_socket_directories={directory} "
        "-c fsync=on -c synchronous_commit=on -c max_connections=60 -c shared_buffers=64MB"
    )
    try:
        _run_as(
            user,
            [
                str(binaries / "initdb"),
                f"--pgdata={data}",
                "--username=lotse",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-instructions",
            ],
            cwd=directory,
        )
        _run_as(
            user,
            [
                str(binaries / "pg_ctl"),
                f"--pgdata={data}",
                f"--log={directory / 'server.log'}",
                f"--options={options}",
                "--wait",
                "start",
            ],
            cwd=directory,
        )
    except PostgresUnavailable:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return cluster, user


def stop_cluster(cluster: Cluster, user: pwd.struct_passwd | None) -> None:
    """Stop the server and remove its directory."""
    command = [
        str(find_binaries() / "pg_ctl"),
        f"--pgdata={cluster.directory / 'data'}",
        "--mode=immediate",
        "stop",
    ]
    try:
        _run_as(user, command, cwd=cluster.directory)
    finally:
        shutil.rmtree(cluster.directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_cluster() -> Generator[Cluster]:
    """One server for the whole run; skips with the reason where none can run (a failure in CI)."""
    try:
        cluster, user = start_cluster()
    except PostgresUnavailable as reason:
        pytest.skip(str(reason))
    try:
        yield cluster
    finally:
        stop_cluster(cluster, user)


@pytest.fixture(scope="session")
def postgres_url(postgres_cluster: Cluster) -> str:
    """SQLAlchemy URL of the maintenance database: for what needs a server, not a schema."""
    return postgres_cluster.url("postgres")


@pytest.fixture
def fresh_postgres_database(postgres_cluster: Cluster) -> Generator[str]:
    """SQLAlchemy URL of an empty database that only this test uses."""
    name = postgres_cluster.create_database()
    yield postgres_cluster.url(name)
    postgres_cluster.drop_database(name)
