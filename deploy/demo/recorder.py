# SPDX-License-Identifier: EUPL-1.2
"""Passes bytes between connectors and gateway, and keeps every byte it passes.

``python -m deploy.demo.recorder ROUTES DIRECTORY``; ROUTES is a JSON file: name, port to listen
on, port to pass on to. Each connection gets two files, one per direction. It stands where somebody
stands who taps the network; scene C searches what it kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
CHUNK: Final = 65_536


@dataclass(frozen=True, slots=True)
class Route:
    """One listening port and where it leads."""

    name: str
    listen: int
    target: int


class Recorder:
    """Serves all routes until it is stopped."""

    def __init__(self, routes: list[Route], directory: Path) -> None:
        """Take the routes and an existing directory for the files."""
        self._routes = routes
        self._directory = directory
        self._numbers = itertools.count(1)

    async def serve(self) -> None:
        """Listen on every route; returns when the task is cancelled.

        Raises:
            OSError: a port is taken.
        """
        async with contextlib.AsyncExitStack() as stack:
            for route in self._routes:
                server = await asyncio.start_server(self._handler(route), HOST, route.listen)
                await stack.enter_async_context(server)
            await asyncio.Event().wait()

    def _handler(
        self, route: Route
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._connect(route, reader, writer)

        return handle

    async def _connect(
        self, route: Route, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        number = next(self._numbers)
        stem = self._directory / f"{number:05d}-{route.name.replace('>', '-to-')}"
        try:
            there, back = await asyncio.open_connection(HOST, route.target)
        except OSError:
            writer.close()  # whoever called sees a connection that ends at once
            return
        await asyncio.gather(
            self._pump(reader, back, stem.with_suffix(".sent")),
            self._pump(there, writer, stem.with_suffix(".answered")),
        )

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: Path) -> None:
        with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                file.write(chunk)
                writer.write(chunk)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()


def load_routes(path: Path) -> list[Route]:
    """Read the routes file."""
    return [Route(**item) for item in json.loads(path.read_text(encoding="utf-8"))]


async def _until_stopped(recorder: Recorder) -> None:
    task = asyncio.create_task(recorder.serve())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def main() -> None:
    """Record until stopped."""
    routes, directory = Path(sys.argv[1]), Path(sys.argv[2])
    asyncio.run(_until_stopped(Recorder(load_routes(routes), directory)))


if __name__ == "__main__":
    main()
