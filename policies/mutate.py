# SPDX-License-Identifier: EUPL-1.2
"""Would anybody notice? Small mistakes are made in the rules, one at a time.

A reviewed case or an invented one must come out differently; a mistake that none of them notices
is a gap in the cases. Rules are data, so a mistake is a changed data document and the compiled
rules stay the same.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from policies.check import answered
from policies.generate import Inventor
from policies.golden_cases import golden_cases
from policies.model import PERMISSION_TYPES, RuleId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policies.catalogue import Catalogue
    from policies.engine.base import Answer
    from policies.engine.embedded import EmbeddedEngine
    from policies.rules import Rule

STRUCTURAL: Final = frozenset({"R64", "R73"})
"""Secrecy that travels and the default stand in the Rego text itself: no data says them."""

_BY_TEXT: Final = frozenset({"R41"})
"""Silences the answer by the Rego text; its data say only where."""

_ALL_FIELDS: Final = frozenset({"R69"})
"""Takes every field that is asked, whatever its list says."""

_Change: TypeAlias = Callable[[dict[str, Any]], object]
"""Makes a mistake in the rules of a data document."""

_STATUTE: Final[dict[str, Any]] = {
    "reason": "statute",
    "covers": [],
    "needs": {},
    "lapses": True,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake in the rules."""

    rule: str
    mistake: str
    """What was done, in words."""
    document: bytes
    """The changed data document."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a mistake was noticed, and by which case."""

    mutant: Mutant
    noticed_by: str | None


def mutants(document: bytes, catalogue: Catalogue) -> Iterator[Mutant]:
    """Make every mistake, rule by rule, in a stable order."""
    original: dict[str, Any] = json.loads(document)
    for rule in sorted(set(original["catalogue"]["rules"]) - STRUCTURAL):
        for mistake, change in _mistakes(original["catalogue"]["rules"][rule], rule, catalogue):
            changed = copy.deepcopy(original)
            change(changed["catalogue"]["rules"])
            yield Mutant(rule, mistake, json.dumps(changed, sort_keys=True).encode("ascii"))


def hunt(
    engine: EmbeddedEngine,
    found: Sequence[Mutant],
    catalogue: Catalogue,
    *,
    cases: int,
    seed: int = 0,
) -> Iterator[Verdict]:
    """Show each mistake to the reviewed cases and then to so many invented ones."""
    questions = _questions(catalogue, cases, seed)
    right = {source: answered(engine, source) for _, _, source in questions}
    for mutant in found:
        wrong = engine.over(mutant.document)
        yield Verdict(mutant, _noticed(wrong, mutant.rule, questions, right))


def _noticed(
    wrong: EmbeddedEngine,
    rule: str,
    questions: Sequence[tuple[str, str, bytes]],
    right: dict[bytes, list[Answer] | str],
) -> str | None:
    """Return the first case that notices; those about the rule are asked first."""
    for name, _, source in sorted(questions, key=lambda q: q[1] != rule):
        if answered(wrong, source) != right[source]:
            return name
    return None


def _questions(catalogue: Catalogue, cases: int, seed: int) -> list[tuple[str, str, bytes]]:
    """Return name, subject and input of the reviewed and the invented cases."""
    reviewed = [(c.id, c.about, c.question(catalogue).canonical()) for c in golden_cases()]
    inventor = Inventor(catalogue, seed)
    swept = [(f"sweep of {rule}", rule, q.canonical()) for rule, q in inventor.sweep()]
    rules = list(catalogue.rules)
    invented = [
        (f"invented {number}", rules[number % len(rules)], question.canonical())
        for number, question in enumerate(inventor.questions(cases))
    ]
    return reviewed + swept + invented


