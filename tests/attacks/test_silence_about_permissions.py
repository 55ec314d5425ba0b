# SPDX-License-Identifier: EUPL-1.2
"""Where the law alone decides, nobody learns what the person once allowed or took back (P5)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from tests.support.middle import ABH, JC, Middle

AFTER_AZR = {"azr_checked": True, "reason_code": "azr_contradicts"}


def _decided_from(token: str) -> Any:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["input"]


async def test_a_withdrawn_choice_does_not_show_in_a_statutory_enquiry(tmp_path: Path) -> None:
    """The decision's facts are the same for somebody who chose and took it back, and for anybody."""
    middle = Middle.build(tmp_path)
    async with middle.running() as gate:
        await gate.link(ABH, "ABH-1", JC, "JC-1")
        await gate.link(ABH, "ABH-2", JC, "JC-2")
        person = await gate.person(JC, "JC-1")
        given = await gate.allow(person, "fetch-residence-proof", ABH, JC, ["permit_type"])
        await gate.withdraw(person, given.json()["id"])
        answers = [
            (await gate.ask(JC, ABH, number, "P04", ["permit_type"], declared=AFTER_AZR)).json()
            for number in ("JC-1", "JC-2", "JC-3")
        ]
        facts = [_decided_from(answer["decision"]) for answer in answers]
        assert facts[0] == facts[1] == facts[2]


async def test_where_the_person_decides_the_state_is_told(tmp_path: Path) -> None:
    """The counterpart: the choice itself is refused with the reason that it was taken back."""
    middle = Middle.build(tmp_path)
    async with middle.running() as gate:
        await gate.link(ABH, "ABH-1", JC, "JC-1")
        person = await gate.person(JC, "JC-1")
        given = await gate.allow(person, "fetch-residence-proof", ABH, JC, ["permit_type"])
        await gate.withdraw(person, given.json()["id"])
        answer = await gate.ask(
            JC,
            ABH,
            "JC-1",
            "P04",
            ["permit_type"],
            trigger="subject_choice",
            declared={"procedure_electronic": True},
        )
        assert _decided_from(answer.json()["decision"])["permission"]["choice"]["state"] == (
            "withdrawn"
        )
