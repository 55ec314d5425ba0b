# SPDX-License-Identifier: EUPL-1.2
"""A transmission rule and what it is made of.

What a rule names (kinds, purposes, fields, conditions, grounds, who releases) is data and reviewed
as data; what a condition means is defined once, in Rego.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from policies.model import (
    ConditionId,
    FieldId,
    NormId,
    ObligationId,
    Outcome,
    ReasonCode,
    Release,
    RuleId,
)
from policies.records import Text
from policies.strict import JsonValue

PERSON_MODES: Final = frozenset({"consent-required", "explicit-consent", "statutory-choice"})
"""Modes under which a release needs an act of the person."""

OPEN_STEP: Final = 7
"""From this step of the evaluation order on, a rule can release; before it, it only refuses."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that must be the case; Rego says when it is."""

    id: ConditionId
    reason: ReasonCode
    """What is said when it is not met."""
    outcome: Outcome
    """What follows when it is not met."""
    text: Text

    def to_json(self) -> dict[str, JsonValue]:
        """Return the public form."""
        return {
            "id": self.id,
            "reason": self.reason,
            "outcome": self.outcome.value,
            **self.text.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Obligation:
    """What the recipient or the sender has to do with a release."""

    id: ObligationId
    text: Text
    norm: NormId

    def to_json(self) -> dict[str, JsonValue]:
        """Return the public form."""
        return {"id": self.id, **self.text.to_json(), "norm": self.norm}


@dataclass(frozen=True, slots=True)
class Ground:
    """One of the grounds on which a rule releases; a rule's grounds are alternatives."""

    reason: ReasonCode
    covers: tuple[str, ...]
    """Types of permission that must all cover a field; none when the law alone carries it."""
    needs: tuple[ConditionId, ...]

    def to_json(self) -> dict[str, JsonValue]:
        """Return the public form."""
        return {"reason": self.reason, "covers": list(self.covers), "needs": list(self.needs)}


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who signed a rule off; the officer's opinion stands beside it and replaces nothing."""

    head_of_unit: str
    dpo_opinion: str

    def to_json(self) -> dict[str, JsonValue]:
        """Return the public form; what is empty is said to be missing."""
        return {
            "head_of_unit": self.head_of_unit or "not signed off",
            "dpo_opinion": self.dpo_opinion or "no opinion yet",
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """A transmission rule."""

    id: RuleId
    title: Text
    step: int
    """Step of the evaluation order at which the rule speaks."""
    mode: str
    outcome: Outcome
    refused_reason: ReasonCode | None
    """What is said when it refuses by itself; None when its conditions and grounds say it."""
    from_kinds: tuple[str, ...]
    to_kinds: tuple[str, ...]
    purposes: tuple[str, ...]
    triggers: tuple[str, ...]
    fields: tuple[FieldId, ...]
    when: tuple[ConditionId, ...]
    """Conditions under which it speaks at all."""
    needs: tuple[ConditionId, ...]
    """Conditions without which it refuses the whole."""
    field_needs: Mapping[FieldId, tuple[ConditionId, ...]]
    """Conditions without which it refuses one field."""
    grounds: tuple[Ground, ...]
    release: Release
    obligations: tuple[ObligationId, ...]
    norms: tuple[NormId, ...]
    conditions: str
    """The conditions in prose, as the reviewed source has them."""
    guard: str
    """The guard as the reviewed source has it."""
    consent_effect: str
    retention: str
    valid_from: date
    valid_to: date
    """Last day on which the rule may be used without a new review."""
    law_version: str
    verification: str
    sign_off: SignOff

    @property
    def rests_on_person(self) -> bool:
        """True when a release under it can need an act of the person."""
        return self.mode in PERSON_MODES or any(ground.covers for ground in self.grounds)

    @property
    def releases(self) -> bool:
        """True when it can release something; every other rule only refuses."""
        return self.step >= OPEN_STEP and bool(self.grounds)

    @property
    def signed_off(self) -> bool:
        """True when the head of the unit has signed."""
        return bool(self.sign_off.head_of_unit)

    @property
    def named_conditions(self) -> tuple[ConditionId, ...]:
        """Every condition the rule names, anywhere."""
        by_field = [c for needs in self.field_needs.values() for c in needs]
        by_ground = [c for ground in self.grounds for c in ground.needs]
        return (*self.when, *self.needs, *by_field, *by_ground)

    def speaks_of(self, from_kind: str, to_kind: str, purpose: str, trigger: str) -> bool:
        """Say whether it names these kinds, this purpose and this trigger; ``*`` names all."""
        return all(
            "*" in named or value in named
            for named, value in (
                (self.from_kinds, from_kind),
                (self.to_kinds, to_kind),
                (self.purposes, purpose),
                (self.triggers, trigger),
            )
        )

    def to_json(self) -> dict[str, JsonValue]:
        """Return the public form."""
        return {
            "id": self.id,
            "title": self.title.to_json(),
            "step": self.step,
            "mode": self.mode,
            "outcome": self.outcome.value,
            "from": list(self.from_kinds),
            "to": list(self.to_kinds),
            "purposes": list(self.purposes),
            "triggers": list(self.triggers),
            "fields": list(self.fields),
            "when": list(self.when),
            "needs": list(self.needs),
            "field_needs": {field: list(needs) for field, needs in self.field_needs.items()},
            "grounds": [ground.to_json() for ground in self.grounds],
            "release": self.release,
            "obligations": list(self.obligations),
            "norms": list(self.norms),
            "conditions": self.conditions,
            "guard": self.guard,
            "consent_effect": self.consent_effect,
            "retention": self.retention,
            "valid_from": self.valid_from.isoformat(),
            "valid_to": self.valid_to.isoformat(),
            "law_version": self.law_version,
            "verification": self.verification,
            "sign_off": self.sign_off.to_json(),
        }
