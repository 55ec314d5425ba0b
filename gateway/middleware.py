# SPDX-License-Identifier: EUPL-1.2
"""What every call passes: request id, safe headers, strict bodies, no exception text outside.

Plain ASGI without the framework's request objects, since this runs at every call.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from gateway.authn.metadata import TOKEN_PATH
from gateway.authzen.addresses import sent_request_id
from gateway.logs import get_logger, where
from gateway.problems import (
    Problem,
    RequestFacts,
    body_reject,
    current_request,
    problem_body,
    problem_headers,
)
from keys.asgi import StrictBodyMiddleware

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from fastapi import FastAPI

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

ID_BYTES: Final = 12
FORM_PATHS: Final = frozenset({TOKEN_PATH})

SECURITY_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
)
"""OWASP REST Security Cheat Sheet; added where the route has not set its own."""


class EdgeMiddleware:
    """Gives each call an id, each answer its headers, each accident one opaque answer."""

    def __init__(self, app: App) -> None:
        """Take the application inside."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        facts = RequestFacts(
            request_id=secrets.token_hex(ID_BYTES), german=_prefers_german(scope["headers"])
        )
        reset = current_request.set(facts)
        shown_id = sent_request_id(scope) or facts.request_id.encode()
        begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = _with_headers(message.get("headers", ()), shown_id)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as accident:  # noqa: BLE001 - the last place: nothing may get further
            get_logger().error("accident", error_type=type(accident), where=where(accident))
            # An answer that has begun cannot be taken back; the server then ends the connection.
            if not begun:
                await _answer_internal(send_with_headers)
        finally:
            current_request.reset(reset)


def install_middleware(app: FastAPI) -> None:
    """Put the middleware around `app`; the first request sees them in this order."""
    # The framework runs the one that was added last first.
    app.add_middleware(StrictBodyMiddleware, reject=body_reject, form_paths=FORM_PATHS)
    app.add_middleware(EdgeMiddleware)


async def _answer_internal(send: Send) -> None:
    problem = Problem("internal")
    headers = [(k.encode(), v.encode()) for k, v in problem_headers(problem).items()]
    body = problem_body(problem)
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": problem.type.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _with_headers(given: Any, request_id: bytes) -> list[tuple[bytes, bytes]]:
    headers = list(given)
    present = {name.lower() for name, _ in headers}
    headers.extend(header for header in SECURITY_HEADERS if header[0] not in present)
    headers.append((b"x-request-id", request_id))
    return headers


def _prefers_german(headers: Any) -> bool:
    """Whether the first language in Accept-Language is German; English otherwise."""
    for name, value in headers:
        if name == b"accept-language":
            return bool(value.lstrip()[:2].lower() == b"de")
    return False
