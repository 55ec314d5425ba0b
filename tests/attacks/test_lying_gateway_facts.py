# SPDX-License-Identifier: EUPL-1.2
"""A gateway that decides from invented facts, and signs a digest that fits them.

Whatever stands in the statement, in the pinned agency list, or only at the holder, is compared.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keys.messages import DecisionToken
from policies.inputs import DecisionInput
from tests.support.connectors import ABH, AS_CLERK, AS_HEAD, AS_SYSTEM, JA, JC, R59, U02, U03, world
from tests.support.lies import refused_by_asker, refused_by_holder

SAYS = {"clerk": "Rita Freigabe", "reason_code": "not_necessary"}

LIES: dict[str, dict[str, Any]] = {
    "undertaking": {"agreement__undertaking_78": False},
    "pilot": {"agreement__pilot_agreed": True},
    "state-law": {"agreement__state_law_basis": True},
    "abroad": {"agreement__recipient_abroad": True},
    "released-by-head": {"holder__released_by_head": True},
    "block": {"holder__info_block": True},
    "block-unknown": {"holder__info_block": None},
    "secret": {"holder__secret_203": ["permit_type"]},
    "entrusted": {"holder__entrusted_65": ["permit_type"]},
    "preview-without-choice": {"permission__retrieval_confirmed": True},
    "one-subject": {
        "declared": {"azr_checked": True, "reason_code": "azr_contradicts", "subject_count": 1}
    },
}


def _lying(changes: dict[str, Any]) -> Callable[[DecisionToken], DecisionToken]:
    def lie(token: DecisionToken) -> DecisionToken:
        changed = json.loads(json.dumps(dict(token.input)))
        for path, value in changes.items():
            *parents, last = path.split("__")
            place = changed
            for parent in parents:
                place = place[parent]
            place[last] = value
        return replace(token, input=changed, input_digest=DecisionInput.from_json(changed).digest())

    return lie


@pytest.mark.parametrize("name", LIES)
async def test_a_fact_that_the_gateway_invents_at_the_holder(tmp_path: Path, name: str) -> None:
    """The holder knows better, or nobody can know: refused, named, nothing read."""
    async with world(tmp_path) as made:
        made.gateway.lies.decision = _lying(LIES[name])
        await refused_by_holder(made, "decision-input")


@pytest.mark.parametrize("name", LIES)
async def test_a_fact_that_the_gateway_invents_at_the_asker(tmp_path: Path, name: str) -> None:
    """The same decision, shown only to the asker of a refusal."""
    async with world(tmp_path) as made:
        made.gateway.lies.decision = _lying(LIES[name])
        await refused_by_asker(made, "decision-input", {**U02, "fields": ["net_income"]})


async def test_a_head_who_never_released(tmp_path: Path) -> None:
    """A clerk released R04; the gateway says that it was the head: not what was signed here."""
    async with world(tmp_path) as made:
        await made.ask(ABH, U03)
        jc = made.sites[JC]
        (item,) = (await jc.client.get("/held", headers=AS_SYSTEM)).json()["held"]
        made.gateway.lies.decision = _lying({"holder__released_by_head": True})
        reply = await jc.client.post(f"/held/{item['id']}/release", json=SAYS, headers=AS_CLERK)
        assert reply.json()["check"] == "decision-input"
        assert jc.source.calls == []


async def test_the_heads_release_taken_for_a_clerks(tmp_path: Path) -> None:
    """The other way round it would not even be lawful: R59 is not released, and nothing is read."""
    async with world(tmp_path) as made:
        await made.ask(ABH, R59)
        ja = made.sites[JA]
        (item,) = (await ja.client.get("/held", headers=AS_SYSTEM)).json()["held"]
        made.gateway.lies.decision = _lying({"holder__released_by_head": False})
        reply = await ja.client.post(f"/held/{item['id']}/release", json=SAYS, headers=AS_HEAD)
        assert reply.json()["check"] == "decision-input"
        assert ja.source.calls == []
