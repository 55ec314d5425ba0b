# SPDX-License-Identifier: EUPL-1.2
"""The standard face in the OpenAPI description, with the mapping that ships in the example."""

from __future__ import annotations

from typing import Any, Final

from gateway.authzen.evaluating import MAX_EVALUATIONS

_OBJECT: Final = {"type": "object"}
_TEXT: Final = {"type": "string"}


def _entity(*names: str, about: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": about,
        "required": list(names),
        "properties": {**dict.fromkeys(names, _TEXT), "properties": _OBJECT},
    }


_PARTS: Final[dict[str, Any]] = {
    "subject": _entity("type", "id", about="The caller's own agency, by id or kind."),
    "action": _entity("name", about="What it would do: a word of the mapping, or a purpose."),
    "resource": _entity("type", "id", about="The agency at the other end, by id or kind."),
    "context": {"type": "object", "description": "Declared codes; see GET /v1/catalogue."},
}

_ONE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["subject", "action", "resource"],
    "properties": _PARTS,
}

_EXAMPLE: Final[dict[str, Any]] = {
    "subject": {"type": "agency", "id": "jc.hannover"},
    "action": {"name": "read", "properties": {"purpose": "P04", "trigger": "on_request"}},
    "resource": {
        "type": "agency-data",
        "id": "abh.hannover",
        "properties": {"fields": ["residence_status"]},
    },
    "context": {"azr_checked": True, "reason_code": "azr_pending"},
}

_DECISION: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["decision"],
    "properties": {
        "decision": {
            "type": "boolean",
            "description": "True only if every field would be released; releases nothing itself.",
        },
        "context": {
            "type": "object",
            "properties": {
                "outcome": _TEXT,
                "fields": _OBJECT,
                "policy": _OBJECT,
                "case": _OBJECT,
                "agreement": {"enum": ["listed", "assumed"]},
                "release": {"const": False},
                "ignored": {"type": "integer", "description": "Members that nobody read."},
                "reason_admin": _OBJECT,
                "reason_user": _OBJECT,
                "obligations": {
                    "type": "array",
                    "description": "Who cannot meet every one of them takes the answer for a no.",
                    "items": {
                        "type": "object",
                        "required": ["id", "type", "properties"],
                        "properties": {"id": _TEXT, "type": _TEXT, "properties": _OBJECT},
                    },
                },
                "error": _OBJECT,
            },
        },
    },
}


def _route(asked: dict[str, Any], example: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": asked, "example": example}},
        },
        "responses": {
            "200": {
                "description": "Answered; also a no is an answer.",
                "content": {"application/json": {"schema": told}},
            }
        },
    }


EVALUATION: Final = _route(_ONE, _EXAMPLE, _DECISION)

EVALUATIONS: Final = _route(
    {
        "type": "object",
        "properties": {
            **_PARTS,
            "evaluations": {
                "type": "array",
                "maxItems": MAX_EVALUATIONS,
                "items": {"type": "object", "properties": _PARTS},
            },
            "options": {
                "type": "object",
                "properties": {
                    "evaluations_semantic": {
                        "enum": ["execute_all", "deny_on_first_deny", "permit_on_first_permit"]
                    }
                },
            },
        },
    },
    {
        **_EXAMPLE,
        "evaluations": [{}, {"action": {"name": "read", "properties": {"purpose": "P01"}}}],
    },
    {
        "type": "object",
        "properties": {
            "evaluations": {"type": "array", "items": _DECISION},
            "decision": {"type": "boolean"},
            "context": _OBJECT,
        },
    },
)
