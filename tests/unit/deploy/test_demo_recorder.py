# SPDX-License-Identifier: EUPL-1.2
"""The recorder passes every byte on and keeps it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from deploy.demo.recorder import Recorder, Route
from tests.support.processes import free_port


def _kept(directory: Path) -> dict[str, bytes]:
    return {path.suffix: path.read_bytes() for path in directory.iterdir()}


async def test_both_directions_are_kept(tmp_path: Path) -> None:
    """What was sent and what was answered lie in one file each, and arrived unchanged."""

    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    target, listen = free_port(), free_port()
    async with await asyncio.start_server(shout, "127.0.0.1", target):
        routes = [Route("jc.hannover>gateway", listen, target)]
        recording = asyncio.create_task(Recorder(routes, tmp_path).serve())
        await asyncio.sleep(0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", listen)
        writer.write("frage ä\n".encode())
        await writer.drain()
        assert await reader.read() == "frage ä\n".encode().upper()
        writer.close()
        await asyncio.sleep(0.1)
        recording.cancel()
        await asyncio.gather(recording, return_exceptions=True)
    assert _kept(tmp_path) == {
        ".sent": "frage ä\n".encode(),
        ".answered": "frage ä\n".encode().upper(),
    }


async def test_a_dead_target_ends_the_connection(tmp_path: Path) -> None:
    """Nobody waits for a gateway that is not there."""
    listen = free_port()
    routes = [Route("jc.hannover>gateway", listen, free_port())]
    recording = asyncio.create_task(Recorder(routes, tmp_path).serve())
    await asyncio.sleep(0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", listen)
    assert await asyncio.wait_for(reader.read(), 2) == b""
    writer.close()
    recording.cancel()
    await asyncio.gather(recording, return_exceptions=True)
