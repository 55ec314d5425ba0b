# SPDX-License-Identifier: EUPL-1.2
"""Attacks on prohibitions: permissions, clerks and dead consents against what the law forbids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from policies.catalogue import Catalogue
from policies.engine.embedded import EmbeddedEngine
from policies.model import (
    AgreementFacts,
    DecisionInput,
    FieldId,
    HolderFacts,
    Kind,
    PermissionFact,
    PermissionFacts,
    PurposeId,
    RuleId,
    Trigger,
)
from policies.rules import Rule
from policies.widening import openness
from tests.contract.rule_engines import golden_questions

QUESTIONS = [question for _, question in golden_questions()]
ABOUT = sorted({case.about for case, _ in golden_questions()})
ENGINE = EmbeddedEngine.load()


def _every_type(fact: PermissionFact) -> PermissionFacts:
    return PermissionFacts(fact, fact, fact, fact, fact, fact)


def _questions_about(name: str) -> list[DecisionInput]:
    return [question for case, question in golden_questions() if case.about == name]


_IDENTIFIERS = (FieldId("pension_no"), FieldId("tax_idnr"))
"""Identifiers that no rule lists on any route."""


def _trigger_of(rule: Rule) -> Trigger:
    return "spontaneous" if rule.triggers == ("spontaneous",) else "on_request"


def _routes() -> Iterator[tuple[RuleId, DecisionInput]]:
    """Every prohibition that ships, at every sender, recipient, purpose and trigger it names."""
    catalogue = Catalogue.load()
    kinds, purposes = ["ABH", "JC", "MBE", "SCHULE", "MELDE"], ["P02", "P04"]
    for rule in catalogue.rules.values():
        if rule.mode != "prohibited" or rule.id == "R73":
            continue
        for from_kind in rule.from_kinds if rule.from_kinds != ("*",) else kinds:
            for to_kind in rule.to_kinds if rule.to_kinds != ("*",) else kinds:
                for purpose in rule.purposes if rule.purposes != ("*",) else purposes:
                    yield (
                        rule.id,
                        DecisionInput(
                            from_kind=Kind(from_kind),
                            to_kind=Kind(to_kind),
                            purpose=PurposeId(purpose),
                            trigger=_trigger_of(rule),
                            fields=_IDENTIFIERS if rule.id == "R45" else rule.fields,
                            agreement=AgreementFacts(
                                in_force=True,
                                undertaking_78=True,
                                approval_79=True,
                                recipient_abroad=rule.id == "R69",
                            ),
                            holder=HolderFacts(
                                info_block=rule.id == "R41",
                                secret_203=rule.fields if rule.id == "R64" else (),
                            ),
                        ),
                    )


def test_no_permission_and_no_clerk_opens_a_prohibition() -> None:
    """Every prohibited field stays closed with all six permissions and a human release (P3)."""
    count = 0
    for rule, closed in _routes():
        everything = PermissionFact("in_force", closed.fields)
        opened = replace(
            closed,
            declared={
                "azr_checked": True,
                "reason_code": "azr_pending",
                "azr_insufficient": True,
                "decision": "grant_25b",
                "subject_count": 1,
                "uploaded_by_subject": True,
            },
            permission=_every_type(everything),
            holder=replace(closed.holder, released_by_source=True, released_by_head=True),
        )
        for question in (closed, opened):
            answers = ENGINE.evaluate(question.canonical())
            assert set(openness(answers).values()) == {0}, (rule, question)
            count += 1
    assert count > 300


@pytest.mark.parametrize("about", ABOUT)
def test_what_the_holder_knows_can_only_close(about: str) -> None:
    """Block, secrecy tags, lapsed rules and lost agreements never open a field."""
    for question in _questions_about(about):
        _can_only_close(question)


def _can_only_close(question: DecisionInput) -> None:
    before = openness(ENGINE.evaluate(question.canonical()))
    holder = question.holder
    closing = [
        replace(question, holder=replace(holder, info_block=True)),
        replace(question, holder=replace(holder, secret_203=question.fields)),
        replace(question, holder=replace(holder, entrusted_65=question.fields)),
        replace(question, lapsed=tuple(Catalogue.load().rules)),
        replace(question, agreement=AgreementFacts()),
        replace(question, permission=PermissionFacts()),
    ]
    for changed in closing:
        after = openness(ENGINE.evaluate(changed.canonical()))
        assert all(after[f] <= before[f] for f in before)


@pytest.mark.parametrize("state", ["none", "expired", "withdrawn", "used"])
def test_a_permission_that_is_not_in_force_is_worth_nothing(state: Any) -> None:
    """Withdrawn, expired and used permissions release exactly what no permission releases."""
    for question in QUESTIONS:
        dead = PermissionFact(state, question.fields)
        killed = replace(question, permission=_every_type(dead))
        without = replace(question, permission=PermissionFacts())
        assert openness(ENGINE.evaluate(killed.canonical())) == openness(
            ENGINE.evaluate(without.canonical())
        )
