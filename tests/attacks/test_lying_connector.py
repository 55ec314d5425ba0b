# SPDX-License-Identifier: EUPL-1.2
"""What a listening connector can send over the line: every lie is a problem and an aborted exchange."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import aiohttp
import pytest
from typing_extensions import override

from gateway.orders import ListeningConnectors
from keys.strict_json import b64u
from tests.attacks.test_lying_holder import envelope_of, expect_no_data
from tests.support.middle import ABH, JC, Gate, Middle
from tests.support.scenes import (
    RECORDS,
    STATUS,
    ask_status,
    link_person_one,
)


class Speaker(BaseHTTPRequestHandler):
    """Answers every order with what the test wants."""

    answer: Callable[[Speaker, str], None]

    def do_POST(self) -> None:
        """Read the order and say the lie."""
        order = json.loads(self.rfile.read(int(self.headers["content-length"])))["order"]
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            type(self).answer(self, order)

    def say(self, status: int, body: bytes, **headers: str) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


@contextlib.asynccontextmanager
async def speaking(folder: Path, lie: Callable[[Speaker, str], None]) -> AsyncIterator[Gate]:
    """A gateway that calls a listening connector which answers with `lie`."""
    middle = Middle.build(folder)
    middle.holder.records.update(RECORDS)
    speaker = type("Lying", (Speaker,), {"answer": staticmethod(lie)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), speaker)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            address = f"http://127.0.0.1:{server.server_address[1]}"
            transport = ListeningConnectors({ABH: address, JC: address}, session, timeout_seconds=1)
            async with middle.running(transport=transport) as gate:
                await link_person_one(gate)
                yield gate
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        thread.join()


def saying(status: int, body: bytes, **headers: str) -> Callable[[Speaker, str], None]:
    """Always the same words."""
    return lambda speaker, _order: speaker.say(status, body, **headers)


def _hang_up(speaker: Speaker, _order: str) -> None:
    speaker.close_connection = True
    speaker.connection.close()


def _sleep(_speaker: Speaker, _order: str) -> None:
    threading.Event().wait(1.5)


def _drip(speaker: Speaker, _order: str) -> None:
    speaker.send_response(200)
    speaker.end_headers()
    for _ in range(30):
        speaker.wfile.write(b" ")
        threading.Event().wait(0.1)


BIG = b'{"envelope":{"m":"a.b.c","f":[]},"detail":"' + b"A" * 1_100_000 + b'"}'


DETAIL_TOO_BIG = json.dumps({"held": True, "detail": b64u(bytes(50_000))}).encode()


DETAIL_MISSING = json.dumps({"held": True, "detail": ""}).encode()


WIRE_LIES: dict[str, tuple[Callable[[Speaker, str], None], int, str]] = {
    "garbage": (saying(200, b"\x00\xff canary garbage"), 502, "holder-rejected"),
    "an empty answer": (saying(200, b""), 502, "holder-rejected"),
    "a page": (saying(200, b"<html>canary</html>"), 502, "holder-rejected"),
    "another shape": (saying(200, b'{"values":{"x":"canary"}}'), 502, "holder-rejected"),
    "duplicate keys": (saying(200, b'{"held":true,"held":true}'), 502, "holder-rejected"),
    "held as a number": (saying(200, b'{"held":1,"detail":"AAAA"}'), 502, "holder-rejected"),
    "not held after all": (saying(200, b'{"held":false,"detail":"AA"}'), 502, "holder-rejected"),
    "too large": (saying(200, BIG), 502, "holder-rejected"),
    "no detail": (saying(200, DETAIL_MISSING), 502, "holder-rejected"),
    "a detail too large": (saying(200, DETAIL_TOO_BIG), 502, "holder-rejected"),
    "an accident": (saying(500, b'{"canary":1}'), 504, "holder-unreachable"),
    "a problem": (
        saying(400, b'{"type":"/problems/order-invalid","detail":"canary"}'),
        502,
        "holder-rejected",
    ),
    "a problem with a name of its own": (
        saying(403, b'{"type":"/problems/canary \\u00e4 name"}'),
        502,
        "holder-rejected",
    ),
    "elsewhere": (
        saying(302, b"{}", location="http://127.0.0.1:1/canary"),
        502,
        "holder-rejected",
    ),
    "silence": (_sleep, 504, "holder-unreachable"),
    "drop by drop": (_drip, 504, "holder-unreachable"),
    "hanging up": (_hang_up, 504, "holder-unreachable"),
}


@pytest.mark.parametrize("lie", WIRE_LIES)
async def test_a_connector_answers_with(tmp_path: Path, lie: str) -> None:
    """Whatever comes over the line: a problem, an aborted exchange, nothing of it repeated."""
    said, status, code = WIRE_LIES[lie]
    async with speaking(tmp_path, said) as gate:
        await expect_no_data(gate, status, code)


async def test_nobody_listens(tmp_path: Path) -> None:
    """An agency without an address in the settings is unreachable, not an accident."""
    async with aiohttp.ClientSession() as session:
        transport = ListeningConnectors({}, session, timeout_seconds=1)
        middle = Middle.build(tmp_path)
        async with middle.running(transport=transport) as gate:
            await expect_no_data(gate, 504, "holder-unreachable")


async def test_the_honest_connector_is_heard(tmp_path: Path) -> None:
    """The same way with a true answer: released. The table above can fail."""

    def honest(speaker: Speaker, order: str) -> None:
        answer = gates[0].middle.holder.carry_out(order)
        body = {"envelope": envelope_of(answer).to_wire(), "detail": b64u(answer.detail)}
        speaker.say(200, json.dumps(body).encode())

    gates: list[Gate] = []
    async with speaking(tmp_path, honest) as gate:
        gates.append(gate)
        answer = (await ask_status(gate)).json()
        assert gate.opened(JC, answer) == {STATUS: "canary-status-a1"}
