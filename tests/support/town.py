# SPDX-License-Identifier: EUPL-1.2
"""A town: a real gateway, real connectors of four agencies and their real systems, on loopback.

Everything is laid out once with the demo's own provisioning, linked through the code ceremony, and
kept as it was then. Each time the town wakes up it begins with exactly that past, so that two runs
differ in what happened in them and in nothing else: same size of the log, same sizes of proofs.
All lines between connectors and gateway run through a `Tap`. The programs run in one thread beside
the test; the clock is the test's.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adapters.connector.settings import load_settings as connector_settings
from adapters.simulated import jobcenter
from adapters.sources.base import SourceAdapter
from adapters.sources.build import build_source
from deploy.demo.cast import ABH, JC, MBE, MELDE
from deploy.demo.place import Place
from deploy.demo.ports import HOST, Ports, choose, usual_ports
from deploy.demo.provision import provision, write_secret
from keys.model import AgencyId
from keys.providers.file import FileKeyring
from tests.support.town_life import RUNNING, Changes, Life

LINKS = (
    ("nasrin", JC, MELDE),
    ("leyla", JC, MELDE),
    ("kwabena", JC, MELDE),
    ("nasrin", ABH, JC),
    ("tewolde", ABH, JC),
    ("dragana", ABH, JC),
    ("mariam", ABH, MBE),
    ("mariam", MBE, JC),
)
PORT_BASE = 20_000
"""Below the ports that the kernel gives to outgoing connections."""
PORT_BLOCKS, PORT_BLOCK = 100, 100


class Town:
    """Everything laid out; `awake` runs it."""

    def __init__(self, folder: Path, now: int) -> None:
        self.now = now
        self.place = Place(folder / "town")
        self._kept = folder / "kept"
        self._claim, block = _claimed()
        wanted = {role: block + n for n, role in enumerate(usual_ports(), start=1)}
        self.ports: Ports = choose(wanted)
        self.today = dt.datetime.fromtimestamp(now, tz=dt.UTC).date()
        provision(self.place, self.ports, now=now, today=self.today, say=lambda _line: None)
        self.cases = jobcenter.cases("hannover", self.today)
        system = self.place.source(JC)
        (system / "cases.json").write_text(
            json.dumps(self.cases, ensure_ascii=False), encoding="utf-8"
        )
        write_secret(system / "token", "job-centre-token")
        self.rings = {agency: _opened(self.place.connector(agency)) for agency in RUNNING}
        self.gateway_ring = _opened(self.place.gateway)
        with self._awake(Changes()) as life:
            for person, one, other in LINKS:
                life.office(other).link(life.office(one).link_code(person), person)
        shutil.copytree(self.place.root, self._kept)

    def close(self) -> None:
        """Give the ports back."""
        self._claim.close()

    @contextlib.contextmanager
    def awake(self, **changes: Any) -> Iterator[Life]:
        """Run the town from its kept past on; see `Changes`."""
        shutil.rmtree(self.place.root)
        shutil.copytree(self._kept, self.place.root)
        with self._awake(Changes(**changes)) as life:
            yield life

    def source(self, agency: AgencyId) -> SourceAdapter:
        """Make an adapter to an agency's own system, for a stand-in to put itself in front."""
        settings = connector_settings(self.place.connector(agency) / "connector.toml")
        return build_source(settings.source or {}, base=settings.base)

    @contextlib.contextmanager
    def _awake(self, changes: Changes) -> Iterator[Life]:
        life = Life(self, changes)
        try:
            life.begin()
            yield life
        finally:
            life.end()


def _claimed() -> tuple[socket.socket, int]:
    """Claim a block of ports against other test runs, by holding its first one.

    Raises:
        OSError: a hundred other runs are under way.
    """
    for number in range(PORT_BLOCKS):
        block = PORT_BASE + (os.getpid() + number) % PORT_BLOCKS * PORT_BLOCK
        claim = socket.socket()
        try:
            claim.bind((HOST, block))
        except OSError:
            claim.close()
            continue
        return claim, block
    raise OSError("no block of ports is free")


def _opened(directory: Path) -> FileKeyring:
    passphrase = (directory / "passphrase").read_text(encoding="ascii").strip()
    return FileKeyring.open(directory / "keyring.json", passphrase)
