# SPDX-License-Identifier: EUPL-1.2
"""Invented questions for comparing engines and for looking for widenings.

Most questions start from a rule, so that routes, fields, facts and permissions fit it more often
than chance would; then each part is kept, spoilt or left out. The same seed gives the same
questions on every machine.
"""

from __future__ import annotations

import copy
import random  # noqa: TID251 - the same seed must give the same questions; nothing here is secret
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any, Final, cast

from policies.favourable import FAVOURABLE, PROHIBITING, RESULT_ONLY
from policies.inputs import (
    AgreementFacts,
    DecisionInput,
    HolderFacts,
    PermissionFact,
    PermissionFacts,
    canonical,
)
from policies.model import (
    PERMISSION_STATES,
    PERMISSION_TYPES,
    TRIGGERS,
    Declared,
    FieldId,
    Kind,
    PurposeId,
    Trigger,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from policies.catalogue import Catalogue
    from policies.model import PermissionState, RuleId
    from policies.rules import Rule
    from policies.strict import JsonValue

_SWEPT: Final = 40
"""Fields one question of a sweep asks for, as many as one request may."""

_MANY: Final = 12
"""Fields one invented question asks for at most."""

_JUNK: Final[tuple[JsonValue, ...]] = (True, False, 0, 7, "x", [], {}, ["x"], {"x": 1})

_GONE: Final = object()

_NOT_BROKEN: Final = frozenset({("fields",), ("holder", "info_block")})
"""Without fields there is no question; a block that nobody looked up is a state of its own."""


class Inventor:
    """Invents questions, one after the other, from a seed."""

    def __init__(self, catalogue: Catalogue, seed: int) -> None:
        """Take the codes that may occur."""
        self._catalogue = catalogue
        self._chance = random.Random(seed)  # noqa: S311 - invents test questions, no secret
        self._fields = sorted(catalogue.fields)
        self._declared = [d for d in catalogue.declared.values() if d.asserted_by != ("holder",)]

    def questions(self, count: int) -> Iterator[DecisionInput]:
        """Invent so many questions, walking round the rules."""
        rules = list(self._catalogue.rules.values())
        for number in range(count):
            yield self.question(rules[number % len(rules)])

    def sweep(self) -> Iterator[tuple[RuleId, DecisionInput]]:
        """Ask for every field there is under every rule, with all that could help.

        What a rule lists by mistake shows here, whatever chance would have asked.
        """
        for rule in self._catalogue.rules.values():
            senders = dict.fromkeys((rule.from_kinds[0], rule.from_kinds[-1]))
            for start in range(0, len(self._fields), _SWEPT):
                fields = tuple(FieldId(f) for f in self._fields[start : start + _SWEPT])
                for sender, facts in product(senders, (FAVOURABLE, RESULT_ONLY, {}, PROHIBITING)):
                    question = self._widest(rule, sender, fields, facts)
                    yield rule.id, question
                    yield rule.id, _past_its_date(question, rule)

    def _widest(
        self,
        rule: Rule,
        sender: str,
        fields: tuple[FieldId, ...],
        facts: Mapping[str, Declared],
    ) -> DecisionInput:
        """Ask under a rule with every permission, between two different kinds if it can be."""
        from_kind = "JC" if sender == "*" else sender
        others = [kind for kind in rule.to_kinds if kind != from_kind]
        to_kind = self._first(others or rule.to_kinds, "SOZ")
        everything = PermissionFact("in_force", fields)
        return DecisionInput(
            from_kind=Kind(from_kind),
            to_kind=Kind(to_kind),
            purpose=PurposeId(self._first(rule.purposes, "P04")),
            trigger=cast("Trigger", self._first(rule.triggers, "on_request")),
            fields=fields,
            declared={**facts, "obliging_body": to_kind} if facts else {},
            agreement=AgreementFacts(in_force=True, undertaking_78=True, approval_79=True),
            permission=PermissionFacts(
                everything, everything, everything, everything, everything, everything
            ),
            holder=HolderFacts(info_block=rule.id == "R41", released_by_source=True),
        )

    def question(self, rule: Rule) -> DecisionInput:
        """Invent one question that starts from a rule."""
        chance = self._chance
        to_kind = self._one_of(rule.to_kinds, self._catalogue.agencies)
        fields = self._some_fields(rule)
        trigger: Trigger = chance.choice(sorted(self._triggers(rule)))
        return DecisionInput(
            from_kind=Kind(self._one_of(rule.from_kinds, self._catalogue.agencies)),
            to_kind=Kind(to_kind),
            purpose=PurposeId(self._one_of(rule.purposes, self._catalogue.purposes)),
            trigger=trigger,
            fields=fields,
            declared=self._facts(rule, to_kind),
            agreement=AgreementFacts(
                in_force=self._often(),
                undertaking_78=self._often(),
                approval_79=self._often(),
                pilot_agreed=self._often(),
                state_law_basis=self._seldom(),
                recipient_abroad=self._seldom(),
            ),
            permission=self._permissions(fields),
            holder=HolderFacts(
                info_block=chance.choice((False, False, False, True, None)),
                released_by_source=chance.random() < 0.5,  # noqa: PLR2004 - a coin
                released_by_head=chance.random() < 0.5,  # noqa: PLR2004 - a coin
                secret_203=self._marked(fields),
                entrusted_65=self._marked(fields),
            ),
            lapsed=(rule.id,) if self._seldom() else (),
        )

    def broken(self, question: DecisionInput) -> bytes:
        """Return the question with one member gone or null."""
        document = question.to_json()
        place = self._chance.choice([p for p in _places(document) if p not in _NOT_BROKEN])
        return _changed(document, place, self._chance.choice((_GONE, None)))

    def mistyped(self, question: DecisionInput) -> bytes:
        """Return the question with one member of another type."""
        document = question.to_json()
        place = self._chance.choice([p for p in _places(document) if p != ("fields",)])
        return _changed(document, place, self._chance.choice(_JUNK))

    def poorer(self, question: DecisionInput) -> DecisionInput:
        """Return the question with one supporting fact, permission or field taken away."""
        ways = [
            replace(question, declared={n: v for n, v in question.declared.items() if n != name})
            for name in question.declared
        ]
        agreement, permission, holder = question.agreement, question.permission, question.holder
        ways += [
            replace(question, agreement=replace(agreement, **{name: False}))
            for name in ("in_force", "undertaking_78", "approval_79", "pilot_agreed")
        ]
        state: PermissionState = self._chance.choice(("none", "withdrawn", "expired", "used"))
        for name in PERMISSION_TYPES:
            gone = PermissionFact(state, getattr(permission, name).fields)
            fewer: dict[str, Any] = {name: gone}
            ways.append(replace(question, permission=replace(permission, **fewer)))
        ways += [
            replace(question, permission=replace(permission, retrieval_confirmed=False)),
            replace(question, holder=replace(holder, released_by_source=False)),
            replace(question, holder=replace(holder, released_by_head=False)),
        ]
        return self._chance.choice(ways)

    def consented(self, question: DecisionInput) -> DecisionInput:
        """Return the question with every consent, choice and mandate that could be given.

        Releases from secrecy are left as they are: lifting secrecy is what they are for.
        """
        everything = PermissionFact("in_force", question.fields)
        permission = replace(
            question.permission,
            consent=everything,
            explicit_consent=everything,
            mandate=everything,
            choice=everything,
            retrieval_confirmed=True,
        )
        return replace(question, permission=permission)

    @staticmethod
    def _first(named: Sequence[str], anybody: str) -> str:
        return anybody if "*" in named else named[0]

    def _one_of(self, named: Sequence[str], known: Iterable[str]) -> str:
        anybody = "*" in named or self._seldom()
        return self._chance.choice(sorted(known) if anybody else sorted(named))

    def _triggers(self, rule: Rule) -> set[Trigger]:
        any_of_them = "*" in rule.triggers or self._seldom()
        return cast("set[Trigger]", set(TRIGGERS if any_of_them else rule.triggers))

    def _some_fields(self, rule: Rule) -> tuple[FieldId, ...]:
        own = list(rule.fields)
        self._chance.shuffle(own)
        others = self._chance.sample(self._fields, self._chance.randint(0, 4))
        wanted = own[: self._chance.randint(1, _MANY)] + list(others)
        return tuple(wanted[:_MANY]) or (FieldId("family_name"),)

    def _facts(self, rule: Rule, to_kind: str) -> dict[str, Declared]:
        facts: dict[str, Declared] = {}
        for code in self._declared:
            draw = self._chance.random()
            if draw < 0.75:  # noqa: PLR2004 - mostly what helps
                good = to_kind if code.id == "obliging_body" else FAVOURABLE.get(code.id)
                if good is not None:
                    facts[code.id] = good
            elif draw < 0.9:  # noqa: PLR2004 - sometimes anything allowed, else nothing
                values = [v for v in code.values if v != ""] or [
                    code.span.start,
                    code.span.stop - 1,
                ]
                facts[code.id] = self._chance.choice(values)
        if rule.when and self._chance.random() < 0.5:  # noqa: PLR2004 - a coin
            facts.update(PROHIBITING)
        return facts

    def _permissions(self, fields: tuple[FieldId, ...]) -> PermissionFacts:
        facts = {name: self._permission(fields) for name in PERMISSION_TYPES}
        return PermissionFacts(**facts, retrieval_confirmed=self._often())

    def _permission(self, fields: tuple[FieldId, ...]) -> PermissionFact:
        state: PermissionState = "in_force"
        if self._chance.random() < 0.4:  # noqa: PLR2004 - often something is wrong with it
            state = cast("PermissionState", self._chance.choice(sorted(PERMISSION_STATES)))
        covered = fields if self._often() else self._marked(fields)
        return PermissionFact(state, covered)

    def _marked(self, fields: tuple[FieldId, ...]) -> tuple[FieldId, ...]:
        if not self._seldom():
            return ()
        return tuple(self._chance.sample(fields, self._chance.randint(1, len(fields))))

    def _often(self) -> bool:
        return self._chance.random() < 0.85  # noqa: PLR2004 - mostly what helps

    def _seldom(self) -> bool:
        return self._chance.random() < 0.1  # noqa: PLR2004 - now and then


def _past_its_date(question: DecisionInput, rule: Rule) -> DecisionInput:
    """Ask after the rule's last day, and before anybody has looked."""
    holder = replace(question.holder, released_by_source=False)
    return replace(question, lapsed=(rule.id,), holder=holder)


def _changed(document: JsonValue, place: tuple[str, ...], value: object) -> bytes:
    changed = copy.deepcopy(document)
    inner: Any = changed
    for step in place[:-1]:
        inner = inner[step]
    if value is _GONE:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return canonical(changed)


def _places(value: JsonValue, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Return the path of every member of every object below a value."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield (*path, name)
            yield from _places(member, (*path, name))
