# SPDX-License-Identifier: EUPL-1.2
"""The folder in which one gateway or connector keeps its releases.

::

    state.json                 which release shall be in force; replaced as a whole
    releases/NAME.tar.gz .jws  the last three, and the highest sequence, as they came
    ready/                     the operator's: pre-signed releases for an emergency
    events/                    what a command refused, until the running process has it on record

An OPA server beside this process loads the release in force from a file of its own, which the
settings name.
Whoever can write here can stop decisions, but not bring in rules: everything is verified again
each time it is read. Losing the folder loses the memory of the highest sequence; see docs/trust.md.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from policies.errors import ReleaseRefused
from policies.release import disk
from policies.release.archive import MAX_RELEASE_BYTES
from policies.release.state import MAX_STATE_BYTES, Kept, State
from policies.release.statement import (
    MAX_TOKEN_BYTES,
    ReleaseVerifier,
    read_statement,
    token_digest,
)
from policies.release.verify import VerifiedBundle, verify

FILE_END: Final = ".tar.gz"
STATEMENT_END: Final = ".jws"
MAX_EVENTS: Final = 64
"""Refusals that wait to be recorded; whoever could fill this folder could fill the disk."""
_MAX_EVENT_BYTES: Final = 1_024


@dataclass(frozen=True, slots=True)
class Refusal:
    """A release that a command refused."""

    code: str
    release: str | None
    """SHA-256 of the signed statement, if there was one."""
    at: int


@dataclass(frozen=True, slots=True)
class Brought:
    """A release as it came, and what was verified in exactly these bytes."""

    file: bytes
    token: bytes
    verified: VerifiedBundle

    @property
    def kept(self) -> Kept:
        """What names it in the store."""
        return Kept(self.verified.statement.sequence, self.verified.token_digest)


class ReleaseStore:
    """Releases on disk. Takes a lock for each change; safe between processes."""

    def __init__(self, folder: Path, verifier: ReleaseVerifier, served: Path | None = None) -> None:
        """Take the folder, the pinned keys, and the file that an OPA server loads, if one does."""
        self._folder = folder
        self.verifier = verifier
        self._served = served

    @property
    def ready(self) -> Path:
        """Where the operator lays pre-signed releases."""
        return self._folder / "ready"

    def mark(self) -> tuple[int, int, int] | None:
        """Return what changes whenever the state does; None when there is none yet."""
        try:
            found = (self._folder / "state.json").stat()
        except OSError:
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    def state(self) -> State:
        """Return what shall be in force.

        Raises:
            ReleaseRefused: ``state``, ``unreadable``: the file cannot be relied on.
        """
        path = self._folder / "state.json"
        if not path.exists():
            return State()
        return State.from_bytes(disk.read_bounded(path, MAX_STATE_BYTES))

    def read(self, file: Path) -> Brought:
        """Verify a release file with the statement that lies beside it (``.jws``).

        Raises:
            ReleaseRefused: see ``verify``; ``unreadable``: one of the two is not there.
        """
        release = disk.read_bounded(file, MAX_RELEASE_BYTES)
        beside = file.with_name(file.name.removesuffix(FILE_END) + STATEMENT_END)
        token = disk.read_bounded(beside, MAX_TOKEN_BYTES)
        return Brought(release, token, verify(release, token, self.verifier))

    def load(self, kept: Kept) -> VerifiedBundle:
        """Verify a release of this folder again.

        Raises:
            ReleaseRefused: see ``verify``; ``digest``: another one lies under its name.
        """
        found = self.read(self._releases / f"{kept.name}{FILE_END}")
        if found.kept != kept:
            raise ReleaseRefused("digest")
        return found.verified

    def successor(self, brought: Brought) -> State:
        """Return the state with this release in force; changes nothing.

        Raises:
            ReleaseRefused: ``older`` or ``same_sequence``.
        """
        statement = brought.verified.statement
        return self._state_or_floor().after(statement, brought.verified.token_digest)

    def put_in_force(self, brought: Brought) -> State:
        """Keep a release and let it be in force. The order of writes survives a crash.

        The caller has tried it and looked at its dates; here its place in the sequence counts.

        Raises:
            ReleaseRefused: ``older`` or ``same_sequence``.
            OSError: the disk is full or not ours.
        """
        for folder in (self._folder, self._releases, self.ready, self._events):
            disk.make_folder(folder)
        with disk.locked(self._folder):
            state = self.successor(brought)
            disk.remove_leftovers(self._releases)
            name = brought.kept.name
            disk.replace_file(self._releases / f"{name}{FILE_END}", brought.file)
            disk.replace_file(self._releases / f"{name}{STATEMENT_END}", brought.token)
            disk.replace_file(self._folder / "state.json", state.to_bytes())
            self._forget(state)
        return state

    def serve(self, kept: Kept) -> None:
        """Lay a release where the OPA server beside this process looks, if it is not there yet.

        Raises:
            ReleaseRefused: ``unreadable``.
            OSError: the file cannot be written.
        """
        if self._served is None:
            return
        file = self._releases / f"{kept.name}{FILE_END}"
        content = disk.read_bounded(file, MAX_RELEASE_BYTES)
        if not self._served.exists() or self._served.read_bytes() != content:
            # Nothing in it is secret, and the server runs as somebody else.
            disk.replace_file(self._served, content, mode=0o644)

    def refuse(self, refusal: Refusal) -> None:
        """Keep a refusal until the running process has put it on record."""
        disk.make_folder(self._folder)
        disk.make_folder(self._events)
        if len(list(self._events.iterdir())) >= MAX_EVENTS:
            return
        document = {"code": refusal.code, "release": refusal.release, "at": refusal.at}
        name = f"{refusal.at:012d}-{secrets.token_hex(8)}.json"
        disk.replace_file(self._events / name, json.dumps(document).encode("ascii"))

    def refusals(self) -> list[tuple[Path, Refusal]]:
        """List the refusals that wait, oldest first; what is not one is removed."""
        found = []
        for path in sorted(self._events.glob("*.json")) if self._events.is_dir() else ():
            try:
                found.append((path, _read_refusal(disk.read_bounded(path, _MAX_EVENT_BYTES))))
            except ReleaseRefused:
                path.unlink(missing_ok=True)
        return found

    @property
    def _releases(self) -> Path:
        return self._folder / "releases"

    @property
    def _events(self) -> Path:
        return self._folder / "events"

    def _state_or_floor(self) -> State:
        """The state, with a floor that is never below what lies here."""
        try:
            state = self.state()
        except ReleaseRefused:
            state = State()
        highest = self._highest()
        if highest is None or (state.floor and state.floor.sequence >= highest.sequence):
            return state
        return replace(state, floor=highest)

    def _highest(self) -> Kept | None:
        """The highest sequence that a pinned key vouches for among the releases here."""
        highest: Kept | None = None
        for path in self._releases.glob(f"*{STATEMENT_END}") if self._releases.is_dir() else ():
            try:
                token = disk.read_bounded(path, MAX_TOKEN_BYTES)
                statement, _ = read_statement(token, self.verifier)
            except ReleaseRefused:
                continue
            if not statement.emergency and (
                highest is None or statement.sequence > highest.sequence
            ):
                highest = Kept(statement.sequence, token_digest(token))
        return highest

    def _forget(self, state: State) -> None:
        disk.remove_leftovers(self._folder)
        for path in self._releases.iterdir():
            name = path.name.removesuffix(FILE_END).removesuffix(STATEMENT_END)
            if name not in state.files:
                path.unlink(missing_ok=True)


def _read_refusal(content: bytes) -> Refusal:
    try:
        document = json.loads(content)
    except ValueError:
        raise ReleaseRefused("state") from None
    match document:
        case {"code": str() as code, "release": str() | None as release, "at": int() as at}:
            return Refusal(code, release, at)
        case _:
            raise ReleaseRefused("state")
