# SPDX-License-Identifier: EUPL-1.2
"""A real OPA server as it is shipped: command of the unit, configuration, authz.rego, signed release."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from policies.bundle import Bundle
from policies.engine.base import Answer
from policies.engine.opa import OpaAddress, OpaEngine
from policies.errors import EngineFailed
from policies.release.archive import pack
from tests.support.processes import ROOT, Process, free_port
from tests.support.releases import SigningKey, signed_files

DEPLOY = ROOT / "deploy"
PATIENCE = 5.0
"""Deadline of engines that are not tested for their speed: other tests use the machine too."""


def unit_command() -> list[str]:
    """The words of ``ExecStart`` in the shipped unit."""
    text = (DEPLOY / "systemd" / "lotse-opa.service").read_text(encoding="utf-8")
    start = text.split("ExecStart=", 1)[1]
    return start.replace("\\\n", " ").splitlines()[0].split()


@dataclass
class OpaServer:
    """One OPA server; may be killed, frozen and started again on the same port."""

    folder: Path
    opa: Path
    key: SigningKey = field(default_factory=SigningKey)
    token: str = field(default_factory=lambda: secrets.token_hex(32))
    port: int = field(default_factory=free_port)
    process: Process | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def token_file(self) -> Path:
        """The caller's token, as an operator lays it down."""
        return self.folder / "opa-token"

    @property
    def address(self) -> OpaAddress:
        """What the engine needs to know."""
        return OpaAddress.of(self.url, self.token_file)

    def lay(self, bundle: Bundle | None = None, key: SigningKey | None = None) -> None:
        """Put a signed release where the server looks when it starts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        release = pack(signed_files(key or self.key, bundle=bundle))
        (self.folder / "release.tar.gz").write_bytes(release)

    def start(self, *, well: bool = True) -> None:
        """Start it; `well`: and wait until the release is in force."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.token_file.write_text(self.token + "\n", encoding="ascii")
        known = {"opa_callers": {"gateway": hashlib.sha256(self.token.encode()).hexdigest()}}
        (self.folder / "callers.json").write_text(json.dumps(known), encoding="ascii")
        (self.folder / "release-key.pem").write_bytes(self.key.pem)
        if not (self.folder / "release.tar.gz").exists():
            self.lay()
        self.process = Process(self._command(), log=self.folder / "opa.log")
        query = "?bundles" if well else ""
        self.process.wait_healthy(f"{self.url}/health{query}")

    def kill(self) -> None:
        """SIGKILL, in the middle of whatever it does."""
        if self.process is not None:
            self.process.kill()
            self.process = None

    def freeze(self) -> None:
        """Stop it where it stands: connections are taken by the kernel, and nothing answers."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGSTOP)
            threads = Path(f"/proc/{self.process.pid}/task")
            while any(_state(thread) != "T" for thread in threads.iterdir()):
                time.sleep(0.001)

    def thaw(self) -> None:
        """Let it go on."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGCONT)

    def engine(self, *, deadline_seconds: float = PATIENCE) -> OpaEngine:
        """An engine that expects the shipped rules; the caller closes it."""
        engine = OpaEngine(self.address, Bundle.load().digest, deadline_seconds=deadline_seconds)
        assert engine.ready(20)
        return engine

    def _command(self) -> list[str]:
        places = {
            "/usr/local/bin/opa": str(self.opa),
            "/etc/lotse-opa/opa.yaml": str(DEPLOY / "opa" / "opa.yaml"),
            "/etc/lotse-opa/authz.rego": str(DEPLOY / "opa" / "authz.rego"),
            "/etc/lotse-opa": str(self.folder),
            "127.0.0.1:8181": f"127.0.0.1:{self.port}",
        }
        command = []
        for shipped in unit_command():
            word = shipped
            for before, after in places.items():
                word = word.replace(before, after)
            command.append(word)
        release = f"bundles.lotse.resource=file://{self.folder / 'release.tar.gz'}"
        return [*command[:3], "--set", release, *command[3:]]


def _state(thread: Path) -> str:
    """One letter of the kernel's: T is stopped."""
    return (thread / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]


def eventually(engine: OpaEngine, question: bytes, *, seconds: float = 20) -> list[Answer]:
    """Ask until there is an answer: other tests use the machine, and the deadline is short."""
    end = time.monotonic() + seconds
    while True:
        try:
            return engine.evaluate(question)
        except EngineFailed:
            assert time.monotonic() < end
            engine.ready(1)


def call(server: OpaServer, method: str, path: str, body: bytes | None, token: str | None) -> int:
    """Call the server as anybody could; gives the status."""
    request = urllib.request.Request(server.url + path, body, method=method)  # noqa: S310 - loopback
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310 - loopback
            status: int = response.status
    except urllib.error.HTTPError as error:
        with error:
            status = error.code
    return status


@pytest.fixture(scope="session")
def opa_server(opa: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[OpaServer]:
    """A server for everyone who only asks."""
    server = OpaServer(tmp_path_factory.mktemp("opa"), opa)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_opa(opa: Path, tmp_path: Path) -> Generator[OpaServer]:
    """A server, not started yet, for a test that does it harm."""
    server = OpaServer(tmp_path / "opa", opa)
    yield server
    server.kill()


@pytest.fixture(scope="session")
def opa_engine(opa_server: OpaServer) -> Generator[OpaEngine]:
    """The engine over the server that everyone shares."""
    engine = opa_server.engine()
    yield engine
    engine.close()
