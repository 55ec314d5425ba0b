# SPDX-License-Identifier: EUPL-1.2
"""Stands on the lines between connectors and gateway: passes every byte on, and reads along.

Unlike the demo's recorder it understands HTTP, so that a test can compare message by message.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httptools

from deploy.demo.recorder import CHUNK, HOST, Route


@dataclass(frozen=True, slots=True)
class Message:
    """One HTTP request or answer as it crossed the line."""

    route: str
    """Who called whom, for example ``jc.hannover>gateway``."""
    kind: str
    """``request`` or ``answer``."""
    method: str
    """For an answer: that of its request, as is the path."""
    path: str
    status: int
    """0 for a request."""
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)


class _Reader:
    """Takes one direction of one connection apart, as it passes."""

    def __init__(self, line: _Line, kind: str) -> None:
        self._line = line
        self._kind = kind
        self._parser: Any = (
            httptools.HttpRequestParser(self)
            if kind == "request"
            else httptools.HttpResponseParser(self)
        )
        self._begin()

    def _begin(self) -> None:
        self._path = b""
        self._headers: list[tuple[str, str]] = []
        self._body = b""

    def feed(self, data: bytes) -> None:
        """Read on. What is no HTTP stays in the raw record alone."""
        with contextlib.suppress(httptools.HttpParserError):
            self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._begin()

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._kind == "request":
            self._line.asked = (self._parser.get_method().decode(), self._path.decode())
        method, path = self._line.asked
        status = 0 if self._kind == "request" else self._parser.get_status_code()
        self._line.tap.messages.append(
            Message(
                self._line.route,
                self._kind,
                method,
                path,
                status,
                tuple(self._headers),
                self._body,
            )
        )


@dataclass(slots=True)
class _Line:
    """One connection."""

    tap: Tap
    route: str
    asked: tuple[str, str] = ("", "")


class Tap:
    """Serves routes inside a running loop; `messages` and `raw` hold what passed."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = list(routes)
        self._stack = contextlib.AsyncExitStack()
        self._open: set[asyncio.StreamWriter] = set()
        self.messages: list[Message] = []
        self.raw: list[bytearray] = []
        self.delays: dict[str, float] = {}
        """Seconds that every request of a route waits before it is passed on."""
        self.cut: set[str] = set()
        """Routes whose answers never come back: the line breaks instead."""

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: a port is taken.
        """
        for route in self._routes:
            server = await asyncio.start_server(self._handler(route), HOST, route.listen)
            self._stack.callback(server.close)

    async def stop(self) -> None:
        """End every line."""
        for writer in list(self._open):
            writer.close()
        await self._stack.aclose()
        await asyncio.sleep(0)

    def _handler(self, route: Route) -> Any:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                there, back = await asyncio.open_connection(HOST, route.target)
            except OSError:
                writer.close()
                return
            line = _Line(self, route.name)
            both = {writer, back}
            self._open |= both
            try:
                await asyncio.gather(
                    self._pump(route, reader, back, _Reader(line, "request")),
                    self._pump(route, there, writer, _Reader(line, "answer")),
                )
            finally:
                self._open -= both

        return handle

    async def _pump(
        self,
        route: Route,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        parser: _Reader,
    ) -> None:
        kept = bytearray()
        self.raw.append(kept)
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                kept += chunk
                parser.feed(chunk)
                if parser._kind == "request":
                    await asyncio.sleep(self.delays.get(route.name, 0))
                elif route.name in self.cut:
                    break
                writer.write(chunk)
                await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
