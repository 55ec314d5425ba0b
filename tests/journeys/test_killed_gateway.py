# SPDX-License-Identifier: EUPL-1.2
"""SIGKILL at any step: no released answer without its entries, and the gateway comes back by itself.

A real process stands still after a step and is killed there; it starts again on the same database,
and what it left behind is put in order without anybody's help.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from audit.export import export_log
from audit.verify import main as lotse_verify
from gateway.steps import Step
from gateway.store.database import open_engine
from tests.support.middle import ABH, JC, MBE, Gate
from tests.support.processes import Processes
from tests.support.scenes import (
    PAPER,
    RECORDS,
    STATUS,
    ask_by_choice,
    ask_held,
    ask_status,
    choice_of_proof,
    entries,
    link_person_one,
    pick_up,
    release_of_paper,
    row_counts,
    send_paper,
    state_of,
    told,
)
from tests.support.stopping_gateway import RealGateways, real_gateways

INTENT = ("access.requested", "permit")
ABORTED = ("exchange.aborted", "error")
PULL_STEPS: dict[Step, list[tuple[str, str]]] = {
    Step.AUTHENTICATE: [],
    Step.GATHER: [],
    Step.DECIDE: [],
    Step.RECORD_INTENT: [INTENT, ABORTED],
    Step.ORDER: [INTENT, ABORTED],
    Step.STRIP: [INTENT, ABORTED],
    Step.RECORD_RELEASE: [INTENT, ("disclose", "permit")],
}
"""Where it is killed, and what the log says of the exchange after the restart."""
WRITING = (Step.RECORD_INTENT, Step.STRIP, Step.RECORD_RELEASE)
"""Steps around a write: enough on the second database, since every restart takes seconds."""


@contextmanager
def one_process(folder: Path, url: str) -> Iterator[RealGateways]:
    """A real gateway process and its database."""
    with real_gateways(folder, url, Processes(folder)) as made:
        made.middle.holder.records.update(RECORDS)
        made.start("one")
        yield made


@pytest.fixture(scope="module")
def gateways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealGateways]:
    """A gateway on SQLite."""
    folder = tmp_path_factory.mktemp("killed")
    with one_process(folder, f"sqlite:///{folder / 'gateway.db'}") as made:
        yield made


class Killed:
    """A gateway that is killed after a step, and started again some time later."""

    def __init__(self, gateways: RealGateways) -> None:
        self.gateways = gateways

    async def at(self, step: Step, call: Any) -> str:
        """Kill it while `call` stands after `step`; gives the exchange. The caller gets nothing."""
        control = self.gateways.control("one")
        control.stop_after(step)
        calling = asyncio.ensure_future(call)
        await control.reached()
        stopped = anyio.Path(control.folder / "stopped")
        exchange = await stopped.read_text(encoding="ascii")
        self.gateways.kill("one")
        with pytest.raises(httpx.TransportError):
            await calling
        return exchange

    async def restart(self, *, after: int = 0) -> None:
        """Start it again when `after` seconds have passed."""
        self.gateways.advance(after)
        await asyncio.to_thread(self.gateways.start, "one")


@pytest.fixture
async def gate(gateways: RealGateways) -> AsyncIterator[Gate]:
    """A client to the process, person one linked."""
    async with gateways.gate("one") as client:
        await link_person_one(client)
        yield client


async def settled(gate: Gate, exchange: str, who: Any, wanted: str) -> None:
    """Return when the restarted gateway has brought an exchange to an end by itself."""
    async with asyncio.timeout(15):
        while await state_of(gate, exchange, who) != wanted:  # noqa: ASYNC110 - another process acts
            await asyncio.sleep(0.1)


def check_whole_log(gateways: RealGateways, folder: Path) -> None:
    """Let the auditor's command check the whole log."""
    engine = open_engine(gateways.middle.database_url)
    export_log(engine, folder)
    engine.dispose()
    assert lotse_verify(["log", str(folder)]) == 0


async def test_killed_after_every_step_of_a_pull(
    gateways: RealGateways, gate: Gate, tmp_path: Path
) -> None:
    """The caller got nothing; the log has both entries or an abort; the next enquiry is answered."""
    await _kill_pulls(gateways, gate, tuple(PULL_STEPS))
    check_whole_log(gateways, tmp_path / "log")


