# SPDX-License-Identifier: EUPL-1.2
"""What one entry says: closed codes, digests and random handles, and nothing about a person.

A leaf is one JSON object with sorted ASCII keys, no floats, at most 8 KiB; its bytes are stored and hashed as they are.
No handle in a leaf may repeat across two exchanges of one person: whoever fills `Entry` makes a new one each time.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NewType, TypeAlias

import orjson

from audit.errors import EntryInvalid
from audit.vocabulary import EntryKind, Outcome

EntryId = NewType("EntryId", str)
"""32 hexadecimal digits of a UUID version 7 (RFC 9562 section 5.7)."""
Randomness: TypeAlias = Callable[[int], bytes]
"""Returns that many unpredictable bytes."""

LEAF_VERSION = 1
MAX_LEAF_BYTES = 8192
MAX_INDEX = 2**63 - 1
"""Largest index a signed 64-bit column holds."""
MAX_CODES = 128
"""Rules, reasons or fields in one entry; the law catalogue has 73 rules."""
RND_BYTES = 16
"""128 bits in every leaf, so that the hashes in the tiles tell nothing about it."""


_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HANDLE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_ENTRY_ID = re.compile(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _check(pattern: re.Pattern[str], name: str, *values: str | None) -> None:
    """Refuse values outside the closed shape; the message names the member, never the value."""
    for value in values:
        if value is not None and not pattern.fullmatch(value):
            message = f"'{name}' is not a code, digest or handle of the expected form"
            raise EntryInvalid(message)


@dataclass(frozen=True, slots=True)
class Direction:
    """Data flow of an exchange, as agency instance ids."""

    source: str
    """Holding agency (`from` in the leaf)."""
    recipient: str
    """Recipient (`to` in the leaf)."""
    by: str
    """Who started."""


@dataclass(frozen=True, slots=True)
class Commitment:
    """Ties a stored detail to its leaf without saying anything about it."""

    controller: str
    digest: str
    retention: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One event. Build it with `new_entry`."""

    id: EntryId
    kind: EntryKind
    outcome: Outcome
    ts_us: int
    """Microseconds since 1970 UTC."""
    node: str
    """Which gateway process wrote it."""
    rnd: str
    """16 random bytes as hex."""
    corr: str | None = None
    """Exchange id, or a random handle."""
    direction: Direction | None = None
    purpose: str | None = None
    rules: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    policy: str | None = None
    """SHA-256 hex of the rule bundle."""
    statement: str | None = None
    """SHA-256 hex of the caller's signed statement."""
    decision: str | None = None
    """SHA-256 hex of the decision token."""
    permission: str | None = None
    """Random handle of the permission, new for each exchange."""
    document: str | None = None
    """SHA-256 hex of the document that the event is about: agency list, configuration, public key."""

    def __post_init__(self) -> None:
        """Refuse anything that is not a closed code, a digest or a handle.

        Raises:
            EntryInvalid: names the member.
        """
        _check(_ENTRY_ID, "id", self.id)
        _check(_CODE, "node", self.node)
        _check(_CODE, "purpose", self.purpose)
        _check(_HANDLE, "corr", self.corr)
        _check(_HANDLE, "permission", self.permission)
        _check(_HANDLE, "rnd", self.rnd)
        for name, codes in (
            ("rules", self.rules),
            ("reasons", self.reasons),
            ("fields", self.fields),
        ):
            if len(codes) > MAX_CODES:
                message = f"an entry has at most {MAX_CODES} {name}"
                raise EntryInvalid(message)
            _check(_CODE, name, *codes)
        for name in ("policy", "statement", "decision", "document"):
            _check(_DIGEST, name, getattr(self, name))
        if self.direction is not None:
            _check(
                _CODE,
                "direction",
                self.direction.source,
                self.direction.recipient,
                self.direction.by,
            )

    def leaf(self, index: int, commitments: Sequence[Commitment] = ()) -> bytes:
        """Return the bytes that go into the log at `index`, which the leaf repeats: a moved row shows.

        Raises:
            EntryInvalid: more than 8 KiB.
        """
        way = self.direction
        leaf = orjson.dumps(
            {
                "corr": self.corr,
                "dec": self.decision,
                "details": [
                    {"c": item.controller, "h": item.digest, "ret": item.retention}
                    for item in commitments
                ],
                "dir": None
                if way is None
                else {"by": way.by, "from": way.source, "to": way.recipient},
                "doc": self.document,
                "fields": self.fields,
                "id": self.id,
                "idx": index,
                "kind": self.kind,
                "node": self.node,
                "outcome": self.outcome,
                "perm": self.permission,
                "policy": self.policy,
                "purpose": self.purpose,
                "reasons": self.reasons,
                "rnd": self.rnd,
                "rules": self.rules,
                "stmt": self.statement,
                "ts": rfc3339_micro(self.ts_us),
                "v": LEAF_VERSION,
            },
            option=orjson.OPT_SORT_KEYS,
        )
        if len(leaf) > MAX_LEAF_BYTES:
            message = f"an entry has at most {MAX_LEAF_BYTES} bytes"
            raise EntryInvalid(message)
        return leaf


