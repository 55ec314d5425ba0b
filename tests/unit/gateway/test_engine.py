# SPDX-License-Identifier: EUPL-1.2
"""What the person allowed stands in a decision's input only where it made a difference (P5)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from typing_extensions import override

from gateway.engine import AtOnce, decide_sparingly
from gateway.facts import Gathered
from gateway.rules import GatewayRules
from policies.decide import Decider
from policies.decision import Decision
from policies.model import (
    PERMISSION_TYPES,
    AgreementFacts,
    DecisionInput,
    FieldId,
    Kind,
    PermissionFact,
    PermissionFacts,
    PurposeId,
)
from policies.release.force import InsecureShippedRules, RuleSet
from tests.support.connectors import shared_decider


@dataclass
class _Counting(AtOnce):
    asked: list[DecisionInput] = field(default_factory=list)

    @override
    async def __call__(self, decider: Decider, facts: DecisionInput) -> Decision:
        self.asked.append(facts)
        return decider.decide(facts)


def _everything(*names: str) -> PermissionFacts:
    fact = PermissionFact("in_force", tuple(FieldId(name) for name in names))
    return PermissionFacts(**dict.fromkeys(PERMISSION_TYPES, fact), retrieval_confirmed=True)


def _question(route: str, *names: str) -> DecisionInput:
    from_kind, to_kind, purpose, trigger = route.split()
    return DecisionInput(
        from_kind=Kind(from_kind),
        to_kind=Kind(to_kind),
        purpose=PurposeId(purpose),
        trigger=trigger,  # type: ignore[arg-type]  # the routes below are spelt right
        fields=tuple(FieldId(name) for name in names),
        agreement=AgreementFacts(in_force=True, undertaking_78=True),
        permission=_everything(*names),
    )


def _gathered(question: DecisionInput, deciding: AtOnce) -> Gathered:
    rules = GatewayRules(InsecureShippedRules(RuleSet(shared_decider())), deciding)
    return Gathered(question, rules.now(), True, (), b"", b"")


CASES = {
    "R18 rests on the consent": ("JC MBE P03 on_request", ("procedure_state",), True),
    "R48 rests on the mandate": ("ABH ANERK P13 push", ("family_name",), True),
    "R55 from the youth office rests on the consent": (
        "JA JC P20 on_request",
        ("family_name",),
        True,
    ),
    "R55 between job centre and agency is law": ("JC BA P20 on_request", ("family_name",), False),
    "R47 from the person herself is her own": ("PERS ANERK P13 push", ("family_name",), False),
    "R47 from a counsellor rests on both": ("MBE ANERK P13 push", ("family_name",), True),
    "what no rule lists is refused anyway": ("JC MBE P03 on_request", ("net_income",), False),
}


@pytest.mark.parametrize("name", CASES)
async def test_permissions_are_shown_only_where_they_count(name: str) -> None:
    """Both agencies can read the input: what changed nothing is left out of it."""
    route, names, shown = CASES[name]
    question = _question(route, *names)
    told, decision = await decide_sparingly(_gathered(question, AtOnce()))
    assert told == (question if shown else replace(question, permission=PermissionFacts()))
    assert decision.input_digest == told.digest()
    with_all = shared_decider().decide(question)
    assert [(one.field, one.outcome) for one in decision.fields] == [
        (one.field, one.outcome) for one in with_all.fields
    ]
    assert bool(decision.released) is (names != ("net_income",))


@pytest.mark.parametrize("permission", [PermissionFacts(), _everything("procedure_state")])
async def test_it_is_asked_as_often_whoever_the_person_is(permission: PermissionFacts) -> None:
    """A stranger costs as much as somebody who allowed everything."""
    question = replace(_question("JC MBE P03 on_request", "procedure_state"), permission=permission)
    counting = _Counting()
    await decide_sparingly(_gathered(question, counting))
    assert len(counting.asked) == 2
