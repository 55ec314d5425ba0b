# SPDX-License-Identifier: EUPL-1.2
"""A gateway that decides by signed releases, and the desk that signs them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from policies.bundle import Bundle
from policies.release.activate import activate
from policies.release.store import ReleaseStore
from tests.support.middle import DAY, Gate, Middle
from tests.support.releases import ReleaseHouse
from tests.support.scenes import entries, link_person_one

SECONDS = 20


class ReleaseTown:
    """A gateway that decides by signed releases, and the desk that signs them."""

    def __init__(self, folder: Path, database_url: str | None = None) -> None:
        self.middle = Middle.build(folder, database_url)
        self.house = ReleaseHouse(folder / "desk")
        self.folder = folder / "policy"
        self.gates: list[Gate] = []
        self.store = ReleaseStore(self.folder, self.house.key.verifier)
        self.middle.more_settings = {
            "policy": {"directory": str(self.folder), "keys": [self.house.key.pinned]}
        }

    def activate(self, sequence: int, bundle: Bundle | None = None, **terms: Any) -> str:
        """Sign a release and put it in force, as the command does; its bundle's digest."""
        now = self.middle.clock()
        terms = {"valid_from": now - DAY, "valid_until": now + 30 * DAY, **terms}
        made = self.house.make(sequence, bundle, **terms)
        activate(self.store, self.house.lay(made, f"r{sequence}"), now)
        return made.statement.bundle

    def deny_all(self) -> None:
        """Put the emergency release in force."""
        file = self.house.lay(self.house.make(1, emergency=True), "deny-all")
        activate(self.store, file, self.middle.clock(), wanted="deny_all")

    @asynccontextmanager
    async def running(self, **stock: Any) -> AsyncIterator[Gate]:
        """One gateway with person one linked."""
        async with self.middle.running(**stock) as gate:
            self.gates.append(gate)
            await link_person_one(gate)
            yield gate

    def policy_entries(self) -> list[tuple[str, str, list[str]]]:
        """Kind, outcome and reasons of every entry about rules."""
        return [
            (leaf["kind"], leaf["outcome"], leaf["reasons"])
            for leaf in entries(self.middle)
            if leaf["kind"].startswith("policy.")
        ]

    async def recorded(self, number: int) -> list[tuple[str, str, list[str]]]:
        """Wait until so many entries about rules are there."""
        await until(lambda: len(self.policy_entries()) >= number)
        last = [one for one in entries(self.middle) if one["kind"].startswith("policy.")][-1]
        if last["kind"] == "policy.activated":
            # The entry comes first, and a moment later the rules count.
            await until(lambda: self.in_force() == last["policy"])
        return self.policy_entries()

    def in_force(self) -> str | None:
        """Digest of the rules that the running gateway decides by."""
        found: str | None = self.gates[-1].app.state.parts.core.rules.now().bundle
        return found


async def until(reached: Callable[[], bool]) -> None:
    """Wait for what another task does."""
    async with asyncio.timeout(SECONDS):
        while not reached():  # noqa: ASYNC110 - the product tells nobody, it writes into the log
            await asyncio.sleep(0.05)
