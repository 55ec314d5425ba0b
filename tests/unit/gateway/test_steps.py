# SPDX-License-Identifier: EUPL-1.2
"""The numbered steps are what the code does, in this order, and the observer changes nothing."""

from __future__ import annotations

import re
from pathlib import Path

import gateway.exchange
from gateway.steps import Step
from tests.support.middle import ABH
from tests.support.scenes import (
    StopAfter,
    ask_held,
    ask_status,
    one_gate,
    paper_waits,
    pick_up,
    release_of_paper,
)


async def test_a_pull_takes_the_steps_in_order(tmp_path: Path) -> None:
    """Nothing is ordered before the record, and nothing answered before the release's record."""
    observer = StopAfter(Step.ANSWER)
    async with one_gate(tmp_path, observer=observer) as gate:
        assert (await ask_status(gate)).json()["status"] == "answered"
    assert [step for step, _ in observer.seen] == [
        Step.AUTHENTICATE,
        Step.GATHER,
        Step.DECIDE,
        Step.RECORD_INTENT,
        Step.ORDER,
        Step.STRIP,
        Step.RECORD_RELEASE,
    ]
    assert len({exchange for _, exchange in observer.seen}) == 1


async def test_a_refusal_ends_with_its_record(tmp_path: Path) -> None:
    """Nothing is ordered after it."""
    observer = StopAfter(Step.ANSWER)
    async with one_gate(tmp_path, observer=observer) as gate:
        await ask_status(gate, declared={})
    assert observer.seen[-1][0] is Step.RECORD_INTENT


async def test_a_held_order_ends_with_its_delivery(tmp_path: Path) -> None:
    """Nothing is checked or released."""
    observer = StopAfter(Step.ANSWER)
    async with one_gate(tmp_path, observer=observer) as gate:
        await ask_held(gate)
    assert observer.seen[-1][0] is Step.ORDER


async def test_a_push_takes_the_same_steps_in_three_calls(tmp_path: Path) -> None:
    """Offer, result, pick-up: each of the numbers once, in order."""
    observer = StopAfter(Step.ANSWER)
    async with one_gate(tmp_path, observer=observer) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        await pick_up(gate, await paper_waits(gate))
    steps = [step for step, _ in observer.seen]
    assert steps == sorted(set(steps))
    assert {Step.RECORD_INTENT, Step.STRIP, Step.RECORD_RELEASE} <= set(steps)


def test_the_numbers_stand_in_the_text_and_at_the_code() -> None:
    """The docstring lists 1 to 11, and each step that the gateway does is numbered again below."""
    module = Path(gateway.exchange.__file__).read_text(encoding="utf-8")
    listed = re.findall(r"^(\d+)\. \*", module, re.MULTILINE)
    assert [int(number) for number in listed] == list(range(1, 12))
    at_the_code = {int(number) for number in re.findall(r"# (\d+) [A-Z]", module)}
    assert {int(step) for step in Step} <= at_the_code
