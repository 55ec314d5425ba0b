# SPDX-License-Identifier: EUPL-1.2
"""What an auditor and an officer use: ``lotse-verify``, ``lotse audit export``, and opened details.

The two commands run as processes of their own, with the log's key from the registry and nothing
from the gateway.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from audit.reader import LogReader
from deploy.demo.supervisor import LOTSE
from gateway.settings import load_settings
from gateway.store.database import open_engine
from keys.detail import open_detail
from keys.errors import OpenFailed
from keys.providers.base import KeyUse
from keys.providers.file import FileKeyring

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from deploy.demo.place import Place
    from keys.model import AgencyId

VERIFY: Final = (sys.executable, "-m", "audit.verify")
SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    status: int
    said: dict[str, Any]
    text: str


def verify_receipts(place: Place, receipts: Sequence[str]) -> bool:
    """Check receipts with ``lotse-verify receipt``: True if there are some and all hold."""
    ended = [verify(place, "receipt", file) for file in receipts]
    return bool(ended) and all(one.status == 0 for one in ended)


def verify(place: Place, *arguments: str) -> Ended:
    """Run ``lotse-verify`` with the log key that the registry published."""
    vkey = place.log_key.read_text(encoding="utf-8").strip()
    return _run([*VERIFY, *arguments, "--log-key", vkey, "--json"], place.registry)


def export_log(place: Place, database: Path, directory: Path) -> Ended:
    """Run ``lotse audit export`` on a database file."""
    url = f"sqlite:///{database}"
    return _run([*LOTSE, "audit", "export", str(directory), "--database-url", url], place.gateway)


def _run(command: list[str], directory: Path) -> Ended:
    done = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    try:
        said = json.loads(done.stdout)
    except ValueError:
        said = {}
    return Ended(done.returncode, said, (done.stdout + done.stderr).strip())


def entry_sizes(place: Place, exchange: str) -> list[tuple[str, int, list[int]]]:
    """Measure an exchange's log entries as the operator can: kind, bytes, bytes of each detail."""
    with log_reader(place) as reader:
        return [
            (
                str(leaf["kind"]),
                len(entry.leaf),
                [len(reader.detail(entry.index, one["c"]).ciphertext) for one in leaf["details"]],
            )
            for entry in reader.find(corr=exchange)
            for leaf in [json.loads(entry.leaf)]
        ]


def opened_detail(place: Place, holder: AgencyId, exchange: str) -> dict[str, Any]:
    """Open the newest detail that a holder sealed for an exchange, as its officer does.

    The gateway takes off its own erasable layer; only the holder's audit key opens what is inside.

    Raises:
        LookupError: there is none.
    """
    own = place.connector(holder)
    secret = (own / "passphrase").read_text(encoding="ascii").strip()
    opener = FileKeyring.open(own / "keyring.json", secret).opener(KeyUse.AUDIT)
    with log_reader(place) as reader:
        for entry in reversed(reader.find(corr=exchange)):
            owners = [one["c"] for one in json.loads(entry.leaf)["details"]]
            if holder not in owners:
                continue
            sealed = reader.detail(entry.index, holder).ciphertext
            try:
                return open_detail(sealed, controller=holder, corr=exchange, opener=opener)
            except OpenFailed:
                continue  # sealed before the exchange had its id: the asker's own
    raise LookupError("no detail of this holder")


def gateway_keyring(place: Place) -> FileKeyring:
    """Open the gateway's keyring as whoever owns its disk can: the passphrase lies beside it."""
    settings = load_settings(place.gateway / "gateway.toml")
    passphrase = settings.passphrase_file.read_text(encoding="ascii").strip()
    return FileKeyring.open(settings.keyring_file, passphrase)


@contextmanager
def log_reader(place: Place) -> Generator[LogReader]:
    """Read the gateway's log as its operator can: without the agencies' keys."""
    settings = load_settings(place.gateway / "gateway.toml")
    engine = open_engine(settings.database_url)
    try:
        wrapper = gateway_keyring(place).wrap_key()
        yield LogReader(engine, settings.log_origin, wrapper=wrapper)
    finally:
        engine.dispose()
