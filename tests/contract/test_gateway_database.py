# SPDX-License-Identifier: EUPL-1.2
"""What a database owes the gateway, on SQLite and on PostgreSQL: the core of every journey."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from audit.export import export_log
from audit.verify import main as lotse_verify
from gateway.errors import HolderUnreachable
from gateway.store.database import open_engine
from tests.support.middle import ABH, DAY, JC, JC2, MBE, Middle
from tests.support.processes import Processes
from tests.support.scenes import (
    PAPER,
    STATUS,
    ask_by_choice,
    ask_by_consent,
    ask_held,
    ask_status,
    choice_of_proof,
    consent_to_counsellor,
    entries,
    let_go,
    one_gate,
    paper_waits,
    pick_up,
    release_of_paper,
    row_counts,
    state_of,
    sweep,
    told,
)
from tests.support.signing_in import problem_code
from tests.support.stopping_gateway import real_gateways


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("fresh_postgres_database"))
    return f"sqlite:///{tmp_path / 'gateway.db'}"


async def test_a_pull_is_answered_and_recorded(tmp_path: Path, database_url: str) -> None:
    """The field arrives, both entries stand in order, nothing is left over."""
    async with one_gate(tmp_path, database_url) as gate:
        answer = (await ask_status(gate)).json()
        assert gate.opened(JC, answer) == {STATUS: "canary-status-a1"}
        assert told(gate.middle, answer["exchange"]) == [
            ("access.requested", "permit"),
            ("disclose", "permit"),
        ]
        rows = row_counts(gate.middle)
        assert (rows["exchange"], rows["outbox"], rows["mailbox"]) == (1, 0, 0)


async def test_a_push_waits_and_is_picked_up(tmp_path: Path, database_url: str) -> None:
    """Wrapped bytes come back as they were stored; fetched twice, disclosed once."""
    async with one_gate(tmp_path, database_url) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        exchange = await paper_waits(gate)
        for _ in range(2):
            answer = (await pick_up(gate, exchange)).json()
            assert gate.opened(ABH, answer) == {PAPER: "B1"}
        assert [kind for kind, _ in told(gate.middle, exchange)].count("disclose") == 1
        assert (await gate.call(ABH, "DELETE", f"/v1/mailbox/{exchange}")).status_code == 204
        assert row_counts(gate.middle)["mailbox"] == 0


async def test_a_held_order_is_let_go_once(tmp_path: Path, database_url: str) -> None:
    """Four releases at the same instant: one fresh intent."""
    async with one_gate(tmp_path, database_url) as gate:
        exchange = (await ask_held(gate)).json()["exchange"]
        answers = await asyncio.gather(*(let_go(gate, JC, exchange, "J1") for _ in range(4)))
        assert [one.status_code for one in answers].count(200) == 1
        assert told(gate.middle, exchange).count(("access.requested", "permit")) == 1


async def test_a_statement_is_used_once_at_two_gateways(tmp_path: Path, database_url: str) -> None:
    """The unique hash decides between replicas, and the loser gets 409."""
    async with one_gate(tmp_path, database_url) as one, one.middle.running() as two:
        body = one.enquiry(JC, ABH, "J1", "P04", [STATUS])
        await one.token(JC), await two.token(JC)
        calls = [gate.call(JC, "POST", "/v1/exchanges", body) for gate in (one, two) * 4]
        answers = await asyncio.gather(*calls)
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
        assert row_counts(one.middle)["exchange"] == 1


async def test_a_single_use_is_spent_once_at_two_gateways(
    tmp_path: Path, database_url: str
) -> None:
    """The head lock orders guards: one is released, all others are withheld or refused."""
    async with one_gate(tmp_path, database_url) as one, one.middle.running() as two:
        await choice_of_proof(one, await one.person(ABH, "A1"))
        await one.token(JC), await two.token(JC)
        answers = await asyncio.gather(*(ask_by_choice(gate) for gate in (one, two) * 3))
        assert sum("envelope" in answer.json() for answer in answers) == 1


async def test_withdrawals_and_releases_have_one_order(tmp_path: Path, database_url: str) -> None:
    """Enquiries and withdrawals at two gateways at once: no disclosure behind the withdrawal."""
    async with one_gate(tmp_path, database_url) as one, one.middle.running() as two:
        token = await one.person(ABH, "A1")
        await one.token(MBE)
        for _ in range(3):
            permission = await consent_to_counsellor(one, token)
            asking = [asyncio.ensure_future(ask_by_consent(one)) for _ in range(6)]
            assert (await two.withdraw(token, permission)).status_code == 200
            answers = [answer.json() for answer in await asyncio.gather(*asking)]
            log = entries(one.middle)
            ended = max(leaf["idx"] for leaf in log if leaf["kind"] == "permission.withdrawn")
            for answer in answers:
                released = [
                    leaf["idx"]
                    for leaf in log
                    if leaf["corr"] == answer["exchange"]
                    and (leaf["kind"], leaf["outcome"]) == ("disclose", "permit")
                ]
                assert all(index < ended for index in released)
                assert "envelope" not in answer or released


async def test_a_withdrawal_empties_the_mailbox(tmp_path: Path, database_url: str) -> None:
    """In the same transaction: entry, state and mailbox."""
    async with one_gate(tmp_path, database_url) as gate:
        token = await gate.person(ABH, "A1")
        permission = await release_of_paper(gate, token)
        exchange = await paper_waits(gate)
        assert (await gate.withdraw(token, permission)).status_code == 200
        assert row_counts(gate.middle)["mailbox"] == 0
        assert told(gate.middle, exchange)[-1] == ("disclose", "withheld")


async def test_a_link_code_is_used_once(tmp_path: Path, database_url: str) -> None:
    """Two agencies, two browsers, and two offers at the same instant: one of each."""
    async with one_gate(tmp_path, database_url) as gate:
        await gate.token(JC), await gate.token(JC2), await gate.token(ABH)
        body = {
            "lookup": "AAAAAAA",
            **gate.middle.offices[ABH].half("A7", b"s" * 10, "N", "1990-01-01"),
        }
        offers = [gate.call(who, "POST", "/v1/links/codes", body) for who in (ABH, JC, JC2)]
        assert sorted(one.status_code for one in await asyncio.gather(*offers)) == [201, 404, 404]
        signs = [
            gate.client.post("/insecure/persons", json={"lookup": "AAAAAAA"}) for _ in range(4)
        ]
        assert sorted(one.status_code for one in await asyncio.gather(*signs)) == [
            201,
            404,
            404,
            404,
        ]


async def test_the_sweeper_settles_everything_that_is_due(
    tmp_path: Path, database_url: str
) -> None:
    """Unfinished, undelivered and overdue exchanges end or go on; two sweep, one acts."""
    async with one_gate(tmp_path, database_url) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        gate.middle.holder.failure = HolderUnreachable()
        held = (await ask_held(gate)).json()["exchange"]
        gate.middle.holder.failure = None
        waiting = await paper_waits(gate)
        async with gate.middle.running() as other:
            await asyncio.gather(sweep(gate), sweep(other))
            assert told(gate.middle, held)[-1] == ("exchange.held", "hold")
            gate.middle.clock.advance(30 * DAY)
            gate.middle.publish()
            await asyncio.gather(sweep(gate), sweep(other))
        gate.forget_tokens()
        for exchange, kinds in ((held, 3), (waiting, 2)):
            assert await state_of(gate, exchange, ABH) == "expired"
            assert len(told(gate.middle, exchange)) == kinds


async def test_the_whole_log_verifies(tmp_path: Path, database_url: str) -> None:
    """After exchanges of every kind the auditor's command finds nothing to say."""
    async with one_gate(tmp_path, database_url) as gate:
        await asyncio.gather(*(ask_status(gate) for _ in range(12)))
        await ask_held(gate)
        assert problem_code(await pick_up(gate, "0" * 26)) == "not-found"
    engine = open_engine(database_url)
    export_log(engine, tmp_path / "log")
    engine.dispose()
    assert lotse_verify(["log", str(tmp_path / "log")]) == 0


def test_two_processes_start_on_an_empty_database(
    tmp_path: Path, database_url: str, processes: Processes
) -> None:
    """Both make the tables at the same moment: one after the other, and both serve."""
    with real_gateways(tmp_path, database_url, processes) as made:
        made.start("one", "two")
        assert [made.running[node].returncode for node in ("one", "two")] == [None, None]


def test_the_middle_of_the_tests_takes_the_database_it_is_given(
    tmp_path: Path, database_url: str
) -> None:
    """Otherwise everything above would only ever have run on SQLite."""
    assert Middle.build(tmp_path, database_url).settings().database_url == database_url
