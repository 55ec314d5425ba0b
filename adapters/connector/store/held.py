# SPDX-License-Identifier: EUPL-1.2
"""What waits for a person: held requests and matters for attention."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from adapters.connector.store import tables
from keys.model import ExchangeId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


class HeldState(StrEnum):
    """Where a held request stands."""

    WAITING = "waiting"
    """Nobody has decided."""
    SETTLING = "settling"
    """A person decided; the fresh order is being carried out, or will be when tried again."""
    SETTLED = "settled"
    """The result is with the gateway."""


class Choice(StrEnum):
    """What the person decided."""

    RELEASE = "release"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Held:
    """One held request; without data."""

    id: str
    exchange: ExchangeId
    state: HeldState
    direction: str
    other: str
    purpose: str
    fields: tuple[str, ...]
    statement: str
    statement_checked_at: int
    order_jws: str | None
    """The held order of a pull, with the sealed reference; a push of our own has none yet."""
    file_number: str | None
    """Only for a push of our own."""
    received_at: int
    expires_at: int
    needs_head: bool = False
    """Only the head of this agency may decide it."""
    choice: Choice | None = None
    clerk: str | None = None
    by_head: bool = False
    """The head decided it."""
    reason_code: str | None = None
    fresh_order: str | None = None
    result_body: bytes | None = None


def _held(row: object) -> Held:
    value = row._asdict()  # type: ignore[attr-defined]  # SQLAlchemy's Row
    for own in ("kind", "settled_at"):
        value.pop(own)
    value["exchange"] = ExchangeId(value["exchange"])
    value["state"] = HeldState(value["state"])
    value["choice"] = None if value["choice"] is None else Choice(value["choice"])
    value["fields"] = tuple(value["fields"].split())
    return Held(**value)


def add(connection: Connection, item: Held) -> None:
    """Keep a request that waits; a second time for the same exchange changes nothing."""
    connection.execute(
        upsert(tables.held)
        .values(
            id=item.id,
            exchange=item.exchange,
            kind="release",
            state=item.state.value,
            direction=item.direction,
            other=item.other,
            purpose=item.purpose,
            fields=" ".join(item.fields),
            statement=item.statement,
            statement_checked_at=item.statement_checked_at,
            order_jws=item.order_jws,
            file_number=item.file_number,
            received_at=item.received_at,
            expires_at=item.expires_at,
            needs_head=item.needs_head,
        )
        .on_conflict_do_nothing()
    )


def waiting(connection: Connection, now: int) -> Sequence[Held]:
    """List what is not settled and not expired, oldest first."""
    table = tables.held
    rows = connection.execute(
        select(table)
        .where(table.c.state != HeldState.SETTLED.value, table.c.expires_at > now)
        .order_by(table.c.received_at, table.c.id)
    ).all()
    return tuple(_held(row) for row in rows)


def find(connection: Connection, held_id: str) -> Held | None:
    """Give one held request."""
    row = connection.execute(select(tables.held).where(tables.held.c.id == held_id)).one_or_none()
    return None if row is None else _held(row)


def choose(  # one row's columns
    connection: Connection,
    held_id: str,
    *,
    choice: Choice,
    clerk: str,
    by_head: bool,
    reason_code: str,
    now: int,
) -> Held | None:
    """Write down a person's choice once. None if somebody chose otherwise or time has passed.

    The same choice again gives the first one back, so that an interrupted release can be resumed.
    """
    table = tables.held
    connection.execute(
        update(table)
        .where(
            table.c.id == held_id,
            table.c.state == HeldState.WAITING.value,
            table.c.expires_at > now,
        )
        .values(
            state=HeldState.SETTLING.value,
            choice=choice.value,
            clerk=clerk,
            by_head=by_head,
            reason_code=reason_code,
        )
    )
    item = find(connection, held_id)
    if item is None or item.state is not HeldState.SETTLING or item.choice is not choice:
        return None
    return item


def keep_order(connection: Connection, held_id: str, fresh_order: str) -> None:
    """Keep the fresh order, so that an interrupted release can be resumed."""
    connection.execute(
        update(tables.held).where(tables.held.c.id == held_id).values(fresh_order=fresh_order)
    )


def keep_result(connection: Connection, held_id: str, result: bytes) -> Held:
    """Keep the result before it leaves; the first one stays."""
    table = tables.held
    connection.execute(
        update(table)
        .where(table.c.id == held_id, table.c.result_body.is_(None))
        .values(result_body=result)
    )
    return _held(connection.execute(select(table).where(table.c.id == held_id)).one())


def settle(connection: Connection, held_id: str, now: int) -> None:
    """Close a held request; its sealed result is not needed any more."""
    connection.execute(
        update(tables.held)
        .where(tables.held.c.id == held_id)
        .values(
            state=HeldState.SETTLED.value,
            settled_at=now,
            file_number=None,
            result_body=None,
        )
    )


def forget(connection: Connection, now: int) -> int:
    """Delete what is past its time, settled or not."""
    return connection.execute(delete(tables.held).where(tables.held.c.expires_at <= now)).rowcount


@dataclass(frozen=True, slots=True)
class Attention:
    """Something a person should look at."""

    id: str
    exchange: str
    code: str
    other: str
    purpose: str
    at: int


def call_attention(connection: Connection, item: Attention) -> None:
    """Keep it once per exchange and code."""
    connection.execute(
        upsert(tables.attention)
        .values(
            id=item.id,
            exchange=item.exchange,
            code=item.code,
            other=item.other,
            purpose=item.purpose,
            at=item.at,
        )
        .on_conflict_do_nothing()
    )


def attentions(connection: Connection) -> Sequence[Attention]:
    """List matters for attention, newest first."""
    rows = connection.execute(select(tables.attention).order_by(tables.attention.c.at.desc())).all()
    return tuple(Attention(**row._asdict()) for row in rows)


def dismiss(connection: Connection, before: int) -> int:
    """Delete old matters for attention."""
    return connection.execute(
        delete(tables.attention).where(tables.attention.c.at < before)
    ).rowcount
