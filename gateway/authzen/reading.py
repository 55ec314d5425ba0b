# SPDX-License-Identifier: EUPL-1.2
"""Reading one evaluation: the standard's four objects in, codes of the catalogue out.

What the mapping names is checked strictly. What it does not name is not read, as AuthZEN 10.1.1
wants it, and only counted: a fact that is left out never opens anything. No problem repeats what
was sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.authzen.mapping import ActionMapping, Direction, inner_name
from gateway.problems import CLOSED_CODE, Problem
from gateway.statements import TRIGGERS
from policies.case import MAX_FIELDS
from policies.model import SENDER_TRIGGERS, Declared, FieldId, PurposeId, Trigger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.authzen.mapping import AuthzenMapping
    from keys.strict_json import JsonValue
    from policies.catalogue import Catalogue

_MEMBERS: Final = {"subject": ("type", "id"), "action": ("name",), "resource": ("type", "id")}
"""Members that the standard requires (AuthZEN 5)."""

_LAST_NAME: Final = re.compile(r"[.][^.]*\Z")


@dataclass(frozen=True, slots=True)
class Asked:
    """One evaluation in codes of the catalogue; who may ask it is not looked at yet."""

    own: str
    """The subject: an agency's id or a kind."""
    other: str
    """The resource: an agency's id or a kind."""
    direction: Direction
    purpose: PurposeId
    trigger: Trigger
    fields: tuple[FieldId, ...]
    declared: Mapping[str, Declared]
    ignored: int
    """Members that nobody read."""


def read_evaluation(
    unverified: Mapping[str, JsonValue], mapping: AuthzenMapping, catalogue: Catalogue
) -> Asked:
    """Read one evaluation.

    Raises:
        Problem: ``invalid-request`` with a reason and the place.
    """
    return _Reading(unverified, mapping, catalogue).asked()


def refused(reason: str, place: str) -> Problem:
    """Make the problem for one place; a place that is no closed code is told less exactly."""
    location = f"body.{place}"
    while not CLOSED_CODE.fullmatch(location):
        location = _LAST_NAME.sub("", location)
    return Problem("invalid-request", reason=reason, locations=(location,))


