# SPDX-License-Identifier: EUPL-1.2
"""Does this installation decide as reviewed? Used by ``lotse policy check`` and at start-up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

from policies.bundle import Bundle
from policies.decide import Decider
from policies.document import document_bytes
from policies.errors import PolicyError
from policies.model import Decision, DecisionInput
from policies.strict import JsonValue, Reader


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked."""

    name: str
    ok: bool
    note: str


def golden_documents() -> list[Reader]:
    """Return the golden use cases that ship with the package, sorted by name."""
    folder = resources.files("policies") / "golden"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".json")), key=lambda f: f.name)
    return [Reader.of(json.loads(f.read_bytes())) for f in files]


def expected_form(decision: Decision) -> JsonValue:
    """Return a decision as the golden files write it."""
    return {
        "overall": decision.overall.value,
        "rule": decision.rule,
        "retention": decision.retention,
        "fields": {
            f.field: {"outcome": f.outcome.value, "rule": f.rule, "reasons": list(f.reasons)}
            for f in decision.fields
        },
    }


def check(decider: Decider) -> Iterator[Finding]:
    """Check the data document and every golden case; never raises for a failed case."""
    derived = document_bytes(decider.catalogue) == Bundle.load().document
    yield Finding("data document", derived, "derived from the catalogue")
    for use_case in golden_documents():
        for row in map(Reader.of, use_case.items("cases")):
            name, title = row.text("id"), row.text("title")
            try:
                decision = decider.decide(DecisionInput.from_json(row.value("input")))
            except PolicyError:
                yield Finding(name, ok=False, note=title)
                continue
            yield Finding(name, expected_form(decision) == row.value("expected"), title)
