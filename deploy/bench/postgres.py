# SPDX-License-Identifier: EUPL-1.2
"""A temporary PostgreSQL of this run's own, with durable commits; gone afterwards."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql

from deploy.bench.processes import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

USER: Final = "lotse"
SERVER_SECONDS: Final = 90
OPTIONS: Final = "-c fsync=on -c synchronous_commit=on -c max_connections=60"
"""As a server comes, and the two settings that the log's promises rest on said aloud."""


class PostgresUnavailable(Exception):
    """No server can be started here; the message says why."""


def _binaries() -> Path:
    """Find the newest Debian server, or one on the path."""
    installed = list(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if installed:
        return max(installed, key=lambda path: int(path.parts[4])).parent
    on_path = shutil.which("postgres")
    if on_path is None:
        raise PostgresUnavailable("PostgreSQL is not installed (Debian package: postgresql)")
    return Path(on_path).resolve().parent


def _server_user() -> pwd.struct_passwd | None:
    """Whom the server runs as: it refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresUnavailable("root may not run PostgreSQL, and there is no user to run it as")


def _run(user: pwd.struct_passwd | None, command: Sequence[str], directory: Path) -> None:
    with tempfile.TemporaryFile() as output:  # a pipe would stay open with the server
        try:
            subprocess.run(  # noqa: S603 - the database's own programs
                command,
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=SERVER_SECONDS,
                check=True,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            )
        except (OSError, subprocess.SubprocessError) as failed:
            raise PostgresUnavailable(f"{Path(command[0]).name} does not run here") from failed


@contextlib.contextmanager
def cluster() -> Generator[Callable[[], str]]:
    """Start a server; gives a function that makes an empty database and tells its URL.

    Raises:
        PostgresUnavailable: not installed, or it does not start.
    """
    binaries, user = _binaries(), _server_user()
    directory = Path(tempfile.mkdtemp(prefix="lotse-bench-pg-"))
    if user:
        os.chown(directory, user.pw_uid, user.pw_gid)
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        port = free.getsockname()[1]
    data = f"--pgdata={directory / 'data'}"
    options = f"{OPTIONS} -c listen_addresses={LOOPBACK} -c port={port}"
    options += f" -c unix_socket_directories={directory}"
    control = str(binaries / "pg_ctl")
    init = (str(binaries / "initdb"), data, f"--username={USER}", "--auth=trust")
    try:
        _run(user, (*init, "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"), directory)
        log = f"--log={directory / 'server.log'}"
        _run(user, (control, data, log, f"--options={options}", "--wait", "start"), directory)
        try:
            yield lambda: _new_database(port)
        finally:
            with contextlib.suppress(PostgresUnavailable):
                _run(user, (control, data, "--mode=immediate", "stop"), directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _new_database(port: int) -> str:
    name = f"bench_{secrets.token_hex(6)}"
    with psycopg.connect(
        host=LOOPBACK, port=port, user=USER, dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"postgresql+psycopg://{USER}@{LOOPBACK}:{port}/{name}"
