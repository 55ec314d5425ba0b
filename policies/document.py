# SPDX-License-Identifier: EUPL-1.2
"""The data document that the Rego rules read, derived from the reviewed catalogue.

Lists become objects with ``true`` values, because Rego looks keys up faster than it walks lists;
wildcards are written out, so that an unknown code never matches a rule.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from policies.catalogue import Catalogue
from policies.model import PERMISSION_TYPES, TRIGGERS, Outcome
from policies.rules import Ground, Rule
from policies.strict import JsonValue

_SHORTFALL: Final[dict[str, tuple[str, str]]] = {
    # permission type -> (reason when there is none, stem of the other reasons)
    "consent": ("consent_missing", "consent"),
    "explicit_consent": ("explicit_consent_missing", "consent"),
    "release_203": ("release_missing", "release"),
    "release_65": ("release_missing", "release"),
    "mandate": ("mandate_missing", "mandate"),
    "choice": ("choice_missing", "choice"),
}

PERSON: Final = "PERS"
PROCESSOR: Final = "GW"
"""Kind of the operator of the middle, a processor and never a recipient of a file."""

_ASKED_FOR: Final[dict[str, Outcome]] = {
    "consent": Outcome.NEED_CONSENT,
    "explicit_consent": Outcome.NEED_EXPLICIT_A9,
    "release_203": Outcome.NEED_RELEASE_203,
    "release_65": Outcome.NEED_RELEASE_203,
    "mandate": Outcome.NEED_CONSENT,
    "choice": Outcome.NEED_CHOICE,
}
"""What is asked of the person when a rule of consent or choice lacks this permission."""

_SPOKEN_BY_REGO: Final[frozenset[str]] = frozenset(
    {
        "no_agreement",
        "input_incomplete",
        "purpose_missing",
        "not_in_rule",
        "entrusted_65",
        "rule_lapsed",
        "human_release_pending",
        "head_release_pending",
        "human_released",
        "no_data",
    }
)
"""Reasons that stand in the Rego text or, for ``no_data``, are what an asker is told (P5)."""


def engine_document(catalogue: Catalogue) -> dict[str, JsonValue]:
    """Return the document the engines load as ``data``; its only root is ``catalogue``."""
    reasons = sorted(catalogue.reasons.values(), key=lambda r: r.rank)
    order: list[JsonValue] = [r.code for r in reasons]
    return {
        "catalogue": {
            "version": catalogue.version,
            "rules": {rule.id: _rule(rule, catalogue) for rule in catalogue.rules.values()},
            "purposes": {p.id: p.offered for p in catalogue.purposes.values()},
            "reason_order": order,
            "reason_rank": {r.code: r.rank for r in reasons},
            "conditions": {
                c.id: {"reason": c.reason, "outcome": c.outcome.value}
                for c in catalogue.conditions.values()
            },
            "reason_codes": _flags(catalogue.declared["reason_code"].values),
            "decisions": _flags(v for v in catalogue.declared["decision"].values if v != ""),
            "permission_types": {
                name: {"reasons": dict(shortfalls(name))} for name in PERMISSION_TYPES
            },
        }
    }


def document_bytes(catalogue: Catalogue) -> bytes:
    """Return the document as the file ``policies/rego/data.json`` holds it."""
    return (
        json.dumps(engine_document(catalogue), indent=1, sort_keys=True, ensure_ascii=True) + "\n"
    ).encode("ascii")


def _rule(rule: Rule, catalogue: Catalogue) -> dict[str, JsonValue]:
    return {
        "from": _flags(_written_out(rule.from_kinds, catalogue.agencies)),
        "to": _flags(_written_out(rule.to_kinds, _recipients(rule, catalogue))),
        "purposes": _flags(_written_out(rule.purposes, _purposes(rule, catalogue))),
        "triggers": _flags(_written_out(rule.triggers, TRIGGERS)),
        "fields": _flags(rule.fields),
        "step": rule.step,
        "outcome": rule.outcome.value,
        "refused_reason": rule.refused_reason or "",
        "release": rule.release,
        "when": _flags(rule.when),
        "needs": _flags(rule.needs),
        "field_needs": {field: _flags(needs) for field, needs in rule.field_needs.items()},
        "grounds": [_ground(ground, rule) for ground in rule.grounds],
        "asks_release": bool(rule.grounds)
        and all("release_203" in ground.covers for ground in rule.grounds),
    }


def _ground(ground: Ground, rule: Rule) -> JsonValue:
    """What follows when a permission is missing: under a statute nobody is asked for one."""
    covers: list[JsonValue] = [
        {
            "type": name,
            "else": (Outcome.DENY if rule.mode == "statutory" else _ASKED_FOR[name]).value,
        }
        for name in ground.covers
    ]
    return {
        "reason": ground.reason,
        "covers": covers,
        "needs": _flags(ground.needs),
        "lapses": _lapses(ground, rule),
    }


def _lapses(ground: Ground, rule: Rule) -> bool:
    """Say whether a clerk looks once the rule is past its date: what rests on the law, not on a person.

    Nobody could look where only the person sends.
    """
    by_law = rule.mode in {"statutory", "statutory-choice"} or ground.reason == "statute"
    return by_law and rule.from_kinds != (PERSON,)


def _recipients(rule: Rule, catalogue: Catalogue) -> list[str]:
    """A rule that releases to "all" does not release to the processor in the middle."""
    return [k for k in catalogue.agencies if not rule.releases or k != PROCESSOR]


def _purposes(rule: Rule, catalogue: Catalogue) -> list[str]:
    """A rule that releases for "all" purposes does not release for one that is not offered."""
    return [p.id for p in catalogue.purposes.values() if not rule.releases or p.offered]


def _written_out(codes: Iterable[str], known: Iterable[str]) -> list[str]:
    chosen = list(codes)
    return list(known) if chosen == ["*"] else chosen


def _flags(codes: Iterable[object]) -> dict[str, JsonValue]:
    return {str(code): True for code in sorted(str(c) for c in codes)}


def shortfalls(permission_type: str) -> dict[str, str]:
    """Return the reason for each state in which this type of permission does not carry a field.

    A mandate is no consent and is never called one: it carries the field, or there is none that does.
    """
    missing, stem = _SHORTFALL[permission_type]
    if permission_type == "mandate":
        return dict.fromkeys(("none", "in_force", "withdrawn", "expired", "used"), missing)
    return {
        "none": missing,
        "in_force": f"{stem}_scope",
        "withdrawn": f"{stem}_revoked",
        "expired": f"{stem}_expired",
        "used": f"{stem}_used",
    }


def emitted_reasons(catalogue: Catalogue) -> frozenset[str]:
    """Return every reason code that a decision or an answer can carry."""
    spoken = set(_SPOKEN_BY_REGO)
    for rule in catalogue.rules.values():
        if rule.refused_reason is not None:
            spoken.add(rule.refused_reason)
        for ground in rule.grounds:
            spoken.add(ground.reason)
            for name in ground.covers:
                spoken.update(shortfalls(name).values())
        # A prohibition that does not apply is not mentioned, so its conditions say nothing.
        said = set(rule.named_conditions) - set(rule.when)
        alternatives = {c for ground in rule.grounds[1:] for c in ground.needs}
        spoken.update(catalogue.conditions[c].reason for c in said - alternatives)
    return frozenset(spoken)
