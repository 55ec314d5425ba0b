# SPDX-License-Identifier: EUPL-1.2
"""The rows of exchanges and of the outbox. What it changes runs inside a work of the log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select, update

from gateway.errors import ExchangeClosed
from gateway.model import State
from gateway.opened import Opened
from gateway.orders import DecisionToken
from gateway.statements import read_statement_to_close, read_stored_statement
from gateway.store.prepared import Prepared
from gateway.store.tables import exchange as exchange_table
from gateway.store.tables import mailbox, outbox
from keys.model import ExchangeId
from policies.decision import Decision

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from gateway.facts import Gathered
    from gateway.statements import Asked
    from keys.agencies import AgencyList
    from keys.providers.base import Wrapper

GRACE_SECONDS = 30
"""After an order's end the sweeper waits this long before it closes the exchange."""

_INSERT = Prepared(insert(exchange_table))
_PUT_IN_OUTBOX = Prepared(insert(outbox))
_STATE = Prepared(
    select(exchange_table.c.state).where(exchange_table.c.id == bindparam("exchange"))
)
_FORGET = Prepared(delete(outbox).where(outbox.c.exchange == bindparam("of_exchange")))


@cache
def _moving(*columns: str) -> Prepared:
    """Give the update of exactly these columns."""
    return Prepared(
        update(exchange_table)
        .where(exchange_table.c.id == bindparam("exchange"))
        .values({name: bindparam(name) for name in columns})
    )


@dataclass(frozen=True, slots=True)
class References:
    """What an open order needs besides the exchange's own row."""

    holder: bytes
    """The holder's sealed reference or a decoy, 145 bytes."""
    recipient: bytes
    """The recipient's, of the same shape; empty in a pull."""
    intent_entry: str
    """Log entry whose receipt goes with the order."""


class ExchangeRows:
    """Reads and writes the two tables; takes an open connection each time."""

    def __init__(
        self, version_of: Callable[[str], str], wrapper: Wrapper, clock: Callable[[], int]
    ) -> None:
        """Take what tells a catalogue's version by the bundle's digest, and the storage key."""
        self._version_of = version_of
        self._wrapper = wrapper
        self._clock = clock

    def load(self, connection: Connection, exchange: str, agencies: AgencyList) -> Opened | None:
        """Read an exchange back; its newest decision and statement, without receipts.

        Raises:
            KeysError: the statement's signer is no longer on the list, or it has waited too long.
        """
        return self._load(
            connection,
            exchange,
            lambda token: read_stored_statement(token, agencies, self._clock()),
        )

    def load_to_close(self, connection: Connection, exchange: str) -> Opened | None:
        """Read an exchange back to end it: needs no agency list, and nobody's key."""
        return self._load(connection, exchange, read_statement_to_close)

    def _load(
        self, connection: Connection, exchange: str, read: Callable[[str], Asked]
    ) -> Opened | None:
        row = connection.execute(
            select(exchange_table).where(exchange_table.c.id == exchange)
        ).first()
        if row is None:
            return None
        decision = Decision.from_json(json.loads(row.decided))
        order = connection.execute(
            select(outbox.c.order_id).where(outbox.c.exchange == exchange)
        ).scalar_one_or_none()
        return Opened(
            ExchangeId(row.id),
            read(row.statement),
            DecisionToken(row.decision, decision, row.closes_at - GRACE_SECONDS),
            self._version_of(decision.bundle),
            State(row.state),
            order or "",
            tuple(json.loads(row.guard)),
            (),
        )

    def references(self, connection: Connection, opened: Opened) -> References | None:
        """Read back the sealed references of an order that is still open."""
        row = connection.execute(select(outbox).where(outbox.c.exchange == opened.exchange)).first()
        if row is None:
            return None
        both = self._wrapper.unwrap(row.sealed_references, opened.exchange.encode("ascii"))
        pushed = opened.asked.body.direction == "push"
        end = len(both) // 2 if pushed else len(both)
        return References(both[:end], both[end:], row.intent_entry)

    def insert(self, connection: Connection, opened: Opened) -> None:
        """Write a new exchange. The statement's hash is unique: a replay fails here."""
        asked = opened.asked
        decision = opened.decision
        _INSERT.change(
            connection,
            id=opened.exchange,
            direction=asked.body.direction,
            from_agency=asked.holder,
            to_agency=asked.recipient,
            by_agency=asked.issuer,
            purpose=asked.purpose,
            state=opened.state.value,
            statement=asked.token,
            statement_hash=asked.digest.hex(),
            decision=decision.token,
            decided=json.dumps(decision.decision.to_json()),
            guard=json.dumps(opened.relied_on),
            created_at=self._clock(),
            closes_at=decision.expires_at + GRACE_SECONDS,
        )

    def put_in_outbox(
        self, connection: Connection, opened: Opened, gathered: Gathered, entry_id: str
    ) -> None:
        """Keep what the order is made from until it is done with."""
        _PUT_IN_OUTBOX.change(
            connection,
            order_id=opened.order_id,
            exchange=opened.exchange,
            holder=opened.asked.holder,
            sealed_references=self._wrapper.wrap(
                gathered.holder_reference + gathered.recipient_reference,
                opened.exchange.encode("ascii"),
            ),
            intent_entry=entry_id,
            expires_at=opened.decision.expires_at,
            delivered=False,
        )

    def move(self, connection: Connection, opened: Opened, **more: object) -> None:
        """Set the state and other columns."""
        changed = {"state": opened.state.value, **more}
        _moving(*sorted(changed)).change(connection, exchange=opened.exchange, **changed)

    def require(self, connection: Connection, exchange: ExchangeId, state: State) -> None:
        """Raise `ExchangeClosed` unless it stands exactly there."""
        found = _STATE.first(connection, exchange=exchange)
        if found is None or found.state != state.value:
            raise ExchangeClosed

    def delivered(self, connection: Connection, exchange: ExchangeId) -> bool:
        """Note that the holder has the order. False: that is known already, or it ended."""
        noted = connection.execute(
            update(outbox)
            .where(outbox.c.exchange == exchange, outbox.c.delivered.is_(False))
            .values(delivered=True)
        )
        return noted.rowcount == 1

    def forget_order(self, connection: Connection, exchange: ExchangeId) -> None:
        """Delete what the order was made from: nobody may make it again."""
        _FORGET.change(connection, of_exchange=exchange)

    def forget_copy(self, connection: Connection, exchange: ExchangeId) -> None:
        """Delete a sealed result that waits in a mailbox, if one does."""
        connection.execute(delete(mailbox).where(mailbox.c.exchange == exchange))
