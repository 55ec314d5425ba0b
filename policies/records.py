# SPDX-License-Identifier: EUPL-1.2
"""One row of each catalogue file: its shape and how it is read."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from policies.errors import DeclaredInvalid
from policies.model import Declared, FieldId, Kind, NormId, PurposeId
from policies.strict import JsonValue


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
class DeclaredCode:
    """A fact that one side may assert, from a closed list."""

    id: str
    type: str
    values: tuple[Declared, ...]
    """The closed list; empty for numbers, which have a range."""
    span: range
    """Allowed numbers; empty for everything else."""
    asserted_by: tuple[str, ...]
    """Sides that may assert it: asker, sender, holder."""
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
        known = value in self.span if self.type == "int" else value in self.values
        # An empty code says nothing; who has nothing to say leaves the name out.
        if value == "" or not known:
            raise DeclaredInvalid("unknown_value")

    def to_json(self) -> dict[str, JsonValue]:
        """Return the public form."""
        return {
            "id": self.id,
            "type": self.type,
            "values": list(self.values),
            "least": self.span.start if self.span else None,
            "most": self.span.stop - 1 if self.span else None,
            "asserted_by": list(self.asserted_by),
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
