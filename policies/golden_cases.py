# SPDX-License-Identifier: EUPL-1.2
"""The reviewed cases with their expected answers, written by hand from the text of the law."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

from policies.case import read_case
from policies.strict import Reader

if TYPE_CHECKING:
    from policies.catalogue import Catalogue
    from policies.decision import Decision
    from policies.model import DecisionInput
    from policies.strict import JsonValue

REVIEWED_AT: Final = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
"""The instant of a case that names none."""


@dataclass(frozen=True, slots=True)
class GoldenCase:
    """One reviewed case."""

    id: str
    about: str
    """A use case, ``U03``, or a rule, ``R04``."""
    title: str
    shows: str
    """What it is there for: applies, guard_fails, prohibition_wins, other."""
    document: JsonValue
    expected: JsonValue

    def question(self, catalogue: Catalogue) -> DecisionInput:
        """Return the decision input of the case.

        Raises:
            CaseInvalid: it names something the catalogue does not know.
        """
        return read_case(self.document, catalogue, now=REVIEWED_AT, where=self.id).question

    def agrees(self, decision: Decision) -> bool:
        """Say whether a decision is the expected one, field by field."""
        return expected_form(decision) == self.expected


def expected_form(decision: Decision) -> JsonValue:
    """Return a decision as the golden files write it."""
    return {
        "outcome": decision.overall.value,
        "fields": {
            f.field: {"outcome": f.outcome.value, "rule": f.rule, "reason": f.reason}
            for f in decision.fields
        },
    }


def golden_cases() -> tuple[GoldenCase, ...]:
    """Return every golden case that ships with the package, in file order.

    Raises:
        InputInvalid: a golden file is malformed.
    """
    folder = resources.files("policies") / "golden"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".json")), key=lambda f: f.name)
    return tuple(case for file in files for case in read_golden(json.loads(file.read_bytes())))


def read_golden(document: JsonValue) -> list[GoldenCase]:
    """Read one golden file; a release brings its own.

    Raises:
        InputInvalid: it is malformed.
    """
    top = Reader.of(document)
    about = top.text("about")
    top.text("title")
    cases = [_case(Reader.of(row), about) for row in top.items("cases")]
    top.done()
    return cases


def _case(row: Reader, about: str) -> GoldenCase:
    result = GoldenCase(
        id=row.text("id"),
        about=about,
        title=row.text("title"),
        shows=row.text("shows"),
        document=row.value("case"),
        expected=row.value("expected"),
    )
    row.done()
    return result
