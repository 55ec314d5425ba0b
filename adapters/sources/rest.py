# SPDX-License-Identifier: EUPL-1.2
"""Reads from an agency's web service: one search, then one resource per category, JSON over HTTP.

The file number travels only as a value of one query parameter, encoded by the HTTP library.
Resources are addressed by the key that the service itself gave, and only if that key is plain.
Redirects are refused, answers are limited in size, proxies of the environment are not used.
"""

from __future__ import annotations

import hashlib
import logging
import re
import ssl
from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from adapters.errors import MappingError, SettingsError, SourceBroken, SourceUnavailable
from adapters.sources.mapped import Fetched, Wanted
from adapters.sources.mapping import SourceMapping
from adapters.sources.rows import cut, member, objects
from adapters.sources.values import Row
from keys.errors import StrictJsonError
from keys.strict_json import JsonValue, loads

MAX_ANSWER_BYTES: Final = 1_048_576
"""The same limit as for bodies between connector and gateway."""

_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,4096}")  # RFC 6750, 2.1
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_BUSY: Final = frozenset({408, 425, 429})


class RestBackend:
    """Fetches rows from a web service.

    Args:
        mapping: a mapping of kind ``rest``.
        url: base address; https, or http on this machine.
        token: sent as bearer token (RFC 6750); None for a service that asks for none.
        timeout_seconds: limit for each step of each HTTP call.
        tls: trusted certificates; None for those of the system.
        transport: another HTTP transport, for tests.

    Raises:
        SettingsError: the address or the token cannot be used.
        MappingError: a path of the mapping cannot be used.
    """

    def __init__(
        self,
        mapping: SourceMapping,
        url: str,
        *,
        token: str | None,
        timeout_seconds: float,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._mapping = mapping
        self._find_place = f"{mapping.file} [find]"
        _check_paths(mapping, self._find_place)
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if token is not None:
            if not _TOKEN.fullmatch(token):
                raise SettingsError("source.token_file: not a bearer token")
            headers["Authorization"] = f"Bearer {token}"
        # At level INFO these libraries log addresses, and the search address holds a file number.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._client = httpx.AsyncClient(
            base_url=_checked_url(url),
            headers=headers,
            timeout=httpx.Timeout(timeout_seconds),
            follow_redirects=False,
            trust_env=False,
            verify=ssl.create_default_context() if tls is None else tls,
            transport=transport,
        )

    async def fetch(self, number: str, wanted: Sequence[Wanted]) -> Fetched:
        """Search, then get one resource per category (see `Backend`)."""
        find = self._mapping.find
        body = await self._get(find["path"], self._find_place, {find["parameter"]: number})
        found = objects(body, find.get("items", ""), self._find_place)
        keys = {
            _key(member(item, find["key"], self._find_place), self._find_place) for item in found
        }
        # For nobody and for two persons the same resources are asked for, with a key that nobody has.
        key = keys.pop() if len(keys) == 1 else None
        address = key if key is not None else hashlib.sha256(number.encode()).hexdigest()[:16]
        rows: dict[str, Sequence[Row]] = {}
        for one in wanted:
            options, place = one.category.options, one.category.place
            answer = await self._get(options["path"].replace("{key}", address), place)
            rows[one.category.name] = cut(objects(answer, options.get("items", ""), place), one)
        if key is None:
            return Fetched(min(2, len(found)), {})
        return Fetched(1, rows)

    async def probe(self, wanted: Sequence[Wanted]) -> None:
        """Get the health resource if the mapping names one, else search for nobody (see `Backend`)."""
        health = self._mapping.find.get("health")
        if health is not None:
            await self._get(health, self._find_place)
        else:
            await self.fetch(hashlib.sha256(b"lotse").hexdigest(), wanted)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _get(
        self, path: str, place: str, params: Mapping[str, str] | None = None
    ) -> JsonValue:
        """One GET; None for 404, which means that there is no such thing."""
        try:
            async with self._client.stream("GET", path, params=params) as answer:
                _check_status(answer, place)
                body = (
                    b""
                    if answer.status_code == httpx.codes.NOT_FOUND
                    else await _limited(answer, place)
                )
        except httpx.TimeoutException:
            raise SourceUnavailable("the web service does not answer in time") from None
        except (httpx.RemoteProtocolError, httpx.DecodingError):
            raise SourceBroken(f"{place}: the web service does not speak HTTP properly") from None
        except httpx.HTTPError:
            raise SourceUnavailable("the web service cannot be reached") from None
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        try:
            return loads(body, max_bytes=MAX_ANSWER_BYTES)
        except StrictJsonError as error:
            raise SourceBroken(
                f"{place}: the answer is not acceptable JSON ({error.code})"
            ) from None


def _checked_url(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise SettingsError("source.url: not an address") from None
    if parsed.scheme != "https" and not (parsed.scheme == "http" and parsed.host in _LOOPBACK):
        raise SettingsError("source.url: must be https, or http on this machine")
    if not parsed.host or parsed.userinfo or parsed.query or parsed.fragment:
        raise SettingsError("source.url: host, port and path only; a token belongs into token_file")
    return parsed


def _check_paths(mapping: SourceMapping, find_place: str) -> None:
    paths = [
        (mapping.find[name], find_place, 0) for name in ("path", "health") if name in mapping.find
    ]
    paths += [
        (category.options["path"], category.place, 1) for category in mapping.categories.values()
    ]
    for path, place, keys in paths:
        plain = path.replace("{key}", "key")
        if not path.startswith("/") or path.startswith("//") or path.count("{key}") != keys:
            raise MappingError(
                f"{place}: path starts with one slash; a category's holds {{key}} once, others never"
            )
        if not re.fullmatch(r"[A-Za-z0-9._~/-]+", plain) or ".." in plain:
            raise MappingError(f"{place}: path has characters that do not belong into it")


def _key(value: object, place: str) -> str:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    # The key becomes part of an address: a service that was taken over must not choose the address.
    if not _KEY.fullmatch(text):
        raise SourceBroken(
            f"{place}: the key must be 1 to 64 letters, digits, hyphens or underscores"
        )
    return text


def _check_status(answer: httpx.Response, place: str) -> None:
    status = answer.status_code
    if answer.is_redirect or answer.has_redirect_location:
        raise SourceBroken(f"{place}: the web service redirects; redirects are not followed")
    if status in {401, 403}:
        raise SourceBroken(f"{place}: the web service does not accept the token ({status})")
    if status in _BUSY or answer.is_server_error:
        raise SourceUnavailable(f"the web service answers {status}")
    if status not in {httpx.codes.OK, httpx.codes.NOT_FOUND}:
        raise SourceBroken(f"{place}: the web service answers {status}")


async def _limited(answer: httpx.Response, place: str) -> bytes:
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if (
        kind != "application/json"
        or answer.headers.get("Content-Encoding", "identity") != "identity"
    ):
        raise SourceBroken(f"{place}: the answer must be plain application/json")
    body = bytearray()
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            raise SourceBroken(f"{place}: the answer is larger than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)
