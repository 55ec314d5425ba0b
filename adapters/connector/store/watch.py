# SPDX-License-Identifier: EUPL-1.2
"""What is remembered about the middle: newest agency list, last checkpoints, evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from adapters.connector.store import tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from adapters.connector.checks import Check


@dataclass(frozen=True, slots=True)
class SeenList:
    """The newest agency list seen."""

    serial: int
    document: bytes


@dataclass(frozen=True, slots=True)
class SeenCheckpoint:
    """The last checkpoint seen of one log."""

    size: int
    root: bytes
    note: str


def newest_list(connection: Connection) -> SeenList | None:
    """Give the newest agency list seen, if any was."""
    row = connection.execute(select(tables.agency_list)).one_or_none()
    return None if row is None else SeenList(serial=row.serial, document=row.document)


def remember_list(connection: Connection, serial: int, document: bytes) -> bool:
    """Keep a list unless a newer one is known; tell whether it was kept."""
    known = newest_list(connection)
    if known is not None and known.serial > serial:
        return False
    statement = upsert(tables.agency_list).values(only=1, serial=serial, document=document)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["only"], set_={"serial": serial, "document": document}
        )
    )
    return True


def last_checkpoint(connection: Connection, log_key: str) -> SeenCheckpoint | None:
    """Give the last checkpoint seen under this log key."""
    table = tables.checkpoint
    row = connection.execute(select(table).where(table.c.log_key == log_key)).one_or_none()
    return None if row is None else SeenCheckpoint(size=row.size, root=row.root, note=row.note)


def move_checkpoint(
    connection: Connection, log_key: str, old: SeenCheckpoint | None, new: SeenCheckpoint
) -> bool:
    """Replace `old` by `new`; False if somebody else moved it meanwhile (look again)."""
    table = tables.checkpoint
    values = {"size": new.size, "root": new.root, "note": new.note}
    if old is None:
        added = connection.execute(
            upsert(table).values(log_key=log_key, **values).on_conflict_do_nothing()
        )
        return added.rowcount == 1
    moved = connection.execute(
        update(table)
        .where(table.c.log_key == log_key, table.c.size == old.size, table.c.root == old.root)
        .values(**values)
    )
    return moved.rowcount == 1


def keep_evidence(
    connection: Connection,
    *,
    evidence_id: str,
    at: int,
    check: Check,
    exchange: str | None,
    artefact: bytes,
) -> None:
    """Keep what did not hold. `artefact` is signed or sealed bytes, never a plain value."""
    connection.execute(
        insert(tables.evidence).values(
            id=evidence_id, at=at, check_name=check.value, exchange=exchange, artefact=artefact
        )
    )


def evidence_checks(connection: Connection) -> list[str]:
    """Name the checks that failed here, oldest first."""
    table = tables.evidence
    rows = connection.execute(select(table.c.check_name).order_by(table.c.at, table.c.id)).all()
    return [row.check_name for row in rows]


def evidence_count(connection: Connection, check: Check) -> int:
    """Count what is kept for one check."""
    table = tables.evidence
    counted = select(func.count()).select_from(table).where(table.c.check_name == check.value)
    return int(connection.execute(counted).scalar_one())
