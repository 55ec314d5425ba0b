# SPDX-License-Identifier: EUPL-1.2
"""Refuses a request body that two programs could read in two ways, before any framework sees it.

Pure ASGI (https://asgi.readthedocs.io/en/latest/specs/www.html): knows no framework, so the
gateway and the connector use the same one.

======  ===================================  ===========================================
status  code                                 when
======  ===================================  ===========================================
400     ``content_length``                   not a number, or given twice
400     a code of :mod:`keys.strict_json`    the body is not strict JSON
413     ``too_large``                        more bytes than allowed, announced or sent
415     ``content_type``                     a body that is neither JSON nor an agreed form
======  ===================================  ===========================================
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any, Final, TypeAlias

from keys.errors import StrictJsonError
from keys.strict_json import loads

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

Headers: TypeAlias = list[tuple[bytes, bytes]]
Reject: TypeAlias = Callable[[int, str], tuple[int, Headers, bytes]]
"""Given status and code, makes the answer: status, headers, body."""

DEFAULT_MAX_BYTES: Final = 1_048_576

_METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_JSON: Final = b"application/json"
_FORM: Final = b"application/x-www-form-urlencoded"
_MAX_LENGTH_DIGITS: Final = 12


class _Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class _Gone(Exception):
    pass


class StrictBodyMiddleware:
    """Reads the whole body, checks it, and hands the identical bytes on."""

    def __init__(
        self,
        app: App,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        reject: Reject,
        form_paths: Collection[str] = (),
    ) -> None:
        """Wrap an application; ``form_paths`` take a form (RFC 6749) where others take JSON."""
        self.app = app
        self.max_bytes = max_bytes
        self.reject = reject
        self.form_paths = frozenset(form_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["method"] not in _METHODS_WITH_BODY:
            await self.app(scope, receive, send)
            return
        try:
            body = await self._checked_body(scope, receive)
        except _Gone:
            return
        except _Refused as refused:
            await self._answer(refused, send)
            return
        handed_on = False

        async def replay() -> Message:
            nonlocal handed_on
            if handed_on:
                return await receive()
            handed_on = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)

    async def _checked_body(self, scope: Scope, receive: Receive) -> bytes:
        headers: Headers = list(scope["headers"])
        self._check_announced(headers)
        body = await self._read(receive)
        if not body:
            return body
        wanted = _FORM if scope["path"] in self.form_paths else _JSON
        _check_content_type(headers, wanted)
        if wanted is _JSON:
            try:
                loads(body, max_bytes=self.max_bytes)
            except StrictJsonError as error:
                raise _Refused(400, error.code) from None
        return body

    def _check_announced(self, headers: Headers) -> None:
        lengths = [value for name, value in headers if name.lower() == b"content-length"]
        if not lengths:
            return
        text = lengths[0]
        if len(lengths) > 1 or not text.isdigit() or len(text) > _MAX_LENGTH_DIGITS:
            raise _Refused(400, "content_length")
        if int(text) > self.max_bytes:
            raise _Refused(413, "too_large")

    async def _read(self, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise _Gone
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > self.max_bytes:
                raise _Refused(413, "too_large")
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)

    async def _answer(self, refused: _Refused, send: Send) -> None:
        status, headers, body = self.reject(refused.status, refused.code)
        # Part of the body may still be under way; the connection cannot be used again.
        if refused.code == "too_large":
            headers = [*headers, (b"connection", b"close")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _check_content_type(headers: Headers, wanted: bytes) -> None:
    """Accept the one type, with UTF-8 named or not, and no compression."""
    types = [value for name, value in headers if name.lower() == b"content-type"]
    encodings = [value for name, value in headers if name.lower() == b"content-encoding"]
    if len(types) != 1 or any(value.strip().lower() != b"identity" for value in encodings):
        raise _Refused(415, "content_type")
    media_type, _, parameters = types[0].partition(b";")
    charset = parameters.strip().lower().replace(b'"', b"")
    if media_type.strip().lower() != wanted or charset not in (b"", b"charset=utf-8"):
        raise _Refused(415, "content_type")
