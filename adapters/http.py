# SPDX-License-Identifier: EUPL-1.2
"""The one way the agency side calls somebody over HTTP: bounded in time and size, no redirects.

A redirect would send a signed message, or a file number, to an address nobody configured
(OWASP API7); an endless answer would fill the memory. Answers are taken uncompressed, so that a
small body cannot unfold into a large one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx

from adapters.errors import AdaptersError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

MAX_ANSWER_BYTES: Final = 1_048_576
"""One mebibyte: fifty sealed fields with both receipts stay far below."""


class NotConnected(AdaptersError):
    """No connection came about, so nothing was sent."""


class NoAnswer(AdaptersError):
    """The connection stood, and no complete answer of a bearable size came in time."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer; nothing in it is verified."""

    status: int
    content_type: str
    unverified_body: bytes = field(repr=False)


def new_client(
    base_url: str,
    *,
    connect_seconds: float,
    answer_seconds: float,
    verify: ssl.SSLContext | bool = True,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """Make a client for one base address; `transport` is for tests that need no socket."""
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=httpx.Timeout(answer_seconds, connect=connect_seconds),
        follow_redirects=False,
        trust_env=False,
        verify=verify,
        transport=transport,
        headers={"Accept-Encoding": "identity"},
    )


async def call(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    *,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    max_bytes: int = MAX_ANSWER_BYTES,
) -> Reply:
    """Send one request and read the whole answer.

    Raises:
        NotConnected: nothing was sent.
        NoAnswer: broken off, too slow or too large.
    """
    try:
        async with client.stream(
            method, path, content=content, headers=dict(headers or {}), params=params
        ) as response:
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                raise NoAnswer("the answer is compressed though it must not be")
            parts: list[bytes] = []
            size = 0
            async for part in response.aiter_bytes():
                size += len(part)
                if size > max_bytes:
                    raise NoAnswer("the answer is too large")
                parts.append(part)
            return Reply(
                status=response.status_code,
                content_type=response.headers.get("content-type", ""),
                unverified_body=b"".join(parts),
            )
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise NotConnected(type(error).__name__) from error
    except (httpx.HTTPError, httpx.StreamError) as error:
        raise NoAnswer(type(error).__name__) from error
