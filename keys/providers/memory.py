# SPDX-License-Identifier: EUPL-1.2
"""Keys that vanish with the process; for tests and trials only."""

from __future__ import annotations

from dataclasses import dataclass

from keys.model import Kid, parse_agency_id
from keys.providers.base import KeyState, KeyUse
from keys.providers.software import KeyEntry, SoftwareKeys, new_secret
from keys.suites import P256


@dataclass(slots=True)
class InsecureMemoryKeyring(SoftwareKeys):
    """A key provider without a file: nothing is protected and nothing is kept."""

    def __post_init__(self) -> None:
        """Refuse an owner that could not stand in a key's name."""
        parse_agency_id(self.owner)

    def new_key(self, use: KeyUse, now: int, *, suite: str = P256) -> Kid:
        """Make a key and return its name."""
        kid = self.next_kid(use)
        self.entries[kid] = KeyEntry(kid, KeyState.ACTIVE, now, new_secret(use, suite))
        return kid

    def set_state(self, kid: Kid, state: KeyState) -> None:
        """Move a key to another state."""
        entry = self.entries[kid]
        self.entries[kid] = KeyEntry(kid, state, entry.created_at, entry.secret)
