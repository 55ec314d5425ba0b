# SPDX-License-Identifier: EUPL-1.2
"""Does this installation decide as reviewed? ``lotse policy check``; at start-up a part of it.

Golden cases are compared with what people wrote down from the text of the law. Invented cases are
compared between two engines, and with poorer versions of themselves, which must never open more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policies.document import document_bytes
from policies.errors import InputInvalid, PolicyError
from policies.golden_cases import golden_cases
from policies.model import RuleId
from policies.widening import opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from policies.bundle import Bundle
    from policies.decide import Decider
    from policies.engine.base import Answer, RuleEngine
    from policies.generate import Inventor
    from policies.model import DecisionInput


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked."""

    name: str
    ok: bool
    note: str


@dataclass(slots=True)
class Comparison:
    """What invented cases showed; the lists name what is wrong, by its canonical input."""

    cases: int = 0
    differences: list[str] = field(default_factory=list)
    """Inputs that the two engines answer differently."""
    widenings: list[str] = field(default_factory=list)
    """Inputs where taking something away, or a consent, opened a field."""


def check(decider: Decider, bundle: Bundle) -> Iterator[Finding]:
    """Check the data document and every golden case; never raises for a failed case."""
    derived = document_bytes(decider.catalogue) == bundle.document
    yield Finding("data document", derived, "derived from the catalogue")
    for case in golden_cases():
        try:
            ok = case.agrees(decider.decide(case.question(decider.catalogue)))
        except PolicyError:
            ok = False
        yield Finding(case.id, ok, case.title)


def compare(
    decider: Decider,
    engines: Sequence[RuleEngine],
    questions: Iterable[DecisionInput],
    inventor: Inventor,
) -> Comparison:
    """Ask every engine these questions; the first engine is also asked for widenings.

    Each question is asked as it is, with one member gone, with one mistyped, with something taken
    away and with every consent there could be.
    """
    result, first = Comparison(), engines[0]
    for question in questions:
        broken = inventor.broken(question)
        for source in (question.canonical(), broken, inventor.mistyped(question)):
            answers = [answered(engine, source) for engine in engines]
            if any(other != answers[0] for other in answers[1:]):
                result.differences.append(source.decode("ascii"))
        result.widenings += _widened(first, inventor, question, broken, decider)
        result.cases += 1
    return result


def answered(engine: RuleEngine, source: bytes) -> list[Answer] | str:
    """Return the answers of an engine, or in a word that it refused or failed."""
    try:
        return engine.evaluate(source)
    except InputInvalid:
        return "refused"
    except PolicyError:
        return "failed"


def _widened(
    engine: RuleEngine,
    inventor: Inventor,
    question: DecisionInput,
    broken: bytes,
    decider: Decider,
) -> list[str]:
    before = answered(engine, question.canonical())
    if isinstance(before, str):
        return []
    found: list[bytes] = []
    for poorer in (inventor.poorer(question).canonical(), broken):
        after = answered(engine, poorer)
        if not isinstance(after, str) and opened(before, after):
            found.append(poorer)
    consented = inventor.consented(question).canonical()
    after = answered(engine, consented)
    rules = decider.catalogue.rules
    prohibited = {a["field"] for a in before if rules[RuleId(a["rule"])].mode == "prohibited"}
    if not isinstance(after, str) and prohibited & set(opened(before, after)):
        found.append(consented)
    return [source.decode("ascii") for source in found]
