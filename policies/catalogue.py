# SPDX-License-Identifier: EUPL-1.2
"""The facts of law as data: who exists, what may be asked, which rule says what.

The files under ``policies/data`` are the reviewed source; each has a JSON Schema under
``policies/schemas``.
``Catalogue.load`` reads them strictly and refuses any reference that leads nowhere, so that a
typing mistake in a data file stops the start and never becomes a wrong decision.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final, TypeVar

from policies.errors import CatalogueInvalid, DeclaredInvalid, InputInvalid, UnknownCode
from policies.model import (
    SENDER_TRIGGERS,
    TRIGGERS,
    ConditionId,
    Declared,
    FieldId,
    Kind,
    NormId,
    ObligationId,
    PurposeId,
    ReasonCode,
    RuleId,
)
from policies.reading import (
    read_agency,
    read_condition,
    read_declared,
    read_field,
    read_norms,
    read_obligation,
    read_purpose,
    read_reason,
    read_retention,
    read_rule,
)
from policies.reasons import Reason
from policies.records import (
    Agency,
    DeclaredCode,
    Field,
    Norm,
    Purpose,
    Retention,
)
from policies.references import check_references
from policies.rules import Condition, Obligation, Rule
from policies.strict import JsonValue, Reader

DATA_FILES: Final[tuple[str, ...]] = (
    "agencies.json",
    "conditions.json",
    "declared.json",
    "fields.json",
    "norms.json",
    "obligations.json",
    "purposes.json",
    "reasons.json",
    "retention.json",
    "rules.json",
)

_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that may be said in an exchange, by code."""

    version: str
    """Version of the catalogue, lower case, ``cat`` in the envelope context."""
    as_of: date
    agencies: Mapping[Kind, Agency]
    fields: Mapping[FieldId, Field]
    purposes: Mapping[PurposeId, Purpose]
    rules: Mapping[RuleId, Rule]
    conditions: Mapping[ConditionId, Condition]
    obligations: Mapping[ObligationId, Obligation]
    norms: Mapping[NormId, Norm]
    reasons: Mapping[ReasonCode, Reason]
    declared: Mapping[str, DeclaredCode]
    retention: Mapping[str, Retention]

    @classmethod
    def load(cls) -> Catalogue:
        """Return the catalogue that ships with this package; read once per process.

        Raises:
            CatalogueInvalid: a data file is malformed or refers to something unknown.
        """
        return _load()

    @classmethod
    def from_documents(cls, documents: Mapping[str, JsonValue]) -> Catalogue:
        """Build a catalogue from parsed data files, keyed by file name.

        Raises:
            CatalogueInvalid: a document is malformed or refers to something unknown.
        """
        try:
            return _build(documents)
        except (InputInvalid, KeyError, ValueError) as error:
            raise CatalogueInvalid(f"data files: {error}") from error

    def agency(self, kind: str) -> Agency:
        """Return the agency kind, or raise ``UnknownCode``."""
        return _get(self.agencies, Kind(kind), "agency kind")

    def field(self, name: str) -> Field:
        """Return the field, or raise ``UnknownCode``."""
        return _get(self.fields, FieldId(name), "field")

    def purpose(self, name: str) -> Purpose:
        """Return the purpose, or raise ``UnknownCode``."""
        return _get(self.purposes, PurposeId(name), "purpose")

    def rule(self, name: str) -> Rule:
        """Return the rule, or raise ``UnknownCode``."""
        return _get(self.rules, RuleId(name), "rule")

    def norm(self, name: str) -> Norm:
        """Return the norm or citation, or raise ``UnknownCode``."""
        return _get(self.norms, NormId(name), "norm")

    def reason(self, code: str) -> Reason:
        """Return the reason, or raise ``UnknownCode``."""
        return _get(self.reasons, ReasonCode(code), "reason")

    @property
    def pad_bytes(self) -> Mapping[str, int]:
        """Size in bytes to which every value of a field is padded before sealing."""
        return MappingProxyType({str(f.id): f.pad_bytes for f in self.fields.values()})

    def validate_declared(
        self, trigger: str, declared: Mapping[str, Declared], *, kind: str | None = None
    ) -> None:
        """Check the codes that the caller asserts in a statement.

        The caller's side follows from the trigger: a pull is asked by the recipient (asker),
        a push is started by the holding agency (sender).
        ``kind`` is the caller's own kind from the credential; some codes are reserved to kinds.

        Raises:
            DeclaredInvalid: ``unknown_trigger``, ``unknown_code``, ``not_yours``,
                ``wrong_type`` or ``unknown_value``.
        """
        if trigger not in TRIGGERS:
            raise DeclaredInvalid("unknown_trigger")
        side = "sender" if trigger in SENDER_TRIGGERS else "asker"
        self.validate_side(side, declared, kind=kind)

    def validate_side(
        self, side: str, declared: Mapping[str, Declared], *, kind: str | None = None
    ) -> None:
        """Check codes that ``side`` (asker, sender or holder) asserts.

        Raises:
            DeclaredInvalid: see ``validate_declared``.
        """
        for name, value in declared.items():
            code = self.declared.get(name)
            if code is None:
                raise DeclaredInvalid("unknown_code")
            if side not in code.asserted_by:
                raise DeclaredInvalid("not_yours")
            if kind is not None and not code.may_assert(kind):
                raise DeclaredInvalid("not_yours")
            code.check(value)

    def to_public_json(self) -> dict[str, JsonValue]:
        """Return what ``GET /v1/catalogue`` shows: everything, it contains no secret."""
        return {
            "version": self.version,
            "as_of": self.as_of.isoformat(),
            "agencies": [a.to_json() for a in self.agencies.values()],
            "fields": [f.to_json() for f in self.fields.values()],
            "purposes": [p.to_json() for p in self.purposes.values()],
            "rules": [r.to_json() for r in self.rules.values()],
            "conditions": [c.to_json() for c in self.conditions.values()],
            "obligations": [o.to_json() for o in self.obligations.values()],
            "norms": [n.to_json() for n in self.norms.values()],
            "reasons": [r.to_json() for r in self.reasons.values()],
            "declared": [d.to_json() for d in self.declared.values()],
            "retention": [r.to_json() for r in self.retention.values()],
        }


