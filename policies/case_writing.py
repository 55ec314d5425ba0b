# SPDX-License-Identifier: EUPL-1.2
"""Writing a question about the rules alone as the case that ``lotse policy decide`` reads."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from policies.case import AGREEMENT_NAMES
from policies.inputs import HolderFacts, PermissionFacts

if TYPE_CHECKING:
    from policies.inputs import DecisionInput
    from policies.strict import JsonValue

NOBODY_LOOKED: Final = HolderFacts(info_block=None)
"""What a question about the rules alone knows of a holder and of a person there."""


def write_rules_case(question: DecisionInput, at: dt.datetime) -> dict[str, JsonValue]:
    """Give the case that reads back to this question, in the form of a case file.

    Raises:
        ValueError: the question knows something of a person or of what only a holder knows.
    """
    if question.permission != PermissionFacts() or question.holder != NOBODY_LOOKED:
        raise ValueError("not a question about the rules alone")
    facts = question.agreement.to_json()
    stated = {name: facts[fact] for name, fact in AGREEMENT_NAMES.items()}
    return {
        "from": question.from_kind,
        "to": question.to_kind,
        "purpose": question.purpose,
        "trigger": question.trigger,
        "fields": list(question.fields),
        "declared": dict(question.declared),
        "agreement": {"in_force": question.agreement.in_force, **stated},
        "at": at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
