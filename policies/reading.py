# SPDX-License-Identifier: EUPL-1.2
"""Turns rows of the data files into records, strictly: unknown or missing members are refused."""

from __future__ import annotations

from datetime import date

from policies.errors import CatalogueInvalid
from policies.model import Declared, FieldId, Kind, NormId, Outcome, PurposeId, ReasonCode, RuleId
from policies.reasons import Advice, Reason
from policies.records import (
    Agency,
    DeclaredCode,
    Field,
    Norm,
    Purpose,
    Retention,
    Rule,
    Text,
)
from policies.strict import Reader

VALUE_KINDS = frozenset(
    {
        "bool",
        "int",
        "decimal",
        "text",
        "date",
        "code",
        "code_list",
        "list",
        "object",
        "document",
    }
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
        refused_reason=ReasonCode(row.text("refused_reason")),
        from_kinds=row.texts("from"),
        to_kinds=row.texts("to"),
        purposes=row.texts("purposes"),
        triggers=row.texts("triggers"),
        fields=tuple(FieldId(f) for f in row.texts("fields")),
        norms=tuple(NormId(n) for n in row.texts("norms")),
        conditions=row.text("conditions"),
        guard=row.text("guard"),
        consent_effect=row.text("consent_effect"),
        retention=row.text("retention"),
        valid_from=date.fromisoformat(row.text("valid_from")),
        valid_to=date.fromisoformat(row.text("valid_to")),
        law_version=row.text("law_version"),
        verification=row.text("verification"),
        sign_off=row.text("sign_off"),
    )
    row.done()
    return result


def read_reason(row: Reader, rank: int) -> Reason:
    """Read one reason; its rank is its place in the file."""
    result = Reason(
        code=ReasonCode(row.text("code")),
        rank=rank,
        clerk=_advice(row.obj("clerk"), draft=False),
        applicant=_advice(row.obj("applicant"), draft=True),
        dpo=_advice(row.obj("dpo"), draft=False),
    )
    row.done()
    return result


def _advice(row: Reader, *, draft: bool) -> Advice:
    if draft and not row.flag("draft"):
        raise CatalogueInvalid("reasons.json: texts for applicants are drafts until signed off")
    text, next_step = _own_text(row.obj("text")), _own_text(row.obj("next"))
    row.done()
    return Advice(text=text, next_step=next_step, draft=draft)


def read_declared(row: Reader) -> DeclaredCode:
    """Read one declared code."""
    kind = row.text("type")
    values: tuple[Declared, ...] = ()
    match kind:
        case "bool":
            values = (False, True)
        case "int":
            values = row.numbers("values")
        case "code":
            values = row.texts("values")
        case _:
            raise CatalogueInvalid("declared.json: unknown type")
    result = DeclaredCode(
        id=row.text("id"),
        type=kind,
        values=values,
        asserted_by=row.text("asserted_by"),
        kinds=row.texts("kinds"),
        label=_text(row),
        norm=NormId(row.text("norm")),
    )
    row.done()
    if result.asserted_by not in {"asker", "sender", "holder"}:
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
