# SPDX-License-Identifier: EUPL-1.2
"""The place of the attacks on the log: an honest log, and a hand in its database."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from audit.checkpoint import log_key
from audit.checks import verify_receipt
from audit.export import export_log
from tests.unit.audit.samples import ORIGIN, InsecureLogSigner, append, database, sqlite_url, writer

SIZE = 300
"""One full tile and 44 entries that are in none yet: both ways to store hashes."""
VKEY = log_key(ORIGIN, InsecureLogSigner()).to_text()


@dataclass
class Scene:
    """A log of 300 entries with details, its receipts, and the attacker's hand in its database."""

    engine: Engine
    directory: Path
    receipts: list[str]
    hand: sqlite3.Connection

    def exported(self) -> Path:
        """Export what the database holds now."""
        target = self.directory / "export"
        shutil.rmtree(target, ignore_errors=True)
        export_log(self.engine, target)
        return target

    def tamper(self, statement: str, *values: object) -> None:
        """Run the attacker's statement."""
        self.hand.execute(statement, values)
        self.hand.commit()

    def leaf(self, index: int) -> bytes:
        """Read a leaf."""
        query = "SELECT leaf FROM audit_entry WHERE idx = ?"
        return bytes(self.hand.execute(query, (index,)).fetchone()[0])

    def entry_id(self, index: int) -> str:
        """Tell the id that the receipt of an entry names."""
        return str(verify_receipt(self.receipts[index], VKEY).leaf["id"])


def build_honest_log(directory: Path) -> tuple[Path, list[str]]:
    """Make an honest log: its database file, and its receipts in order."""
    with database(sqlite_url(directory)) as engine, writer(engine) as log:
        receipts = append(log, 10) + append(log, SIZE - 10)
    receipts.sort(key=lambda text: verify_receipt(text, VKEY).index)
    return directory / "log.db", receipts


def open_scene(honest: tuple[Path, list[str]], directory: Path) -> Generator[Scene]:
    """Copy the honest log; the attacker removes the triggers."""
    shutil.copyfile(honest[0], directory / "log.db")
    with database(sqlite_url(directory)) as engine:
        hand = sqlite3.connect(directory / "log.db")
        triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in hand.execute(triggers).fetchall():
            hand.execute(f"DROP TRIGGER {name}")
        hand.commit()
        yield Scene(engine, directory, honest[1], hand)
        hand.close()
