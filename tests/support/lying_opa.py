# SPDX-License-Identifier: EUPL-1.2
"""Something on the port of an OPA server that answers whatever it is told to, byte by byte."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from io import BufferedReader
from types import TracebackType
from typing import Any, Self

DIGEST = "d" * 64
PROBE = b'{"input":{"fields":["azr_number"]}}'


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came."""

    head: str
    body: bytes


def http(
    body: bytes | str, *headers: str, status: str = "200 OK", kind: str = "application/json"
) -> bytes:
    """A response with its length."""
    raw = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(raw)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + raw


def provenance(**changes: Any) -> dict[str, Any]:
    """What an honest server says about itself."""
    return {
        "version": "1.21.3",
        "build_commit": "",
        "build_timestamp": "",
        "build_hostname": "",
        "bundles": {"lotse": {"revision": DIGEST}},
    } | changes


def denied(name: str) -> dict[str, Any]:
    """A verdict that refuses one field."""
    return {name: {"outcome": "DENY", "rule": "R73", "reason": "no_rule", "reasons": ["no_rule"]}}


def answer(result: Any = None, **members: Any) -> str:
    """The body of an honest answer, with `members` put in or over it."""
    result = {"fields": denied("family_name")} if result is None else result
    return json.dumps({"provenance": provenance(), "result": result} | members)


HONEST = http(answer())


class Line:
    """One connection, as a lie sees it."""

    def __init__(self, connection: socket.socket, ended: threading.Event) -> None:
        self.connection = connection
        self._ended = ended

    def send(self, raw: bytes) -> None:
        """Send some bytes."""
        self.connection.sendall(raw)

    def wait(self, seconds: float) -> None:
        """Let time pass, at most until the test is over."""
        self._ended.wait(seconds)

    def hang_up(self) -> None:
        """End the connection."""
        raise ConnectionError


Lie = bytes | Callable[[Line], None]
"""What is sent for a question; a function sends by itself and may take its time."""


@dataclass
class LyingOpa:
    """Serves in threads of its own: probes honestly unless told otherwise, questions with the lie."""

    lie: Lie = HONEST
    to_probes: Lie = HONEST
    calls: list[Call] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def questions(self) -> list[Call]:
        """What was asked, probes left out."""
        return [call for call in self.calls if call.body != PROBE]

    def __enter__(self) -> Self:
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError), connection.makefile("rb") as reader:
            while (call := _read(reader)) is not None:
                self.calls.append(call)
                lie = self.to_probes if call.body == PROBE else self.lie
                line = Line(connection, self._ended)
                if isinstance(lie, bytes):
                    line.send(lie)
                else:
                    lie(line)


def _read(reader: BufferedReader) -> Call | None:
    """Read one request; None where the caller has gone."""
    head, length = "", 0
    while (row := reader.readline()) not in {b"\r\n", b""}:
        head += row.decode("latin-1")
        if row.lower().startswith(b"content-length:"):
            length = int(row.split(b":")[1])
    return Call(head, reader.read(length)) if head else None
