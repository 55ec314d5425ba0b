# SPDX-License-Identifier: EUPL-1.2
"""Reads the permission templates that ship with the gateway: drafts until two people approved them."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING

from gateway.permission_model import PermissionType, Template, TemplateId
from keys.strict_json import dumps, loads
from policies.model import FieldId, Kind, PurposeId

if TYPE_CHECKING:
    from keys.strict_json import JsonValue

MAX_BYTES = 262_144
RETRIEVE = "retrieve"
"""The person lets an agency fetch a proof, after a preview; uploading it needs no permission."""


def load_templates() -> dict[TemplateId, Template]:
    """Read ``data/permission_templates.json``."""
    raw = files("gateway").joinpath("data/permission_templates.json").read_bytes()
    document = loads(raw, max_bytes=MAX_BYTES)
    if not isinstance(document, dict) or not isinstance(document["templates"], list):
        message = "permission_templates.json has no list of templates"
        raise TypeError(message)
    templates = [_template(item) for item in document["templates"]]
    return {template.id: template for template in templates}


def _template(item: JsonValue) -> Template:
    if not isinstance(item, dict):
        message = "a template is an object"
        raise TypeError(message)
    kind = PermissionType(_text(item["type"]))
    return Template(
        id=TemplateId(_text(item["id"])),
        version=_number(item["version"]),
        type=kind,
        mode=_mode(item, kind),
        purpose=PurposeId(_text(item["purpose"])),
        from_kinds=frozenset(Kind(kind) for kind in _texts(item["from_kinds"])),
        to_kinds=frozenset(Kind(kind) for kind in _texts(item["to_kinds"])),
        fields=frozenset(FieldId(name) for name in _texts(item["fields"])),
        special_fields=frozenset(FieldId(name) for name in _texts(item["special_fields"])),
        legal_basis=_text(item["legal_basis"]),
        max_days=_number(item["max_days"]),
        single_use=item["single_use"] is True,
        retention_at_recipient=_text(item["retention_at_recipient"]),
        alternative=_by_language(item["alternative"]),
        consequence=_by_language(item["consequence"]),
        notices=_by_language(item["notices"]),
        status=_text(item["status"]),
        approvals=_texts(item["approvals"]),
        digest=hashlib.sha256(dumps(item)).hexdigest(),
    )


def _mode(item: dict[str, JsonValue], kind: PermissionType) -> str | None:
    """Read what a choice chooses; nothing else has a mode."""
    if (kind is PermissionType.CHOICE) is not ("mode" in item):
        message = "a choice, and nothing else, says what is chosen"
        raise TypeError(message)
    if "mode" not in item:
        return None
    mode = _text(item["mode"])
    if mode != RETRIEVE:
        message = "the only choice that is offered is to retrieve"
        raise TypeError(message)
    return mode


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        message = "a template member must be a text"
        raise TypeError(message)
    return value


def _number(value: JsonValue) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        message = "a template member must be a whole number"
        raise TypeError(message)
    return value


def _texts(value: JsonValue) -> tuple[str, ...]:
    if not isinstance(value, list):
        message = "a template member must be a list"
        raise TypeError(message)
    return tuple(_text(item) for item in value)


def _by_language(value: JsonValue) -> dict[str, str]:
    if not isinstance(value, dict) or "de" not in value:
        message = "a text has at least a German version"
        raise TypeError(message)
    return {language: _text(text) for language, text in value.items()}
