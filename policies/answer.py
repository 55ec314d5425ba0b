# SPDX-License-Identifier: EUPL-1.2
"""A decision as a document that a person or a program reads: the answer to a case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from policies.model import Outcome

if TYPE_CHECKING:
    from policies.catalogue import Catalogue
    from policies.decide import Decider
    from policies.decision import Decision, FieldDecision
    from policies.rules import Obligation
    from policies.strict import JsonValue

_BINDING: Final = (Outcome.ALLOW_MIN, Outcome.HOLD_HUMAN)
"""Outcomes that something goes with: what is sent, and what a clerk may still send."""


def answer(decision: Decision, decider: Decider) -> dict[str, JsonValue]:
    """Return outcome, one entry per field, obligations, and the rules that decided."""
    catalogue = decider.catalogue
    return {
        "outcome": decision.overall.value,
        "fields": {field.field: _field(field, catalogue) for field in decision.fields},
        "obligations": [o.to_json() for o in obligations(decision, catalogue)],
        "policy": {
            "catalogue": catalogue.version,
            "as_of": catalogue.as_of.isoformat(),
            "bundle": decision.bundle,
            "engine": decider.engine_name,
            "input": decision.input_digest,
        },
    }


def obligations(decision: Decision, catalogue: Catalogue) -> tuple[Obligation, ...]:
    """Return what the parties have to do with what is sent or held, each once, in rule order."""
    found: dict[str, Obligation] = {}
    for field in decision.fields:
        if field.outcome in _BINDING:
            for name in catalogue.rule(field.rule).obligations:
                found[name] = catalogue.obligations[name]
    return tuple(found.values())


def norms_of(field: FieldDecision, catalogue: Catalogue, lang: str = "en") -> str:
    """Return the citations behind one field, as they are written in this language."""
    return "; ".join(catalogue.norm(norm).cite_in(lang) for norm in field.norms)


def _field(field: FieldDecision, catalogue: Catalogue) -> JsonValue:
    return {
        "outcome": field.outcome.value,
        "rule": field.rule,
        "norm": norms_of(field, catalogue),
        "reason": field.reason,
        "reasons": list(field.reasons),
    }
