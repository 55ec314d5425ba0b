# SPDX-License-Identifier: EUPL-1.2
"""Signed rules in a running gateway: activated, swapped, refused, ended, denied, all on record."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from audit.errors import LogUnavailable
from gateway.releases import release_trouble
from gateway.steps import Step
from keys import messages
from keys.model import ExchangeId
from policies.errors import ReleaseRefused
from policies.release.activate import activate
from tests.support.middle import ABH, DAY, Gate
from tests.support.release_town import ReleaseTown, until
from tests.support.releases import next_version, without_field
from tests.support.scenes import (
    STATUS,
    ask_status,
    entries,
    paper_waits,
    pick_up,
    release_of_paper,
    state_of,
    told,
)
from tests.support.signing_in import problem_code


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReleaseTown:
    """A gateway that looks for releases all the time."""
    monkeypatch.setattr("gateway.releases.LOOK_SECONDS", 0.02)
    return ReleaseTown(tmp_path)


def _bundle_of(gate: Gate, answer: dict[str, Any]) -> str:
    token = messages.read_decision(
        answer["decision"], key=gate.middle.gateway_key, now=gate.middle.clock()
    )
    return token.bundle


async def test_a_gateway_without_a_release_denies_and_says_so(town: ReleaseTown) -> None:
    """It runs, so that people can still withdraw; it decides nothing, and that is on record."""
    async with town.running() as gate:
        person = await gate.person(ABH, "A1")
        health = await gate.client.get("/health")
        assert (health.status_code, problem_code(health)) == (503, "policy-unavailable")
        assert problem_code(await gate.client.get("/v1/catalogue")) == "policy-unavailable"
        assert problem_code(await ask_status(gate)) == "policy-unavailable"
        assert town.middle.holder.orders == []
        assert person
    assert town.policy_entries() == [("policy.refused", "deny", ["nothing_active"])]
    undecided = [leaf for leaf in entries(town.middle) if leaf["kind"] == "access.requested"]
    assert [(leaf["outcome"], leaf["reasons"], leaf["policy"]) for leaf in undecided] == [
        ("error", ["policy_unavailable"], None)
    ]


async def test_the_first_release_opens_a_running_gateway(town: ReleaseTown) -> None:
    """No restart: the command, a moment, and exchanges go through."""
    async with town.running() as gate:
        digest = town.activate(1)
        await town.recorded(2)
        health = await gate.client.get("/health")
        assert health.status_code == 200
        assert health.json()["rules_until"] == gate.middle.clock() + 30 * DAY
        answer = (await ask_status(gate)).json()
        assert answer["status"] == "answered"
        assert _bundle_of(gate, answer) == digest
    leaf = next(one for one in entries(town.middle) if one["kind"] == "policy.activated")
    kept = town.store.state().kept[0]
    assert (leaf["policy"], leaf["doc"]) == (digest, kept.token_digest)
    assert leaf["reasons"] == ["sequence_1"]


async def test_an_exchange_ends_under_the_rules_it_began_with(town: ReleaseTown) -> None:
    """Stopped between gathering and deciding while other rules come into force."""
    first = town.activate(1)
    gathered, go_on = asyncio.Event(), asyncio.Event()

    class Stopping:
        async def done(self, step: Step, _exchange: ExchangeId) -> None:
            if step is Step.GATHER and not go_on.is_set():
                gathered.set()
                await go_on.wait()

    async with town.running(observer=Stopping()) as gate:
        asked = asyncio.create_task(ask_status(gate))
        await gathered.wait()
        second = town.activate(2, without_field("R02", STATUS, "2027.1.0"))
        await town.recorded(2)
        go_on.set()
        before = (await asked).json()
        after = (await ask_status(gate)).json()
        assert (before["status"], _bundle_of(gate, before)) == ("answered", first)
        assert (after["status"], _bundle_of(gate, after)) == ("refused", second)
        leaves = {leaf["corr"]: leaf["policy"] for leaf in entries(town.middle) if leaf["corr"]}
        assert leaves[before["exchange"]] == first
        assert leaves[after["exchange"]] == second


async def test_a_result_that_waited_is_released_under_the_rules_that_decided_it(
    town: ReleaseTown,
) -> None:
    """Decided by one release, picked up under the next: the guard still knows what it rests on."""
    town.activate(1)
    async with town.running() as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        exchange = await paper_waits(gate)
        town.activate(2, next_version("2027.1.0"))
        await town.recorded(2)
        answer = (await pick_up(gate, exchange)).json()
        assert answer["status"] == "answered"
        assert told(town.middle, exchange)[-1] == ("disclose", "permit")


async def test_what_unlawful_rules_decided_does_not_leave_any_more(town: ReleaseTown) -> None:
    """The next release tolerates none beside it: a result that waits stays where it is."""
    town.activate(1)
    async with town.running() as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        exchange = await paper_waits(gate)
        town.activate(2, next_version("2027.1.0"), oldest=2)
        await town.recorded(2)
        assert problem_code(await pick_up(gate, exchange)) == "policy-unavailable"
        assert told(town.middle, exchange) == [("access.requested", "permit")]
        assert (await ask_status(gate)).json()["status"] == "answered"


async def test_deny_all_stops_what_waits_and_what_is_asked(town: ReleaseTown) -> None:
    """Nothing leaves, not even what was decided before; it goes on waiting and comes later."""
    town.activate(1)
    async with town.running() as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        exchange = await paper_waits(gate)
        town.deny_all()
        found = await town.recorded(2)
        assert found[-1] == ("policy.activated", "deny", ["deny_all", "sequence_1"])
        assert (await ask_status(gate)).json()["status"] == "refused"
        stopped = await pick_up(gate, exchange)
        assert (stopped.status_code, problem_code(stopped)) == (503, "policy-unavailable")
        assert told(town.middle, exchange) == [("access.requested", "permit")]
        assert await state_of(gate, exchange, ABH) == "waiting"
        activate(town.store, town.house.folder / "r1.tar.gz", town.middle.clock())
        await town.recorded(3)
        assert (await pick_up(gate, exchange)).json()["status"] == "answered"
        assert (await ask_status(gate)).json()["status"] == "answered"


async def test_deny_all_between_order_and_release_releases_nothing(town: ReleaseTown) -> None:
    """The holder has sealed already; the gateway does not let it out and writes no disclosure."""
    town.activate(1)

    class Denying:
        async def done(self, step: Step, _exchange: ExchangeId) -> None:
            if step is Step.STRIP:
                town.deny_all()
                await town.recorded(2)

    async with town.running(observer=Denying()) as gate:
        answer = await ask_status(gate)
        assert (answer.status_code, problem_code(answer)) == (503, "policy-unavailable")
    kinds = [leaf["kind"] for leaf in entries(town.middle)]
    assert "access.requested" in kinds
    assert "disclose" not in kinds


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_every_replica_follows_and_puts_it_on_record(
    database: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two processes, one database, one folder: both go over, and each says so in the one log."""
    monkeypatch.setattr("gateway.releases.LOOK_SECONDS", 0.02)
    url = request.getfixturevalue("fresh_postgres_database") if database == "postgresql" else None
    town = ReleaseTown(tmp_path, url)
    town.activate(1)
    async with town.running() as one, town.middle.running() as other:
        assert len(await town.recorded(2)) == 2
        second = town.activate(2, next_version("2027.1.0"))
        await town.recorded(4)
        await until(lambda: _bundles(one, other) == {second})
        assert _bundle_of(other, (await ask_status(other)).json()) == second
    kinds = [(kind, reasons) for kind, _outcome, reasons in town.policy_entries()]
    assert kinds == [("policy.activated", [f"sequence_{n}"]) for n in (1, 1, 2, 2)]


