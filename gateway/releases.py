# SPDX-License-Identifier: EUPL-1.2
"""Signed releases of the rules: the gateway follows a folder, and writes down before it obeys.

A release counts from the moment its entry is in the log. Exchanges that have begun end under the
rules they began with. What a command refused, a fall-back, a deny-all and the end of a release's
time are entries too.
"""

from __future__ import annotations

import asyncio
import tomllib
from typing import TYPE_CHECKING, Final

from audit.vocabulary import EntryKind, Outcome
from gateway.logs import get_logger, where
from gateway.settings import MAX_FILE_BYTES, SettingsError, load_settings
from policies.errors import ReleaseRefused
from policies.release.place import PlaceUnusable
from policies.release.sentences import refusal_text
from policies.release.store import ReleaseStore

if TYPE_CHECKING:
    from pathlib import Path

    from audit.entry import PendingEntry
    from gateway.entries import Entries
    from gateway.record import ExchangeLog
    from gateway.settings import PolicySettings, Settings
    from policies.release.book import Finding, RulesBook

LOOK_SECONDS: Final = 1.0
"""How soon a release that was activated counts in a running process."""

_KINDS: Final = {
    "activated": (EntryKind.POLICY_ACTIVATED, Outcome.PERMIT),
    "fell_back": (EntryKind.POLICY_RESTORED, Outcome.PERMIT),
    "refused": (EntryKind.POLICY_REFUSED, Outcome.DENY),
    "ended": (EntryKind.POLICY_EXPIRED, Outcome.DENY),
}


def store_of(policy: PolicySettings) -> ReleaseStore:
    """Give the folder of releases that the settings name."""
    return ReleaseStore(policy.directory, policy.release_keys, policy.opa_file)


def open_store(config: Path) -> ReleaseStore | None:
    """Give the folder of a gateway's settings file; None: it is somebody else's file.

    Raises:
        PlaceUnusable: it is a gateway's, and cannot be used.
    """
    try:
        with config.open("rb") as file:
            table = tomllib.loads(file.read(MAX_FILE_BYTES).decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    if "issuer" not in table:
        return None
    try:
        settings = load_settings(config)
    except SettingsError as error:
        raise PlaceUnusable(
            f"The settings cannot be used: {error}. Change {config.name} and try again."
        ) from None
    return None if settings.policy is None else store_of(settings.policy)


def release_trouble(settings: Settings) -> str | None:
    """Say why no signed release would be in force after a start, and what to do."""
    if settings.policy is None:
        return None
    store = store_of(settings.policy)
    try:
        active = store.state().active
        if active is None:
            return refusal_text("nothing_active")
        store.load(active)
    except ReleaseRefused as error:
        return refusal_text(error.code)
    return None


def entry_of(finding: Finding, entries: Entries) -> PendingEntry:
    """Make the entry about a finding: codes and digests."""
    kind, outcome = _KINDS[finding.kind]
    reasons: tuple[str, ...] = (finding.code,) if finding.code else ()
    rules = finding.rules
    if rules is not None and rules.statement is not None:
        reasons += (f"sequence_{rules.statement.sequence}",)
        if rules.denies_all:
            outcome = Outcome.DENY
    in_force = finding.after.rules
    return entries.policy(
        None if in_force is None else in_force.digest,
        kind=kind,
        outcome=outcome,
        release=finding.release,
        reasons=reasons,
    )


class ReleaseWatch:
    """Keeps this process in step with its folder of releases."""

    def __init__(self, book: RulesBook, log: ExchangeLog) -> None:
        """Take the rules of this process and the log."""
        self._book = book
        self._log = log

    async def step(self) -> None:
        """Put everything that is new on record, and then let it count."""
        while (finding := await asyncio.to_thread(self._book.look)) is not None:
            await self._record(entry_of(finding, self._log.entries))
            self._book.take(finding)
            cause = {"cause": finding.code} if finding.code else {}
            get_logger().warning(f"policy.{finding.kind.replace('_', '.')}", **cause)

    async def _record(self, entry: PendingEntry) -> None:
        await self._log.log.append(lambda _connection: entry)

    async def follow(self) -> None:
        """Look again and again; whatever goes wrong, what is in force stays so until it ends."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.step()
            except Exception as error:  # noqa: BLE001 - the watch must outlive any accident
                get_logger().error(
                    "policy.watch.failed", error_type=type(error), where=where(error)
                )
