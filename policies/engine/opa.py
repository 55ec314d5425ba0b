# SPDX-License-Identifier: EUPL-1.2
"""The second engine: the same bundle in a real OPA server, asked over HTTP.

The bundle reaches the server by the server's own configuration (``deploy/opa``); no rule and no
fact is ever pushed from here.
What is not a complete answer of the expected bundle within the deadline is a failure.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

import aiohttp
from opa_client import AsyncOpaClient  # type: ignore[import-untyped]  # it ships no types

from policies.engine import gate
from policies.engine.base import ENTRYPOINT, Answer
from policies.engine.line import Body, Line
from policies.engine.opa_answer import read_answers, read_body, read_provenance
from policies.errors import EngineFailed

BUNDLE: Final = "lotse"
"""Name of the bundle in the server's configuration."""
DEADLINE_SECONDS: Final = 0.2
"""For one answer, connecting included. A refusal must be on record within 300 ms."""
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
"""Where plain http is accepted: nothing leaves the machine."""
MAX_CONNECTIONS: Final = 8
MAX_ANSWER_BYTES: Final = 256 * 1024
MAX_TOKEN_BYTES: Final = 4096

_QUERY: Final = {"provenance": "true", "strict-builtin-errors": "true"}
_PROBE: Final = b'{"fields":["azr_number"]}'
"""Passes the gate, is about nobody, and releases nothing under any rules."""
_STATUS: Final = {401: "token_refused", 403: "token_refused", 500: "evaluation_error"}
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class OpaAddress:
    """Where the server is, and what it asks for."""

    url: str
    """``https://host[:port]``, or ``http://`` on this machine."""
    token: str = field(repr=False)
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""

    def __post_init__(self) -> None:
        """Refuse an address to which the token would travel unprotected, or that hides something.

        Raises:
            ValueError: see above.
        """
        parts = urlsplit(self.url)
        plain = parts.scheme == "http" and parts.hostname in LOOPBACK
        if not (plain or parts.scheme == "https") or not parts.hostname or parts.port == 0:
            raise ValueError("an OPA server is asked at https://, or at http:// on this machine")
        if parts.path or parts.query or parts.fragment or parts.username or parts.password:
            raise ValueError("the address of an OPA server is a host and a port, nothing else")

    @classmethod
    def of(cls, url: str, token_file: Path, ca_file: Path | None = None) -> OpaAddress:
        """Read the token from its file.

        Raises:
            OSError: the file cannot be read.
            ValueError: it does not hold one line of printable ASCII, or ``url`` cannot be used.
        """
        with token_file.open("rb") as file:
            token = file.read(MAX_TOKEN_BYTES + 1).decode("ascii", errors="replace").strip()
        plain = token.isascii() and token.isprintable() and " " not in token
        if not token or len(token) > MAX_TOKEN_BYTES or not plain:
            raise ValueError("the token file of the OPA server does not hold one token")
        return cls(url, token, ca_file)


class OpaEngine:
    """Evaluates in an OPA server; see ``RuleEngine``."""

    def __init__(
        self,
        address: OpaAddress,
        bundle_digest: str,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
        report: Callable[[str, str], None] = lambda _event, _code: None,
    ) -> None:
        """Begin to look for the server; until it has answered once, every question is refused.

        Args:
            address: where the server is.
            bundle_digest: the one revision that is believed.
            deadline_seconds: for one answer, everything included.
            pause: waits between two probes.
            report: is told ``up`` with the engine's name, ``down`` and ``failed`` with a code.

        Raises:
            OSError: ``ca_file`` cannot be read, or is none.
        """
        self._digest = bundle_digest
        self._version = "unseen"
        self._tell = report
        parts = urlsplit(address.url)
        tls = (
            ssl.create_default_context(cafile=address.ca_file) if parts.scheme == "https" else None
        )

        def client() -> _Client:
            return _Client(address, tls, deadline_seconds, self._check)

        self._line = Line(
            client, _PROBE, deadline_seconds=deadline_seconds, pause=pause, report=self._report
        )

    @property
    def name(self) -> str:
        """Name of the engine and version of the server that answered last."""
        return f"opa-server/{self._version}"

    @property
    def bundle_digest(self) -> str:
        """The one revision that is believed."""
        return self._digest

    def ready(self, seconds: float = 0.0) -> bool:
        """Wait at most so long for the server; say whether its answers are believed."""
        return self._line.ready(seconds)

    def evaluate(self, canonical_json: bytes) -> list[Answer]:
        """Evaluate one input; see ``RuleEngine.evaluate``."""
        gate.check(canonical_json)
        body = self._line.ask(canonical_json)
        try:
            return read_answers(body)
        except EngineFailed as error:
            self._line.failed(error.code)
            raise

    def close(self) -> None:
        """Give connections and threads back; whoever still waits is refused."""
        self._line.close()

    def _check(self, body: Body) -> None:
        provenance = read_provenance(body)
        self._version = provenance.version
        provenance.check(BUNDLE, self._digest)

    def _report(self, event: str, code: str) -> None:
        self._tell(event, code or self.name)


