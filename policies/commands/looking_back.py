# SPDX-License-Identifier: EUPL-1.2
"""What the commands that look back need: stored decisions one by one, and the rules they name."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from policies.bundle import Bundle
from policies.candidate import read_rules
from policies.commands.progress import with_progress
from policies.decide import Decider, load_decider
from policies.engine.embedded import EmbeddedEngine
from policies.errors import InputInvalid, PolicyUnavailable, ReleaseRefused
from policies.release.place import PlaceUnusable, open_store
from policies.stored import StoredDecision

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from policies.archive import DecisionArchive
    from policies.engine.base import RuleEngine
    from policies.release.statement import ReleaseVerifier
    from policies.release.store import ReleaseStore


def readable(
    archive: DecisionArchive, since: dt.date | None, take: Callable[[StoredDecision], None]
) -> int:
    """Hand over each record that is one, with progress; return how many rows are none."""
    unreadable = 0
    rows = with_progress(archive.rows(since), archive.count(since), "asking again")
    for row in rows:
        try:
            stored = StoredDecision.from_row(row)
        except InputInvalid:
            unreadable += 1
        else:
            take(stored)
    return unreadable


def verifier_of(config: Path) -> ReleaseVerifier | None:
    """Return the pinned release keys, if the settings name any."""
    store = _store(config)
    return None if store is None else store.verifier


def rules_in_force(config: Path) -> Decider:
    """Return the rules of today: the release in force, or those that ship where there is none.

    Raises:
        ReleaseRefused: a release shall be in force and cannot be used.
        PolicyUnavailable: it does not load.
    """
    store = _store(config)
    if store is None:
        return load_decider()
    active = store.state().active
    if active is None:
        raise ReleaseRefused("nothing_active")
    verified = store.load(active)
    return Decider(EmbeddedEngine(verified.bundle), verified.catalogue)


class KeptRules:
    """Rules by their digest: those that ship, those that are kept, and files that were named."""

    def __init__(self, config: Path, files: list[Path]) -> None:
        """Take where to look.

        Raises:
            ReleaseRefused: one of the files is no release.
        """
        self._config = config
        self._named = {rules.digest: rules for rules in map(read_rules, files)}
        self._engines: dict[str, RuleEngine | None] = {}

    def engine(self, digest: str) -> RuleEngine | None:
        """Return an engine over exactly these rules; None where they are not to be had."""
        if digest not in self._engines:
            self._engines[digest] = self._open(digest)
        return self._engines[digest]

    def _open(self, digest: str) -> RuleEngine | None:
        rules = self._bundles.get(digest)
        if rules is None:
            return None
        try:
            return EmbeddedEngine(rules)
        except PolicyUnavailable:
            return None

    @cached_property
    def _bundles(self) -> dict[str, Bundle]:
        found = {rules.digest: rules for rules in _kept(_store(self._config))}
        shipped = Bundle.load()
        return {shipped.digest: shipped, **found, **self._named}


def _kept(store: ReleaseStore | None) -> Iterator[Bundle]:
    if store is None:
        return
    state = store.state()
    emergency = () if state.emergency is None else (state.emergency,)
    for kept in (*emergency, *state.kept):
        try:
            yield store.load(kept).bundle
        except ReleaseRefused:
            continue  # `lotse policy status` names it


def _store(config: Path) -> ReleaseStore | None:
    try:
        return open_store(config)
    except PlaceUnusable:
        return None
