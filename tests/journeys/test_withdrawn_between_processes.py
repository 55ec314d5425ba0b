# SPDX-License-Identifier: EUPL-1.2
"""Promise P4 with two real processes on one database, SQLite and PostgreSQL.

An exchange stands still between two of its steps at the one; the person withdraws at the other;
the exchange goes on, and nothing is released.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest

from gateway.steps import Step
from tests.support.middle import ABH, MBE
from tests.support.postgres import Cluster
from tests.support.processes import Processes
from tests.support.scenes import (
    RECORDS,
    STATE,
    ask_by_consent,
    consent_to_counsellor,
    link_person_one,
    paper_waits,
    pick_up,
    release_of_paper,
    send_paper,
    told,
)
from tests.support.stopping_gateway import RealGateways, real_gateways

INTENT = ("access.requested", "permit")


WITHHELD = ("disclose", "withheld")


PULL_STEPS: dict[Step, list[tuple[str, str]]] = {
    Step.AUTHENTICATE: [("access.requested", "deny")],
    Step.GATHER: [INTENT, WITHHELD],
    Step.DECIDE: [INTENT, WITHHELD],
    Step.RECORD_INTENT: [INTENT, WITHHELD],
    Step.ORDER: [INTENT, WITHHELD],
    Step.STRIP: [INTENT, WITHHELD],
    Step.RECORD_RELEASE: [INTENT, ("disclose", "permit"), ("exchange.aborted", "withheld")],
}
"""Where the exchange stands still, and what the log then says of it."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def gateways(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealGateways]:
    """Two real gateway processes on one database."""
    folder = tmp_path_factory.mktemp("gateways")
    url = f"sqlite:///{folder / 'gateway.db'}"
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("postgres_cluster")
        url = cluster.url(cluster.create_database())
    with real_gateways(folder, url, Processes(folder)) as made:
        made.middle.holder.records.update(RECORDS)
        made.start("one", "two")
        yield made


async def test_withdrawn_at_the_other_process_between_any_two_steps(gateways: RealGateways) -> None:
    """Pull under a consent, stopped after every step; withdrawn elsewhere; nothing comes out."""
    control = gateways.control("one")
    async with gateways.gate("one") as one, gateways.gate("two") as two:
        await link_person_one(two)
        token = await two.person(ABH, "A1")
        for step, expected in PULL_STEPS.items():
            permission = await consent_to_counsellor(two, token)
            control.stop_after(step)
            asking = asyncio.create_task(ask_by_consent(one))
            await control.reached()
            assert (await two.withdraw(token, permission)).status_code == 200
            control.go_on()
            answer = (await asking).json()
            assert "envelope" not in answer, step
            assert answer["status"] == "refused", step
            assert answer["withheld"][0]["reason"] == "consent_revoked", step
            assert told(gateways.middle, answer["exchange"]) == expected, step


PUSH_STEPS = (Step.AUTHENTICATE, Step.GATHER, Step.DECIDE, Step.RECORD_INTENT)


async def test_withdrawn_at_the_other_process_while_a_paper_is_on_its_way(
    gateways: RealGateways,
) -> None:
    """Push under a release, stopped at every step of offer, result and pick-up."""
    control = gateways.control("one")
    async with gateways.gate("one") as one, gateways.gate("two") as two:
        await link_person_one(two)
        token = await two.person(ABH, "A1")

        async def withdrawn_after(step: Step, call: Callable[[], Awaitable[httpx.Response]]) -> Any:
            permission = permissions.pop()
            control.stop_after(step)
            calling = asyncio.ensure_future(call())
            await control.reached()
            assert (await two.withdraw(token, permission)).status_code == 200
            control.go_on()
            return (await calling).json()

        permissions: list[str] = []
        for step in PUSH_STEPS:
            permissions.append(await release_of_paper(two, token))
            offered = await withdrawn_after(step, lambda: send_paper(one))
            if offered["status"] == "ordered":
                await one.hand_in(MBE, offered["exchange"], offered["order"])
                picked = (await pick_up(one, offered["exchange"])).json()
                assert "envelope" not in picked, step
            assert told(gateways.middle, offered["exchange"])[-1][1] in {"withheld", "deny"}, step
        # The result is checked, and not yet in the mailbox.
        permissions.append(await release_of_paper(two, token))
        offered = (await send_paper(one)).json()
        exchange = offered["exchange"]
        await withdrawn_after(Step.STRIP, lambda: one.hand_in(MBE, exchange, offered["order"]))
        assert "envelope" not in (await pick_up(two, exchange)).json()
        assert told(gateways.middle, exchange)[-1] == WITHHELD
        # The disclosure is on record, and the answer has not left.
        permissions.append(await release_of_paper(two, token))
        exchange = await paper_waits(one)
        picked = await withdrawn_after(Step.RECORD_RELEASE, lambda: pick_up(one, exchange))
        assert "envelope" not in picked
        assert told(gateways.middle, exchange)[-1] == ("exchange.aborted", "withheld")
        assert "envelope" not in (await pick_up(two, exchange)).json()


async def test_the_same_exchange_is_released_when_nobody_withdraws(gateways: RealGateways) -> None:
    """Stopped in the same places without a withdrawal: released. The sweeps above can fail."""
    control = gateways.control("one")
    async with gateways.gate("one") as one, gateways.gate("two") as two:
        await link_person_one(two)
        token = await two.person(ABH, "A1")
        permission = await consent_to_counsellor(two, token)
        for step in PULL_STEPS:
            control.stop_after(step)
            asking = asyncio.create_task(ask_by_consent(one))
            await control.reached()
            control.go_on()
            answer = (await asking).json()
            assert one.opened(MBE, answer) == {STATE: "canary-state-j1"}, step
        assert (await two.withdraw(token, permission)).status_code == 200
