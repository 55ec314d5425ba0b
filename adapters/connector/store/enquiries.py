# SPDX-License-Identifier: EUPL-1.2
"""Own enquiries and deliveries, and deliveries that arrived. Fields stay sealed in here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from adapters.connector.store import tables
from keys.model import ExchangeId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


class EnquiryState(StrEnum):
    """Where an own enquiry or delivery stands."""

    DRAFT = "draft"
    """Nothing was sent; nothing will be without being asked to."""
    SENT = "sent"
    """Went out; no usable answer came back."""
    UNTRUE = "untrue"
    """An answer came back and did not hold."""
    FAILED = "failed"
    """The gateway did not accept it; nothing was exchanged."""
    HELD = "held"
    """Waits for a person at the holding agency."""
    ANSWERED = "answered"
    REFUSED = "refused"
    ORDERED = "ordered"
    """A delivery of ours was recorded; its sealed result is not with the gateway yet."""
    WAITING = "waiting"
    """A delivery of ours waits in the recipient's mailbox."""
    EXPIRED = "expired"
    """Nobody released it in time, or it was closed without an answer."""


@dataclass(frozen=True, slots=True)
class Enquiry:
    """One row."""

    id: str
    direction: str
    state: EnquiryState
    exchange: ExchangeId | None
    other: str
    purpose: str
    request: bytes
    statement: str | None
    statement_hash: bytes | None
    made_at: int
    answer: bytes | None = None
    answered_at: int | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery from another agency, still sealed."""

    exchange: ExchangeId
    other: str
    purpose: str
    answer: bytes
    received_at: int


def _enquiry(row: object) -> Enquiry:
    value = row._asdict()  # type: ignore[attr-defined]  # SQLAlchemy's Row
    value["state"] = EnquiryState(value["state"])
    value["exchange"] = None if value["exchange"] is None else ExchangeId(value["exchange"])
    return Enquiry(**value)


def add(connection: Connection, item: Enquiry) -> None:
    """Keep an enquiry before anything leaves."""
    connection.execute(
        insert(tables.enquiries).values(
            id=item.id,
            direction=item.direction,
            state=item.state.value,
            exchange=item.exchange,
            other=item.other,
            purpose=item.purpose,
            request=item.request,
            statement=item.statement,
            statement_hash=item.statement_hash,
            made_at=item.made_at,
        )
    )


def move(
    connection: Connection,
    enquiry_id: str,
    state: EnquiryState,
    *,
    exchange: ExchangeId | None = None,
    answer: bytes | None = None,
    at: int | None = None,
) -> None:
    """Write down what became of it."""
    values: dict[str, object] = {"state": state.value}
    if at is not None:
        values["answered_at"] = at
    if exchange is not None:
        values["exchange"] = exchange
    if answer is not None:
        values["answer"] = answer
    table = tables.enquiries
    connection.execute(update(table).where(table.c.id == enquiry_id).values(**values))


def find(connection: Connection, enquiry_id: str) -> Enquiry | None:
    """Give one enquiry by its local id."""
    table = tables.enquiries
    row = connection.execute(select(table).where(table.c.id == enquiry_id)).one_or_none()
    return None if row is None else _enquiry(row)


def by_exchange(connection: Connection, exchange: ExchangeId) -> Enquiry | None:
    """Give one enquiry by the exchange the gateway opened for it."""
    table = tables.enquiries
    row = connection.execute(select(table).where(table.c.exchange == exchange)).one_or_none()
    return None if row is None else _enquiry(row)


def by_statement(connection: Connection, statement_hash: bytes) -> Enquiry | None:
    """Give the enquiry or delivery that made this statement."""
    table = tables.enquiries
    row = connection.execute(
        select(table).where(table.c.statement_hash == statement_hash)
    ).one_or_none()
    return None if row is None else _enquiry(row)


def arrive(connection: Connection, item: Arrival) -> None:
    """Keep a delivery; the same exchange again changes nothing."""
    connection.execute(
        upsert(tables.arrivals)
        .values(
            exchange=item.exchange,
            other=item.other,
            purpose=item.purpose,
            answer=item.answer,
            received_at=item.received_at,
        )
        .on_conflict_do_nothing()
    )


def arrivals(connection: Connection) -> Sequence[Arrival]:
    """List the deliveries kept, oldest first."""
    table = tables.arrivals
    rows = connection.execute(select(table).order_by(table.c.received_at, table.c.exchange)).all()
    return tuple(
        Arrival(
            exchange=ExchangeId(row.exchange),
            other=row.other,
            purpose=row.purpose,
            answer=row.answer,
            received_at=row.received_at,
        )
        for row in rows
    )


def note_envelope(
    connection: Connection, *, source: str, manifest_hash: bytes, exchange: str, now: int
) -> bool:
    """Note an opened envelope; False if it was opened before under another exchange."""
    table = tables.seen_envelopes
    connection.execute(
        upsert(table)
        .values(source=source, manifest_hash=manifest_hash, exchange=exchange, at=now)
        .on_conflict_do_nothing()
    )
    first = connection.execute(
        select(table.c.exchange).where(
            table.c.source == source, table.c.manifest_hash == manifest_hash
        )
    ).scalar_one()
    return bool(first == exchange)


def forget_envelopes(connection: Connection, before: int) -> None:
    """Drop the marks of envelopes that expired long ago: they could not be opened again anyway."""
    table = tables.seen_envelopes
    connection.execute(delete(table).where(table.c.at < before))


def forget(connection: Connection, before: int) -> None:
    """Drop sealed answers older than `before`; what was asked stays for reconciliation."""
    table = tables.enquiries
    connection.execute(
        update(table)
        .where(table.c.answered_at < before, table.c.state != EnquiryState.HELD.value)
        .values(answer=None)
    )
    connection.execute(delete(tables.arrivals).where(tables.arrivals.c.received_at < before))
