# SPDX-License-Identifier: EUPL-1.2
"""Problems as the outside sees them: RFC 9457 answers made from one table.

The edges raise `Problem` with a code from `TABLE`; accidents of the core and the libraries are
turned into one by `problem_of`. Whatever else is raised becomes an opaque ``internal`` with the
request id. No answer repeats anything that was sent: a problem can carry
only closed codes, declared field names, an exchange id and a log index.
"""

from __future__ import annotations

import json
import re
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from audit.errors import AuditError
from gateway.accidents import row_of
from gateway.errors import GatewayError
from gateway.problem_types import TABLE, ProblemType
from keys.errors import KeysError
from policies.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

__all__ = [
    "TABLE",
    "Problem",
    "ProblemType",
    "RequestFacts",
    "body_reject",
    "current_request",
    "install_problem_handlers",
    "problem_body",
    "problem_of",
    "problem_response",
]

MEDIA_TYPE: Final = "application/problem+json"
CLOSED_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
ULID: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
UNAUTHORIZED: Final = 401
SERVER_ERRORS: Final = 500
MAX_LOCATIONS: Final = 20
"""Places named in one answer; more help nobody."""


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What an answer needs to know about the call it answers."""

    request_id: str
    """Random; the only handle an operator and a caller share about an accident."""
    german: bool
    """The caller prefers German over English."""


current_request: ContextVar[RequestFacts | None] = ContextVar("current_request", default=None)
"""Set by `gateway.middleware` for the time of one call."""


class Problem(Exception):
    """A call that does not succeed, told to the caller as one row of the table."""

    def __init__(
        self,
        code: str,
        *,
        reason: str | None = None,
        locations: tuple[str, ...] = (),
        exchange: str | None = None,
        log_index: int | None = None,
        oauth_error: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Make a problem.

        Args:
            code: a code of `TABLE`.
            reason: a closed code that narrows the type; never anything that was sent.
            locations: declared field names, dotted.
            exchange: the exchange's id, when it already has one.
            log_index: where the log recorded what happened.
            oauth_error: error code of RFC 6749 5.2, for the token endpoint.
            headers: further response headers.

        Raises:
            ValueError: a code is not in the table or not shaped like a code.
        """
        if code not in TABLE:
            raise ValueError("not a problem type")
        for closed in (reason, oauth_error, *locations):
            if closed is not None and not CLOSED_CODE.fullmatch(closed):
                raise ValueError("a problem carries closed codes only")
        if exchange is not None and not ULID.fullmatch(exchange):
            raise ValueError("not an exchange id")
        super().__init__(code if reason is None else f"{code}: {reason}")
        self.code = code
        self.type = TABLE[code]
        self.reason = reason
        self.locations = locations
        self.exchange = exchange
        self.log_index = log_index
        self.oauth_error = oauth_error
        self.headers = dict(headers or {})


def problem_body(problem: Problem, facts: RequestFacts | None = None) -> bytes:
    """Write the body of RFC 9457 for `problem`: fixed texts and closed codes."""
    facts = facts or current_request.get()
    german = facts is not None and facts.german
    row = problem.type
    body: dict[str, str | int | list[str]] = {
        "type": f"/problems/{row.code}",
        "title": row.title_de if german else row.title,
        "status": row.status,
        "detail": row.detail_de if german else row.detail,
    }
    if facts is not None:
        body["request_id"] = facts.request_id
    optional: dict[str, str | int | None] = {
        "reason": problem.reason,
        "exchange": problem.exchange,
        "log_index": problem.log_index,
        "error": problem.oauth_error,
    }
    body.update({name: value for name, value in optional.items() if value is not None})
    if problem.locations:
        body["locations"] = list(problem.locations)
    return json.dumps(body, ensure_ascii=False).encode()


def problem_headers(problem: Problem, facts: RequestFacts | None = None) -> dict[str, str]:
    """Give the headers that go with `problem_body`, Content-Length excepted."""
    facts = facts or current_request.get()
    headers = {
        "content-type": MEDIA_TYPE,
        "content-language": "de" if facts is not None and facts.german else "en",
        **problem.headers,
    }
    if problem.type.status == UNAUTHORIZED:
        headers.setdefault("www-authenticate", "Bearer")
    return headers


