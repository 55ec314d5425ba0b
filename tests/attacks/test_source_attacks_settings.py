# SPDX-License-Identifier: EUPL-1.2
"""Settings and mappings that would open a door, and a service that never finishes its answer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from adapters.errors import MappingError, SettingsError, SourceUnavailable
from adapters.simulated import mapping_path
from adapters.sources.base import SourceAdapter
from adapters.sources.build import build_source
from keys.model import FileNumber

BASE = "https://jc.example"
NUMBER = FileNumber("23702BG0418773")
TOKEN = "token-Zq83-very-secret"


def _build(directory: Path, **more: object) -> SourceAdapter:
    (directory / "token").write_text(TOKEN, encoding="utf-8")
    settings = {"type": "rest", "url": BASE, "token_file": "token", "timeout_seconds": 1.0}
    mapping = str(mapping_path("jc.hannover"))
    return build_source({**settings, "mapping": mapping, **more}, base=directory)


async def test_a_service_that_drips_is_slow(tmp_path: Path) -> None:
    """A byte now and then keeps each read alive, but not the call."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"
        )
        try:
            for _ in range(200):
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    adapter = _build(tmp_path, url=f"http://127.0.0.1:{port}", timeout_seconds=0.4)
    async with asyncio.timeout(3):
        with pytest.raises(SourceUnavailable):
            await adapter.facts(NUMBER)
    await adapter.close()
    server.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://jc.example",
        "ftp://127.0.0.1",
        "https://user:secret@jc.example",
        "https://jc.example/?x=1",
        "https://",
        "not an address",
        "http://127.0.0.1.example",
    ],
)
def test_addresses_that_are_refused_at_start(tmp_path: Path, url: str) -> None:
    """No clear text off this machine, no credentials in addresses."""
    with pytest.raises(SettingsError) as raised:
        _build(tmp_path, url=url)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "path", ["https://trap.example/{key}", "//trap/{key}", "/a/../{key}", "/a", "/{key}/{key}"]
)
def test_a_mapping_cannot_lead_elsewhere(tmp_path: Path, path: str) -> None:
    """Paths are relative to the service, and the key stands in them once."""
    text = mapping_path("jc.hannover").read_text(encoding="utf-8")
    changed = text.replace('path = "/api/v1/faelle/{key}/leistung"', f'path = "{path}"')
    (tmp_path / "m.toml").write_text(changed, encoding="utf-8")
    with pytest.raises(MappingError):
        _build(tmp_path, mapping=str(tmp_path / "m.toml"))


@pytest.mark.parametrize(
    "change",
    [
        {"type": "ldap"},
        {"type": None},
        {"type": "sql"},
        {"folder": "/"},
        {"verify": False},
        {"timeout_seconds": 0},
        {"timeout_seconds": 3600},
        {"timeout_seconds": True},
        {"timeout_seconds": "3"},
        {"timeout_seconds": float("nan")},
        {"url": ""},
        {"url": 7},
        {"token_file": "missing"},
        {"token_file": "."},
        {"ca_file": "missing.pem"},
        {"ca_file": "token"},
        {"mapping": "missing.toml"},
        {"mapping": "token"},
    ],
    ids=str,
)
def test_settings_that_are_refused_at_start(tmp_path: Path, change: dict[str, object]) -> None:
    """Unknown, missing, wrong: said at the start, without any value that could be a secret."""
    with pytest.raises((SettingsError, MappingError)) as raised:
        _build(tmp_path, **change)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak: x", "ü"])
def test_a_token_that_would_break_the_header(tmp_path: Path, token: str) -> None:
    """Only what RFC 6750 calls a token is ever put into a header."""
    (tmp_path / "other").write_text(token, encoding="utf-8")
    with pytest.raises(SettingsError) as raised:
        _build(tmp_path, token_file="other")
    assert str(raised.value) == "source.token_file: not a bearer token"


@pytest.mark.parametrize(
    "url",
    ["", "sqlite://", "sqlite:///:memory:", "nonsense://x", "oracle://u:geheim@h/db", "no url"],
)
def test_databases_that_are_refused_at_start(tmp_path: Path, url: str) -> None:
    """A database that is not there, or has no driver here; a password in the URL is not shown."""
    mapping = str(mapping_path("abh.hannover"))
    with pytest.raises(SettingsError) as raised:
        build_source({"type": "sql", "url": url, "mapping": mapping}, base=tmp_path)
    assert "geheim" not in str(raised.value)
