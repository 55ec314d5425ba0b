# SPDX-License-Identifier: EUPL-1.2
"""Real gateway processes that stand still after a step of an exchange until a test lets them go on.

The program is the product's own, `gateway.app`, with three parts of its own kind: an observer that
stops, a clock that a file sets, and a keyring that opens quickly. Nothing here is part of Lotse.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from gateway.app import Stock, create_app
from gateway.logs import configure_logging
from gateway.settings import load_settings
from gateway.steps import Step
from keys.model import ExchangeId
from keys.providers.file import FileKeyring
from keys.providers.protection import InsecureTestCost
from keys.strict_json import b64u
from tests.support.middle import ISSUER, KINDS, ORIGIN, Gate, Middle
from tests.support.processes import Process, Processes, free_port

PASSPHRASE = "invented for a test"
POLL_SECONDS = 0.01
PATIENCE_SECONDS = 30


def _write(path: Path, text: str) -> None:
    """Replace a file in one go: the other process reads the old or the new one."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="ascii")
    fresh.replace(path)


@dataclass(frozen=True)
class Control:
    """The files through which test and process understand each other."""

    folder: Path

    def stop_after(self, step: Step | None) -> None:
        """Let the next exchange that has done `step` stand still."""
        for name in ("stopped", "go"):
            (self.folder / name).unlink(missing_ok=True)
        _write(self.folder / "stop-after", str(int(step or 0)))

    async def reached(self) -> None:
        """Return when an exchange stands still."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (self.folder / "stopped").exists():  # noqa: ASYNC110 - another process says it
                await asyncio.sleep(POLL_SECONDS)

    def go_on(self) -> None:
        """Let it go on; later exchanges do not stop."""
        _write(self.folder / "stop-after", "0")
        _write(self.folder / "go", "")


class StopsWhereTold:
    """The observer inside the process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def done(self, step: Step, exchange: ExchangeId) -> None:
        """Stand still when `stop-after` names this step."""
        if (self._folder / "stop-after").read_text(encoding="ascii") != str(int(step)):
            return
        _write(self._folder / "stopped", exchange)
        while not (self._folder / "go").exists():  # noqa: ASYNC110 - another process says it
            await asyncio.sleep(POLL_SECONDS)


class HolderServer(ThreadingHTTPServer):
    """All holding connectors behind one address, carried out by the simulated holder."""

    daemon_threads = True

    def __init__(self, middle: Middle) -> None:
        self.middle = middle
        self.orders: list[str] = []
        super().__init__(("127.0.0.1", 0), _Answering)

    @property
    def url(self) -> str:
        """Base address for the gateway's settings."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answering(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Carry out one order."""
        assert isinstance(self.server, HolderServer)
        order = json.loads(self.rfile.read(int(self.headers["content-length"])))["order"]
        self.server.orders.append(order)
        answer = self.server.middle.holder.carry_out(order)
        said: dict[str, object] = {"detail": b64u(answer.detail)}
        if answer.unverified_envelope is None:
            said["held"] = True
        else:
            said["envelope"] = answer.unverified_envelope.to_wire()
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


@dataclass
class RealGateways:
    """Gateway processes on one database, with the agencies and holders around them."""

    middle: Middle
    holders: HolderServer
    processes: Processes
    running: dict[str, Process] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def control(self, node: str) -> Control:
        """The files of one process."""
        return Control(self.middle.folder / node)

    def advance(self, seconds: int) -> None:
        """Let time pass for everybody."""
        self.middle.clock.advance(seconds)
        _write(self.middle.folder / "now", str(self.middle.clock()))

    def start(self, *nodes: str) -> None:
        """Start processes, again if they ran before, and wait until they serve."""
        for node in nodes:
            self._start(node)
        for node in nodes:
            url = f"http://127.0.0.1:{self.ports[node]}/health"
            self.running[node].wait_healthy(url, seconds=60)

    def _start(self, node: str) -> None:
        folder = self.middle.folder / node
        folder.mkdir(exist_ok=True)
        self.control(node).stop_after(None)
        port = self.ports.setdefault(node, free_port())
        settings = folder / "gateway.toml"
        settings.write_text(self._settings(node, port), encoding="utf-8")
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "tests.support.stopping_gateway",
            settings,
        ]
        self.running[node] = self.processes.start(command, name=node)

    def kill(self, node: str) -> None:
        """SIGKILL: nothing gets to clean up."""
        self.running[node].kill()

    @contextlib.asynccontextmanager
    async def gate(self, node: str) -> AsyncIterator[Gate]:
        """A client to one process."""
        url = f"http://127.0.0.1:{self.ports[node]}"
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as client:
            yield Gate(self.middle, FastAPI(), client)

    def _settings(self, node: str, port: int) -> str:
        folder = self.middle.folder
        lines = {
            "profile": "demo",
            "issuer": ISSUER,
            "database_url": self.middle.database_url,
            "keyring_file": str(folder / "gateway.keys"),
            "passphrase_file": str(folder / "passphrase"),
            "registry_root_file": str(folder / "root.jwk"),
            "agency_list_file": str(folder / "agencies.json"),
            "log_origin": ORIGIN,
            "node": node,
        }
        text = [f"{name} = {json.dumps(value)}" for name, value in lines.items()]
        text += [f"port = {port}", "insecure_demo_person = true", "[connectors]"]
        text += [f'"{agency}" = "{self.holders.url}"' for agency in KINDS]
        return "\n".join(text) + "\n"


@contextlib.contextmanager
def real_gateways(folder: Path, database_url: str, processes: Processes) -> Iterator[RealGateways]:
    """The surroundings of real processes; none runs yet."""
    keyring = FileKeyring.create(
        folder / "gateway.keys", PASSPHRASE, "gateway", cost=InsecureTestCost()
    )
    middle = Middle.build(folder, database_url, keyring)
    holders = HolderServer(middle)
    thread = threading.Thread(target=holders.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    gateways = RealGateways(middle, holders, processes)
    gateways.advance(0)
    try:
        yield gateways
    finally:
        for process in gateways.running.values():
            process.kill()
        holders.shutdown()
        holders.server_close()
        thread.join()


def main(settings_file: Path) -> None:
    """Serve as `lotse gateway serve` does."""
    settings = load_settings(settings_file)
    now = settings_file.parent.parent / "now"

    def clock() -> int:
        return int(now.read_text(encoding="ascii"))

    keyring = FileKeyring.open(settings.keyring_file, PASSPHRASE, insecure_test_cost=True)
    configure_logging(node=settings.node, clock=clock)
    stock = Stock(clock=clock, keyring=keyring, observer=StopsWhereTold(settings_file.parent))
    uvicorn.run(
        create_app(settings, stock),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
