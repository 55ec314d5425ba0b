# SPDX-License-Identifier: EUPL-1.2
"""Which released fields rest on the person, and what is said when a permission ended. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model import Withheld
from policies.document import shortfalls
from policies.model import Outcome

if TYPE_CHECKING:
    from policies.catalogue import Catalogue
    from policies.decision import Decision, FieldDecision

_WOULD_GO = frozenset({Outcome.ALLOW_MIN, Outcome.HOLD_HUMAN})


def rests_on(catalogue: Catalogue | None, one: FieldDecision) -> tuple[str, ...]:
    """Give the types of permission that carry a released field; none: the law alone does.

    The reason names the ground. A reason that names none of the rule's counts as the person's, and
    so does a field that was decided by rules that are kept no longer (`catalogue` is None).
    """
    if catalogue is None:
        return ("consent",)
    grounds = catalogue.rule(one.rule).grounds
    for ground in grounds:
        if ground.reason in one.reasons:
            return ground.covers
    return next((ground.covers for ground in grounds if ground.covers), ())


def ended_fields(
    catalogue: Catalogue | None, decision: Decision, ended: str
) -> tuple[Withheld, ...]:
    """Say of each field that would have left why it did not: a permission is `ended`.

    An envelope leaves whole or not at all; a field that needed no permission stays for the reason
    of the one that did.
    """
    types = [kind for one in decision.released for kind in rests_on(catalogue, one)]
    first = types[0] if types else "consent"
    return tuple(
        Withheld(
            one.field,
            _outcome(catalogue, one),
            one.rule,
            one.norms,
            (_reason((*rests_on(catalogue, one), first)[0], ended),),
        )
        for one in decision.released + decision.neutral
    )


def _outcome(catalogue: Catalogue | None, one: FieldDecision) -> Outcome:
    """What the rule says without the permission; a statute asks nobody for one."""
    if catalogue is None:
        return Outcome.DENY
    asked_for = catalogue.rule(one.rule).outcome
    return Outcome.DENY if asked_for in _WOULD_GO else asked_for


def _reason(kind: str, ended: str) -> str:
    known = shortfalls(kind)
    return known.get(ended, known["expired"])
