# SPDX-License-Identifier: EUPL-1.2
"""The JSON Schemas of a case and its answer, derived from the catalogue.

``policies/schemas/case.schema.json`` and ``answer.schema.json`` hold what these functions give;
``python -m policies.build`` writes them. Every object is closed, and each name says who may
assert it: ``x-asserted-by`` names the sides, ``x-kinds`` the kinds of agency, ``x-norm`` the norm.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from policies.case import AGREEMENT_NAMES, TAGS, is_callers
from policies.case_permissions import ALSO_CALLED, GIVERS, MODES
from policies.codes import PERMISSION_TYPES, TRIGGERS, Outcome

if TYPE_CHECKING:
    from policies.catalogue import Catalogue
    from policies.records import DeclaredCode

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_FLAG: Final = {"type": ["boolean", "null"]}
_DIGEST: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_INSTANT: Final = {
    "type": ["string", "null"],
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3,6})?(Z|[+-]\d{2}:\d{2})$",
    "description": "An instant such as 2026-11-22T10:00:00Z.",
}
_AGREEMENT: Final = {
    "in_force": "The agreement between the two agencies is in force; true if left out.",
    "recipient_undertaking_78": "The recipient has signed the undertaking of SGB X § 78 I 2.",
    "approval_79": "Automated retrieval is approved under SGB X § 79.",
    "pilot_agreed": "Both agencies agreed on a pilot beside XAusländer.",
    "state_law_basis": "The agreement names the state law that orders the report.",
    "recipient_abroad": "The recipient is outside Germany.",
}
_HOLDER: Final = {
    "info_block": "An information block stands against the person; left out: nobody has looked.",
    "released_by_source": "A clerk of the source has released this very exchange.",
    "released_by_head": "The head of the source has released this very exchange.",
}


def schema_files(catalogue: Catalogue) -> dict[str, bytes]:
    """Return the two derived schemas by file name, as the files hold them."""
    schemas = {"case": case_schema(catalogue), "answer": answer_schema(catalogue)}
    return {
        f"{name}.schema.json": (json.dumps(s, indent=1, ensure_ascii=False) + "\n").encode()
        for name, s in schemas.items()
    }


def case_schema(catalogue: Catalogue) -> dict[str, Any]:
    """Return the schema of one case; ``policies.case`` also accepts nothing else."""
    definitions = {
        "kind": {"enum": list(catalogue.agencies), "description": "Kind of an agency."},
        "purpose": {"enum": list(catalogue.purposes)},
        "field": {"enum": list(catalogue.fields)},
        "fields": {"type": ["array", "null"], "items": _ref("field")},
        "instant": _INSTANT,
        "tag": {"enum": list(TAGS)},
        "permission": _permission(),
    }
    members = {
        "from": _ref("kind", "Kind of the agency that holds the data."),
        "to": _ref("kind", "Kind of the agency that would get it."),
        "purpose": _ref("purpose"),
        "trigger": {"enum": sorted(TRIGGERS), "description": "What sets the transfer off."},
        "fields": {
            "type": "array",
            "items": _ref("field"),
            "minItems": 1,
            "maxItems": len(catalogue.fields),
        },
        "declared": _object(
            {code.id: _declared(code, catalogue) for code in _declarable(catalogue)},
            "What the caller asserts; what is left out is not true, but for azr_available.",
        ),
        "agreement": _object(
            {
                name: _FLAG | {"description": _AGREEMENT[name], "x-asserted-by": ["agreement"]}
                for name in ("in_force", *AGREEMENT_NAMES)
            },
            "What the signed agency list says of the two agencies.",
        ),
        "permissions": {
            "type": ["array", "null"],
            "items": _ref("permission"),
            "description": "What the person allowed.",
        },
        "holder": _holder(catalogue),
        "at": _ref("instant"),
    }
    return {
        "$schema": _DIALECT,
        "title": "One case",
        "description": "Derived from the catalogue by policies/case_schema.py.",
        **_closed(members, required=("from", "to", "purpose", "trigger", "fields")),
        "$defs": definitions,
    }


def answer_schema(catalogue: Catalogue) -> dict[str, Any]:
    """Return the schema of the answer to one case, or of why the case cannot be read."""
    text = {"type": "string", "minLength": 1}
    verdict = _whole(
        outcome={"enum": [outcome.value for outcome in Outcome]},
        rule={"enum": list(catalogue.rules)},
        norm=text,
        reason=_ref("reason"),
        reasons={"type": "array", "items": _ref("reason"), "minItems": 1, "uniqueItems": True},
    )
    duty = _whole(id={"enum": list(catalogue.obligations)}, de=text, en=text, norm=text)
    policy = _whole(catalogue=text, as_of=text, bundle=_DIGEST, engine=text, input=_DIGEST)
    answer = _whole(
        outcome={"enum": [outcome.value for outcome in Outcome]},
        fields=_closed({str(field): _ref("verdict") for field in catalogue.fields}),
        obligations={"type": "array", "items": duty, "uniqueItems": True},
        policy=policy,
    )
    return {
        "$schema": _DIALECT,
        "title": "Answer to one case",
        "description": "Derived from the catalogue by policies/case_schema.py.",
        "anyOf": [_ref("answer"), _ref("unreadable")],
        "$defs": {
            "answer": answer,
            "unreadable": _whole(error=_whole(where=text, problem=text)),
            "verdict": verdict,
            "reason": {"enum": list(catalogue.reasons)},
        },
    }


def _declarable(catalogue: Catalogue) -> list[DeclaredCode]:
    return [code for code in catalogue.declared.values() if is_callers(code)]


def _declared(code: DeclaredCode, catalogue: Catalogue) -> dict[str, Any]:
    shapes: dict[str, dict[str, Any]] = {
        "bool": {"type": ["boolean", "null"]},
        "code": {"enum": [*code.values, None]},
        "int": {
            "type": ["integer", "null"],
            "minimum": code.span.start,
            "maximum": code.span.stop - 1,
        },
    }
    sides = " or ".join(code.asserted_by)
    kinds = "of any kind" if "*" in code.kinds else f"({', '.join(code.kinds)})"
    return {
        **shapes[code.type],
        "description": f"{code.label.en} Asserted by the {sides} {kinds}.",
        "x-asserted-by": list(code.asserted_by),
        "x-kinds": list(code.kinds),
        "x-norm": catalogue.norm(code.norm).cite,
    }


def _permission() -> dict[str, Any]:
    members: dict[str, Any] = {
        "type": {"enum": [*PERMISSION_TYPES, *ALSO_CALLED]},
        "valid": _FLAG | {"description": "Must be true, or the permission is none."},
        "from": _or_null("kind", "Must be the case's; left out: covers nothing."),
        "to": _or_null("kind", "Must be the case's; left out: covers nothing."),
        "recipient": _or_null("kind", "As `to`, for a release from secrecy."),
        "purpose": _or_null("purpose", "Must be the case's; left out: covers nothing."),
        "fields": _ref("fields", "Left out: covers nothing."),
        "items": _ref("fields", "As `fields`, for a release from secrecy."),
        "single_use": _FLAG | {"description": "True if left out."},
        "used": _FLAG,
        "mode": {"enum": [*MODES, None], "description": "What the person chose."},
        "preview_confirmed": _FLAG | {"description": "The person confirmed the preview."},
        "given_at": _ref("instant"),
        "expires_at": _ref("instant"),
        "revoked_at": _ref("instant"),
        "given_by": {"enum": [*GIVERS, None]},
    }
    return {**_closed(members, required=("type",)), "x-asserted-by": ["person"]}


def _holder(catalogue: Catalogue) -> dict[str, Any]:
    said: dict[str, Any] = {"x-asserted-by": ["holder"]}
    members = {name: _FLAG | {"description": text} | said for name, text in _HOLDER.items()}
    tags = {str(field): _ref("tag") for field in catalogue.fields}
    told = "Where the content of a field came from; the tag travels with the data."
    members["provenance"] = _object(tags, told) | said
    return _object(members, "What only the holding agency knows.")


def _object(members: dict[str, Any], description: str) -> dict[str, Any]:
    """A closed object that may be left out; null is the same as leaving it out."""
    closed = _closed(members)
    return {**closed, "type": ["object", "null"], "description": description}


def _closed(members: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    wanted = {"required": list(required)} if required else {}
    return {"type": "object", "additionalProperties": False, **wanted, "properties": members}


def _whole(**members: Any) -> dict[str, Any]:
    """A closed object in which nothing is left out."""
    return _closed(members, required=tuple(members))


def _ref(name: str, description: str = "") -> dict[str, Any]:
    said = {"description": description} if description else {}
    return {"$ref": f"#/$defs/{name}", **said}


def _or_null(name: str, description: str) -> dict[str, Any]:
    """Null is the same as leaving it out."""
    return {"anyOf": [_ref(name), {"type": "null"}], "description": description}
