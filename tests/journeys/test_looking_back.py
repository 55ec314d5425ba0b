# SPDX-License-Identifier: EUPL-1.2
"""Decisions are kept as codes, come out the same when asked again, and can be put to other rules."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from policies.cli import app
from policies.decide import Decider
from policies.engine.base import Answer
from policies.replay import Cell, Change
from tests.support.lookback import (
    compared,
    decider_of,
    kept,
    settings_file,
    shadow_of,
    shadowed,
    stored_in,
    today,
    until,
    widened,
    written,
)
from tests.support.middle import ABH, DAY, JC, Gate
from tests.support.releases import ReleaseHouse
from tests.support.scenes import (
    AZR,
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
    send_paper,
)

RUN = CliRunner()
NUMBER = "azr_number"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("fresh_postgres_database"))
    return f"sqlite:///{tmp_path / 'gateway.db'}"


async def _a_day_at_the_gate(gate: Gate) -> None:
    """Released, refused, held and let go, by choice, by consent, pushed, and the same again."""
    token = await gate.person(ABH, "A1")
    await choice_of_proof(gate, token)
    await consent_to_counsellor(gate, token)
    for _ in range(3):
        await ask_status(gate)
    await ask_status(gate, declared={})
    held = (await ask_held(gate)).json()["exchange"]
    assert (await let_go(gate, JC, held, "J1")).status_code == 200
    for _ in range(2):
        await ask_by_choice(gate)
        await ask_by_consent(gate)
    await send_paper(gate)


async def _replay(gate: Gate, *options: str) -> Any:
    file = settings_file(gate.middle)
    arguments = ["replay", "--config", str(file), *options]
    return await asyncio.to_thread(RUN.invoke, app, arguments)


async def test_every_decision_comes_out_the_same(tmp_path: Path, database_url: str) -> None:
    """Level 4: question, data, rules and engine of each decision are there, and say it again."""
    async with one_gate(tmp_path, database_url) as gate:
        await _a_day_at_the_gate(gate)
        stored = await written(gate)
        on_record = [
            leaf
            for leaf in entries(gate.middle)
            if leaf["kind"] == "access.requested" and leaf["outcome"] != "error"
        ]
        assert sum(one.times for one in stored) == len(on_record) == 11
        assert max(one.times for one in stored) == 3, "equal questions of a day are one row"
        assert {one.bundle for one in stored} == {leaf["policy"] for leaf in on_record}
        assert {one.engine for one in stored} == {today().engine_name}
        done = await _replay(gate)
        assert (done.exit_code, done.stdout) == (0, "identical 11 of 11\n"), done.output
        told = json.loads((await _replay(gate, "--json")).stdout)
        assert (told["identical"], told["on_record"], told["differences"]) == (11, 11, [])


async def test_a_candidate_with_one_field_more_is_reported(
    tmp_path: Path, database_url: str
) -> None:
    """By agencies, purpose and field; the pipeline stops on a widening, and only then."""
    async with one_gate(tmp_path, database_url) as gate:
        for _ in range(6):
            await gate.ask(JC, ABH, "J1", "P04", [STATUS, NUMBER], declared=AZR)
        await ask_status(gate, declared={})
        await written(gate)
        house = ReleaseHouse(tmp_path / "desk")
        candidate = str(house.lay(house.make(2, widened())))
        done = await _replay(gate, "--candidate", candidate, "--since", "2026-11-01")
        assert done.exit_code == 0, done.output
        assert "refused today, would be released" in done.stdout
        assert "answers that would change: 6 · of these wider: 6" in done.stdout
        stopped = await _replay(gate, "--candidate", candidate, "--fail-on", "widening", "--json")
        assert stopped.exit_code == 1
        told = json.loads(stopped.stdout)
        assert told["widens"] is True
        assert told["changes"][0] == {
            "change": "deny_to_allow",
            "from": "ABH",
            "to": "JC",
            "purpose": "P04",
            "field_or_obligation": NUMBER,
            "count": 6,
        }
        rows = (await _replay(gate, "--candidate", candidate, "--csv")).stdout.splitlines()
        assert rows[0] == "change,from,to,purpose,field_or_obligation,count"
        assert f"deny_to_allow,ABH,JC,P04,{NUMBER},6" in rows
        same = await _replay(gate, "--candidate", "shipped", "--fail-on", "change")
        assert same.exit_code == 0, same.output
        assert "answers that would change: 0" in same.stdout
        none = await _replay(gate, "--candidate", candidate, "--since", "2027-01-01", "--json")
        assert json.loads(none.stdout)["changes"] == []


async def test_few_exchanges_are_not_counted_aloud(tmp_path: Path) -> None:
    """Three people would get another answer: the report says that there are some, not how many."""
    async with one_gate(tmp_path) as gate:
        for _ in range(3):
            await gate.ask(JC, ABH, "J1", "P04", [NUMBER], declared=AZR)
        await written(gate)
        house = ReleaseHouse(tmp_path / "desk")
        candidate = str(house.lay(house.make(2, widened())))
        options = ("--candidate", candidate, "--fail-on", "widening")
        for form in ((), ("--json",), ("--csv",)):
            done = await _replay(gate, *options, *form)
            assert done.exit_code == 1
            assert "3" not in _without_digests(done.stdout)
            assert ("<5" in done.stdout) is (form != ("--json",))


def _without_digests(told: str) -> str:
    plain = told.replace(widened().digest, "").replace(today().bundle_digest, "")
    return plain.replace("R03", "")


async def test_what_is_too_old_is_erased_by_the_gateway(tmp_path: Path, database_url: str) -> None:
    """Six months and a day later the rows are gone, by themselves; nothing else is."""
    async with one_gate(tmp_path, database_url) as gate:
        await ask_status(gate)
        assert len(await written(gate)) == 1
        gate.middle.clock.advance(181 * DAY)
        assert kept(gate).erase() == 0, "six calendar months have 181 days from here"
        gate.middle.clock.advance(DAY)
        await until(lambda: stored_in(gate.middle) == [])
        assert len(entries(gate.middle)) > 0


async def test_an_exchange_does_not_need_the_table(tmp_path: Path, database_url: str) -> None:
    """Attack on the keeper itself: table gone, then back. Answers go on, and counts are not lost."""
    async with one_gate(tmp_path, database_url) as gate:
        engine = kept(gate)._engine
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE decided_input RENAME TO gone"))
        assert (await ask_status(gate)).json()["status"] == "answered"
        assert kept(gate).flush() == 0
        assert (await ask_status(gate)).json()["status"] == "answered"
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE gone RENAME TO decided_input"))
        assert [one.times for one in await written(gate)] == [2]


async def test_what_was_counted_is_written_when_the_gateway_stops(tmp_path: Path) -> None:
    """A stop that is no crash loses nothing."""
    async with one_gate(tmp_path) as gate:
        await ask_status(gate)
        middle = gate.middle
    assert [one.times for one in stored_in(middle)] == [1]


# --- in the shadow -------------------------------------------------------------------------------


async def test_the_shadow_sees_what_a_candidate_would_change(tmp_path: Path) -> None:
    """One field more, seen after the answers; the answers are those of the rules in force."""
    async with shadowed(tmp_path, lambda: decider_of(widened().digest)) as gate:
        for _ in range(5):
            answer = await gate.ask(JC, ABH, "J1", "P04", [STATUS, NUMBER], declared=AZR)
            assert answer.json()["withheld"][0]["outcome"] == "DENY"
        found = await compared(gate, 5)
        assert found.report.counts[Cell(Change.DENY_TO_ALLOW, "ABH", "JC", "P04", NUMBER)] == 5
        assert found.report.candidate == widened().digest
        assert found.report.today == today().bundle_digest
        told = RUN.invoke(app, ["shadow", "--config", str(settings_file(gate.middle))])
        assert "refused today, would be released" in told.stdout
        assert "5 decisions" in told.stdout


async def test_a_quiet_shadow_finds_nothing_for_the_same_rules(tmp_path: Path) -> None:
    """The rules in force as their own candidate: compared, and nothing differs."""
    async with shadowed(tmp_path, lambda: decider_of(today().bundle_digest)) as gate:
        await _a_day_at_the_gate(gate)
        found = await compared(gate, 11)
        assert found.report.decisions == 11
        assert not found.report.changes
        assert found.dropped == 0


class InsecureHangingEngine:
    """A candidate that does not come back until it is let go."""

    name = "hanging/1"
    bundle_digest = "b" * 64

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked = 0

    def evaluate(self, canonical_json: bytes) -> list[Answer]:
        """Hang."""
        del canonical_json
        self.asked += 1
        self.let_go.wait(60)
        return []


async def test_a_hanging_candidate_delays_nobody(tmp_path: Path) -> None:
    """The first question hangs; all answers come as ever, the rest is dropped and counted."""
    engine = InsecureHangingEngine()
    hanging = Decider(engine, today().catalogue)
    async with shadowed(tmp_path, lambda: hanging) as gate:
        began = time.monotonic()
        for _ in range(4):
            assert (await ask_status(gate)).json()["status"] == "answered"
        took = time.monotonic() - began
        await until(lambda: engine.asked == 1)
        assert took < 30, "the engine would have held each of them for a minute"
        shadow = shadow_of(gate)
        for _ in range(300):
            shadow._offer(*_one_decision())
        counts = shadow.take()
        dropped = [times for about, times in counts.items() if about.counted == "dropped"]
        assert dropped == [300 + 3 - 256]
        engine.let_go.set()


def _one_decision() -> Any:
    from tests.support.lookback import statutory

    question = statutory(STATUS)
    return question, today().decide(question)


async def test_the_candidate_is_asked_after_the_answer(tmp_path: Path) -> None:
    """While a call is under way its question does not wait for the shadow; afterwards it does."""
    seen: list[int] = []
    engine = InsecureHangingEngine()
    engine.let_go.set()
    async with shadowed(tmp_path, lambda: Decider(engine, today().catalogue)) as gate:
        shadow = shadow_of(gate)
        holder = gate.middle.holder
        deliver = holder.deliver

        async def looking(order: Any) -> Any:
            await asyncio.sleep(0.2)
            seen.append(engine.asked + shadow._waiting.qsize())
            return await deliver(order)

        holder.deliver = looking  # type: ignore[method-assign]  # looks in the middle of the exchange
        assert (await ask_status(gate)).json()["status"] == "answered"
        assert seen == [0]
        await until(lambda: engine.asked == 1)
