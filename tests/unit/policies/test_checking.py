# SPDX-License-Identifier: EUPL-1.2
"""The checks of the rules can fail: each kind of fault is planted once and found."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner

from policies.bundle import DOCUMENT_FILE, Bundle
from policies.catalogue import Catalogue
from policies.check import check, compare
from policies.cli import app
from policies.decide import Decider
from policies.engine.base import Answer
from policies.engine.embedded import EmbeddedEngine
from policies.errors import EngineFailed
from policies.generate import Inventor
from policies.model import DecisionInput
from policies.mutate import Mutant, hunt, mutants
from policies.widening import opened

CATALOGUE = Catalogue.load()
BUNDLE = Bundle.load()
ENGINE = EmbeddedEngine.load()
DECIDER = Decider(ENGINE, CATALOGUE)
RUN = CliRunner()


@dataclass(frozen=True)
class InsecureBentEngine:
    """Bends every answer of the real engine, as a broken or bought one would."""

    bend: Callable[[bytes, list[Answer]], list[Answer]]
    name: str = "bent"
    bundle_digest: str = BUNDLE.digest

    def evaluate(self, canonical_json: bytes) -> list[Answer]:
        """Answer, bent."""
        return self.bend(canonical_json, ENGINE.evaluate(canonical_json))


def _open_when_silent(source: bytes, answers: list[Answer]) -> list[Answer]:
    """Release everything as soon as nothing is declared: the error of negation over nothing."""
    if json.loads(source).get("declared"):
        return answers
    return [Answer(**{**a, "outcome": "ALLOW_MIN"}) for a in answers]


def _fail(_source: bytes, _answers: list[Answer]) -> list[Answer]:
    raise EngineFailed("bent")


def _compared(
    engine: InsecureBentEngine | EmbeddedEngine, second: object = None
) -> tuple[int, int]:
    inventor = Inventor(CATALOGUE, 0)
    engines = [engine] if second is None else [engine, second]
    result = compare(DECIDER, engines, inventor.questions(146), inventor)  # type: ignore[arg-type]  # two kinds of engine
    assert result.cases == 146
    return len(result.differences), len(result.widenings)


def test_the_real_engine_agrees_with_itself_and_never_widens() -> None:
    """Two instances, invented questions, spoilt ones and poorer ones."""
    assert _compared(ENGINE, EmbeddedEngine.load()) == (0, 0)


def test_an_engine_that_fails_differs_on_every_question() -> None:
    """A failure is never counted as agreement."""
    differences, _ = _compared(ENGINE, InsecureBentEngine(_fail))
    assert differences > 3 * 146 * 0.9


def test_an_engine_that_opens_on_missing_facts_is_a_widening() -> None:
    """Taking every fact away opened fields: named, not overlooked."""
    _, widenings = _compared(InsecureBentEngine(_open_when_silent))
    assert widenings > 0


def test_the_same_seed_invents_the_same_questions() -> None:
    """A failing case can be had again; another seed asks something else."""
    first, again, other = (
        [q.canonical() for q in Inventor(CATALOGUE, seed).questions(200)] for seed in (7, 7, 8)
    )
    assert first == again
    assert first != other


def test_invented_questions_reach_every_rule_and_every_outcome() -> None:
    """The invention is worth something: all rules, all outcomes."""
    answers = [
        answer
        for question in Inventor(CATALOGUE, 0).questions(73 * 60)
        for answer in ENGINE.evaluate(question.canonical())
    ]
    assert {a["rule"] for a in answers} == set(CATALOGUE.rules)
    assert len({a["outcome"] for a in answers}) == 11


def test_invented_questions_survive_the_wire() -> None:
    """Each is an input that a gateway could have made."""
    for question in Inventor(CATALOGUE, 3).questions(146):
        assert DecisionInput.from_json(question.to_json()) == question


def test_a_changed_rule_is_not_as_reviewed() -> None:
    """A field list that grew by one field changes golden cases and the data document."""
    document = json.loads(BUNDLE.document)
    document["catalogue"]["rules"]["R04"]["fields"]["net_income"] = True
    del document["catalogue"]["rules"]["R07"]
    changed = Bundle.of({**BUNDLE.files, DOCUMENT_FILE: json.dumps(document).encode()})
    findings = list(check(Decider(EmbeddedEngine(changed), CATALOGUE), changed))
    wrong = {finding.name for finding in findings if not finding.ok}
    assert "data document" in wrong
    assert any(name.startswith(("R07", "U03")) for name in wrong)


def test_a_mistake_that_changes_nothing_is_not_noticed() -> None:
    """Survivors are possible: the original, called a mistake, survives."""
    same = Mutant("R04", "is left as it is", BUNDLE.document)
    assert [v.noticed_by for v in hunt(ENGINE, [same], CATALOGUE, cases=10)] == [None]


def test_every_kind_of_mistake_is_made_for_every_rule_that_data_describe() -> None:
    """Guards, field lists, prohibitions, modes and releases, each at least once."""
    made = list(mutants(BUNDLE.document, CATALOGUE))
    assert len({(m.rule, m.mistake) for m in made}) == len(made)
    assert {m.rule for m in made} == set(CATALOGUE.rules) - {"R64", "R73"}
    for words in ("no longer asks for", "lists ", "is forgotten", "rests on", "waits for", "lapse"):
        assert any(words in m.mistake for m in made), words


def test_more_open_is_seen_field_by_field() -> None:
    """Held is more open than refused, released more than held; a new field counts from closed."""

    def said(**outcomes: str) -> list[Answer]:
        return [
            Answer(field=f, outcome=o, rule="R02", reason="statute", reasons=["statute"])
            for f, o in outcomes.items()
        ]

    before = said(a="DENY", b="HOLD_HUMAN", c="ALLOW_MIN", d="NEUTRAL")
    after = said(a="HOLD_HUMAN", b="ALLOW_MIN", c="ALLOW_MIN", d="DENY", e="ALLOW_MIN")
    assert opened(before, after) == ("a", "b", "e")
    assert opened(after, before) == ()


def test_check_prints_one_line_and_says_how_many() -> None:
    """The line that an operator looks for."""
    run = RUN.invoke(app, ["check", "--cases", "73", "--one-engine"])
    assert run.exit_code == 0, run.output
    line = r"73 rules · \d{3,} golden · 73 generated · 0 differences · 0 widenings\n"
    assert re.fullmatch(line, run.stdout)


def test_mutate_says_that_every_mistake_is_noticed() -> None:
    """The golden cases and the sweep suffice; chance is not needed."""
    run = RUN.invoke(app, ["mutate", "--cases", "0"])
    assert run.exit_code == 0, run.output
    counted = re.fullmatch(r"(\d+) mutants · (\d+) killed\n", run.stdout)
    assert counted is not None
    assert counted[1] == counted[2]
    assert int(counted[1]) > 300


@pytest.mark.parametrize("command", ["check", "mutate"])
def test_numbers_of_cases_are_numbers(command: str) -> None:
    """A negative number is a usage error."""
    assert RUN.invoke(app, [command, "--cases", "-1"]).exit_code == 2
