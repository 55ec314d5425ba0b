# SPDX-License-Identifier: EUPL-1.2
"""Failures over HTTP: always a problem, never an echo, never a framework's own answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from audit.errors import LogUnavailable
from gateway import errors
from gateway.problem_types import TABLE
from gateway.problems import install_problem_handlers
from tests.support.signing_in import (
    World,
    bearer,
    client_of,
    make_app,
    problem_code,
    shared_database,
    sign_in,
)

CANARY = "Zoë Canary 29.02.1984"


def _failing_app(error: Exception) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.get("/v1/mailbox")
    async def fail() -> None:
        raise error

    install_problem_handlers(app)
    return app


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NotAParty(), 404),
        (errors.HolderUnreachable(), 504),
        (LogUnavailable(CANARY), 503),
        (HTTPException(418, CANARY), 400),
        (HTTPException(503, CANARY), 500),
        (RequestValidationError([{"loc": ("body", CANARY), "msg": CANARY, "input": CANARY}]), 400),
    ],
)
async def test_a_raised_accident_becomes_an_answer_without_its_text(
    error: Exception, status: int
) -> None:
    """The text of an exception never goes outside."""
    async with client_of(_failing_app(error)) as client:
        answer = await client.get("/v1/mailbox")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Canary" not in answer.text


async def test_an_unknown_exception_is_opaque(tmp_path: Path) -> None:
    """500 with a request id, safe headers, and no word of what happened inside."""
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(World().authn(engine))) as client:
            answer = await client.get("/v1/catalogue")
    assert answer.status_code == 500
    assert problem_code(answer) == "internal"
    assert "Canary" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_the_language_follows_the_caller(tmp_path: Path) -> None:
    """German when German comes first, English otherwise."""
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(World().authn(engine))) as client:
            for header, language in {"de-DE, en;q=0.5": "de", "en, de": "en", "fr": "en"}.items():
                answer = await client.get("/nowhere", headers={"accept-language": header})
                row = TABLE["not-found"]
                assert answer.headers["content-language"] == language
                assert answer.json()["title"] == (row.title_de if language == "de" else row.title)


async def test_unknown_addresses_and_methods_are_problems(tmp_path: Path) -> None:
    """404 and 405 from the same table; a slash too many is no redirect; 405 names the methods."""
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(World().authn(engine))) as client:
            for path in ("/nowhere", "/health/", "/v1/mailbox/", "//health"):
                assert problem_code(await client.get(path)) == "not-found", path
            answer = await client.delete("/health")
            assert problem_code(answer) == "method-not-allowed"
            assert answer.headers["allow"] == "GET"


async def test_every_answer_has_an_id_and_safe_headers(tmp_path: Path) -> None:
    """Good and bad answers alike; two calls have two ids, and what a caller sends is not used."""
    seen = set()
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(World().authn(engine))) as client:
            for path in ("/health", "/nowhere", "/v1/mailbox", "/.well-known/jwks.json"):
                answer = await client.get(path, headers={"x-request-id": "f" * 24})
                seen.add(answer.headers["x-request-id"])
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert answer.headers["cache-control"] == "no-store"
                assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert len(seen) == 4
    assert "f" * 24 not in seen


@pytest.mark.parametrize(
    ("body", "locations"),
    [
        ({"purpose": CANARY}, ["body.fields"]),
        ({"purpose": 5, "fields": []}, ["body.purpose"]),
        ({"purpose": "P04", "fields": "name"}, ["body.fields"]),
        ({"purpose": "P04", "fields": ["a", {"Canary": CANARY}]}, ["body.fields"]),
        ({"purpose": "P04", "fields": [], CANARY: 1}, ["body"]),
        ({"purpose": "P04", "fields": [], "Canary": 1}, ["body"]),
        ({"purpose": "P04", "fields": [], "count": True}, ["body.count"]),
        ({"purpose": "P04", "fields": [], "count": "5"}, ["body.count"]),
        ({"purpose": "P04", "fields": [], "count": 5.0}, ["body.count"]),
        ([CANARY], ["body"]),
        (CANARY, ["body"]),
        (None, ["body"]),
    ],
)
async def test_a_wrong_shape_is_told_by_declared_names_only(
    tmp_path: Path, body: Any, locations: list[str]
) -> None:
    """Neither a value nor an unknown key comes back; nothing is coerced into the right type."""
    world = World()
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            token = await sign_in(client, world)
            answer = await client.post("/v1/exchanges", json=body, headers=bearer(token))
    assert problem_code(answer) == "invalid-request"
    assert answer.status_code == 400
    assert answer.json()["locations"] == locations
    assert "Canary" not in answer.text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"purpose":"P04","purpose":"P05","fields":[]}', "duplicate-key"),
        (b'{"purpose":"P04","fields":[],"count":NaN}', "malformed-json"),
        (b'{"purpose":"P04","fields":[],"count":Infinity}', "malformed-json"),
        (b'{"purpose":"P04","fields":[],"count":1e999}', "malformed-json"),
        (b'{"purpose":"\\ud800","fields":[]}', "malformed-json"),
        (b"[" * 900 + b"]" * 900, "malformed-json"),
        (b"[" * 100_000, "malformed-json"),
        ('{"purpose":"P04","fields":[]}'.encode("utf-16"), "malformed-json"),
        (b'\xef\xbb\xbf{"purpose":"P04","fields":[]}', "malformed-json"),
        (b'{"purpose":"P04"', "malformed-json"),
        (b"\xff\xfe", "malformed-json"),
        (b'{"purpose":"' + b"x" * 1_048_576 + b'"}', "body-too-large"),
    ],
)
async def test_bytes_that_can_be_read_in_two_ways_are_refused(
    tmp_path: Path, body: bytes, expected: str
) -> None:
    """Duplicate keys, NaN, surrogates, depth, UTF-16, size: 4xx problems and never a 500."""
    world = World()
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            headers = {**bearer(await sign_in(client, world)), "content-type": "application/json"}
            answer = await client.post("/v1/exchanges", content=body, headers=headers)
    assert problem_code(answer) == expected


async def test_another_content_type_is_refused(tmp_path: Path) -> None:
    """A form or plain text is not read as JSON."""
    world = World()
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(world.authn(engine))) as client:
            token = await sign_in(client, world)
            for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
                answer = await client.post(
                    "/v1/exchanges", content=b"{}", headers={**bearer(token), "content-type": kind}
                )
                assert problem_code(answer) == "unsupported-media-type"
