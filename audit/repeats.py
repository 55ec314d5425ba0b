# SPDX-License-Identifier: EUPL-1.2
"""Recognise a call that is made again: same entry id, same event, details wrapped anew or not."""

from collections.abc import Sequence

import orjson
from sqlalchemy import Connection, select

from audit import store
from audit.entry import Commitment, PendingEntry, SealedDetail
from audit.errors import EntryConflict


def controller_of(detail: SealedDetail) -> str:
    """Sort details by controller, so that the order of the caller does not show."""
    return detail.controller


def placeholders(item: PendingEntry) -> list[Commitment]:
    """Return commitments of the right length, to measure or compare a leaf before its details are wrapped."""
    return [
        Commitment(detail.controller, "0" * 64, detail.retention)
        for detail in sorted(item.details, key=controller_of)
    ]


def already_there(
    connection: Connection, pending: Sequence[PendingEntry], batch: Sequence[PendingEntry]
) -> bool:
    """Tell whether all of `pending` was appended before, in the database or earlier in this batch.

    Raises:
        EntryConflict: only some of it was, or other entries with the same ids.
    """
    ids = {item.entry.id: item for item in pending}
    entry = store.entry.c
    query = select(entry.entry_id, entry.leaf).where(entry.entry_id.in_(ids))
    found = {row.entry_id: bytes(row.leaf) for row in connection.execute(query)} if ids else {}
    found.update((item.entry.id, item.entry.leaf(0, placeholders(item))) for item in batch)
    same = [
        _bare(found[entry_id]) == _bare(item.entry.leaf(0, placeholders(item)))
        for entry_id, item in ids.items()
        if entry_id in found
    ]
    if len(ids) != len(pending) or (same and (len(same) != len(pending) or not all(same))):
        raise EntryConflict("an entry with this id but other content is in the log")
    return bool(same)


def _bare(leaf: bytes) -> object:
    """Return a leaf without its place and the digests of its details, which differ from call to call."""
    value = orjson.loads(leaf)
    del value["idx"]
    for item in value["details"]:
        del item["h"]
    return value
