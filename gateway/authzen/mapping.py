# SPDX-License-Identifier: EUPL-1.2
"""How an AuthZEN evaluation becomes a case: the table ``[authzen]`` of the settings.

Pointers say where a part of the case stands, tables say what a tool's own words mean. The agencies
are not up for choice: subject and resource name them, always, so that no mapping can let the id of
a person through (promise P1). Facts of the agreement, of the holder and of the person have no key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from policies.case import MAX_FIELDS, is_callers
from policies.catalogue import Catalogue
from policies.model import SENDER_TRIGGERS, TRIGGERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

Direction = Literal["pull", "push"]
"""``pull``: the subject would get what the resource holds; ``push``: the other way round."""

_POINTER: Final = re.compile(
    r"/(?:context|(?:subject|action|resource)/properties)(?:/[A-Za-z0-9_.:-]{1,64}){0,3}"
)
_AGENCY: Final = re.compile(r"[A-Z][A-Z0-9_]{0,31}|[a-z0-9]+(?:\.[a-z0-9-]+)+")


def _pointer(text: str) -> str:
    if not _POINTER.fullmatch(text):
        raise ValueError(
            "must be a pointer into properties or context, such as /action/properties/purpose"
        )
    return text


def _agency(text: str) -> str:
    if not _AGENCY.fullmatch(text):
        raise ValueError("must be an agency's id such as jc.example, or a kind such as JC")
    return text


Pointer = Annotated[str, AfterValidator(_pointer)]
"""A JSON pointer (RFC 6901) to attributes: nothing to escape, at most three names deep."""

Word = Annotated[str, StringConstraints(min_length=1, max_length=128)]
"""What a tool may send in place of a code."""

AgencyRef = Annotated[str, AfterValidator(_agency)]
"""An instance such as ``jc.hannover``, or a kind such as ``JC``."""

_ROOTS: Final = frozenset(
    {"/context", "/subject/properties", "/action/properties", "/resource/properties"}
)


class ActionMapping(BaseModel):
    """What one ``action.name`` means."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    direction: Direction
    purpose: str | None = None
    """The purpose of every evaluation with this action; left out, the request names it."""
    trigger: str | None = None
    """The trigger of every evaluation with this action; left out, the request may name it."""


class AuthzenMapping(BaseModel):
    """The table ``[authzen]``; every key that is left out keeps the value shown here."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    subject_types: list[Word] = Field(default=["agency"], min_length=1)
    """Values of ``subject.type`` whose ``id`` is the agency that asks or delivers."""
    resource_types: dict[Word, list[str]] = Field(default={"agency-data": []}, min_length=1)
    """Values of ``resource.type`` and the fields each stands for; empty: the request names them."""
    actions: dict[Word, ActionMapping] = {
        "read": ActionMapping(direction="pull"),
        "deliver": ActionMapping(direction="push"),
    }
    """Values of ``action.name``. Beside them every purpose of the catalogue is one, as a pull."""

    purpose_at: Pointer = "/action/properties/purpose"
    trigger_at: Pointer = "/action/properties/trigger"
    fields_at: Pointer = "/resource/properties/fields"
    declared_at: Pointer = "/context"
    """An object; its members that the catalogue knows are what the caller declares."""

    agencies: dict[Word, AgencyRef] = {}
    purposes: dict[Word, str] = {}
    triggers: dict[Word, str] = {}
    fields: dict[Word, list[str]] = {}
    """One word may stand for several fields."""
    declared: dict[Word, str] = {}
    """A tool's name for a declared code; its value is the code's own."""

    @model_validator(mode="after")
    def _hold_together(self) -> AuthzenMapping:
        for problem in (*self._pointers(), *self._codes(Catalogue.load())):
            raise ValueError(problem)
        return self

    @property
    def single_pointers(self) -> tuple[str, str, str]:
        """The pointers to one part of the case each."""
        return self.purpose_at, self.trigger_at, self.fields_at

    def _pointers(self) -> Iterator[str]:
        named = {key: getattr(self, key) for key in ("purpose_at", "trigger_at", "fields_at")}
        for key, pointer in named.items():
            if pointer in _ROOTS:
                yield f"{key} must name one attribute, not all of them"
            for other, place in {**named, "declared_at": self.declared_at}.items():
                if key != other and (place == pointer or place.startswith(f"{pointer}/")):
                    yield f"{key} and {other} point to the same place"
            inside = inner_name(self.declared_at, pointer)
            if inside is not None and inside in Catalogue.load().declared:
                yield f"{key} points to what is a declared code; choose another name"

    def _codes(self, catalogue: Catalogue) -> Iterator[str]:
        for name, action in self.actions.items():
            if name in catalogue.purposes:
                yield "actions: a purpose is an action already; choose another name"
            yield from _unknown("actions", "purpose", action.purpose, catalogue.purposes)
            yield from _unknown("actions", "trigger", action.trigger, TRIGGERS)
            if action.trigger and (action.trigger in SENDER_TRIGGERS) != (
                action.direction == "push"
            ):
                yield "actions: trigger and direction do not fit together"
        for fields in (*self.resource_types.values(), *self.fields.values()):
            for field in fields:
                yield from _unknown("resource_types, fields", "field", field, catalogue.fields)
            if len(fields) > MAX_FIELDS:
                yield f"resource_types, fields: at most {MAX_FIELDS} fields each"
        if not all(self.fields.values()):
            yield "fields: a word must stand for one field at least"
        for kind in (value for value in self.agencies.values() if "." not in value):
            yield from _unknown("agencies", "kind of agency", kind, catalogue.agencies)
        for key, codes, known in (
            ("purposes", self.purposes.values(), catalogue.purposes),
            ("triggers", self.triggers.values(), TRIGGERS),
            ("declared", self.declared.values(), _callers_own(catalogue)),
        ):
            yield from _all_unknown(key, codes, known)


def inner_name(outer: str, pointer: str) -> str | None:
    """Give the member of the object at ``outer`` on the way to ``pointer``, if it leads there."""
    if not pointer.startswith(f"{outer}/"):
        return None
    return pointer[len(outer) + 1 :].split("/", maxsplit=1)[0]


def _callers_own(catalogue: Catalogue) -> frozenset[str]:
    """Give the declared codes that are not the holder's."""
    return frozenset(name for name, code in catalogue.declared.items() if is_callers(code))


def _unknown(key: str, what: str, code: str | None, known: Collection[str]) -> Iterator[str]:
    if code is not None and code not in known:
        yield f"{key}: the catalogue has no such {what}; GET /v1/catalogue lists them"


def _all_unknown(key: str, codes: Iterable[str], known: Collection[str]) -> Iterator[str]:
    for code in codes:
        yield from _unknown(key, key.removesuffix("s"), code, known)
