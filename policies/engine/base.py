# SPDX-License-Identifier: EUPL-1.2
"""What every rule engine promises, whatever runs the rules."""

from __future__ import annotations

import json
from typing import Final, Protocol, TypedDict

from policies.errors import EngineFailed

ENTRYPOINT: Final = "lotse/exchange/decision"


class Answer(TypedDict):
    """The engine's answer for one field; codes only, checked for type but not yet for meaning."""

    field: str
    outcome: str
    rule: str
    reason: str
    reasons: list[str]


class RuleEngine(Protocol):
    """Evaluates one canonical input; a pure function of its argument and the bundle.

    Safe to call from several threads at once.
    """

    @property
    def name(self) -> str:
        """Name and version of the engine, for the log."""
        ...

    @property
    def bundle_digest(self) -> str:
        """SHA-256 in hex of the rules and data that this engine evaluates."""
        ...

    def evaluate(self, canonical_json: bytes) -> list[Answer]:
        """Return one answer per asked field, sorted by field.

        Raises:
            InputInvalid: the bytes are not an input that an engine may see.
            EngineFailed: no answer, an ambiguous answer or nonsense; release nothing.
        """
        ...


def read_result(raw: bytes) -> list[Answer]:
    """Turn the raw result document of an engine into answers.

    Everything that is not exactly one decision is a failure: an undefined decision, an empty
    result set and an extra member all deny.

    Raises:
        EngineFailed: ``not_json``, ``undefined`` or ``malformed``.
    """
    try:
        results = json.loads(raw)
    except ValueError:
        raise EngineFailed("not_json") from None
    if not isinstance(results, list) or len(results) != 1:
        raise EngineFailed("undefined")
    match results[0]:
        case {"result": {"fields": dict() as fields, **rest}, **more} if not rest and not more:
            return [_answer(name, fields[name]) for name in sorted(fields)]
        case _:
            raise EngineFailed("malformed")


def _answer(name: str, verdict: object) -> Answer:
    match verdict:
        case {
            "outcome": str() as outcome,
            "rule": str() as rule,
            "reason": str() as reason,
            "reasons": list() as reasons,
            **rest,
        } if not rest:
            codes = [code for code in reasons if isinstance(code, str)]
            if len(codes) != len(reasons) or codes[:1] != [reason]:
                raise EngineFailed("malformed")
            return Answer(field=name, outcome=outcome, rule=rule, reason=reason, reasons=codes)
        case _:
            raise EngineFailed("malformed")
