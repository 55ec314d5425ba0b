# SPDX-License-Identifier: EUPL-1.2
"""The directory of one demo: what lies where, whose it is, and that only one demo runs in it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

    from keys.model import AgencyId

MARKER: Final = "made-by-lotse-demo"
"""A directory without this file is never emptied."""
LOCK: Final = "running.lock"
PRIVATE: Final = 0o700


class PlaceRefused(Exception):
    """The directory cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything of one demo lies. Each role has its own directory, closed to others."""

    root: Path

    @property
    def gateway(self) -> Path:
        """The middle: settings, keyring, database, operating log."""
        return self.root / "gateway"

    @property
    def registry(self) -> Path:
        """The offline body that signs the agency list."""
        return self.root / "registry"

    @property
    def recorded(self) -> Path:
        """Traffic between connectors and gateway, byte for byte."""
        return self.root / "recorded"

    @property
    def agency_list(self) -> Path:
        """The signed list as the registry publishes it."""
        return self.registry / "agencies.json"

    @property
    def log_key(self) -> Path:
        """The log's verifier key, as an auditor has it from the registry."""
        return self.registry / "log.vkey"

    def agency(self, agency: AgencyId) -> Path:
        """One agency: everything it has."""
        return self.root / "agencies" / agency

    def connector(self, agency: AgencyId) -> Path:
        """An agency's connector: settings, keyring, store, receipts, tokens."""
        return self.agency(agency) / "connector"

    def source(self, agency: AgencyId) -> Path:
        """An agency's own system, which knows nothing of Lotse."""
        return self.agency(agency) / "system"


def default_root() -> Path:
    """Give the directory below the user's state directory (XDG Base Directory, 0.8)."""
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state"
    return base / "lotse-demo"


def private(directory: Path) -> Path:
    """Make a directory that only its owner can enter."""
    directory.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    directory.chmod(PRIVATE)
    return directory


@contextlib.contextmanager
def occupied(root: Path, *, fresh: bool) -> Generator[Place]:
    """Take the directory for one run; it is given back when the run ends, however it ends.

    Raises:
        PlaceRefused: another demo runs in it, it holds something the demo did not make, or it
            cannot be written.
    """
    try:
        _check_ours(root)
        private(root)
        lock = (root / LOCK).open("a+", encoding="ascii")
    except OSError as error:
        raise PlaceRefused(f"{root} cannot be used: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            other = lock.read().strip() or "unknown"
            raise PlaceRefused(
                f"another demo (process {other}) runs in {root}; stop it with Ctrl-C, "
                "or choose another directory with --data"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        if fresh:
            _empty(root)
        (root / MARKER).write_text("lotse demo: everything here is invented.\n", encoding="ascii")
        yield Place(root)
        lock.truncate(0)


def _check_ours(root: Path) -> None:
    if not root.exists() or (root / MARKER).exists():
        return
    if not root.is_dir():
        raise PlaceRefused(f"{root} is not a directory")
    if any(entry.name != LOCK for entry in root.iterdir()):
        raise PlaceRefused(
            f"{root} holds files that the demo did not make; choose an empty directory"
        )


def _empty(root: Path) -> None:
    for entry in root.iterdir():
        if entry.name in (MARKER, LOCK):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
