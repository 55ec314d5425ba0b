# SPDX-License-Identifier: EUPL-1.2
"""The self-test of a release: it decides as reviewed, and it can say no.

A release brings the cases it was reviewed with. Beside them stand questions that every set of
rules must answer with no, whatever the law says: no agreement, and an input with parts missing.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from policies.catalogue import Catalogue
from policies.decide import MEMO_SIZE, Decider
from policies.errors import PolicyError, PolicyUnavailable, ReleaseRefused
from policies.golden_cases import GoldenCase, golden_cases, read_golden
from policies.model import AgreementFacts, Outcome
from policies.strict import JsonValue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policies.decision import Decision
    from policies.engine.base import RuleEngine
    from policies.model import DecisionInput
    from policies.release.verify import VerifiedBundle

_OPEN: Final = frozenset({Outcome.ALLOW_MIN, Outcome.HOLD_HUMAN})
_NONSENSE: Final = frozenset(
    {"not_json", "undefined", "malformed", "unknown_code"}
    | {"rule_does_not_list_field", "other_fields_than_asked"}
)
"""What an engine answered and should not have; every other failure is one of the way to it."""
_MISSING: Final = b'{"fields":["family_name"]}'
"""Passes the gate before every engine, and lacks all the rest."""


def self_tested(
    verified: VerifiedBundle, engine: RuleEngine, *, memo_size: int = MEMO_SIZE
) -> Decider:
    """Return a decider over this release, after it has shown that it decides as it should.

    Raises:
        ReleaseRefused: ``self_test``.
        PolicyUnavailable: the engine gives no answers at all.
    """
    decider = Decider(engine, verified.catalogue, memo_size=memo_size)
    if engine.bundle_digest != verified.bundle.digest:
        raise ReleaseRefused("self_test")
    try:
        if verified.statement.emergency:
            # That nothing can be released by it, its data show; here the engine answers at all.
            _denies(
                decider, (_as_reviewed(case) for case in golden_cases() if case.about[0] == "U")
            )
        else:
            cases = _own_cases(verified)
            _agrees(decider, cases)
            _denies(decider, (_no_agreement(case, verified.catalogue) for case in cases))
    except ReleaseRefused:
        raise
    except PolicyUnavailable as error:
        if getattr(error, "code", "") in _NONSENSE:
            raise ReleaseRefused("self_test") from None
        raise
    except PolicyError:
        raise ReleaseRefused("self_test") from None
    if any(answer["outcome"] in _OPEN for answer in engine.evaluate(_MISSING)):
        raise ReleaseRefused("self_test")
    return decider


def _own_cases(verified: VerifiedBundle) -> list[GoldenCase]:
    cases: list[GoldenCase] = []
    for content in verified.golden.values():
        try:
            document: JsonValue = json.loads(content)
            cases += read_golden(document)
        except (ValueError, RecursionError):
            raise ReleaseRefused("self_test") from None
    if not cases:
        raise ReleaseRefused("self_test")
    return cases


def _agrees(decider: Decider, cases: Iterable[GoldenCase]) -> None:
    for case in cases:
        if not case.agrees(decider.decide(case.question(decider.catalogue))):
            raise ReleaseRefused("self_test")


def _denies(decider: Decider, questions: Iterable[DecisionInput]) -> None:
    for question in questions:
        if _opens(decider.decide(question)):
            raise ReleaseRefused("self_test")


def _opens(decision: Decision) -> bool:
    return any(one.outcome in _OPEN for one in decision.fields)


def _as_reviewed(case: GoldenCase) -> DecisionInput:
    """What the law of this version of Lotse would partly allow."""
    return case.question(Catalogue.load())


def _no_agreement(case: GoldenCase, catalogue: Catalogue) -> DecisionInput:
    return replace(case.question(catalogue), agreement=AgreementFacts())
