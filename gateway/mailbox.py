# SPDX-License-Identifier: EUPL-1.2
"""Sealed results that wait for their recipient: ciphertext, wrapped once more, three working days.

Nothing is disclosed by waiting. `disclose` is recorded, with the guard, when the recipient picks
up; a withdrawal before that empties the mailbox in the withdrawal's own transaction.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from gateway.errors import ExchangeClosed, NotAParty
from gateway.model import State, withheld_fields
from gateway.opened import Verdict
from gateway.permission_model import PermissionState
from gateway.store.tables import exchange as exchange_table
from gateway.store.tables import mailbox
from keys.envelope import Envelope
from keys.model import ExchangeId
from keys.reading import Members
from keys.strict_json import b64u, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy import Connection, Row

    from audit.entry import PendingEntry
    from audit.proof import Receipt
    from gateway.model import Answer
    from gateway.opened import Opened
    from gateway.record import ExchangeLog
    from gateway.release import Checked
    from keys.model import AgencyId
    from keys.providers.base import Wrapper

WORKING_DAYS = 3
"""Sealed results wait at most three working days."""
PAYLOAD_MAX_BYTES = 2_097_152
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Payload:
    """What waits: unreadable for the gateway apart from names that were decided."""

    envelope: Envelope
    detail: bytes
    """The holder's sealed detail, for the entry at pick-up."""
    reference: bytes | None
    """For a push: the recipient's own sealed reference, or a decoy."""

    def to_bytes(self) -> bytes:
        """Give the form that is wrapped and stored."""
        return dumps(
            {
                "envelope": self.envelope.to_wire(),
                "detail": b64u(self.detail),
                "reference": b64u(self.reference or b""),
            }
        )

    @classmethod
    def from_bytes(cls, stored: bytes) -> Payload:
        """Read what `to_bytes` wrote."""
        body = Members(
            loads(stored, max_bytes=PAYLOAD_MAX_BYTES), ("envelope", "detail", "reference")
        )
        reference = body.binary("reference")
        return cls(
            Envelope.from_wire(body.object("envelope")), body.binary("detail"), reference or None
        )


def waits_until(now: int, working_days: int = WORKING_DAYS) -> int:
    """Give the end of waiting: `working_days` days from `now` that are not Saturday or Sunday."""
    moment = dt.datetime.fromtimestamp(now, tz=dt.UTC)
    left = working_days
    while left:
        moment += dt.timedelta(days=1)
        if moment.weekday() < SATURDAY:
            left -= 1
    return int(moment.timestamp())


