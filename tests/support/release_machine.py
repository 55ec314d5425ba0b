# SPDX-License-Identifier: EUPL-1.2
"""A machine that follows a folder of releases, step by step."""

from __future__ import annotations

from pathlib import Path

from policies.bundle import Bundle
from policies.release.activate import activate
from policies.release.book import RulesBook
from policies.release.store import ReleaseStore
from tests.support.clock import Clock
from tests.support.releases import NOW, ReleaseHouse


class Machine:
    """A folder, a clock and a running process's book."""

    def __init__(self, folder: Path, house: ReleaseHouse) -> None:
        self.house = house
        self.clock = Clock(NOW)
        self.folder = folder
        self.store = ReleaseStore(folder, house.key.verifier)
        self.book = self.started()

    def started(self) -> RulesBook:
        """A process that has just started."""
        return RulesBook(self.store, self.clock)

    def step(self, book: RulesBook | None = None) -> list[tuple[str, str]]:
        """Look and take until nothing is new; what would be put on record."""
        book = book or self.book
        told: list[tuple[str, str]] = []
        while (finding := book.look()) is not None:
            told.append((finding.kind, finding.code))
            book.take(finding)
        return told

    def activate(self, sequence: int, bundle: Bundle | None = None, **terms: int) -> None:
        """Make a release and put it in force in the folder."""
        made = self.house.make(sequence, bundle, **terms)  # type: ignore[arg-type]  # only numbers
        activate(self.store, self.house.lay(made, f"r{sequence}"), self.clock())

    def damage(self, place: int) -> None:
        """Overwrite the release at this place of the kept ones."""
        name = self.store.state().kept[place].name
        (self.folder / "releases" / f"{name}.tar.gz").write_bytes(b"damaged")
