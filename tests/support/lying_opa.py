# SPDX-License-Identifier: EUPL-1.2
"""Something on the port of an OPA server that answers whatever it is told to, byte by byte."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
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

Lie = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]
"""What is sent for a question; a function writes by itself and may take its time."""


@dataclass
class LyingOpa:
    """Serves in a thread of its own: probes honestly unless told otherwise, questions with the lie."""

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
        self._loop = asyncio.new_event_loop()
        listening = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listening,), daemon=True)
        self._thread.start()
        assert listening.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, listening: threading.Event) -> None:
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port)
        )
        self.port = server.sockets[0].getsockname()[1]
        listening.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(_end_all())
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next(
            (
                int(line.split(":")[1])
                for line in head.splitlines()
                if line.lower().startswith("content-length:")
            ),
            0,
        )
        call = Call(head, await reader.readexactly(length))
        self.calls.append(call)
        lie = self.to_probes if call.body == PROBE else self.lie
        if isinstance(lie, bytes):
            writer.write(lie)
        else:
            await lie(writer)
        await writer.drain()


async def _end_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