def _mistakes(
    facts: dict[str, Any], rule: str, catalogue: Catalogue
) -> Iterator[tuple[str, _Change]]:
    yield from _dropped_guards(facts, rule)
    yield from _flipped_modes(facts, rule)
    if rule not in _ALL_FIELDS:
        stranger = _stranger(rule, catalogue)
        yield f"lists {stranger} too", lambda rules: rules[rule]["fields"].update({stranger: True})
    if not facts["grounds"]:
        yield "is forgotten", lambda rules: rules.pop(rule)


def _dropped_guards(facts: dict[str, Any], rule: str) -> Iterator[tuple[str, _Change]]:
    for part in ("when", "needs"):
        for name in facts[part]:
            yield f"no longer asks for {name}", _drop(name, rule, part)
    for field, needs in facts["field_needs"].items():
        for name in needs:
            yield f"no longer asks for {name} with {field}", _drop(name, rule, "field_needs", field)
    for position, ground in enumerate(facts["grounds"]):
        for name in ground["needs"]:
            dropped = _drop(name, rule, "grounds", position, "needs")
            yield f"no longer asks for {name} on one ground", dropped
        for number, cover in enumerate(ground["covers"]):
            dropped = _drop(number, rule, "grounds", position, "covers")
            yield f"no longer asks for the {cover['type']}", dropped


def _drop(what: str | int, *where: str | int) -> _Change:
    """Make the change that takes one member out of the list or object that stands there."""

    def change(rules: dict[str, Any]) -> None:
        inner: Any = rules
        for step in where:
            inner = inner[step]
        inner.pop(what)

    return change


def _flipped_modes(facts: dict[str, Any], rule: str) -> Iterator[tuple[str, _Change]]:
    """Prohibited becomes lawful, a person's choice becomes statute, statute becomes consent."""
    if not facts["grounds"]:
        if rule in _BY_TEXT:
            return
        opening = {"step": 7, "grounds": [_STATUTE], "outcome": "ALLOW_MIN"}
        yield "releases what it refuses", lambda rules: rules[rule].update(opening)
        return
    if facts["grounds"] != [_STATUTE]:
        yield "rests on statute", lambda rules: rules[rule].update(grounds=[_STATUTE])
    else:
        asked = [{"type": PERMISSION_TYPES[0], "else": "NEED_CONSENT"}]
        consent = {"reason": "consent_given", "covers": asked, "needs": {}, "lapses": False}
        yield "rests on consent", lambda rules: rules[rule].update(grounds=[consent])
    if facts["release"] == "none":
        yield "waits for a clerk", lambda rules: rules[rule].update(release="source")
    else:
        yield "waits for nobody", lambda rules: rules[rule].update(release="none")

    for position, ground in enumerate(facts["grounds"]):
        if facts["from"] == {"PERS": True} or "sender_is_person" in ground["needs"]:
            continue  # nobody is there to look, so a lapse changes nothing
        said = "never lapses" if ground["lapses"] else "lapses like a statute"
        yield f"{said} on ground {position + 1}", _flip_lapse(rule, position)


def _flip_lapse(rule: str, position: int) -> _Change:
    def change(rules: dict[str, Any]) -> None:
        ground = rules[rule]["grounds"][position]
        ground["lapses"] = not ground["lapses"]

    return change


def _stranger(name: str, catalogue: Catalogue) -> str:
    """Return the next field in the catalogue's order that no rule for the same routes lists."""
    rule = catalogue.rules[RuleId(name)]
    taken = {
        field for other in catalogue.rules.values() if _meet(rule, other) for field in other.fields
    }
    order = list(catalogue.fields)
    last = max(order.index(field) for field in rule.fields)
    return next(field for field in order[last + 1 :] + order if field not in taken)


def _meet(one: Rule, other: Rule) -> bool:
    """Say whether two rules can speak of the same request."""
    pairs = (
        (one.from_kinds, other.from_kinds),
        (one.to_kinds, other.to_kinds),
        (one.purposes, other.purposes),
        (one.triggers, other.triggers),
    )
    return all("*" in mine + theirs or set(mine) & set(theirs) for mine, theirs in pairs)
