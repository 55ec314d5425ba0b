# SPDX-License-Identifier: EUPL-1.2
"""Steps 5 and 10: what is written, and that it is written before anything else happens.

Each method submits one *work* to the log. The log runs it inside the transaction that appends the
entry, after the head lock. The exchange's row, its order in the outbox and the guard of a release
are therefore as durable as the entry, and happen in the entry's order.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway import permissions
from gateway.entries import Entries
from gateway.errors import ExchangeClosed, GatewayError, Replayed
from gateway.model import Answer, State, Withheld, withheld_fields
from gateway.orders import DecisionToken
from gateway.statements import read_stored_statement
from gateway.store.tables import exchange as exchange_table
from gateway.store.tables import outbox
from keys.model import ExchangeId
from policies.decision import Decision

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from audit.entry import PendingEntry
    from audit.log import LogWriter
    from audit.proof import Receipt
    from gateway.facts import Gathered
    from gateway.mailbox import Mailboxes
    from gateway.permission_model import PermissionId
    from gateway.release import Checked
    from gateway.statements import Asked
    from keys.agencies import AgencyList
    from keys.providers.base import Wrapper
    from policies.catalogue import Catalogue
    from policies.model import FieldId

PERSON_MODES = frozenset({"consent-required", "explicit-consent", "statutory-choice"})
"""Rule modes (law.md 1) under which a release needs an act of the person."""
GRACE_SECONDS = 30
"""After an order's end the sweeper waits this long before it closes the exchange."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An exchange whose intent (or refusal) is on record."""

    exchange: ExchangeId
    asked: Asked
    decision: DecisionToken
    catalogue: str
    state: State
    order_id: str
    relied_on: tuple[PermissionId, ...]
    receipts: tuple[Receipt, ...]

    @property
    def receipt(self) -> Receipt:
        """Proof that the newest intent is in the log: without it there is no order."""
        return self.receipts[-1]

    def answer(self, withheld: tuple[Withheld, ...], **more: object) -> Answer:
        """Say where the exchange stands."""
        base = Answer(
            exchange=self.exchange,
            state=self.state,
            decision_token=self.decision.token,
            withheld=withheld,
            receipts=tuple(receipt.to_text() for receipt in self.receipts),
            log_index=self.receipt.index,
        )
        return replace(base, **more)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class References:
    """What an open order needs besides the exchange's own row."""

    holder: bytes
    """The holder's sealed reference or a decoy, 145 bytes."""
    recipient: bytes
    intent_entry: str
    """Log entry whose receipt goes with the order."""