async def test_killed_while_writing_to_postgresql(
    fresh_postgres_database: str, tmp_path: Path
) -> None:
    """The same around every write, on the other database."""
    with one_process(tmp_path, fresh_postgres_database) as gateways:
        async with gateways.gate("one") as gate:
            await link_person_one(gate)
            await _kill_pulls(gateways, gate, WRITING)
        check_whole_log(gateways, tmp_path / "log")


async def _kill_pulls(gateways: RealGateways, gate: Gate, steps: tuple[Step, ...]) -> None:
    killed = Killed(gateways)
    for step in steps:
        expected = PULL_STEPS[step]
        gate.forget_tokens()
        exchange = await killed.at(step, ask_status(gate))
        await killed.restart(after=91)
        gate.forget_tokens()
        if ABORTED in expected:
            await settled(gate, exchange, JC, "aborted")
        assert told(gateways.middle, exchange) == expected, step
        assert row_counts(gateways.middle)["outbox"] == 0, step
        answer = (await ask_status(gate)).json()
        assert gate.opened(JC, answer) == {STATUS: "canary-status-a1"}, step


async def test_killed_after_the_release_of_a_single_use_spends_it(
    gateways: RealGateways, gate: Gate
) -> None:
    """The disclosure is durable, so the use is spent; killed a step earlier, it is not."""
    killed = Killed(gateways)
    await choice_of_proof(gate, await gate.person(ABH, "A1"))
    await killed.at(Step.STRIP, ask_by_choice(gate))
    await killed.restart()
    gate.forget_tokens()
    exchange = await killed.at(Step.RECORD_RELEASE, ask_by_choice(gate))
    await killed.restart()
    gate.forget_tokens()
    assert told(gateways.middle, exchange)[-1] == ("disclose", "permit")
    again = (await ask_by_choice(gate)).json()
    assert "envelope" not in again


async def test_killed_around_a_mailbox_loses_nothing(
    gateways: RealGateways, gate: Gate, tmp_path: Path
) -> None:
    """Push: killed before the order, before the result is kept, and after pick-up was recorded."""
    killed = Killed(gateways)
    token = await gate.person(ABH, "A1")
    await release_of_paper(gate, token)
    lost = await killed.at(Step.RECORD_INTENT, send_paper(gate))
    await killed.restart()
    gate.forget_tokens()
    started = (await send_paper(gate)).json()
    exchange = started["exchange"]
    result = gateways.middle.holder.carry_out(started["order"])
    await killed.at(Step.STRIP, gate.hand_in_answer(MBE, exchange, result))
    await killed.restart()
    assert row_counts(gateways.middle)["mailbox"] == 0
    assert (await gate.hand_in_answer(MBE, exchange, result)).status_code == 200
    await killed.at(Step.RECORD_RELEASE, pick_up(gate, exchange))
    await killed.restart()
    answer = (await pick_up(gate, exchange)).json()
    assert gate.opened(ABH, answer) == {PAPER: "B1"}
    assert told(gateways.middle, exchange) == [INTENT, ("disclose", "permit")]
    gate.forget_tokens()
    gateways.kill("one")
    await killed.restart(after=91)
    gate.forget_tokens()
    await settled(gate, lost, MBE, "aborted")
    check_whole_log(gateways, tmp_path / "log")


async def test_a_held_order_is_delivered_by_the_next_process(
    gateways: RealGateways, gate: Gate
) -> None:
    """Killed between intent and order: the restarted gateway brings the order to the holder."""
    killed = Killed(gateways)
    exchange = await killed.at(Step.RECORD_INTENT, ask_held(gate))
    orders = len(gateways.holders.orders)
    assert told(gateways.middle, exchange) == [("access.requested", "hold")]
    await killed.restart()
    async with asyncio.timeout(15):
        while len(entries(gateways.middle, exchange)) < 2:  # noqa: ASYNC110 - another process writes
            await asyncio.sleep(0.1)
    assert told(gateways.middle, exchange)[-1] == ("exchange.held", "hold")
    assert len(gateways.holders.orders) == orders + 1
