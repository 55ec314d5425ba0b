# SPDX-License-Identifier: EUPL-1.2
"""Where the commands find a folder of releases and a release key, without knowing who has them.

Gateway and connector each offer a function under the entry-point group ``lotse.policy``: given a
settings file it returns the folder with the pinned keys, or None if the file is not its own. The
release desk's keyring is offered under ``lotse.policy.desk`` in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, Protocol

from policies.errors import PolicyError
from policies.release.opa import ReleaseSigner
from policies.release.statement import ReleaseVerifier
from policies.release.store import ReleaseStore

GROUP: Final = "lotse.policy"
DESK_GROUP: Final = "lotse.policy.desk"


class PlaceUnusable(PolicyError):
    """The settings or the keyring cannot be used; the message says what to do."""


class Desk(ReleaseSigner, Protocol):
    """The release desk: signs, and knows its own public keys."""

    @property
    def public(self) -> tuple[tuple[str, Any], ...]:
        """Names and public keys (JWK), newest first."""
        ...

    @property
    def public_pem(self) -> str:
        """The newest public key as OPA reads it."""
        ...

    @property
    def verifier(self) -> ReleaseVerifier:
        """Verifies what this desk signed."""
        ...


def open_store(config: Path) -> ReleaseStore:
    """Return the folder of releases that a settings file names.

    Raises:
        PlaceUnusable: nobody knows this file, or it names no folder.
    """
    for offer in _offers(GROUP):
        store = offer(config)
        if isinstance(store, ReleaseStore):
            return store
    raise PlaceUnusable(
        f"{config.name} is neither a gateway's nor a connector's settings file, or it has no "
        "[policy] table; see docs/operations.md, section Rules"
    )


def open_desk(keyring: Path, passphrase_file: Path, *, new_key_at: int | None = None) -> Desk:
    """Open the release keyring.

    Raises:
        PlaceUnusable: it does not open, or there is no release key in it.
    """
    for offer in _offers(DESK_GROUP):
        try:
            desk: Desk = offer(keyring, passphrase_file, new_key_at=new_key_at)
        except Exception as error:
            raise PlaceUnusable(
                f"the release keyring {keyring.name} cannot be used ({error}); "
                "`lotse policy init-release-key` makes one"
            ) from error
        return desk
    raise PlaceUnusable("this installation cannot open keyrings")


def _offers(group: str) -> Iterator[Any]:
    for point in sorted(entry_points(group=group), key=lambda found: found.name):
        try:
            yield point.load()
        except ImportError:
            continue  # that part of Lotse is not installed here
