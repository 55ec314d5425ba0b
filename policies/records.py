# SPDX-License-Identifier: EUPL-1.2
"""One row of each catalogue file: its shape and how it is read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Final

from policies.errors import DeclaredInvalid
from policies.model import Declared, FieldId, Kind, NormId, Outcome, PurposeId, ReasonCode, RuleId
from policies.strict import JsonValue

PERSON_MODES: Final = frozenset({"consent-required", "explicit-consent", "statutory-choice"})
"""Modes under which a release needs an act of the person."""

CONSENT_FREE: Final[frozenset[str]] = frozenset({"statutory", "statutory-choice"})


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in German and in English."""

    de: str
    en: str

    def to_json(self) -> dict[str, JsonValue]:
        """Return ``{"de", "en"}``."""
        return {"de": self.de, "en": self.en}

    def in_(self, lang: str) -> str:
        """Return the German sentence for ``de`` and the English one otherwise."""
        return self.de if lang == "de" else self.en


@dataclass(frozen=True, slots=True)
class Agency:
    """A kind of agency."""

    id: Kind
    label: Text
    role: str
    klass: str
    """Class in law, ``social-35`` for bodies bound by SGB I § 35."""
    regime: str
    supervisor: str
    """Supervisory authority."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the public form."""
        return {
            "id": self.id,
            **self.label.to_json(),
            "role": self.role,
            "class": self.klass,
            "regime": self.regime,
            "supervisor": self.supervisor,
        }


@dataclass(frozen=True, slots=True)
class Field:
    """A data field that can be asked for."""

    id: FieldId
    category: str
    label: Text
    type: str
    value: str
    """Closed kind of value: bool, int, decimal, text, date, code, code_list, list, object, document."""
    pad_bytes: int
    """Size in bytes of every padded plaintext of this field, a multiple of 32."""
    sensitivity: str
    source: str
    standard: str
    codelist: str
    mark: str

    def to_json(self) -> dict[str, JsonValue]:
        """Return the public form."""
        return {
            "id": self.id,
            "category": self.category,
            **self.label.to_json(),
            "type": self.type,
            "value": self.value,
            "pad_bytes": self.pad_bytes,
            "sensitivity": self.sensitivity,
            "source": self.source,
            "standard": self.standard,
            "codelist": self.codelist,
            "mark": self.mark,
        }


@dataclass(frozen=True, slots=True)
class Purpose:
    """A purpose for which something can be asked."""

    id: PurposeId
    code: str
    label: Text
    azr_purpose: str
    """Purpose group of AZRG-DV § 8 III that the agency itself would give in an AZR query."""
    offered: bool
    """False for purposes that exist in law but are never served here."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the public form."""
        return {
            "id": self.id,
            "code": self.code,
            **self.label.to_json(),
            "azr_purpose": self.azr_purpose,
            "offered": self.offered,
        }


@dataclass(frozen=True, slots=True)
class Norm:
    """A norm with a one-line paraphrase, or an exact citation inside one."""

    id: NormId
    cite: str
    text: Text
    mark: str
    group: NormId | None
    """The paraphrased norm that a citation belongs to."""

    def cite_in(self, lang: str) -> str:
        """Return the citation as it is written in this language."""
        return self.cite.replace("GDPR", "DSGVO Art.") if lang == "de" else self.cite

    def to_json(self) -> dict[str, JsonValue]:
        """Return the public form."""
        return {
            "id": self.id,
            "cite": self.cite,
            **self.text.to_json(),
            "mark": self.mark,
            "group": self.group,
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """A transmission rule; the guard itself stands in Rego."""

    id: RuleId
    title: Text
    step: int
    """Step of the evaluation order at which the rule speaks."""
    mode: str
    outcome: Outcome
    refused_reason: ReasonCode
    from_kinds: tuple[str, ...]
    to_kinds: tuple[str, ...]
    purposes: tuple[str, ...]
    triggers: tuple[str, ...]
    fields: tuple[FieldId, ...]
    norms: tuple[NormId, ...]
    conditions: str
    guard: str
    consent_effect: str
    retention: str
    valid_from: date
    valid_to: date
    """Last day on which the rule may be used without a new review."""
    law_version: str
    verification: str
    sign_off: str
    """Who signed the rule off; empty is shown as "not signed off"."""

    @property
    def rests_on_person(self) -> bool:
        """True when a release under it needs an act of the person (law: consent, release, choice)."""
        return self.mode in PERSON_MODES

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

    @property
    def consent_free(self) -> bool:
        """True when the rule rests on statute and not on a permission."""
        return self.mode in CONSENT_FREE

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
            "norms": list(self.norms),
            "conditions": self.conditions,
            "guard": self.guard,
            "consent_effect": self.consent_effect,
            "retention": self.retention,
            "valid_from": self.valid_from.isoformat(),
            "valid_to": self.valid_to.isoformat(),
            "law_version": self.law_version,
            "verification": self.verification,
            "sign_off": self.sign_off or "not signed off",
        }


@dataclass(frozen=True, slots=True)
class DeclaredCode:
    """A fact that one side may assert, from a closed list."""

    id: str
    type: str
    values: tuple[Declared, ...]
    asserted_by: str
    kinds: tuple[str, ...]
    label: Text
    norm: NormId

    def may_assert(self, kind: str) -> bool:
        """Say whether an agency of this kind may assert the code."""
        return "*" in self.kinds or kind in self.kinds

    def check(self, value: Declared) -> None:
        """Check type and membership.

        Raises:
            DeclaredInvalid: ``wrong_type`` or ``unknown_value``.
        """
        expected = {"bool": bool, "int": int, "code": str}[self.type]
        if type(value) is not expected:
            raise DeclaredInvalid("wrong_type")
        if self.type != "bool" and value not in self.values:
            raise DeclaredInvalid("unknown_value")

    def to_json(self) -> dict[str, JsonValue]:
        """Return the public form."""
        return {
            "id": self.id,
            "type": self.type,
            "values": list(self.values),
            "asserted_by": self.asserted_by,
            "kinds": list(self.kinds),
            **self.label.to_json(),
            "norm": self.norm,
        }


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the sealed details of a log entry are kept."""

    id: str
    period_months: int
    end_of_year: bool
    """Erase at the end of the calendar year in which the period ends."""
    norm: str
    mark: str

    def to_json(self) -> dict[str, JsonValue]:
        """Return the public form."""
        return asdict(self)
