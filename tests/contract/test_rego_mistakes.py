# SPDX-License-Identifier: EUPL-1.2
"""Mistakes in the Rego text itself: each changed line is compiled, and a case must notice.

What data describe is covered by `lotse policy mutate`; this is the order of evaluation.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from policies.build import PACKAGE, compile_rules
from policies.bundle import DOCUMENT_FILE, WASM_FILE, Bundle
from policies.catalogue import Catalogue
from policies.engine.base import Answer
from policies.engine.embedded import EmbeddedEngine
from policies.errors import PolicyError
from policies.generate import Inventor
from tests.contract.rule_engines import golden_questions

MISTAKES = [
    ("decision.rego", "agreed if input.agreement.in_force == true", "agreed := true"),
    ("decision.rego", '"entrusted_65"})}', '"secret_203"})}'),
    ("route.rego", "left_4 := asked - blocked", "left_4 := asked"),
    ("route.rego", "left_6 := left_5 - claimed_at(5)", "left_6 := left_5"),
    ("route.rego", "left_8 := left_7 - claimed_at(7)", "left_8 := left_7"),
    ("route.rego", 'claimed["R69"] := asked if', 'claimed["R69"] := set() if'),
    ("route.rego", "input.holder.info_block == true", "input.holder.info_block == null"),
    ("secrecy.rego", "if not pulled_from_counselling", "if true"),
    ("secrecy.rego", "if not person_takes_part", "if person_takes_part"),
    ("transfer.rego", "if input.holder.released_by_source == true", "if true"),
    ("transfer.rego", "if input.holder.released_by_head == true", "if true"),
    ("transfer.rego", "	count(unmet(rule)) == 0\n	some position", "	some position"),
    ("transfer.rego", "(taken[rule] - barred[rule])", "taken[rule]"),
    ("permission.rego", 'if input.permission[type].state == "in_force"', "if true"),
    ("conditions.rego", "input.declared.subject_count == 1", "input.declared.subject_count >= 1"),
    ("conditions_care.rego", "input.declared.cell_size >= 5", "input.declared.cell_size >= 4"),
]


@pytest.fixture(scope="module")
def right() -> list[tuple[bytes, list[Answer]]]:
    """Every golden question and some invented ones, with the answers of the shipped rules."""
    engine = EmbeddedEngine.load()
    sources = [question.canonical() for _, question in golden_questions()]
    invented = Inventor(Catalogue.load(), 0).questions(730)
    sources += [question.canonical() for question in invented]
    return [(source, engine.evaluate(source)) for source in sources]


@pytest.mark.parametrize("change", MISTAKES, ids=range(len(MISTAKES)))
def test_a_case_notices_the_mistake(
    opa: Path,
    tmp_path: Path,
    right: list[tuple[bytes, list[Answer]]],
    change: tuple[str, str, str],
) -> None:
    """The line is there, the changed rules compile, and some answer is another."""
    file, text, mistake = change
    shutil.copytree(PACKAGE / "rego" / "lotse", tmp_path / "lotse")
    (tmp_path / "data.json").write_bytes(Bundle.load().document)
    rules = tmp_path / "lotse" / "exchange" / file
    source = rules.read_text(encoding="utf-8")
    assert source.count(text) == 1
    rules.write_text(source.replace(text, mistake), encoding="utf-8")
    module = compile_rules(str(opa), tmp_path)
    engine = EmbeddedEngine(Bundle.of({WASM_FILE: module, DOCUMENT_FILE: Bundle.load().document}))
    assert any(_answers(engine, question) != answers for question, answers in right)


def _answers(engine: EmbeddedEngine, question: bytes) -> list[Answer] | None:
    try:
        return engine.evaluate(question)
    except PolicyError:
        return None
