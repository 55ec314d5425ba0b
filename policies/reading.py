# SPDX-License-Identifier: EUPL-1.2
"""Turns rows of the data files into records, strictly: unknown or missing members are refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from policies.errors import CatalogueInvalid
from policies.model import (
    PERMISSION_TYPES,
    ConditionId,
    Declared,
    FieldId,
    Kind,
    NormId,
    ObligationId,
    Outcome,
    PurposeId,
    ReasonCode,
    Release,
    RuleId,
)
from policies.reasons import Reason, read_advice
from policies.records import (
    Agency,
    DeclaredCode,
    Field,
    Norm,
    Purpose,
    Retention,
    Text,
)
from policies.rules import Condition, Ground, Obligation, Rule, SignOff
from policies.strict import Reader

VALUE_KINDS = frozenset(
    ("bool", "int", "decimal", "text", "date", "code", "code_list", "list", "object", "document")
)


def _text(row: Reader) -> Text:
    return Text(de=row.text("de"), en=row.text("en"))


def _own_text(row: Reader) -> Text:
    result = _text(row)
    row.done()
    return result


def read_agency(row: Reader) -> Agency:
    """Read one agency kind."""
    result = Agency(
        id=Kind(row.text("id")),
        label=_text(row),
        role=row.text("role"),
        klass=row.text("class"),
        regime=row.text("regime"),
        supervisor=row.text("supervisor"),
    )
    row.done()
    return result


def read_field(row: Reader) -> Field:
    """Read one field."""
    result = Field(
        id=FieldId(row.text("id")),
        category=row.text("category"),
        label=_text(row),
        type=row.text("type"),
        value=row.text("value"),
        pad_bytes=row.number("pad_bytes"),
        sensitivity=row.text("sensitivity"),
        source=row.text("source"),
        standard=row.text("standard"),
        codelist=row.text("codelist"),
        mark=row.text("mark"),
    )
    row.done()
    if result.value not in VALUE_KINDS:
        raise CatalogueInvalid(f"fields.json: {result.id} has an unknown kind of value")
    return result


def read_purpose(row: Reader) -> Purpose:
    """Read one purpose."""
    result = Purpose(
        id=PurposeId(row.text("id")),
        code=row.text("code"),
        label=_text(row),
        azr_purpose=row.text("azr_purpose"),
        offered=row.flag("offered"),
    )
    row.done()
    return result


def read_norms(document: Reader) -> list[Norm]:
    """Read the paraphrased norms and the citations, which borrow the text of their norm."""
    groups: dict[str, Norm] = {}
    for row in map(Reader.of, document.items("norms")):
        norm = Norm(
            id=NormId(row.text("id")),
            cite=row.text("cite"),
            text=_text(row),
            mark=row.text("mark"),
            group=None,
        )
        row.done()
        groups[norm.id] = norm
    result = list(groups.values())
    for row in map(Reader.of, document.items("citations")):
        group = groups.get(row.text("norm"))
        if group is None:
            raise CatalogueInvalid("norms.json: a citation belongs to no norm")
        result.append(
            Norm(
                id=NormId(row.text("id")),
                cite=row.text("cite"),
                text=group.text,
                mark=row.text("mark"),
                group=group.id,
            )
        )
        row.done()
    document.done()
    return result


def read_rule(row: Reader) -> Rule:
    """Read one rule."""
    result = Rule(
        id=RuleId(row.text("id")),
        title=_own_text(row.obj("title")),
        step=row.number("step"),
        mode=row.text("mode"),
        outcome=Outcome(row.text("outcome")),
        refused_reason=_refused_reason(row),
        from_kinds=row.texts("from"),
        to_kinds=row.texts("to"),
        purposes=row.texts("purposes"),
        triggers=row.texts("triggers"),
        fields=tuple(FieldId(f) for f in row.texts("fields")),
        when=_conditions(row, "when"),
        needs=_conditions(row, "needs"),
        field_needs=_field_needs(row.obj("field_needs")),
        grounds=tuple(_ground(Reader.of(ground)) for ground in row.items("grounds")),
        release=_release(row.text("release")),
        obligations=tuple(ObligationId(o) for o in row.texts("obligations")),
        norms=tuple(NormId(n) for n in row.texts("norms")),
        conditions=row.text("conditions"),
        guard=row.text("guard"),
        consent_effect=row.text("consent_effect"),
        retention=row.text("retention"),
        valid_from=date.fromisoformat(row.text("valid_from")),
        valid_to=date.fromisoformat(row.text("valid_to")),
        law_version=row.text("law_version"),
        verification=row.text("verification"),
        sign_off=_sign_off(row.obj("sign_off")),
    )
    row.done()
    return result


def _refused_reason(row: Reader) -> ReasonCode | None:
    reason = row.text_or_none("refused_reason")
    return None if reason is None else ReasonCode(reason)


def _conditions(row: Reader, key: str) -> tuple[ConditionId, ...]:
    return tuple(ConditionId(name) for name in row.texts(key))


def _field_needs(row: Reader) -> Mapping[FieldId, tuple[ConditionId, ...]]:
    result = {FieldId(field): _conditions(row, field) for field in row.names}
    row.done()
    return MappingProxyType(result)


def _ground(row: Reader) -> Ground:
    result = Ground(
        reason=ReasonCode(row.text("reason")),
        covers=row.texts("covers"),
        needs=_conditions(row, "needs"),
    )
    row.done()
    if not set(result.covers) <= set(PERMISSION_TYPES):
        raise CatalogueInvalid("rules.json: a ground names an unknown type of permission")
    return result


def _release(value: str) -> Release:
    match value:
        case "none" | "source" | "head":
            return value
        case _:
            raise CatalogueInvalid("rules.json: nobody of that name releases")


def _sign_off(row: Reader) -> SignOff:
    result = SignOff(
        head_of_unit=row.text("head_of_unit"),
        dpo_opinion=row.text("dpo_opinion"),
    )
    row.done()
    return result


def read_condition(row: Reader) -> Condition:
    """Read one condition."""
    result = Condition(
        id=ConditionId(row.text("id")),
        reason=ReasonCode(row.text("reason")),
        outcome=Outcome(row.text("outcome")),
        text=_text(row),
    )
    row.done()
    return result


def read_obligation(row: Reader) -> Obligation:
    """Read one obligation."""
    result = Obligation(
        id=ObligationId(row.text("id")), text=_text(row), norm=NormId(row.text("norm"))
    )
    row.done()
    return result


def read_reason(row: Reader, rank: int) -> Reason:
    """Read one reason; its rank is its place in the file."""
    result = Reason(
        code=ReasonCode(row.text("code")),
        rank=rank,
        clerk=read_advice(row.obj("clerk"), draft=False),
        applicant=read_advice(row.obj("applicant"), draft=True),
        dpo=read_advice(row.obj("dpo"), draft=False),
    )
    row.done()
    return result


def read_declared(row: Reader) -> DeclaredCode:
    """Read one declared code."""
    kind = row.text("type")
    values: tuple[Declared, ...] = ()
    span = range(0)
    match kind:
        case "bool":
            values = (False, True)
        case "int":
            span = range(row.number("least"), row.number("most") + 1)
        case "code":
            values = row.texts("values")
        case _:
            raise CatalogueInvalid("declared.json: unknown type")
    result = DeclaredCode(
        id=row.text("id"),
        type=kind,
        values=values,
        span=span,
        asserted_by=row.texts("asserted_by"),
        kinds=row.texts("kinds"),
        label=_text(row),
        norm=NormId(row.text("norm")),
    )
    row.done()
    if not result.asserted_by or not set(result.asserted_by) <= {"asker", "sender", "holder"}:
        raise CatalogueInvalid(f"declared.json: {result.id} belongs to no side")
    return result


def read_retention(row: Reader) -> Retention:
    """Read one retention class."""
    result = Retention(
        id=row.text("id"),
        period_months=row.number("period_months"),
        end_of_year=row.flag("end_of_year"),
        norm=row.text("norm"),
        mark=row.text("mark"),
    )
    row.done()
    return result
