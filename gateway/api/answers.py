# SPDX-License-Identifier: EUPL-1.2
"""How the core's values look as JSON, and their description for the OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from keys.strict_json import b64u

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.model import Answer
    from keys.strict_json import JsonLike

PROBLEM: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "Refused before anything was released; `type` names the page that explains it.",
        "content": {
            "application/problem+json": {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "request_id": {"type": "string"},
                    },
                }
            }
        },
    }
}
"""Every route may answer with a problem (RFC 9457)."""


def answer_json(answer: Answer) -> dict[str, JsonLike]:
    """Give the wire form of an exchange's answer."""
    body: dict[str, JsonLike] = {
        "exchange": answer.exchange,
        "status": answer.state.value,
        "decision": answer.decision_token,
        "withheld": [one.to_json() for one in answer.withheld],
        "receipts": list(answer.receipts),
        "log_index": answer.log_index,
    }
    if answer.envelope is not None:
        body["envelope"] = answer.envelope.to_wire()
    if answer.order is not None:
        body["order"] = answer.order
    if answer.statement is not None:
        body["statement"] = answer.statement
    if answer.reference is not None:
        body["ref"] = b64u(answer.reference)
    return body


def json_response(body: Mapping[str, JsonLike], status: int = 200) -> Response:
    """Answer with JSON, names sorted. Nobody signs it, so it takes the quick writer."""
    content = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return Response(content, status_code=status, media_type="application/json")
