# SPDX-License-Identifier: EUPL-1.2
"""What goes between an append and its database: rows in column order, the locked head, the whole write."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class EntryRow(NamedTuple):
    """One row of `audit_entry`, in column order."""

    log_id: int
    idx: int
    entry_id: str
    ts_us: int
    kind: str
    outcome: str
    corr: str | None
    from_agency: str | None
    to_agency: str | None
    purpose: str | None
    leaf: bytes
    leaf_hash: bytes


class DetailRow(NamedTuple):
    """One row of `audit_detail`, in column order."""

    log_id: int
    idx: int
    controller: str
    key_id: str
    salt: bytes
    stored: bytes


class TileRow(NamedTuple):
    """One row of `audit_tile`, in column order."""

    log_id: int
    lvl: int
    n: int
    hashes: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """What the lock on the head row brings with it."""

    size: int
    compact_range: bytes
    key_epoch: int
    closed: bool


@dataclass(frozen=True, slots=True)
class Write:
    """Everything one transaction adds, and the head that results."""

    log_id: int
    size: int
    root: bytes
    compact_range: bytes
    entries: Sequence[EntryRow]
    details: Sequence[DetailRow]
    tiles: Sequence[TileRow]
    note: tuple[int, str]
    """Newest signed checkpoint and its size; stored unless a newer one is there."""
