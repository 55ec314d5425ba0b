# SPDX-License-Identifier: EUPL-1.2
"""The gateway's operating log: JSON lines of closed codes, never a value (promise P1).

What may be written is decided here and not where it is written: a key that is not in `ALLOWED`,
or whose value does not have the key's narrow shape, is dropped and counted. Messages of foreign
libraries are reduced to their logger's name, since nobody knows what is in their text. This log
is for operators; the evidence is the other one, in ``audit``.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog
from typing_extensions import override

from gateway.problems import TABLE, current_request

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from types import TracebackType

    from structlog.typing import FilteringBoundLogger

METHODS: Final = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"})
LEVELS: Final = frozenset({"debug", "info", "warning", "error", "critical"})
STATES: Final = frozenset(
    {"requested", "held", "waiting", "answered", "refused", "aborted", "expired", "ordered"}
)
CHANGES: Final = frozenset(
    {"deny_to_allow", "allow_to_deny", "hold_to_allow", "deny_to_hold", "allow_to_hold"}
    | {"hold_to_deny", "not_decided", "refused_otherwise", "reason_only"}
    | {"duty_gained", "duty_lost"}
)
"""Values of ``policies.replay.Change``."""
LARGEST: Final = 2**53


def _shape(pattern: str) -> Callable[[Any], Any]:
    compiled = re.compile(pattern)

    def keep(value: Any) -> Any:
        return value if isinstance(value, str) and compiled.fullmatch(value) else None

    return keep


def _one_of(values: frozenset[str]) -> Callable[[Any], Any]:
    return lambda value: value if isinstance(value, str) and value in values else None


def _number(value: Any) -> Any:
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if plain and abs(value) < LARGEST else None


def _type_name(value: Any) -> Any:
    """Take the class itself: a text could be anything."""
    return value.__qualname__ if isinstance(value, type) else None


EVENT: Final = _shape(r"[a-z]+([._-][a-z]+){0,3}")
ALLOWED: Final[dict[str, Callable[[Any], Any]]] = {
    "event": EVENT,
    "level": _one_of(LEVELS),
    "request_id": _shape(r"[0-9a-f]{24}"),
    "exchange": _shape(r"[0-7][0-9A-HJKMNP-TV-Z]{25}"),
    "agency": _shape(r"[a-z0-9]+(\.[a-z0-9-]+)+"),
    "problem": _one_of(frozenset(TABLE)),
    "method": _one_of(METHODS),
    "state": _one_of(STATES),
    "status": _number,
    "step": _number,
    "count": _number,
    "serial": _number,
    "log_index": _number,
    "milliseconds": _number,
    "error_type": _type_name,
    "engine": _shape(r"[a-z]+(-[a-z]+)*/[a-z0-9.-]{1,32}"),
    "change": _one_of(CHANGES),
    "cause": _shape(r"[a-z]+(_[a-z]+){0,5}"),
    "where": _shape(r"[a-z_/]+\.py:[0-9]+"),
    "logger": _shape(r"[a-z_]+(\.[a-z_]+){0,5}"),
    "node": _shape(r"[a-z0-9-]{1,32}"),
    "at": _number,
}
"""Key to the shape its value must have; everything else is dropped."""


def keep_allowed(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop what is not allowed; say how much that was."""
    kept: dict[str, Any] = {}
    dropped = 0
    for key, value in event.items():
        shape = ALLOWED.get(key)
        shaped = shape(value) if shape is not None else None
        if shaped is None:
            dropped += 1
        else:
            kept[key] = shaped
    kept.setdefault("event", "unnamed")
    if dropped:
        kept["dropped"] = dropped
    return kept


def where(error: BaseException) -> str:
    """Name the line of Lotse's own code where `error` came from: file and number, no text.

    ``elsewhere.py:0`` when no line of it is among the frames.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _own_path(frame.filename)]
    if not own:
        return "elsewhere.py:0"
    return f"{_own_path(own[-1].filename)}:{own[-1].lineno}"


def _own_path(filename: str) -> str:
    match = re.search(r"/((gateway|policies|audit|keys)/[a-z_/]+\.py)\Z", filename)
    return match.group(1) if match else ""


def configure_logging(
    *, node: str, clock: Callable[[], int], stream: TextIO | None = None, hooks: bool = True
) -> None:
    """Send everything that this process logs through the allow-list, as JSON lines.

    Args:
        node: the replica's name.
        clock: epoch seconds.
        stream: where lines go; standard error when left out.
        hooks: also catch what would print a traceback (uncaught exceptions, threads, warnings).
    """
    target = stream or sys.stderr

    def add_facts(
        _logger: Any, level: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        facts = current_request.get()
        if facts is not None:
            event["request_id"] = facts.request_id
        event.update(level="error" if level == "exception" else level, node=node, at=clock())
        return event

    def write(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
        return json.dumps(dict(event), sort_keys=True)

    structlog.configure(
        processors=[add_facts, keep_allowed, write],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=target),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [ForeignHandler()]
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic", "sqlalchemy"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True
    if hooks:
        _install_hooks()


def get_logger() -> FilteringBoundLogger:
    """Give the logger: ``get_logger().info("exchange.answered", exchange=…, status=…)``."""
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


class ForeignHandler(logging.Handler):
    """Takes what libraries log: who spoke and how loudly, never what was said."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Write one line without the record's text and arguments."""
        error = record.exc_info[1] if record.exc_info else None
        facts: dict[str, Any] = {"logger": record.name}
        if error is not None:
            facts.update(error_type=type(error), where=where(error))
        loud = record.levelno >= logging.ERROR
        (get_logger().error if loud else get_logger().warning)("foreign", **facts)


def _install_hooks() -> None:
    def on_uncaught(
        kind: type[BaseException], error: BaseException, _trace: TracebackType | None
    ) -> None:
        get_logger().error("uncaught", error_type=kind, where=where(error))

    def on_thread(args: threading.ExceptHookArgs) -> None:
        place = where(args.exc_value) if args.exc_value is not None else "elsewhere.py:0"
        get_logger().error("uncaught.thread", error_type=args.exc_type, where=place)

    def on_unraisable(args: sys.UnraisableHookArgs) -> None:
        get_logger().error("uncaught.unraisable", error_type=args.exc_type)

    sys.excepthook = on_uncaught
    threading.excepthook = on_thread
    sys.unraisablehook = on_unraisable
    logging.captureWarnings(capture=True)
