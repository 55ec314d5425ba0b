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
from typing import TYPE_CHECKING, Any, Final, cast

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
    from collections.abc import Iterable, Iterator, Sequence

    from policies.catalogue import Catalogue
    from policies.model import PermissionState
    from policies.rules import Rule
    from policies.strict import JsonValue

FAVOURABLE: Final[dict[str, Declared]] = {
    "azr_checked": True,
    "reason_code": "azr_pending",
    "azr_insufficient": True,
    "decision": "grant_25b",
    "subject_count": 1,
    "procedure_electronic": True,
    "pension_no_known": False,
    "title_section": 4,
    "benefit_in_azr": False,
    "participant_obliged": True,
    "procedure": "extension",
    "clerk_authorised": True,
    "granularity": "aggregate",
    "cell_size": 5,
    "content": "granted",
    "settlement_permit": False,
    "channel_xauslaender_unavailable": True,
    "initiated_by": "client",
    "title": "16g",
    "event": "training_ended_early",
    "state_law_basis": True,
    "uploaded_by_subject": True,
    "expulsion_ground_present": True,
    "naturalisation_pending": True,
    "subject_authenticated": True,
    "role": "dpo",
    "event_party": "own_agency",
}
"""For each declared code a value that meets what some rule asks; ``obliging_body`` is the recipient."""

_MANY: Final = 12
"""Fields one invented question asks for at most."""

_JUNK: Final[tuple[JsonValue, ...]] = (None, True, False, 0, 7, "x", [], {}, ["x"], {"x": 1})


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
            declared=self._facts(to_kind),
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

    def mangled(self, question: DecisionInput) -> bytes:
        """Return the question with one member gone, null or of another type."""
        document = copy.deepcopy(question.to_json())
        places = [p for p in _places(document) if p != ("fields",)]
        place = self._chance.choice(places)
        inner: JsonValue = document
        for step in place[:-1]:
            if isinstance(inner, dict):
                inner = inner[step]
        if isinstance(inner, dict):
            del inner[place[-1]]
            if self._chance.random() < 0.5:  # noqa: PLR2004 - a coin
                inner[place[-1]] = self._chance.choice(_JUNK)
        return canonical(document)

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

    def _facts(self, to_kind: str) -> dict[str, Declared]:
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


def _places(value: JsonValue, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Return the path of every member of every object below a value."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield (*path, name)
            yield from _places(member, (*path, name))