class Mailboxes:
    """Puts in, lists, hands out, clears. Changes run as works of the log or beside it."""

    def __init__(self, log: ExchangeLog, wrapper: Wrapper, clock: Callable[[], int]) -> None:
        """Take the exchange log and the storage key."""
        self._log = log
        self._wrapper = wrapper
        self._clock = clock

    def put(
        self, connection: Connection, opened: Opened, checked: Checked, payload: Payload
    ) -> None:
        """Lay a checked, stripped result into the recipient's mailbox.

        Raises:
            ExchangeClosed: it is not waiting for a result (any more).
        """
        del checked  # its type says that signature and context were verified
        moved = connection.execute(
            update(exchange_table)
            .where(
                exchange_table.c.id == opened.exchange,
                exchange_table.c.state == State.ORDERED.value,
            )
            .values(state=State.WAITING.value, closes_at=waits_until(self._clock()))
        )
        if moved.rowcount != 1:
            raise ExchangeClosed
        connection.execute(
            insert(mailbox).values(
                exchange=opened.exchange,
                recipient=opened.asked.recipient,
                payload=self._wrapper.wrap(payload.to_bytes(), opened.exchange.encode("ascii")),
                disclosed=False,
                expires_at=waits_until(self._clock()),
            )
        )

    def waiting(self, connection: Connection, recipient: AgencyId) -> list[dict[str, str | int]]:
        """List what waits for one agency: codes only."""
        rows = connection.execute(
            select(
                mailbox.c.exchange,
                mailbox.c.expires_at,
                exchange_table.c.from_agency,
                exchange_table.c.purpose,
                exchange_table.c.direction,
            )
            .join(exchange_table, exchange_table.c.id == mailbox.c.exchange)
            .where(mailbox.c.recipient == recipient, mailbox.c.expires_at > self._clock())
            .order_by(mailbox.c.exchange)
        ).all()
        return [
            {
                "exchange": row.exchange,
                "from": row.from_agency,
                "purpose": row.purpose,
                "dir": row.direction,
                "expires_at": row.expires_at,
            }
            for row in rows
        ]

    async def pick_up(
        self,
        opened: Opened,
        recipient: AgencyId,
        proofs: Callable[[], Awaitable[tuple[Receipt, ...]]],
    ) -> Answer:
        """Steps 10 and 11 for a result that waited. Repeated before the acknowledgement: the same.

        `proofs` gives the receipts of all entries of this exchange, the newest last.

        Raises:
            NotAParty: nothing waits here for this agency.
            ExchangeClosed: it ended while it waited.
            PolicyUnavailable: nothing may leave now; it goes on waiting.
        """
        verdict = Verdict()
        found: list[Payload] = []

        def work(connection: Connection) -> list[PendingEntry]:
            found.clear()  # the log may run a work again, and then only the last run counts
            self._log.rules.check_open(opened.decision.decision.bundle)
            row = self._row(connection, opened.exchange, recipient)
            if row is None:
                raise NotAParty
            payload = Payload.from_bytes(
                self._wrapper.unwrap(row.payload, opened.exchange.encode("ascii"))
            )
            if row.disclosed:
                # Still here: not withdrawn since, for that would have emptied the mailbox.
                verdict.ended, verdict.state = None, State.ANSWERED
                found.append(payload)
                return []
            self._log.rows.require(connection, opened.exchange, State.WAITING)
            names = frozenset(item.name for item in payload.envelope.items)
            entry = self._log.release_now(
                connection,
                opened,
                names,
                payload.detail,
                verdict,
                guard_after=opened.relied_on,
            )
            if verdict.ended is None:
                found.append(payload)
                connection.execute(
                    update(mailbox)
                    .where(mailbox.c.exchange == opened.exchange)
                    .values(disclosed=True)
                )
            else:
                connection.execute(delete(mailbox).where(mailbox.c.exchange == opened.exchange))
            return [entry]

        await self._log.log.append(work)
        done = replace(opened, state=verdict.state, receipts=await proofs())
        withheld = withheld_fields(opened.decision.decision)
        if not found:
            return done.answer(
                withheld + self._log.ended_fields(opened, verdict.ended or "withdrawn")
            )
        return done.answer(
            withheld,
            envelope=found[0].envelope,
            statement=opened.asked.token,
            reference=found[0].reference,
        )

    def empty(self, connection: Connection, opened: Opened) -> PendingEntry | None:
        """Withhold what waits, because the permission it hangs on was just withdrawn.

        None: it was disclosed before; only the copy that was not yet acknowledged goes.
        """
        row = connection.execute(select(mailbox).where(mailbox.c.exchange == opened.exchange)).one()
        if row.disclosed:
            self._forget(connection, opened.exchange)
            return None
        payload = Payload.from_bytes(
            self._wrapper.unwrap(row.payload, opened.exchange.encode("ascii"))
        )
        self._forget(connection, opened.exchange)
        return self._log.withhold_now(connection, opened, payload.detail, PermissionState.WITHDRAWN)

    def drop(self, connection: Connection, exchange: ExchangeId) -> bytes | None:
        """Delete what waited too long; gives the holder's sealed detail for the entry."""
        row = connection.execute(
            select(mailbox.c.payload).where(mailbox.c.exchange == exchange)
        ).first()
        if row is None:
            return None
        payload = Payload.from_bytes(self._wrapper.unwrap(row.payload, exchange.encode("ascii")))
        self._forget(connection, exchange)
        return payload.detail

    def forget_fetched(self, connection: Connection) -> int:
        """Delete copies that were fetched and never acknowledged, once their days are over."""
        over = connection.execute(
            select(mailbox.c.exchange).where(
                mailbox.c.disclosed.is_(True), mailbox.c.expires_at <= self._clock()
            )
        ).scalars()
        exchanges = [ExchangeId(exchange) for exchange in over]
        for exchange in exchanges:
            self._forget(connection, exchange)
        return len(exchanges)

    def acknowledge(
        self, connection: Connection, exchange: ExchangeId, recipient: AgencyId
    ) -> None:
        """Delete a result that arrived. Doing it twice is no error.

        Raises:
            ExchangeClosed: it was not picked up yet.
        """
        row = self._row(connection, exchange, recipient)
        if row is None:
            return
        if not row.disclosed:
            raise ExchangeClosed
        self._forget(connection, exchange)

    def _row(
        self, connection: Connection, exchange: ExchangeId, recipient: AgencyId
    ) -> Row[Any] | None:
        return connection.execute(
            select(mailbox).where(
                mailbox.c.exchange == exchange,
                mailbox.c.recipient == recipient,
                mailbox.c.expires_at > self._clock(),
            )
        ).first()

    @staticmethod
    def _forget(connection: Connection, exchange: ExchangeId) -> None:
        connection.execute(delete(mailbox).where(mailbox.c.exchange == exchange))
        connection.execute(
            update(exchange_table).where(exchange_table.c.id == exchange).values(guard="[]")
        )


def waiting_on(connection: Connection, permission: str) -> list[str]:
    """Give the exchanges whose sealed result waits and rests on this permission."""
    rows = connection.execute(
        select(exchange_table.c.id, exchange_table.c.guard).join(
            mailbox, mailbox.c.exchange == exchange_table.c.id
        )
    ).all()
    return [row.id for row in rows if permission in json.loads(row.guard)]