def rfc3339_micro(ts_us: int) -> str:
    """Write microseconds since 1970 as RFC 3339 UTC with six decimals."""
    seconds, micro = divmod(ts_us, 1_000_000)
    return f"{_second(seconds)}.{micro:06d}Z"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    """Write the part of a time that neighbouring entries share."""
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def new_entry_id(now_ms: int, randomness: Randomness = secrets.token_bytes) -> EntryId:
    """Make a UUID version 7 (RFC 9562 section 5.7) as 32 hex digits."""
    noise = int.from_bytes(randomness(10))
    high, low = noise >> 68, noise & (1 << 62) - 1
    value = now_ms << 80 | 7 << 76 | high << 64 | 2 << 62 | low
    return EntryId(f"{value:032x}")


def new_entry(
    kind: EntryKind,
    outcome: Outcome,
    *,
    now_us: int,
    node: str,
    corr: str | None = None,
    direction: Direction | None = None,
    purpose: str | None = None,
    rules: Sequence[str] = (),
    reasons: Sequence[str] = (),
    fields: Sequence[str] = (),
    policy: str | None = None,
    statement: str | None = None,
    decision: str | None = None,
    permission: str | None = None,
    document: str | None = None,
    randomness: Randomness = secrets.token_bytes,
) -> Entry:
    """Make an entry with a fresh id and fresh randomness; `now_us` counts microseconds since 1970.

    Raises:
        EntryInvalid: a member is not a closed code, digest or handle.
    """
    return Entry(
        id=new_entry_id(now_us // 1000, randomness),
        kind=kind,
        outcome=outcome,
        ts_us=now_us,
        node=node,
        rnd=randomness(RND_BYTES).hex(),
        corr=corr,
        direction=direction,
        purpose=purpose,
        rules=tuple(rules),
        reasons=tuple(reasons),
        fields=tuple(sorted(fields)),
        policy=policy,
        statement=statement,
        decision=decision,
        permission=permission,
        document=document,
    )


@dataclass(frozen=True, slots=True)
class SealedDetail:
    """What one controller may read about the event, already sealed to that controller's audit key."""

    controller: str
    retention: str
    """Retention class, a closed code; decides with controller and month which key erases it."""
    ciphertext: bytes

    def __post_init__(self) -> None:
        """Refuse names outside the closed shape.

        Raises:
            EntryInvalid: names the member.
        """
        _check(_CODE, "controller", self.controller)
        _check(_CODE, "retention", self.retention)


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """An entry that waits to be appended, with at most one detail per controller."""

    entry: Entry
    details: tuple[SealedDetail, ...] = ()

    def __post_init__(self) -> None:
        """Refuse two details for one controller.

        Raises:
            EntryInvalid: see above.
        """
        if len({detail.controller for detail in self.details}) != len(self.details):
            message = "an entry has at most one detail per controller"
            raise EntryInvalid(message)