def _bundles(*gates: Gate) -> set[str | None]:
    return {gate.app.state.parts.core.rules.now().bundle for gate in gates}


async def test_check_config_says_which_release_is_missing_or_broken(town: ReleaseTown) -> None:
    """Before a start somebody wants to know whether anything will be decided."""
    settings = town.middle.settings()
    assert "[nothing_active]" in str(release_trouble(settings))
    town.activate(1)
    assert release_trouble(settings) is None
    name = town.store.state().kept[0].name
    (town.folder / "releases" / f"{name}.tar.gz").write_bytes(b"damaged")
    assert "[digest]" in str(release_trouble(settings))
    shipped = settings.model_copy(update={"policy": None})
    assert release_trouble(shipped) is None


async def test_what_a_command_refuses_is_on_record(town: ReleaseTown) -> None:
    """An older release, offered to a running gateway: an entry, and nothing else changes."""
    town.activate(5)
    async with town.running() as gate:
        with pytest.raises(ReleaseRefused, match="older"):
            town.activate(4)
        found = await town.recorded(2)
        assert found[-1] == ("policy.refused", "deny", ["older"])
        assert (await ask_status(gate)).json()["status"] == "answered"
    refused = [leaf for leaf in entries(town.middle) if leaf["kind"] == "policy.refused"]
    assert refused[0]["policy"] == town.house.make(1).statement.bundle
    assert len(refused[0]["doc"]) == 64


async def test_the_end_of_a_release_denies_and_is_on_record(town: ReleaseTown) -> None:
    """From its last second on; the next release opens again."""
    end = town.middle.clock() + 100
    town.activate(1, valid_until=end)
    async with town.running() as gate:
        town.middle.clock.set_to(end - 1)
        assert (await ask_status(gate)).json()["status"] == "answered"
        town.middle.clock.set_to(end)
        assert problem_code(await ask_status(gate)) == "policy-unavailable"
        found = await town.recorded(2)
        assert found[-1] == ("policy.expired", "deny", ["expired", "sequence_1"])
        town.activate(2)
        await town.recorded(3)
        assert (await ask_status(gate)).json()["status"] == "answered"


async def test_a_start_with_a_damaged_release_falls_back_on_record(town: ReleaseTown) -> None:
    """The one before decides, and everybody who reads the log can see why."""
    first = town.activate(1, next_version("2027.1.0"))
    town.activate(2)
    name = town.store.state().kept[0].name
    (town.folder / "releases" / f"{name}.tar.gz").write_bytes(b"damaged")
    async with town.running() as gate:
        answer = (await ask_status(gate)).json()
        assert (answer["status"], _bundle_of(gate, answer)) == ("answered", first)
    assert town.policy_entries() == [("policy.restored", "permit", ["digest", "sequence_1"])]


async def test_rules_that_cannot_be_recorded_do_not_count(town: ReleaseTown) -> None:
    """The log takes no entry about them: the rules before go on, until it does."""
    first = town.activate(1)
    async with town.running() as gate:
        writer = gate.app.state.parts.core.log.log
        append, failed = writer.append, asyncio.Event()

        async def failing(_work: Any) -> Any:
            failed.set()
            raise LogUnavailable("no space left on device")

        writer.append = failing
        second = town.activate(2, next_version("2027.1.0"))
        await failed.wait()
        await asyncio.sleep(0.1)
        assert town.in_force() == first
        writer.append = append
        await town.recorded(2)
        assert _bundle_of(gate, (await ask_status(gate)).json()) == second
