# SPDX-License-Identifier: EUPL-1.2
"""A gateway that dates its decision back to a day when the agreement still stood."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from keys.messages import DecisionToken
from policies.model import AgreementFacts
from tests.support.clock import START
from tests.support.connectors import ABH, AS_CLERK, AS_SYSTEM, JC, U03, World, world
from tests.support.lies import refused_by_holder

HOUR, DAY = 3_600, 86_400
AGREED_UNTIL = START + 400 * DAY
CLERK_SAYS = {"clerk": "Rita Freigabe", "reason_code": "not_necessary"}


def _lie(made: World, seconds: int) -> None:
    """Decide as if the agreement stood, and say that this was so many seconds ago."""
    gateway = made.gateway
    honest = gateway._facts

    def facts(*args: Any, **more: Any) -> Any:
        agreed = AgreementFacts(in_force=True, undertaking_78=True, approval_79=True)
        return replace(honest(*args, **more), agreement=agreed)

    def dated_back(token: DecisionToken) -> DecisionToken:
        return replace(token, issued_at=token.issued_at - seconds)

    gateway._facts = facts  # type: ignore[method-assign]  # this is the lie
    gateway.lies.decision = dated_back


def _at(made: World, moment: int) -> None:
    made.clock.advance(moment - made.clock())
    made.gateway.publish()


async def test_a_decision_older_than_its_statement(tmp_path: Path) -> None:
    """The agreement ended an hour ago; the decision says it was made before that."""
    async with world(tmp_path) as made:
        _at(made, AGREED_UNTIL + HOUR)
        _lie(made, 2 * HOUR)
        await refused_by_holder(made, "expiry")


async def test_a_release_decided_under_an_agreement_that_has_ended(tmp_path: Path) -> None:
    """Asked and held in time, released too late: the holder looks at its own clock."""
    async with world(tmp_path) as made:
        _at(made, AGREED_UNTIL - HOUR)
        assert (await made.ask(ABH, U03)).json()["outcome"] == "held"
        jc = made.sites[JC]
        (item,) = (await jc.client.get("/held", headers=AS_SYSTEM)).json()["held"]
        _at(made, AGREED_UNTIL + HOUR)
        _lie(made, 2 * HOUR - 60)
        reply = await jc.client.post(
            f"/held/{item['id']}/release", json=CLERK_SAYS, headers=AS_CLERK
        )
        assert reply.json()["check"] == "decision-input"
        assert jc.source.calls == []