class _Reading:
    """The parts of one evaluation, and how much of it was read."""

    def __init__(
        self, unverified: Mapping[str, JsonValue], mapping: AuthzenMapping, catalogue: Catalogue
    ) -> None:
        self._mapping = mapping
        self._catalogue = catalogue
        self._members: dict[str, str] = {}
        self._attributes: dict[str, dict[str, JsonValue]] = {}
        self._ignored = len(unverified.keys() - {*_MEMBERS, "context"})
        for name, needed in _MEMBERS.items():
            self._entity(name, needed, unverified.get(name))
        self._attributes["context"] = _object(unverified.get("context"), "context")

    def _entity(self, name: str, needed: tuple[str, ...], value: JsonValue) -> None:
        if value is None:
            raise refused("missing", name)
        members = _object(value, name)
        for member in needed:
            place = f"{name}.{member}"
            if members.get(member) is None:
                raise refused("missing", place)
            self._members[place] = _text(members[member], place)
        inner = f"{name}.properties"
        self._attributes[inner] = _object(members.get("properties"), inner)
        self._ignored += len(members.keys() - {*needed, "properties"})

    def asked(self) -> Asked:
        mapping = self._mapping
        if self._members["subject.type"] not in mapping.subject_types:
            raise refused("unknown_type", "subject.type")
        named = mapping.resource_types.get(self._members["resource.type"])
        if named is None:
            raise refused("unknown_type", "resource.type")
        action = self._action()
        trigger = self._trigger(action)
        declared, unread = self._declared()
        return Asked(
            own=self._agency("subject.id"),
            other=self._agency("resource.id"),
            direction=action.direction,
            purpose=self._purpose(action),
            trigger=trigger,
            fields=self._fields(named),
            declared=declared,
            ignored=self._ignored + unread + self._unread(),
        )

    def _agency(self, place: str) -> str:
        sent = self._members[place]
        return self._mapping.agencies.get(sent, sent)

    def _action(self) -> ActionMapping:
        name = self._members["action.name"]
        known = self._mapping.actions.get(name)
        if known is not None:
            return known
        if name in self._catalogue.purposes:
            return ActionMapping(direction="pull", purpose=name)
        raise refused("unknown_action", "action.name")

    def _purpose(self, action: ActionMapping) -> PurposeId:
        pointer = self._mapping.purpose_at
        code = self._code(pointer, self._mapping.purposes, action.purpose)
        if code is None:
            raise refused("missing", _place(pointer))
        if code not in self._catalogue.purposes:
            raise refused("unknown_purpose", _place(pointer))
        return PurposeId(code)

    def _trigger(self, action: ActionMapping) -> Trigger:
        pointer = self._mapping.trigger_at
        code = self._code(pointer, self._mapping.triggers, action.trigger)
        pushed = action.direction == "push"
        if code is None:
            code = "push" if pushed else "on_request"
        trigger = TRIGGERS.get(code)
        if trigger is None:
            raise refused("unknown_trigger", _place(pointer))
        if (trigger in SENDER_TRIGGERS) is not pushed:
            raise refused("contradiction", _place(pointer))
        return trigger

    def _code(self, pointer: str, words: Mapping[str, str], fixed: str | None) -> str | None:
        """Give the sent code, or the one that the mapping fixed; they must not differ."""
        value = self._at(pointer)
        if value is None:
            return fixed
        sent = _text(value, _place(pointer))
        code = words.get(sent, sent)
        if fixed is not None and code != fixed:
            raise refused("contradiction", _place(pointer))
        return code

    def _fields(self, named: list[str]) -> tuple[FieldId, ...]:
        place = _place(self._mapping.fields_at)
        value = self._at(self._mapping.fields_at)
        if value is None:
            codes = list(named)
        elif isinstance(value, list):
            sent = [_text(word, place) for word in value]
            codes = [code for word in sent for code in self._mapping.fields.get(word, [word])]
            if named and not set(codes) <= set(named):
                raise refused("contradiction", place)
        else:
            raise refused("wrong_type", place)
        if not codes:
            raise refused("missing", place)
        if len(codes) > MAX_FIELDS:
            raise refused("too_many", place)
        if not all(code in self._catalogue.fields for code in codes):
            raise refused("unknown_field", place)
        return tuple(FieldId(code) for code in codes)

    def _declared(self) -> tuple[dict[str, Declared], int]:
        """Give what the caller declares, and how many members are no declared code."""
        pointer = self._mapping.declared_at
        elsewhere = {inner_name(pointer, other) for other in self._mapping.single_pointers}
        result: dict[str, Declared] = {}
        unread = 0
        for sent, value in _object(self._at(pointer), _place(pointer)).items():
            name = self._mapping.declared.get(sent, sent)
            if sent in elsewhere:
                continue
            if name not in self._catalogue.declared:
                unread += 1
            elif isinstance(value, bool | int | str):
                if name in result:
                    raise refused("contradiction", _place(pointer))
                result[name] = value
            elif value is not None:
                raise refused("wrong_type", _place(pointer))
        return result, unread

    def _unread(self) -> int:
        """Count the attributes that no pointer leads to."""
        pointers = (*self._mapping.single_pointers, self._mapping.declared_at)
        return sum(
            len(members.keys() - {inner_name(f"/{place.replace('.', '/')}", p) for p in pointers})
            for place, members in self._attributes.items()
            if f"/{place.replace('.', '/')}" != self._mapping.declared_at
        )

    def _at(self, pointer: str) -> JsonValue:
        """Follow a pointer; null is what is left out (AuthZEN 11.5)."""
        names = pointer.split("/")[1:]
        depth = 1 if names[0] == "context" else 2
        value: JsonValue = self._attributes[".".join(names[:depth])]
        for name in names[depth:]:
            value = _object(value, _place(pointer)).get(name)
        return value


def _place(pointer: str) -> str:
    return pointer[1:].replace("/", ".")


def _object(value: JsonValue, place: str) -> dict[str, JsonValue]:
    """Give an object; what is left out or null is empty."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refused("wrong_type", place)
    return value


def _text(value: JsonValue, place: str) -> str:
    if not isinstance(value, str):
        raise refused("wrong_type", place)
    return value
