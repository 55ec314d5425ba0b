# SPDX-License-Identifier: EUPL-1.2
"""The lines from the gateway to the connectors that listen."""

from __future__ import annotations

import aiohttp

LINES_PER_HOLDER = 100
"""Connections to one holding connector at once."""


def open_session() -> aiohttp.ClientSession:
    """Open the way out: a connector that hangs fills its own lines and not those of all."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=LINES_PER_HOLDER),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )
