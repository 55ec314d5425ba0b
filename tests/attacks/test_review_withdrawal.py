# SPDX-License-Identifier: EUPL-1.2
"""Ways around a withdrawal or an end of a permission, by somebody who waits for the right moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.middle import ABH, DAY
from tests.support.scenes import (
    ask_by_choice,
    choice_of_proof,
    one_gate,
    paper_waits,
    pick_up,
    release_of_paper,
    row_counts,
    told,
)
from tests.support.signing_in import problem_code


def _slow_looks(count: int) -> Iterator[float]:
    """Seconds of a clock by which each of the first `count` looks took a second."""
    now = 0.0
    while True:
        yield now
        now += 1.0 if count > 0 else 0.0
        yield now
        count -= 1


async def test_a_recalled_answer_is_fetched_again_after_the_withdrawal(tmp_path: Path) -> None:
    """The look before leaving was too slow; the person withdraws; the copy must not be there."""
    times = _slow_looks(1_000)
    async with one_gate(tmp_path, monotonic=lambda: next(times)) as gate:
        token = await gate.person(ABH, "A1")
        permission = await release_of_paper(gate, token)
        exchange = await paper_waits(gate)
        assert "envelope" not in (await pick_up(gate, exchange)).json()
        assert (await gate.withdraw(token, permission)).status_code == 200
        assert problem_code(await pick_up(gate, exchange)) == "not-found"
        assert row_counts(gate.middle)["mailbox"] == 0


async def test_an_unacknowledged_copy_is_fetched_until_the_permission_is_over(
    tmp_path: Path,
) -> None:
    """Never acknowledged, fetched again after the permission's end: nothing, however often."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        gate.middle.clock.advance(30 * DAY - 60)
        gate.middle.publish()
        gate.forget_tokens()
        exchange = await paper_waits(gate)
        assert "envelope" in (await pick_up(gate, exchange)).json()
        gate.middle.clock.advance(60)
        for _ in range(3):
            answer = await pick_up(gate, exchange)
            assert "envelope" not in answer.json()
        assert told(gate.middle, exchange).count(("exchange.aborted", "withheld")) == 1


@pytest.mark.parametrize("slow", [1, 2])
async def test_a_busy_database_does_not_cost_the_answer(tmp_path: Path, slow: int) -> None:
    """A look that took too long is looked again: a single use is not spent for nothing."""
    times = _slow_looks(slow)
    async with one_gate(tmp_path, monotonic=lambda: next(times)) as gate:
        await choice_of_proof(gate, await gate.person(ABH, "A1"))
        answer = (await ask_by_choice(gate)).json()
        assert "envelope" in answer
        assert answer["status"] == "answered"
