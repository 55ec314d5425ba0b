# SPDX-License-Identifier: EUPL-1.2
"""How the gateway waits for its rule engine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from gateway.engine import decide_sparingly
from policies.decide import load_decider
from policies.errors import PolicyUnavailable
from policies.model import AgreementFacts, DecisionInput, FieldId, Kind, PurposeId

if TYPE_CHECKING:
    from gateway.facts import Gathered
    from policies.decision import Decision

ASKED = DecisionInput(
    from_kind=Kind("ABH"),
    to_kind=Kind("JC"),
    purpose=PurposeId("P04"),
    trigger="on_request",
    fields=(FieldId("residence_status"),),
    declared={},
    agreement=AgreementFacts(in_force=True),
)


class SlowRules:
    """Rules in a server that lets both questions wait for each other."""

    def __init__(self) -> None:
        self.both = asyncio.Barrier(2)
        self.failing = False

    async def decide(self, facts: DecisionInput) -> Decision:
        """Answer once the other question is here too."""
        await self.both.wait()
        if self.failing:
            raise PolicyUnavailable("frozen")
        return load_decider().decide(facts)


@dataclass
class Facts:
    """What `decide_sparingly` reads of what was gathered."""

    rules: SlowRules
    facts: DecisionInput = ASKED
    asks_person: bool = True


async def test_both_questions_about_a_person_wait_at_the_same_time() -> None:
    """One after the other they would never end here, and cost two deadlines with a frozen server."""
    gathered = cast("Gathered", Facts(SlowRules()))
    async with asyncio.timeout(5):
        facts, decision = await decide_sparingly(gathered)
    assert facts == ASKED
    assert [one.field for one in decision.fields] == ["residence_status"]


async def test_a_failure_of_either_question_is_a_failure() -> None:
    """No decision from half an answer."""
    slow = SlowRules()
    slow.failing = True
    async with asyncio.timeout(5):
        with pytest.raises(PolicyUnavailable):
            await decide_sparingly(cast("Gathered", Facts(slow)))
