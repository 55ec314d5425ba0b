# SPDX-License-Identifier: EUPL-1.2
"""Does this installation decide as reviewed? Used by ``lotse policy check`` and at start-up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies.bundle import Bundle
from policies.decide import Decider
from policies.document import document_bytes
from policies.errors import PolicyError
from policies.golden_cases import golden_cases


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked."""

    name: str
    ok: bool
    note: str


def check(decider: Decider) -> Iterator[Finding]:
    """Check the data document and every golden case; never raises for a failed case."""
    derived = document_bytes(decider.catalogue) == Bundle.load().document
    yield Finding("data document", derived, "derived from the catalogue")
    for case in golden_cases():
        try:
            ok = case.agrees(decider.decide(case.question(decider.catalogue)))
        except PolicyError:
            ok = False
        yield Finding(case.id, ok, case.title)
