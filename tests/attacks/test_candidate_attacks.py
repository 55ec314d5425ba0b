# SPDX-License-Identifier: EUPL-1.2
"""Attacks with a candidate: rules that nobody signed, and rules that misbehave in the shadow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import settings_from
from gateway.shadow import open_candidate
from policies.candidate import read_candidate, read_signed_candidate
from policies.decide import Decider
from policies.engine.base import Answer, RuleEngine
from policies.errors import ReleaseRefused
from policies.release.activate import activate
from policies.release.store import ReleaseStore
from policies.release.verify import VerifiedBundle, verify
from tests.support.lookback import (
    candidate,
    compared,
    kept,
    shadowed,
    stored_in,
    today,
    widened,
    written,
)
from tests.support.middle import ABH, JC
from tests.support.releases import NOW, ReleaseHouse
from tests.support.scenes import (
    STATUS,
    ask_held,
    ask_status,
    entries,
    one_gate,
)

# --- a candidate that nobody signed --------------------------------------------------------------


def test_an_unsigned_candidate_is_asked_and_never_put_in_force(tmp_path: Path) -> None:
    """Attack: bring rules in through replay. They are evaluated; the folder of releases is untouched."""
    house = ReleaseHouse(tmp_path / "desk")
    file = house.lay(house.make(2, widened()))
    file.with_name("release.jws").unlink()
    tried = read_candidate(file, house.key.verifier)
    assert tried.standing == "unsigned"
    assert VerifiedBundle not in {type(tried), type(tried.bundle)}
    store = ReleaseStore(tmp_path / "policy", house.key.verifier)
    with pytest.raises(ReleaseRefused) as refused:
        activate(store, file, NOW)
    assert refused.value.code == "unreadable"
    assert store.state().active is None
    with pytest.raises(AttributeError):
        store.put_in_force(tried)  # type: ignore[arg-type]  # the attack


def test_a_candidate_cannot_be_dressed_up_as_verified(tmp_path: Path) -> None:
    """Attack: make a verified bundle of a candidate by hand, or sign it with another key."""
    tried = candidate(widened())
    with pytest.raises(TypeError):
        VerifiedBundle(None, "", "", tried.bundle, tried.catalogue, {}, made_by=object())  # type: ignore[arg-type]  # the attack
    house, other = ReleaseHouse(tmp_path / "a"), ReleaseHouse(tmp_path / "b")
    file = other.lay(other.make(2, widened()))
    with pytest.raises(ReleaseRefused):
        verify(file.read_bytes(), file.with_name("release.jws").read_bytes(), house.key.verifier)
    for read in (read_candidate, read_signed_candidate):
        with pytest.raises(ReleaseRefused) as refused:
            read(file, house.key.verifier)
        assert refused.value.code == "signature"


def test_a_damaged_candidate_is_refused_before_it_is_asked(tmp_path: Path) -> None:
    """Attack: a file that unpacks to something else, or rules that ask for the time."""
    house = ReleaseHouse(tmp_path / "desk")
    file = house.lay(house.make(2, widened()))
    whole = file.read_bytes()
    for damaged in (whole[:-1], whole + b"\0", b"", b"no archive"):
        file.write_bytes(damaged)
        with pytest.raises(ReleaseRefused):
            read_candidate(file)


# --- a hostile candidate in the shadow -----------------------------------------------------------


class InsecureGenerousEngine:
    """Releases everything that it is asked."""

    name = "generous/1"
    bundle_digest = "c" * 64

    def evaluate(self, canonical_json: bytes) -> list[Answer]:
        """Say yes, under a rule that lists the field where there is one."""
        fields = json.loads(canonical_json)["fields"]
        return [
            Answer(field=f, outcome="ALLOW_MIN", rule="R02", reason="statute", reasons=["statute"])
            for f in sorted(fields)
        ]


class InsecureBreakingEngine:
    """Breaks at every question, each time in another way."""

    name = "breaking/1"
    bundle_digest = "d" * 64

    def __init__(self) -> None:
        self.asked = 0

    def evaluate(self, canonical_json: bytes) -> list[Answer]:
        """Break."""
        del canonical_json
        self.asked += 1
        raise (MemoryError, RecursionError, RuntimeError, KeyError)[self.asked % 4]


ENGINES: dict[str, Callable[[], RuleEngine]] = {
    "says yes to everything": InsecureGenerousEngine,
    "breaks": InsecureBreakingEngine,
}


@pytest.mark.parametrize("name", ENGINES)
async def test_a_hostile_candidate_changes_no_answer(tmp_path: Path, name: str) -> None:
    """Attack: a candidate that opens everything, or breaks. Answers, orders and log are as without it."""
    seen = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        hostile = Decider(ENGINES[name](), today().catalogue)
        at_the_gate = shadowed(folder, lambda: hostile) if number else one_gate(folder)  # noqa: B023 - opened at once
        async with at_the_gate as gate:
            answers = [
                (await gate.ask(JC, ABH, "J1", "P04", [STATUS, "azr_number"])).json(),
                (await ask_status(gate)).json(),
                (await ask_held(gate)).json(),
                (await gate.ask(ABH, JC, "A1", "P01", ["net_income"])).json(),
            ]
            if number:
                found = await compared(gate, 4)
                assert found.report.changes
            seen.append(
                (
                    [(one["status"], one["withheld"]) for one in answers],
                    len(gate.middle.holder.orders),
                    [
                        (leaf["kind"], leaf["outcome"], leaf["fields"])
                        for leaf in entries(gate.middle)
                    ],
                    [one.to_row() for one in await written(gate)],
                )
            )
    assert seen[0] == seen[1]


async def test_a_candidate_file_that_is_no_release_leaves_the_gateway_as_it_is(
    tmp_path: Path,
) -> None:
    """Attack: put a file of your own where the candidate lies. The gateway serves, the shadow does not."""
    async with shadowed(
        tmp_path, lambda: (_ for _ in ()).throw(ReleaseRefused("signature"))
    ) as gate:
        assert (await ask_status(gate)).json()["status"] == "answered"
        assert kept(gate).flush() >= 0
    assert [one.times for one in stored_in(gate.middle)] == [1]


def test_production_takes_no_unsigned_candidate(tmp_path: Path) -> None:
    """Attack: name an unsigned candidate in a production gateway's settings."""
    house = ReleaseHouse(tmp_path / "desk")
    file = house.lay(house.make(2, widened()))
    table: dict[str, Any] = {
        "profile": "production",
        "issuer": "https://lotse.example",
        "database_url": "postgresql+psycopg://lotse@db/lotse",
        "keyring_file": "keyring",
        "passphrase_file": "passphrase",
        "registry_root_file": "root.jwk",
        "agency_list_file": "agencies.json",
        "log_origin": "lotse.example/2026",
        "shadow": {"candidate_file": str(file)},
        "policy": {"directory": "policy", "keys": [{"kid": house.key.kid, **house.key.jwk}]},
    }
    settings = settings_from(table, base=tmp_path)
    assert open_candidate(settings).bundle_digest == widened().digest
    stranger = ReleaseHouse(tmp_path / "stranger")
    file.write_bytes(stranger.make(2, widened()).file)
    with pytest.raises(ReleaseRefused) as replaced:
        open_candidate(settings)
    assert replaced.value.code == "digest"
    file.with_name("release.jws").unlink()
    with pytest.raises(ReleaseRefused) as unsigned:
        open_candidate(settings)
    assert unsigned.value.code == "unreadable"
