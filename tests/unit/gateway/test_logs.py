# SPDX-License-Identifier: EUPL-1.2
"""The operating log holds closed codes and nothing else, whoever writes to it."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.logs import ALLOWED, configure_logging, get_logger
from tests.support.clock import Clock
from tests.support.signing_in import World, client_of, make_app, shared_database

CANARIES = (
    "Zoë Canary",
    "canary 29.02.1984",
    "CANARY-4711/26",
    "canary\nnext line",
    "§ canary",
    "canary@example.org",
    {"name": "canary"},
    ["canary"],
    b"canary",
    ("canary", 1),
)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The lines of a configured log; everything is as before afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook)
    unraisable = sys.unraisablehook
    stream = io.StringIO()
    configure_logging(node="n1", clock=Clock(), stream=stream)
    try:
        yield stream
    finally:
        root.handlers[:], root.level = before[0], before[1]
        sys.excepthook, threading.excepthook = before[2], before[3]
        sys.unraisablehook = unraisable
        logging.captureWarnings(capture=False)
        logging.getLogger("uvicorn.access").disabled = False
        structlog.reset_defaults()


def _lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_line_has_codes_time_and_node(log: io.StringIO) -> None:
    """What is allowed arrives, with the injected time."""
    get_logger().info("exchange.answered", status=200, agency="abh.hannover", milliseconds=12.5)
    assert _lines(log) == [
        {
            "event": "exchange.answered",
            "level": "info",
            "node": "n1",
            "at": Clock()(),
            "status": 200,
            "agency": "abh.hannover",
            "milliseconds": 12.5,
        }
    ]


@pytest.mark.parametrize("canary", CANARIES, ids=range(len(CANARIES)))
def test_a_canary_in_every_key_is_dropped_and_counted(log: io.StringIO, canary: object) -> None:
    """No allowed key lets a value through, and the line says that something was dropped."""
    keys = [key for key in ALLOWED if key not in {"event", "level", "node", "at"}]
    for key in keys:
        get_logger().warning("exchange.refused", **{key: canary})
    lines = _lines(log)
    assert len(lines) == len(keys)
    assert all(line["dropped"] == 1 for line in lines)
    assert "canary" not in log.getvalue().lower()


@pytest.mark.parametrize("canary", CANARIES, ids=range(len(CANARIES)))
def test_a_canary_as_event_or_unknown_key_is_dropped(log: io.StringIO, canary: Any) -> None:
    """Neither the event's text nor a key that nobody allowed gets through."""
    get_logger().error(canary)
    get_logger().error("exchange.refused", value=canary, name=canary, **{str(canary): 1})
    first, second = _lines(log)
    assert first["event"] == "unnamed"
    assert second["dropped"] == 3
    assert "canary" not in log.getvalue().lower()


def test_foreign_messages_and_tracebacks_are_reduced(log: io.StringIO) -> None:
    """What a library logs becomes its logger's name; an exception becomes its class."""
    error = ValueError("canary")
    logging.getLogger("sqlalchemy.engine").error("canary %s", "canary", exc_info=error)
    logging.getLogger("uvicorn.error").warning("canary")
    logging.getLogger("uvicorn.access").warning("canary")
    first, second = _lines(log)
    assert (first["logger"], first["error_type"]) == ("sqlalchemy.engine", "ValueError")
    assert second["logger"] == "uvicorn.error"
    assert "canary" not in log.getvalue()


def test_a_logger_named_by_input_is_not_repeated(log: io.StringIO) -> None:
    """Even the name of a foreign logger must look like one."""
    logging.getLogger("Zoë Canary").warning("x")
    assert _lines(log)[0]["dropped"] == 1
    assert "Canary" not in log.getvalue()


def test_uncaught_exceptions_and_warnings_are_reduced(
    log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """What Python itself would print with its text goes the same way."""
    sys.excepthook(ValueError, ValueError("canary"), None)
    threading.excepthook(threading.ExceptHookArgs((OSError, OSError("canary"), None, None)))
    logging.getLogger("py.warnings").warning("canary")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.showwarning("canary", UserWarning, "x.py", 1)
    assert [line["event"] for line in _lines(log)] == [
        "uncaught",
        "uncaught.thread",
        "foreign",
        "foreign",
    ]
    assert "canary" not in log.getvalue() + "".join(capsys.readouterr())


async def test_an_accident_is_logged_with_its_place_and_without_its_text(
    log: io.StringIO, tmp_path: Path
) -> None:
    """The operator finds the request id of the answer, the class and the line in the code."""
    with shared_database(tmp_path) as engine:
        async with client_of(make_app(World().authn(engine))) as client:
            answer = await client.get("/v1/catalogue")
    accidents = [line for line in _lines(log) if line["event"] == "accident"]
    assert len(accidents) == 1
    assert accidents[0]["request_id"] == answer.headers["x-request-id"]
    assert accidents[0]["error_type"] == "RuntimeError"
    assert re.fullmatch(r"(gateway|keys)/[a-z/]+\.py:[0-9]+", accidents[0]["where"])
    assert "Canary" not in log.getvalue()
