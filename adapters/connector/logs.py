# SPDX-License-Identifier: EUPL-1.2
"""The connector's operating log: closed events, and only members from an allow-list.

A member that is not on the list is dropped, so that no value, file number or name gets into a log
file by a careless line of code. Exceptions are logged by their type, never by their text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

ALLOWED: Final = frozenset(
    {
        "bundle",
        "check",
        "code",
        "engine",
        "event",
        "exchange",
        "level",
        "method",
        "outcome",
        "problem",
        "release",
        "request_id",
        "route",
        "serial",
        "status",
        "timestamp",
        "error",
    }
)

_PLAIN: Final = re.compile(r"[A-Za-z0-9 _.:/{}-]{1,128}")


def keep_allowed(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop members that are not on the list, and values that are not plain codes or numbers."""
    for name in list(event):
        value = event[name]
        plain = isinstance(value, int) or (
            isinstance(value, str) and _PLAIN.fullmatch(value) is not None
        )
        if name not in ALLOWED or not (plain or value is None):
            del event[name]
    event.setdefault("event", "unnamed")
    return event


def configure() -> None:
    """Write one JSON object per line to standard output."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            keep_allowed,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        cache_logger_on_first_use=True,
    )
