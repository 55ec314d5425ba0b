# SPDX-License-Identifier: EUPL-1.2
"""Whom a verifier trusts: logs, witnesses and how many of them (https://c2sp.org/tlog-policy)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from audit.checkpoint import Checkpoint, open_checkpoint
from audit.errors import SignatureInvalid, UnusableInput
from audit.note import COSIGNATURE, ED25519, VerifierKey, open_note

NONE = "none"
_MAX_LINES = 1000


@dataclass(frozen=True, slots=True)
class Group:
    """Holds when at least `threshold` of its members do."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A checkpoint counts when one of `logs` signed it and the quorum of witnesses cosigned it."""

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, VerifierKey]
    groups: Mapping[str, Group]
    quorum: str

    @classmethod
    def for_log(cls, vkey: str) -> Self:
        """Trust one log key and ask for no witness.

        Raises:
            UnusableInput: not the key of a log.
        """
        return cls((_key(vkey, ED25519),), {}, {}, NONE)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a policy file.

        Raises:
            UnusableInput: names the line that does not fit.
        """
        reading = _Reading()
        lines = text.split("\n")
        if len(lines) > _MAX_LINES:
            raise UnusableInput("the policy is too long")
        for number, line in enumerate(lines, 1):
            words = line.replace("\t", " ").split(" ")
            words = [word for word in words if word]
            if not words or words[0].startswith("#"):
                continue
            try:
                reading.line(words)
            except UnusableInput as error:
                raise UnusableInput(f"line {number} of the policy: {error}") from error
        if reading.quorum is None:
            raise UnusableInput("the policy has no quorum line")
        return cls(tuple(reading.logs), reading.witnesses, reading.groups, reading.quorum)

    def open(self, unverified_note: str) -> Checkpoint:
        """Verify a checkpoint: log signature and quorum.

        Raises:
            UnusableInput: not a signed checkpoint.
            SignatureInvalid: not signed by a trusted log, a bad signature, or too few cosignatures.
        """
        checkpoint = open_checkpoint(unverified_note, self.logs)
        if self.quorum != NONE:
            signed_by = open_note(unverified_note, (*self.logs, *self.witnesses.values())).signed_by
            if not self._holds(self.quorum, frozenset(signed_by)):
                raise SignatureInvalid("too few of the trusted witnesses cosigned this checkpoint")
        return checkpoint

    def _holds(self, name: str, signed_by: frozenset[VerifierKey]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return self.witnesses[name] in signed_by
        return sum(self._holds(member, signed_by) for member in group.members) >= group.threshold


def _key(text: str, kind: int) -> VerifierKey:
    key = VerifierKey.parse(text)
    if key.kind != kind:
        raise UnusableInput("this key is of the wrong type for its place")
    return key


class _Reading:
    """A policy while its lines are read; names must be defined before they are used."""

    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: dict[str, VerifierKey] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self._members: set[str] = set()

    def line(self, words: list[str]) -> None:
        """Take in one line."""
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                key = _key(vkey, ED25519)
                self._unique(key, self.logs)
                self.logs.append(key)
            case ["witness", name, vkey] | ["witness", name, vkey, _]:
                key = _key(vkey, COSIGNATURE)
                self._unique(key, list(self.witnesses.values()))
                self._new_name(name)
                self.witnesses[name] = key
            case ["group", name, threshold, *members] if members:
                self._group(name, threshold, members)
            case ["quorum", name]:
                if self.quorum is not None:
                    raise UnusableInput("there is a second quorum")
                if name != NONE and name not in self.witnesses and name not in self.groups:
                    raise UnusableInput("the quorum names nobody that is defined above")
                self.quorum = name
            case _:
                raise UnusableInput("this line is not understood")

    def _group(self, name: str, threshold: str, members: list[str]) -> None:
        for member in members:
            if member not in self.witnesses and member not in self.groups:
                raise UnusableInput("a member of the group is not defined above")
            if member in self._members:
                raise UnusableInput("a name is a member twice")
            self._members.add(member)
        count = {"any": 1, "all": len(members)}.get(threshold)
        if count is None and threshold.isascii() and threshold.isdigit():
            count = int(threshold)
        if count is None or not 1 <= count <= len(members):
            raise UnusableInput(
                "the number of a group is 'any', 'all' or between 1 and its members"
            )
        self._new_name(name)
        self.groups[name] = Group(count, tuple(members))

    def _new_name(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise UnusableInput("this name is taken")

    @staticmethod
    def _unique(key: VerifierKey, others: list[VerifierKey]) -> None:
        if any(key.public == other.public for other in others):
            raise UnusableInput("the same public key is listed twice")