def _get(mapping: Mapping[_K, _V], key: _K, kind: str) -> _V:
    try:
        return mapping[key]
    except KeyError:
        raise UnknownCode(kind) from None


def read_documents() -> dict[str, bytes]:
    """Return the bytes of every data file of the package, keyed by file name."""
    folder = resources.files("policies") / "data"
    return {name: (folder / name).read_bytes() for name in DATA_FILES}


@cache
def _load() -> Catalogue:
    return Catalogue.from_documents(
        {name: json.loads(content) for name, content in read_documents().items()}
    )


def _rows(documents: Mapping[str, JsonValue], file: str, key: str) -> list[Reader]:
    return [Reader.of(row) for row in Reader.of(documents[file]).items(key)]


def _index(file: str, pairs: list[tuple[_K, _V]]) -> Mapping[_K, _V]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise CatalogueInvalid(f"{file}: an id occurs twice")
    return MappingProxyType(result)


def _build(documents: Mapping[str, JsonValue]) -> Catalogue:
    head = Reader.of(documents["rules.json"])
    norms = read_norms(Reader.of(documents["norms.json"]))

    def indexed(name: str, key: str, read: Callable[[Reader], _V], id_of: str) -> Mapping[Any, _V]:
        file = f"{name}.json"
        rows = map(read, _rows(documents, file, key))
        return _index(file, [(getattr(row, id_of), row) for row in rows])

    reasons = [
        read_reason(row, rank)
        for rank, row in enumerate(_rows(documents, "reasons.json", "reasons"))
    ]
    catalogue = Catalogue(
        version=head.text("version"),
        as_of=date.fromisoformat(head.text("as_of")),
        agencies=indexed("agencies", "agencies", read_agency, "id"),
        fields=indexed("fields", "fields", read_field, "id"),
        purposes=indexed("purposes", "purposes", read_purpose, "id"),
        rules=indexed("rules", "rules", read_rule, "id"),
        conditions=indexed("conditions", "conditions", read_condition, "id"),
        obligations=indexed("obligations", "obligations", read_obligation, "id"),
        norms=_index("norms.json", [(n.id, n) for n in norms]),
        reasons=_index("reasons.json", [(r.code, r) for r in reasons]),
        declared=indexed("declared", "declared", read_declared, "id"),
        retention=indexed("retention", "classes", read_retention, "id"),
    )
    check_references(catalogue)
    return catalogue
