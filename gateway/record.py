# SPDX-License-Identifier: EUPL-1.2
"""Steps 5 and 10: what is written, and that it is written before anything else happens.

Each method submits one *work* to the log. The log runs it inside the transaction that appends the
entry, after the head lock. The exchange's row, its order in the outbox and the guard of a release
are therefore as durable as the entry, and happen in the entry's order.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from gateway import permissions
from gateway.ended import ended_fields, rests_on
from gateway.entries import Entries
from gateway.errors import GatewayError, Replayed
from gateway.exchange_rows import GRACE_SECONDS, ExchangeRows
from gateway.model import Answer, State, Withheld, withheld_fields
from gateway.opened import Opened, Verdict, state_after

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from audit.entry import PendingEntry
    from audit.log import LogWriter
    from audit.proof import Receipt
    from gateway.facts import Gathered
    from gateway.kept import KeptDecisions
    from gateway.mailbox import Mailboxes
    from gateway.orders import DecisionToken
    from gateway.permission_model import PermissionId
    from gateway.release import Checked
    from gateway.rules import GatewayRules
    from gateway.statements import Asked
    from keys.model import ExchangeId
    from keys.providers.base import Wrapper
    from policies.decision import Decision
    from policies.model import FieldId


class ExchangeLog:
    """Writes exchanges; the only code that changes an exchange's state."""

    def __init__(
        self,
        log: LogWriter,
        entries: Entries,
        rules: GatewayRules,
        *,
        wrapper: Wrapper,
        clock: Callable[[], int],
        new_handle: Callable[[], str],
        kept: KeptDecisions | None = None,
    ) -> None:
        """Take the log's writer, the maker of entries, the rules, the storage key, and who keeps."""
        self.log = log
        self.entries = entries
        self.rules = rules
        self.rows = ExchangeRows(rules.version_of, wrapper, clock)
        self._clock = clock
        self._new_handle = new_handle
        self._kept = kept

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
            gathered.rules.catalogue.version,
            state_after(decision.decision),
            self._new_handle(),
            self._relied_on(decision, gathered),
            (),
        )

        def work(connection: Connection) -> PendingEntry:
            pending = self.entries.intent(opened, detail, by=asked.issuer)
            try:
                self.rows.insert(connection, opened)
            except IntegrityError as error:
                raise Replayed from error
            if opened.state is not State.REFUSED:
                self.rows.put_in_outbox(connection, opened, gathered, pending.entry.id)
            return pending

        appended = await self.log.append(work)
        self._keep(decision)
        return replace(opened, receipts=appended.entries)

    async def reopen(
        self, held: Opened, decision: DecisionToken, gathered: Gathered, detail: bytes
    ) -> Opened:
        """Step 5 for a held order that the holder's clerk has decided: a fresh intent.

        Raises:
            ExchangeClosed: it is no longer held.
        """
        state = state_after(decision.decision)
        opened = replace(
            held,
            decision=decision,
            catalogue=gathered.rules.catalogue.version,
            state=state,
            order_id=self._new_handle(),
            relied_on=self._relied_on(decision, gathered),
        )

        def work(connection: Connection) -> PendingEntry:
            self.rows.require(connection, held.exchange, State.HELD)
            pending = self.entries.intent(opened, detail, by=held.asked.holder)
            self.rows.forget_order(connection, held.exchange)
            self.rows.move(
                connection,
                opened,
                decision=decision.token,
                closes_at=decision.expires_at + GRACE_SECONDS,
                decided=json.dumps(decision.decision.to_json()),
                guard=json.dumps(opened.relied_on),
            )
            if state is State.ORDERED:
                self.rows.put_in_outbox(connection, opened, gathered, pending.entry.id)
            return pending

        appended = await self.log.append(work)
        self._keep(decision)
        return replace(opened, receipts=appended.entries)

    async def rest(self, opened: Opened, detail: bytes) -> None:
        """Note that the holder's clerk has the order now; the outbox is done with it.

        Two processes may have delivered the same order; it is noted once.
        """

        def work(connection: Connection) -> list[PendingEntry]:
            if not self.rows.delivered(connection, opened.exchange):
                return []
            return [self.entries.held(opened, detail)]

        await self.log.append(work)

    async def release(self, opened: Opened, checked: Checked, detail: bytes) -> Answer:
        """Step 10: record the release under the guard, and make the answer of step 11.

        Raises:
            ExchangeClosed: it ended meanwhile; nothing may leave.
        """
        verdict = Verdict()

        def work(connection: Connection) -> PendingEntry:
            self.rows.require(connection, opened.exchange, State.ORDERED)
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
        self.rules.check_open(opened.decision.decision.bundle)
        verdict.ended = permissions.still_stands(
            connection,
            opened.relied_on,
            self.person_fields(opened.decision.decision),
            opened.exchange,
            self._clock(),
        )
        verdict.state = State.ANSWERED if verdict.ended is None else State.REFUSED
        if verdict.ended is not None:
            return self.withhold_now(connection, opened, detail, verdict.ended)
        pending = self.entries.disclosure(opened, names, detail, None)
        self.rows.move(
            connection, replace(opened, state=State.ANSWERED), guard=json.dumps(guard_after)
        )
        self.rows.forget_order(connection, opened.exchange)
        return pending

    def withhold_now(
        self, connection: Connection, opened: Opened, detail: bytes, ended: str
    ) -> PendingEntry:
        """Write that nothing left, because a permission ended; call only inside a work of the log."""
        self.rows.move(connection, replace(opened, state=State.REFUSED), guard="[]")
        self.rows.forget_order(connection, opened.exchange)
        return self.entries.disclosure(opened, (), detail, ended)

    async def recall(self, opened: Opened, ended: str) -> Receipt:
        """Record that a released answer did not leave, because a permission ended before.

        A copy in the mailbox goes with it: nothing would watch over that copy any more.

        Raises:
            ExchangeClosed: another call has recorded that.
        """

        def work(connection: Connection) -> PendingEntry:
            self.rows.require(connection, opened.exchange, State.ANSWERED)
            self.rows.move(connection, replace(opened, state=State.REFUSED), guard="[]")
            self.rows.forget_copy(connection, opened.exchange)
            return self.entries.recalled(opened, ended)

        return (await self.log.append(work)).entries[0]

    async def abort(self, opened: Opened, accident: GatewayError) -> None:
        """Close an exchange that an accident ended, visibly."""
        await self.log.append(self.abort_work(opened, type(accident).__name__.lower()))

    def abort_work(
        self, opened: Opened, reason: str, state: State = State.ABORTED
    ) -> Callable[[Connection], PendingEntry]:
        """Make the work that closes an exchange without a release."""

        def work(connection: Connection) -> PendingEntry:
            self.rows.require(connection, opened.exchange, opened.state)
            pending = self.entries.aborted(opened, reason)
            self.rows.move(connection, replace(opened, state=state), guard="[]")
            self.rows.forget_order(connection, opened.exchange)
            return pending

        return work

    def expire_work(
        self, opened: Opened, mailboxes: Mailboxes
    ) -> Callable[[Connection], PendingEntry]:
        """Make the work that ends what waited too long; nothing was released."""

        def work(connection: Connection) -> PendingEntry:
            self.rows.require(connection, opened.exchange, opened.state)
            pending = self.entries.expired(opened, mailboxes.drop(connection, opened.exchange))
            self.rows.move(
                connection,
                replace(opened, state=State.EXPIRED),
                guard="[]",
            )
            self.rows.forget_order(connection, opened.exchange)
            return pending

        return work

    def person_fields(self, decision: Decision) -> frozenset[FieldId]:
        """Give the released fields that rest on an act of the person."""
        catalogue = self.rules.catalogue_of(decision.bundle)
        return frozenset(one.field for one in decision.released if rests_on(catalogue, one))

    def ended_fields(self, opened: Opened, ended: str) -> tuple[Withheld, ...]:
        """Say of each field that would have been released why it was not."""
        decision = opened.decision.decision
        return ended_fields(self.rules.catalogue_of(decision.bundle), decision, ended)

    def _keep(self, decision: DecisionToken) -> None:
        """Count it for looking back: only what is on record, and only as codes."""
        if self._kept is not None and decision.facts is not None:
            self._kept.note(decision.facts, decision.decision)

    def _relied_on(self, decision: DecisionToken, gathered: Gathered) -> tuple[PermissionId, ...]:
        # A permission that nothing rests on must not show, not even as a handle (promise P5).
        return gathered.relied_on if self.person_fields(decision.decision) else ()
