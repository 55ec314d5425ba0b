# SPDX-License-Identifier: EUPL-1.2
"""The signed agency list as the gateway uses it: verified, replaced when a newer one lies there.

The gateway cannot change the list: it is signed by a body other than the operator, under a root
that every connector pins. The gateway only reads it and hands the same bytes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import AuditError
from gateway.logs import get_logger
from keys.agencylist import read_jwk
from keys.errors import KeysError, MalformedError
from keys.keylist import verify_agency_list
from keys.strict_json import loads

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keys.agencies import AgencyList
    from keys.jwk import PublicJwk

LOOK_AGAIN_SECONDS = 10
"""How often the file is looked at: a new list counts within seconds on every replica."""

MAX_ROOT_BYTES = 4096


def read_root(path: Path) -> PublicJwk:
    """Read the public key of the registry root.

    Raises:
        KeysError: the file does not hold a public P-256 key as a JWK.
    """
    document = loads(path.read_bytes(), max_bytes=MAX_ROOT_BYTES)
    if not isinstance(document, dict):
        raise MalformedError("registry_root")
    return read_jwk(document)


class AgencyBook:
    """Gives the newest valid agency list; never one with a lower serial than before."""

    def __init__(self, path: Path, root: PublicJwk, clock: Callable[[], int]) -> None:
        """Read the list at `path`.

        Raises:
            KeyListRejected: the list is not signed under `root`, expired or malformed.
        """
        self._path = path
        self._root = root
        self._clock = clock
        self._modified = path.stat().st_mtime_ns
        self.document = path.read_bytes()
        self._list = verify_agency_list(self.document, root_jwk=root, now=clock(), min_serial=0)
        self._look_at = clock() + LOOK_AGAIN_SECONDS
        self.on_new: Callable[[bytes], None] = lambda _document: None
        """Puts a later list on record; returns when it is durable, before the list is used."""

    def current(self) -> AgencyList:
        """Give the list in force.

        Raises:
            KeyListRejected: it has expired and no newer one lies there; nothing may go on.
        """
        now = self._clock()
        if now >= self._look_at:
            self._look_at = now + LOOK_AGAIN_SECONDS
            self._look_again(now)
        self._list.check_fresh(now)
        return self._list

    def _look_again(self, now: int) -> None:
        try:
            modified = self._path.stat().st_mtime_ns
            if modified == self._modified:
                return
            document = self._path.read_bytes()
            newer = verify_agency_list(
                document, root_jwk=self._root, now=now, min_serial=self._list.serial
            )
            self.on_new(document)
        except (KeysError, AuditError, OSError, TimeoutError) as error:
            # Half written, older, forged, or not on record: the list in force stays so until it
            # expires, and the next look tries again.
            get_logger().error("agencies.refused", error_type=type(error))
            return
        self._modified = modified
        self.document = document
        self._list = newer
