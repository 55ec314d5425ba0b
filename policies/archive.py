# SPDX-License-Identifier: EUPL-1.2
"""Where the commands find stored decisions, without knowing who keeps them.

The gateway offers a function under the entry-point group ``lotse.policy.archive``: given a
settings file it opens what it keeps, or returns None if the file is not its own.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from policies.errors import PolicyError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping
    from pathlib import Path

GROUP: Final = "lotse.policy.archive"


class ArchiveUnusable(PolicyError):
    """There is nothing to look back at; the message says what to do."""


@runtime_checkable
class DecisionArchive(Protocol):
    """Stored decisions, and what a shadow found. Reads only; nothing of it is verified."""

    def count(self, since: dt.date | None) -> int:
        """Return how many records there are."""
        ...

    def rows(self, since: dt.date | None) -> Iterator[Mapping[str, Any]]:
        """Give the records by day; see ``StoredDecision.from_row``."""
        ...

    def on_record(self, since: dt.date | None) -> int:
        """Return how many decisions the log tells about in the same time."""
        ...

    def shadow_rows(self) -> Iterator[Mapping[str, Any]]:
        """Give what was counted in the shadow."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...


def open_archive(config: Path) -> DecisionArchive:
    """Open what the gateway with this settings file keeps.

    Raises:
        ArchiveUnusable: it is no gateway's, or its database cannot be read.
    """
    for point in sorted(entry_points(group=GROUP), key=lambda found: found.name):
        try:
            offer = point.load()
        except ImportError:
            continue  # that part of Lotse is not installed here
        archive = offer(config)
        if isinstance(archive, DecisionArchive):
            return archive
    raise ArchiveUnusable(
        f"{config.name} is not the settings file of a gateway that is installed here; "
        "decisions are kept by the gateway: name its file with --config"
    )
