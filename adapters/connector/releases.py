# SPDX-License-Identifier: EUPL-1.2
"""Signed releases of the rules: the connector follows a folder of its own and verifies for itself.

The gateway's word about rules counts for nothing here. There is no log at an agency; what happens
is told in the operating log, and the gateway's log has the gateway's side.
"""

from __future__ import annotations

import asyncio
import tomllib
from typing import TYPE_CHECKING, Final

import structlog

from adapters.connector.errors import SettingsRejected
from adapters.connector.settings import load_settings
from policies.release.place import PlaceUnusable
from policies.release.store import ReleaseStore

if TYPE_CHECKING:
    from pathlib import Path

    from adapters.connector.settings import PolicySettings
    from policies.release.book import RulesBook

log = structlog.get_logger("connector")

LOOK_SECONDS: Final = 1.0
"""How soon a release that was activated counts in a running process."""


def store_of(policy: PolicySettings) -> ReleaseStore:
    """Give the folder of releases that the settings name."""
    return ReleaseStore(policy.directory, policy.release_keys, policy.opa_file)


def open_store(config: Path) -> ReleaseStore | None:
    """Give the folder of a connector's settings file; None: it is somebody else's file.

    Raises:
        PlaceUnusable: it is a connector's, and cannot be used.
    """
    try:
        with config.open("rb") as file:
            table = tomllib.load(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    if "agency" not in table:
        return None
    try:
        settings = load_settings(config)
    except SettingsRejected as error:
        raise PlaceUnusable(
            f"The settings cannot be used: {error}. Change {config.name} and try again."
        ) from None
    return None if settings.policy is None else store_of(settings.policy)


async def take_what_is_new(book: RulesBook) -> None:
    """Let everything count that is new in the folder."""
    while (finding := await asyncio.to_thread(book.look)) is not None:
        book.take(finding)
        tell = log.info if finding.kind == "activated" and not finding.code else log.warning
        in_force = finding.after.rules
        bundle = None if in_force is None else in_force.digest
        tell(f"rules:{finding.kind}", code=finding.code, bundle=bundle, release=finding.release)


async def follow(book: RulesBook) -> None:
    """Look again and again; whatever goes wrong, what is in force stays so until it ends."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await take_what_is_new(book)
        except Exception as error:  # noqa: BLE001 - the watch must outlive any accident
            log.error("rules:watch-failed", error=type(error).__name__)  # noqa: TRY400 - no traceback: it could show what was read
