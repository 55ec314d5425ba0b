# SPDX-License-Identifier: EUPL-1.2
"""The request id that a tool may send along and finds again in the answer (AuthZEN 10.1.3).

The standard lets it be any text; here only shapes that are random by their making come back: a
UUID, 32 hexadecimal digits or a ULID. Anything else could carry a name (promise P1) and is not
read; the answer then has the gateway's own id, as every answer has. None of them is logged.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCESS: Final = "/access/v1/"
EVALUATION_PATH: Final = ACCESS + "evaluation"
EVALUATIONS_PATH: Final = ACCESS + "evaluations"
METADATA_PATH: Final = "/.well-known/authzen-configuration"

_RANDOM: Final = re.compile(
    rb"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
    rb"|[0-9A-Fa-f]{32}"
    rb"|[0-7][0-9A-HJKMNP-TV-Z]{25}"
)


def sent_request_id(scope: Mapping[str, Any]) -> bytes | None:
    """Give the id to send back, if the call is one of the standard face and has one."""
    if not scope["path"].startswith(ACCESS):
        return None
    sent = [value for name, value in scope["headers"] if name.lower() == b"x-request-id"]
    return sent[0] if len(sent) == 1 and _RANDOM.fullmatch(sent[0]) else None