class _Question:
    """Bytes that passed the gate; they go out as they are."""

    __slots__ = ("canonical",)

    def __init__(self, canonical: bytes) -> None:
        self.canonical = canonical


class _Client(AsyncOpaClient):  # type: ignore[misc]  # it ships no types
    """The client, and what it leaves open shut.

    One session for its life, one attempt, no redirect, no cookie, no proxy from the environment,
    a bounded answer that is read strictly.
    """

    def __init__(
        self,
        address: OpaAddress,
        tls: ssl.SSLContext | None,
        deadline_seconds: float,
        check: Callable[[Body], None],
    ) -> None:
        parts = urlsplit(address.url)
        host = parts.hostname or ""
        super().__init__(
            host=f"[{host}]" if ":" in host else host,
            port=parts.port or (80 if tls is None else 443),
            ssl=tls is not None,
            token=address.token,
            retries=0,
            timeout=deadline_seconds,
        )
        self._session: aiohttp.ClientSession | None = None
        self._tls = tls
        self._check = check

    async def ask(self, question: bytes) -> Body:
        """Ask for one decision; the answer comes from the expected bundle."""
        if self._session is None:
            await self._init_session()
        try:
            body: Body = await self.query_rule(_Question(question), ENTRYPOINT, query_params=_QUERY)
        except (aiohttp.ClientConnectionError, OSError) as error:
            late = isinstance(error, TimeoutError)
            raise EngineFailed("no_answer_in_time" if late else "unreachable") from error
        self._check(body)
        return body

    async def end(self) -> None:
        """Give every connection back."""
        await self.close_connection()

    async def _init_session(self) -> None:
        self._connector = aiohttp.TCPConnector(
            ssl=self._tls or False, limit=MAX_CONNECTIONS, happy_eyeballs_delay=None
        )
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            headers={**self.headers, "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=self.timeout),
            json_serialize_bytes=_body_of,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    @asynccontextmanager
    async def _request(self, method: str, url: str, **options: Any) -> AsyncIterator[_Checked]:
        async with super()._request(method, url, allow_redirects=False, **options) as response:
            yield _Checked(await _bounded(response))


class _Checked:
    """The part of a response that the client reads, after we have read it ourselves."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def raise_for_status(self) -> None:
        """Nothing but 200 gets here."""

    async def json(self) -> Body:
        """Read the body strictly."""
        return read_body(self._raw)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    if response.status != _OK:
        raise EngineFailed(_STATUS.get(response.status, "other_status"))
    if response.content_type != "application/json" or "Content-Encoding" in response.headers:
        raise EngineFailed("other_content")
    raw = bytearray()
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > MAX_ANSWER_BYTES:
            raise EngineFailed("too_large")
    return bytes(raw)


def _body_of(body: Any) -> bytes:
    """Write the body of a call; only a question that passed the gate is ever sent."""
    question = cast("dict[str, object]", body).get("input")
    if not isinstance(question, _Question):
        raise TypeError("not a question")
    return b'{"input":' + question.canonical + b"}"
