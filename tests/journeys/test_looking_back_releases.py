# SPDX-License-Identifier: EUPL-1.2
"""Looking back over a change of rules: each decision is asked of the release that took it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from policies.bundle import Bundle
from policies.cli import app
from policies.release.activate import activate
from policies.release.store import ReleaseStore
from tests.support.lookback import narrowed, settings_file, until, widened, written
from tests.support.middle import ABH, DAY, JC, Gate, Middle
from tests.support.releases import ReleaseHouse, next_version
from tests.support.scenes import AZR, STATUS, link_person_one

RUN = CliRunner()
ASKED = [STATUS, "azr_number"]


class Place:
    """A gateway that decides by signed releases, their folder and their desk."""

    def __init__(self, folder: Path) -> None:
        self.middle = Middle.build(folder)
        self.house = ReleaseHouse(folder / "desk")
        self.store = ReleaseStore(folder / "policy", self.house.key.verifier)
        self.middle.more_settings["policy"] = {
            "directory": str(folder / "policy"),
            "keys": [self.house.key.pinned],
        }

    def make(self, sequence: int, bundle: Bundle) -> Path:
        """Sign a release; gives its file."""
        now = self.middle.clock()
        terms: dict[str, Any] = {"valid_from": now - DAY, "valid_until": now + 30 * DAY}
        made = self.house.make(sequence, bundle, **terms)
        return self.house.lay(made, f"r{sequence}")

    async def decide(self, gate: Gate, sequence: int, bundle: Bundle, times: int) -> None:
        """Put a release in force, wait until it counts, and ask."""
        activate(self.store, self.make(sequence, bundle), self.middle.clock())
        rules = gate.app.state.parts.core.rules
        await until(lambda: rules.now().bundle == bundle.digest)
        for _ in range(times):
            answer = await gate.ask(JC, ABH, "J1", "P04", ASKED, declared=AZR)
            assert answer.status_code == 200, answer.text

    async def replay(self, *options: str) -> Any:
        """Call the command."""
        arguments = ["replay", "--config", str(settings_file(self.middle)), *options]
        return await asyncio.to_thread(RUN.invoke, app, arguments)


async def test_each_decision_is_asked_of_the_release_that_took_it(tmp_path: Path) -> None:
    """Three releases in force one after the other; all decisions come out as they did."""
    place = Place(tmp_path)
    async with place.middle.running() as gate:
        await link_person_one(gate)
        for sequence, bundle in enumerate((next_version("2027.1"), widened(), narrowed()), start=1):
            await place.decide(gate, sequence, bundle, times=sequence)
        stored = await written(gate)
        assert {one.bundle: one.times for one in stored} == {
            next_version("2027.1").digest: 1,
            widened().digest: 2,
            narrowed().digest: 3,
        }
        assert len({one.result for one in stored}) == 3, "the three did not say the same"
        done = await place.replay()
        assert (done.exit_code, done.stdout) == (0, "identical 6 of 6\n"), done.output


async def test_rules_that_are_kept_no_longer_can_be_brought(tmp_path: Path) -> None:
    """Three releases are kept. For the fourth before, its digest is named, and its file is enough."""
    place = Place(tmp_path)
    async with place.middle.running() as gate:
        await link_person_one(gate)
        bundles = [next_version(f"2027.{number}") for number in range(1, 5)]
        for sequence, bundle in enumerate(bundles, start=1):
            await place.decide(gate, sequence, bundle, times=1)
        await written(gate)
        done = await place.replay()
        assert done.exit_code == 1
        assert f"1 by rules that are not kept here: {bundles[0].digest}" in done.stdout
        assert "identical 3 of 4" in done.stdout
        file = place.make(1, bundles[0])
        file.with_name("r1.jws").unlink()
        done = await place.replay("--rules", str(file))
        assert (done.exit_code, done.stdout) == (0, "identical 4 of 4\n"), done.output


async def test_a_candidate_is_compared_with_the_release_in_force(tmp_path: Path) -> None:
    """Not with the rules that ship: what is in force decides what would change."""
    place = Place(tmp_path)
    async with place.middle.running() as gate:
        await link_person_one(gate)
        await place.decide(gate, 1, widened(), times=5)
        await written(gate)
        candidate = place.make(2, next_version("2027.2"))
        told = json.loads((await place.replay("--candidate", str(candidate), "--json")).stdout)
        assert told["today"] == widened().digest
        assert told["changes"][0]["change"] == "allow_to_deny"
        assert told["changes"][0]["count"] == 5
        assert not told["widens"]
        before = place.store.state()
        candidate.with_name("r2.jws").unlink()
        unsigned = await place.replay("--candidate", str(candidate), "--fail-on", "widening")
        assert unsigned.exit_code == 0, unsigned.output
        assert "not signed: it can be asked, and never activated" in unsigned.stderr
        assert place.store.state() == before
