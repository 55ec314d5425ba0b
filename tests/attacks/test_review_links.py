# SPDX-License-Identifier: EUPL-1.2
"""Links that are turned from one person's file to another's."""

from __future__ import annotations

from pathlib import Path

from tests.support.middle import ABH, JC
from tests.support.scenes import STATUS, ask_by_choice, choice_of_proof, one_gate
from tests.support.signing_in import problem_code


async def test_one_persons_permission_opens_another_persons_file(tmp_path: Path) -> None:
    """Person one allowed it; the job centre ties person two's code to person one's case."""
    async with one_gate(tmp_path) as gate:
        await choice_of_proof(gate, await gate.person(ABH, "A1"))
        turned = await gate.link(ABH, "A2", JC, "J1")
        assert problem_code(turned) == "link-check-failed"
        answer = (await ask_by_choice(gate)).json()
        assert gate.opened(JC, answer) == {STATUS: "canary-status-a1"}


async def test_a_holder_turns_its_own_half_to_another_file(tmp_path: Path) -> None:
    """The same from the other side: a code of person one's case, joined with person two's file."""
    async with one_gate(tmp_path) as gate:
        assert problem_code(await gate.link(JC, "J1", ABH, "A2")) == "link-check-failed"
