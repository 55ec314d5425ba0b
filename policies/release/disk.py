# SPDX-License-Identifier: EUPL-1.2
"""Writing a file so that a crash leaves either the old one or the new one, never half of one."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from policies.errors import ReleaseRefused

_NEW: Final = ".new-"


def make_folder(folder: Path) -> None:
    """Make a folder for whoever owns the one above it."""
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _give(descriptor, folder.parent)
        finally:
            os.close(descriptor)


def replace_file(path: Path, content: bytes, *, mode: int = 0o640) -> None:
    """Put these bytes in the place of the file, durably, for whoever owns the folder."""
    fresh = path.with_name(f"{path.name}{_NEW}{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            _give(descriptor, path.parent)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make what was renamed or removed in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """Read a plain file that is not larger than this.

    Raises:
        ReleaseRefused: ``unreadable`` or ``too_large``.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(max_bytes + 1)
    except OSError:
        raise ReleaseRefused("unreadable") from None
    if len(content) > max_bytes:
        raise ReleaseRefused("too_large")
    return content


def remove_leftovers(folder: Path) -> None:
    """Remove what a crash left half written; only under the folder's lock."""
    for path in folder.glob(f"*{_NEW}*"):
        path.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change the folder."""
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        _give(lock, folder)
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _give(descriptor: int, folder: Path) -> None:
    """What root makes in an emergency, the service must be able to read afterwards."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
