# SPDX-License-Identifier: EUPL-1.2
"""Orders taken by the holding side, with the exact bytes answered (replay protection)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, insert, or_, select, update

from adapters.connector.store import tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from keys.model import ExchangeId


class Taking(Enum):
    """What became of the attempt to take an order."""

    NEW = auto()
    """First time, or the first time did not get as far as an answer."""
    REPEATED = auto()
    """Answered before: give the same bytes."""
    REPLAYED = auto()
    """Another order under the same id, or the same statement or exchange under another id."""


@dataclass(frozen=True, slots=True)
class OrderMarks:
    """What identifies an order."""

    order_id: str
    order_hash: bytes
    statement_hash: bytes
    exchange: ExchangeId | None
    """None for the fresh order of an exchange whose held order was taken before."""
    expires_at: int


def take(connection: Connection, marks: OrderMarks, now: int) -> tuple[Taking, bytes | None]:
    """Note the order, or find that it was there before."""
    table = tables.orders
    rows = connection.execute(
        select(table).where(
            or_(
                table.c.order_id == marks.order_id,
                table.c.statement_hash == marks.statement_hash,
                and_(table.c.exchange.is_not(None), table.c.exchange == marks.exchange),
            )
        )
    ).all()
    if not rows:
        connection.execute(
            insert(table).values(
                order_id=marks.order_id,
                order_hash=marks.order_hash,
                statement_hash=marks.statement_hash,
                exchange=marks.exchange,
                received_at=now,
                expires_at=marks.expires_at,
            )
        )
        return Taking.NEW, None
    if len(rows) > 1 or rows[0].order_hash != marks.order_hash:
        return Taking.REPLAYED, None
    if rows[0].answer is None:
        return Taking.NEW, None
    return Taking.REPEATED, bytes(rows[0].answer)


def keep_answer(connection: Connection, order_id: str, answer: bytes) -> bytes:
    """Keep the answer before it leaves; if one is there already, give that one."""
    table = tables.orders
    connection.execute(
        update(table)
        .where(table.c.order_id == order_id, table.c.answer.is_(None))
        .values(answer=answer)
    )
    return bytes(
        connection.execute(select(table.c.answer).where(table.c.order_id == order_id)).scalar_one()
    )


def statement_known(connection: Connection, statement_hash: bytes) -> bool:
    """Tell whether an order with this statement was taken."""
    table = tables.orders
    found = connection.execute(
        select(table.c.order_id).where(table.c.statement_hash == statement_hash)
    ).first()
    return found is not None


def forget_orders(connection: Connection, before: int) -> int:
    """Drop rows whose statement can no longer be valid anywhere (long after its expiry)."""
    table = tables.orders
    return connection.execute(delete(table).where(table.c.expires_at < before)).rowcount