def problem_response(problem: Problem) -> Response:
    """Make the response for `problem`."""
    return Response(
        problem_body(problem), status_code=problem.type.status, headers=problem_headers(problem)
    )


def body_reject(status: int, code: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Turn what `keys.asgi` says of a body into (status, headers, body)."""
    by_status = {413: "body-too-large", 415: "unsupported-media-type"}
    if status in by_status:
        problem = Problem(by_status[status])
    elif code == "duplicate_key":
        problem = Problem("duplicate-key")
    elif code == "content_length":
        problem = Problem("invalid-request", reason=code)
    else:
        problem = Problem("malformed-json", reason=code)
    body = problem_body(problem)
    headers = {**problem_headers(problem), "content-length": str(len(body))}
    return problem.type.status, [(k.encode(), v.encode()) for k, v in headers.items()], body


_OF_STATUS: Final = {401: "not-authenticated", 403: "forbidden", 404: "not-found"} | {
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
}


def problem_of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """Give the problem for a bare HTTP status that the framework raised; its text is dropped."""
    kept = {name: value for name, value in (headers or {}).items() if name.lower() == "allow"}
    fallback = "internal" if status >= SERVER_ERRORS else "invalid-request"
    return Problem(_OF_STATUS.get(status, fallback), headers=kept)


class DeclaredNames:
    """The names that an application declares: the only ones a location may repeat."""

    def __init__(self, app: FastAPI) -> None:
        """Take the app; its description is read at the first bad request."""
        self._app = app
        self._names: frozenset[str] | None = None

    def __call__(self) -> frozenset[str]:
        """Give every property and parameter name of the app's OpenAPI description."""
        if self._names is None:
            self._names = frozenset(_declared(self._app.openapi()))
        return self._names


def _declared(node: object) -> set[str]:
    names: set[str] = set()
    if isinstance(node, dict):
        properties = node.get("properties")
        if isinstance(properties, dict):
            names.update(str(name) for name in properties)
        if isinstance(node.get("in"), str) and isinstance(node.get("name"), str):
            names.add(node["name"])
        for child in node.values():
            names |= _declared(child)
    elif isinstance(node, list):
        for child in node:
            names |= _declared(child)
    return names


def _location(error: Mapping[str, object], declared: frozenset[str]) -> str:
    """Name where an error is: declared names kept, indices and everything else left out."""
    raw = error.get("loc")
    parts = list(raw) if isinstance(raw, (tuple, list)) else []
    side = parts[0] if parts and parts[0] in {"body", "query", "path", "header"} else "request"
    known = [p for p in parts[1:] if isinstance(p, str) and p in declared]
    location = ".".join([str(side), *known])
    return location if CLOSED_CODE.fullmatch(location) else str(side)


def problem_of(error: Exception) -> Problem | None:
    """Give the problem for an accident, or None when only ``internal`` fits."""
    if isinstance(error, Problem):
        return error
    row = row_of(error)
    if row is None:
        return None
    code, reason = row
    closed = reason is not None and CLOSED_CODE.fullmatch(reason) is not None
    return Problem(code, reason=reason if closed else None)


def install_problem_handlers(app: FastAPI) -> None:
    """Make every failure that reaches the framework an answer from the table.

    Unknown exceptions are not handled here but in `gateway.middleware`, since the framework's
    own handler for them raises them again and the server would then print their text.
    """
    declared = DeclaredNames(app)

    async def on_accident(_request: Request, exc: Exception) -> Response:
        problem = problem_of(exc)
        if problem is None:
            raise exc
        return problem_response(problem)

    async def on_invalid(_request: Request, exc: Exception) -> Response:
        errors = exc.errors() if isinstance(exc, RequestValidationError) else ()
        places = dict.fromkeys(_location(error, declared()) for error in errors)
        return problem_response(Problem("invalid-request", locations=tuple(places)[:MAX_LOCATIONS]))

    async def on_http(_request: Request, exc: Exception) -> Response:
        if not isinstance(exc, HTTPException):
            raise exc
        return problem_response(problem_of_status(exc.status_code, exc.headers))

    for accident in (Problem, GatewayError, PolicyError, AuditError, KeysError):
        app.add_exception_handler(accident, on_accident)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
