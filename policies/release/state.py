# SPDX-License-Identifier: EUPL-1.2
"""The one small file that says which release shall be in force, and below what none may go."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Final

from policies.errors import InputInvalid, ReleaseRefused
from policies.release.statement import Statement
from policies.strict import JsonValue, Reader

KEPT: Final = 3
"""Releases kept on disk: the one in force and two before it."""
MAX_STATE_BYTES: Final = 4_096

_NAME: Final = re.compile(r"[0-9]{7}-[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Kept:
    """A release on disk, by what names it."""

    sequence: int
    token_digest: str

    @property
    def name(self) -> str:
        """Its file name without ending; sorts by sequence."""
        return f"{self.sequence:07d}-{self.token_digest}"

    @classmethod
    def parse(cls, name: str) -> Kept:
        """Read a name.

        Raises:
            InputInvalid: it is none.
        """
        if _NAME.fullmatch(name) is None:
            raise InputInvalid("release_name")
        sequence, _, digest = name.partition("-")
        return cls(int(sequence), digest)


@dataclass(frozen=True, slots=True)
class State:
    """What shall be in force."""

    floor: Kept | None = None
    """The highest sequence that was ever put in force here, and which release had it."""
    kept: tuple[Kept, ...] = ()
    """Newest activation first, at most three; the first is in force unless ``emergency`` is."""
    oldest: int = 1
    """Below this sequence no release may come back by itself; see ``Statement``."""
    emergency: Kept | None = None
    """The deny-all release that is in force before everything else."""

    @property
    def active(self) -> Kept | None:
        """What shall be in force."""
        return self.emergency or (self.kept[0] if self.kept else None)

    @property
    def files(self) -> frozenset[str]:
        """Names of the releases that must stay on disk."""
        known = (*self.kept, self.emergency, self.floor)
        return frozenset(one.name for one in known if one is not None)

    def after(self, statement: Statement, token_digest: str) -> State:
        """Return the state with this release in force.

        Raises:
            ReleaseRefused: ``older``: a higher sequence was in force here before;
                ``same_sequence``: another release had this sequence.
        """
        mine = Kept(statement.sequence, token_digest)
        if statement.emergency:
            return replace(self, emergency=mine)
        if self.floor is not None:
            if mine.sequence < self.floor.sequence:
                raise ReleaseRefused("older")
            if mine.sequence == self.floor.sequence and mine != self.floor:
                raise ReleaseRefused("same_sequence")
        others = tuple(one for one in self.kept if one != mine)
        return State(floor=mine, kept=(mine, *others)[:KEPT], oldest=statement.oldest)

    def to_bytes(self) -> bytes:
        """Return the one form that is stored."""
        document = {
            "v": 1,
            "floor": None if self.floor is None else self.floor.name,
            "kept": [one.name for one in self.kept],
            "oldest": self.oldest,
            "emergency": None if self.emergency is None else self.emergency.name,
        }
        return json.dumps(document, sort_keys=True, indent=1).encode("ascii") + b"\n"

    @classmethod
    def from_bytes(cls, content: bytes) -> State:
        """Read what was stored.

        Raises:
            ReleaseRefused: ``state``: cut off, edited, or of another version.
        """
        try:
            document: JsonValue = json.loads(content)
            reader = Reader.of(document)
            if reader.number("v") != 1:
                raise ReleaseRefused("state")
            state = cls(
                floor=_optional(reader.value("floor")),
                kept=tuple(Kept.parse(name) for name in reader.texts("kept")),
                oldest=reader.number("oldest"),
                emergency=_optional(reader.value("emergency")),
            )
            reader.done()
        except (InputInvalid, ValueError, RecursionError):
            raise ReleaseRefused("state") from None
        if state.to_bytes() != content or len(state.kept) > KEPT:
            raise ReleaseRefused("state")
        return state


def _optional(value: JsonValue) -> Kept | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InputInvalid("wrong_type")
    return Kept.parse(value)
