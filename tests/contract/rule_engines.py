# SPDX-License-Identifier: EUPL-1.2
"""Every rule engine, and what the contract suite asks of each."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from policies.build import PACKAGE
from policies.bundle import Bundle
from policies.catalogue import Catalogue
from policies.engine import gate
from policies.engine.base import Answer, RuleEngine, read_result
from policies.engine.embedded import EmbeddedEngine
from policies.golden_cases import GoldenCase
from policies.golden_cases import golden_cases as reviewed
from policies.model import DecisionInput

_EACH_CASE = (
    "{id: result | some id, question in data.cases; "
    "result := data.lotse.exchange.decision with input as question}"
)


@dataclass(frozen=True, slots=True)
class OpaEval:
    """OPA itself as an engine: one process per batch of questions, its own semantics."""

    binary: Path

    @property
    def name(self) -> str:
        """Name of the engine."""
        return "opa-eval"

    @property
    def bundle_digest(self) -> str:
        """OPA reads the same files."""
        return Bundle.load().digest

    def evaluate(self, canonical_json: bytes) -> list[Answer]:
        """One question."""
        gate.check(canonical_json)
        results = self.raw_results([canonical_json])
        return read_result(json.dumps([{"result": r} for r in results.values()]).encode())

    def evaluate_all(self, questions: Sequence[bytes]) -> list[list[Answer] | None]:
        """Many questions in one process; None where the decision is undefined."""
        results = self.raw_results(questions)
        return [
            read_result(json.dumps([{"result": results[n]}]).encode()) if n in results else None
            for n in range(len(questions))
        ]

    def raw_results(self, questions: Iterable[bytes]) -> dict[int, Any]:
        """Results of many questions by position; an undefined decision is absent."""
        cases = {f"q{n}": json.loads(question) for n, question in enumerate(questions)}
        rego = PACKAGE / "rego"
        command = [str(self.binary), "eval", "--format", "json", "--strict-builtin-errors"]
        command += ["--data", str(rego / "lotse"), "--data", str(rego / "data.json")]
        command += ["--stdin-input", _EACH_CASE.replace("data.cases", "input")]
        done = subprocess.run(
            command,
            input=json.dumps(cases),
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        )
        value = json.loads(done.stdout)["result"][0]["expressions"][0]["value"]
        return {int(name[1:]): result for name, result in value.items()}


@cache
def golden_cases() -> tuple[GoldenCase, ...]:
    """Every reviewed case, in file order."""
    return reviewed()


@cache
def golden_questions() -> tuple[tuple[GoldenCase, DecisionInput], ...]:
    """Every reviewed case with the input that an engine sees."""
    catalogue = Catalogue.load()
    return tuple((case, case.question(catalogue)) for case in golden_cases())


@cache
def embedded() -> RuleEngine:
    """The engine that ships, compiled once."""
    return EmbeddedEngine.load()
