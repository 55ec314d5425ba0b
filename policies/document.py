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
from policies.records import Rule
from policies.strict import JsonValue

HARD_REASONS: Final[tuple[str, ...]] = (
    "initiator_missing",
    "procedure_not_electronic",
    "undertaking_78_missing",
)
"""Objections that no permission can cure; with one of them the field is simply denied."""

_SHORTFALL: Final[dict[str, tuple[str, str]]] = {
    # permission type -> (reason when there is none, stem of the other reasons)
    "consent": ("consent_missing", "consent"),
    "explicit_consent": ("consent_missing", "consent"),
    "release_203": ("release_missing", "release"),
    "release_65": ("release_missing", "release"),
    "mandate": ("mandate_missing", "consent"),
    "choice": ("choice_missing", "choice"),
}

_NEEDS: Final[frozenset[Outcome]] = frozenset(
    {
        Outcome.NEED_CONSENT,
        Outcome.NEED_RELEASE_203,
        Outcome.NEED_CHOICE,
        Outcome.NEED_EXPLICIT_A9,
    }
)


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
            "hard_reasons": _flags(HARD_REASONS),
            "reason_codes": _flags(catalogue.declared["reason_code"].values),
            "decisions": _flags(catalogue.declared["decision"].values),
            "permission_types": {name: _shortfall(name) for name in PERMISSION_TYPES},
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
        "to": _flags(_written_out(rule.to_kinds, catalogue.agencies)),
        "purposes": _flags(_written_out(rule.purposes, catalogue.purposes)),
        "triggers": _flags(_written_out(rule.triggers, TRIGGERS)),
        "fields": _flags(rule.fields),
        "step": rule.step,
        "outcome": rule.outcome.value,
        "refused_outcome": (rule.outcome if rule.outcome in _NEEDS else Outcome.DENY).value,
        "refused_reason": rule.refused_reason,
        "human": rule.outcome is Outcome.HOLD_HUMAN,
        "consent_free": rule.consent_free,
    }


def _written_out(codes: Iterable[str], known: Iterable[str]) -> list[str]:
    chosen = list(codes)
    return list(known) if chosen == ["*"] else chosen


def _flags(codes: Iterable[object]) -> dict[str, JsonValue]:
    return {str(code): True for code in sorted(str(c) for c in codes)}


def _shortfall(name: str) -> dict[str, JsonValue]:
    missing, stem = _SHORTFALL[name]
    return {
        "none": missing,
        "in_force": f"{stem}_scope",
        "withdrawn": f"{stem}_revoked",
        "expired": f"{stem}_expired",
        "used": f"{stem}_used",
    }
