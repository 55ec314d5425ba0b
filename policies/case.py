# SPDX-License-Identifier: EUPL-1.2
"""One question to the rules as a person writes it down, and how it becomes a decision input.

A case names kinds and not instances, so it can be written without any person or agency:
``lotse policy decide FILE``, the golden cases and the AuthZEN face read it.

What is left out is not true. Two things are taken for granted, because a case is about the rules
and not about the parties: an agreement is in force, and the AZR can be queried.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from policies.case_permissions import permission_facts
from policies.case_reading import Place, shown
from policies.decide import rules_of_the_day
from policies.errors import CaseInvalid, DeclaredInvalid
from policies.inputs import AgreementFacts, DecisionInput, HolderFacts
from policies.model import (
    TRIGGERS,
    Declared,
    FieldId,
    Kind,
    PurposeId,
    Trigger,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.catalogue import Catalogue
    from policies.records import DeclaredCode
    from policies.strict import JsonValue

MAX_FIELDS: Final = 50
"""Fields one request may ask for; a written case may ask for every field there is."""

AGREEMENT_NAMES: Final = {
    "recipient_undertaking_78": "undertaking_78",
    "approval_79": "approval_79",
    "pilot_agreed": "pilot_agreed",
    "state_law_basis": "state_law_basis",
    "recipient_abroad": "recipient_abroad",
}
"""Names in a case, and the fact of the agreement each stands for."""

TAGS: Final = ("own", "secret_203", "entrusted_65")
"""Provenance of a field's content at the holder."""

_NEEDED: Final = {
    "bool": "true or false is needed here",
    "int": "a whole number is needed here",
    "code": "a code is needed here",
}

_NAMES: Final = (
    "from",
    "to",
    "purpose",
    "trigger",
    "fields",
    "declared",
    "agreement",
    "permissions",
    "holder",
    "at",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A case that names only codes of the catalogue."""

    question: DecisionInput
    at: dt.datetime


def read_case(
    unverified_value: JsonValue, catalogue: Catalogue, *, now: dt.datetime, where: str = "case"
) -> Case:
    """Read one case; ``now`` stands in for a missing ``at``.

    Raises:
        CaseInvalid: it says where, which name or code, and what is known instead.
    """
    top = Place.object(unverified_value, where)
    top.only(_NAMES)
    at = _instant(top, now)
    route = (
        top.code("from", catalogue.agencies),
        top.code("to", catalogue.agencies),
        top.code("purpose", catalogue.purposes),
    )
    permissions = permission_facts(top.objects("permissions"), route, at, catalogue)
    question = DecisionInput(
        from_kind=Kind(route[0]),
        to_kind=Kind(route[1]),
        purpose=PurposeId(route[2]),
        trigger=_trigger(top),
        fields=_fields(top, catalogue),
        declared=_declared(top.inner("declared"), catalogue),
        agreement=_agreement(top.inner("agreement")),
        permission=permissions,
        holder=_holder(top.inner("holder"), catalogue),
        lapsed=rules_of_the_day(catalogue, at.date()),
    )
    return Case(question, at)


def _instant(top: Place, now: dt.datetime) -> dt.datetime:
    return top.instant("at") or now


def _trigger(top: Place) -> Trigger:
    match top.code("trigger", sorted(TRIGGERS)):
        case ("on_request" | "automated" | "subject_choice" | "push" | "spontaneous") as known:
            return known
        case _:
            return "batch"


def _fields(top: Place, catalogue: Catalogue) -> tuple[FieldId, ...]:
    names, most = top.codes("fields", catalogue.fields), len(catalogue.fields)
    if not 1 <= len(names) <= most:
        raise CaseInvalid(top.at("fields"), f"a case asks for 1 to {most} fields")
    return tuple(FieldId(name) for name in names)


def _declared(place: Place, catalogue: Catalogue) -> Mapping[str, Declared]:
    """Read what the caller asserts; who may assert it in an exchange is checked there."""
    known = {name: code for name, code in catalogue.declared.items() if is_callers(code)}
    place.only(tuple(known))
    result: dict[str, Declared] = {}
    for name in place.names:
        value, code = place.value(name), known[name]
        if value is None:
            continue  # as everywhere in a case, null is left out
        if not isinstance(value, bool | int | str):
            raise CaseInvalid(place.at(name), _NEEDED[code.type])
        if value == "" and "" in code.values:
            continue  # an empty code declares nothing
        try:
            code.check(value)
        except DeclaredInvalid as refused:
            raise _wrong_code(place, name, value, code, refused.code) from None
        result[name] = value
    return result


def is_callers(code: DeclaredCode) -> bool:
    """Say whether a case can declare it; what only the holder says is no part of a case."""
    return bool({"asker", "sender"} & set(code.asserted_by))


def _wrong_code(
    place: Place, name: str, value: Declared, code: DeclaredCode, refused: str
) -> CaseInvalid:
    if refused == "wrong_type":
        return CaseInvalid(place.at(name), _NEEDED[code.type])
    if code.span:
        problem = f"a number from {code.span.start} to {code.span.stop - 1} is needed here"
        return CaseInvalid(place.at(name), problem)
    allowed = ", ".join(str(v) for v in code.values if v != "")
    problem = f"the catalogue has no code '{shown(str(value))}'; known: {allowed}"
    return CaseInvalid(place.at(name), problem)


def _agreement(place: Place) -> AgreementFacts:
    place.only(("in_force", *AGREEMENT_NAMES))
    stated = {fact: place.flag(name) or False for name, fact in AGREEMENT_NAMES.items()}
    in_force = place.flag("in_force")
    return AgreementFacts(in_force=in_force is None or in_force, **stated)


def _holder(place: Place, catalogue: Catalogue) -> HolderFacts:
    place.only(("info_block", "provenance", "released_by_source", "released_by_head"))
    provenance = place.inner("provenance")
    provenance.only(tuple(catalogue.fields))
    tags = {name: provenance.code(name, TAGS) for name in provenance.names}
    return HolderFacts(
        info_block=place.flag("info_block"),
        released_by_source=place.flag("released_by_source") or False,
        released_by_head=place.flag("released_by_head") or False,
        secret_203=tuple(FieldId(name) for name, tag in tags.items() if tag == "secret_203"),
        entrusted_65=tuple(FieldId(name) for name, tag in tags.items() if tag == "entrusted_65"),
    )