class ExchangeLog:
    """Writes exchanges; the only code that changes an exchange's state."""

    def __init__(
        self,
        log: LogWriter,
        entries: Entries,
        catalogue: Catalogue,
        wrapper: Wrapper,
        clock: Callable[[], int],
        new_handle: Callable[[], str],
    ) -> None:
        """Take the log's writer, the maker of entries and the storage key."""
        self.log = log
        self.entries = entries
        self._catalogue = catalogue
        self._wrapper = wrapper
        self._clock = clock
        self._new_handle = new_handle

    async def open(
        self,
        exchange: ExchangeId,
        asked: Asked,
        decision: DecisionToken,
        gathered: Gathered,
        detail: bytes,
    ) -> Opened:
        """Step 5: record the intent with the order's outbox row, or the refusal.

        Raises:
            Replayed: the statement was used before.
        """
        opened = Opened(
            exchange,
            asked,
            decision,
            self._catalogue.version,
            _state_after(decision.decision),
            self._new_handle(),
            self._relied_on(decision, gathered),
            (),
        )

        def work(connection: Connection) -> PendingEntry:
            pending = self.entries.intent(opened, detail, by=asked.issuer)
            try:
                self._insert(connection, opened)
            except IntegrityError as error:
                raise Replayed from error
            if opened.state is not State.REFUSED:
                self._put_in_outbox(connection, opened, gathered, pending.entry.id)
            return pending

        appended = await self.log.append(work)
        return replace(opened, receipts=appended.entries)

    async def reopen(
        self, held: Opened, decision: DecisionToken, gathered: Gathered, detail: bytes
    ) -> Opened:
        """Step 5 for a held order that the holder's clerk has decided: a fresh intent.

        Raises:
            ExchangeClosed: it is no longer held.
        """
        state = _state_after(decision.decision)
        opened = replace(
            held,
            decision=decision,
            state=state,
            order_id=self._new_handle(),
            relied_on=self._relied_on(decision, gathered),
        )

        def work(connection: Connection) -> PendingEntry:
            self._require(connection, held.exchange, State.HELD)
            pending = self.entries.intent(opened, detail, by=held.asked.holder)
            connection.execute(delete(outbox).where(outbox.c.exchange == held.exchange))
            self._move(
                connection,
                opened,
                decision=decision.token,
                closes_at=decision.expires_at + GRACE_SECONDS,
                decided=json.dumps(decision.decision.to_json()),
                guard=json.dumps(opened.relied_on),
            )
            if state is State.ORDERED:
                self._put_in_outbox(connection, opened, gathered, pending.entry.id)
            return pending

        appended = await self.log.append(work)
        return replace(opened, receipts=appended.entries)

    async def rest(self, opened: Opened, detail: bytes) -> None:
        """Note that the holder's clerk has the order now; the outbox is done with it."""

        def work(connection: Connection) -> PendingEntry:
            connection.execute(
                update(outbox).where(outbox.c.exchange == opened.exchange).values(delivered=True)
            )
            return self.entries.held(opened, detail)

        await self.log.append(work)

    async def release(self, opened: Opened, checked: Checked, detail: bytes) -> Answer:
        """Step 10: record the release under the guard, and make the answer of step 11.

        Raises:
            ExchangeClosed: it ended meanwhile; nothing may leave.
        """
        verdict = Verdict()

        def work(connection: Connection) -> PendingEntry:
            self._require(connection, opened.exchange, State.ORDERED)
            return self.release_now(connection, opened, checked.manifest.names, detail, verdict)

        appended = await self.log.append(work)
        done = replace(opened, state=verdict.state, receipts=opened.receipts + appended.entries)
        withheld = withheld_fields(opened.decision.decision)
        if verdict.ended is not None:
            return done.answer(withheld + self.ended_fields(opened, verdict.ended))
        return done.answer(withheld, envelope=checked.manifest.envelope)

    def release_now(
        self,
        connection: Connection,
        opened: Opened,
        names: frozenset[str],
        detail: bytes,
        verdict: Verdict,
        *,
        guard_after: tuple[PermissionId, ...] = (),
    ) -> PendingEntry:
        """Run the guard and write the outcome; call only inside a work of the log.

        `guard_after` stays with the exchange while a copy still waits to be acknowledged.
        """
        verdict.ended = permissions.still_stands(
            connection,
            opened.relied_on,
            self.person_fields(opened.decision.decision),
            opened.exchange,
            self._clock(),
        )
        verdict.state = State.ANSWERED if verdict.ended is None else State.REFUSED
        passed = names if verdict.ended is None else frozenset[str]()
        pending = self.entries.disclosure(opened, passed, detail, verdict.ended)
        self._move(
            connection,
            replace(opened, state=verdict.state),
            guard=json.dumps(guard_after),
        )
        connection.execute(delete(outbox).where(outbox.c.exchange == opened.exchange))
        return pending

    async def abort(self, opened: Opened, accident: GatewayError) -> None:
        """Close an exchange that an accident ended, visibly."""
        await self.log.append(self.abort_work(opened, type(accident).__name__.lower()))

    def abort_work(
        self, opened: Opened, reason: str, state: State = State.ABORTED
    ) -> Callable[[Connection], PendingEntry]:
        """Make the work that closes an exchange without a release."""

        def work(connection: Connection) -> PendingEntry:
            self._require(connection, opened.exchange, opened.state)
            pending = self.entries.aborted(opened, reason)
            self._move(connection, replace(opened, state=state), guard="[]")
            connection.execute(delete(outbox).where(outbox.c.exchange == opened.exchange))
            return pending

        return work

    def expire_work(
        self, opened: Opened, mailboxes: Mailboxes
    ) -> Callable[[Connection], PendingEntry]:
        """Make the work that ends what waited too long; nothing was released."""

        def work(connection: Connection) -> PendingEntry:
            self._require(connection, opened.exchange, opened.state)
            pending = self.entries.expired(opened, mailboxes.drop(connection, opened.exchange))
            self._move(
                connection,
                replace(opened, state=State.EXPIRED),
                guard="[]",
            )
            connection.execute(delete(outbox).where(outbox.c.exchange == opened.exchange))
            return pending

        return work

    def person_fields(self, decision: Decision) -> frozenset[FieldId]:
        """Give the released fields that rest on an act of the person."""
        return frozenset(
            one.field
            for one in decision.released
            if self._catalogue.rule(one.rule).mode in PERSON_MODES
        )

    def ended_fields(self, opened: Opened, ended: str) -> tuple[Withheld, ...]:
        """Say of each field that would have been released why it was not."""
        reason = {"withdrawn": "consent_revoked", "used": "release_used"}.get(
            ended, "consent_expired"
        )
        decision = opened.decision.decision
        return tuple(
            Withheld(
                one.field,
                self._catalogue.rule(one.rule).outcome,
                one.rule,
                one.norms,
                (reason,),
            )
            for one in decision.released + decision.neutral
        )

    def _relied_on(self, decision: DecisionToken, gathered: Gathered) -> tuple[PermissionId, ...]:
        # A permission that nothing rests on must not show, not even as a handle (promise P5).
        return gathered.relied_on if self.person_fields(decision.decision) else ()

    def load(self, connection: Connection, exchange: str, agencies: AgencyList) -> Opened | None:
        """Read an exchange back; its newest decision and statement, without receipts."""
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
            read_stored_statement(row.statement, agencies, self._clock()),
            DecisionToken(row.decision, decision, row.closes_at - GRACE_SECONDS),
            self._catalogue.version,
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
        half = len(both) // 2
        return References(both[:half], both[half:], row.intent_entry)

    # --- rows --------------------------------------------------------------------------------

    def _insert(self, connection: Connection, opened: Opened) -> None:
        asked = opened.asked
        decision = opened.decision
        connection.execute(
            insert(exchange_table).values(
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
        )

    def _put_in_outbox(
        self, connection: Connection, opened: Opened, gathered: Gathered, entry_id: str
    ) -> None:
        connection.execute(
            insert(outbox).values(
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
        )

    @staticmethod
    def _move(connection: Connection, opened: Opened, **more: object) -> None:
        connection.execute(
            update(exchange_table)
            .where(exchange_table.c.id == opened.exchange)
            .values(state=opened.state.value, **more)
        )

    @staticmethod
    def _require(connection: Connection, exchange: ExchangeId, state: State) -> None:
        found = connection.execute(
            select(exchange_table.c.state).where(exchange_table.c.id == exchange)
        ).scalar_one_or_none()
        if found != state.value:
            raise ExchangeClosed


class Verdict:
    """What the guard found, told across the log's thread."""

    __slots__ = ("ended", "state")

    def __init__(self) -> None:
        """Start as refused: only a guard that ran can change it."""
        self.ended: str | None = "unknown"
        self.state = State.REFUSED


def _state_after(decision: Decision) -> State:
    if decision.held:
        return State.HELD
    if decision.released or decision.neutral:
        return State.ORDERED
    return State.REFUSED
