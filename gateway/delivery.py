# SPDX-License-Identifier: EUPL-1.2
"""Exchanges that take several calls: push, held orders, results, pick-up.

The steps are those of ``gateway.exchange``. When the holder starts (push), or its clerk lets a
held order go, the holder itself is the caller: its order goes back in the answer, and what it
seals waits in the recipient's mailbox. A pull never satisfies a push rule: the direction stands in
the signed statement and decides which triggers the rules may see.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.errors import ExchangeClosed, NotAParty, StatementRefused
from gateway.mailbox import Payload
from gateway.model import Answer, State, withheld_fields
from gateway.statements import check_release
from gateway.steps import Step
from keys.errors import NotInForce, UnknownKey

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from audit.entry import PendingEntry
    from audit.proof import Receipt
    from audit.reader import LogReader
    from gateway.caller import Caller
    from gateway.exchange import Core
    from gateway.mailbox import Mailboxes
    from gateway.model import Enquiry, HolderAnswer
    from gateway.opened import Opened
    from keys.model import AgencyId, ExchangeId


class Deliveries:
    """Carries out what the holder starts or releases, and what waits in mailboxes."""

    def __init__(self, core: Core, mailboxes: Mailboxes, reader: LogReader) -> None:
        """Take the parts of an exchange, the mailboxes, and the log to prove what happened."""
        self._core = core
        self._reader = reader
        self._mailboxes = mailboxes

    async def offer(self, caller: Caller, enquiry: Enquiry) -> Answer:
        """Start a push: steps 2 to 6; the order goes back to the caller's own connector.

        Raises:
            GatewayError: an accident; a refusal is a value. Nothing was released.
        """
        core = self._core
        # 2 to 5 Authenticate, gather, decide, record the intent or the refusal, which ends here
        opened, gathered = await core.open(caller, enquiry, direction="push")
        withheld = withheld_fields(opened.decision.decision)
        if opened.state is State.REFUSED:
            return opened.answer(withheld)
        # 6 Order; for a held one it rests with the sender's own clerk
        return opened.answer(withheld, order=core.order(opened, gathered).token)

    async def release(self, caller: Caller, exchange: ExchangeId, enquiry: Enquiry) -> Answer:
        """The holder's clerk has decided a held order: a fresh decision, record and order.

        Asked again because the answer got lost, it gives the same order once more.

        Raises:
            NotAParty: no such exchange for this caller.
            ExchangeClosed: it is not held (any more).
            StatementRefused: the release is not the holder's, or not by whom the rules want.
        """
        core = self._core
        agencies = core.agencies.current()
        held = await self._find(exchange, caller.agency, holder_only=True)
        told = check_release(enquiry, caller, exchange, held.asked, agencies, now=core.clock())
        if held.state is State.ORDERED:
            return await self._released_before(held)
        if held.state is not State.HELD:
            raise ExchangeClosed
        gathered = await core.gather(held.asked, caller.agency, enquiry.subject, holder=told)
        decision = await core.decide(
            exchange, held.asked, gathered, by=held.asked.holder, detail=enquiry.detail
        )
        if decision.decision.held:
            # Released by somebody, but not by the one for whom it waits: it goes on waiting.
            raise StatementRefused("release_by_another")
        opened = await core.log.reopen(held, decision, gathered, enquiry.detail)
        await core.observer.done(Step.RECORD_INTENT, exchange)
        withheld = withheld_fields(decision.decision)
        if opened.state is not State.ORDERED:
            return opened.answer(withheld)
        return opened.answer(withheld, order=core.order(opened, gathered).token)

    async def _released_before(self, opened: Opened) -> Answer:
        order = await self._core.database.read(
            lambda connection: self._core.order_again(connection, opened, self._reader)
        )
        if order is None:
            raise ExchangeClosed
        receipts = await self._proofs(opened.exchange)
        again = replace(opened, receipts=receipts[-1:])
        return again.answer(withheld_fields(opened.decision.decision), order=order.token)

    async def _proofs(self, exchange: ExchangeId) -> tuple[Receipt, ...]:
        return await self._core.database.read(lambda _connection: self._reader.receipts(exchange))

    async def result(self, caller: Caller, exchange: ExchangeId, answer: HolderAnswer) -> None:
        """Step 9 for what the holder sealed; it waits in the recipient's mailbox.

        Raises:
            NotAParty: no such exchange for this caller.
            ExchangeClosed: no result is expected (any more).
            HolderUntrue: the envelope fails verification; nothing was kept.
        """
        core = self._core
        opened = await self._find(exchange, caller.agency, holder_only=True)
        if opened.state is not State.ORDERED:
            raise ExchangeClosed
        checked = core.check(opened, answer)
        await core.observer.done(Step.STRIP, exchange)

        def put(connection: Connection) -> list[PendingEntry]:
            references = core.log.rows.references(connection, opened)
            if references is None:
                raise ExchangeClosed
            pushed = opened.asked.body.direction == "push"
            payload = Payload(
                checked.manifest.envelope,
                answer.detail,
                references.recipient if pushed else None,
            )
            self._mailboxes.put(connection, opened, checked, payload)
            return []

        # No entry, but in order with those that end an exchange: what ended takes no result.
        await core.log.log.append(put)

    async def pick_up(self, caller: Caller, exchange: ExchangeId) -> Answer:
        """Steps 10 and 11 for the recipient.

        Raises:
            NotAParty: nothing waits here for this caller.
        """
        opened = await self._find(exchange, caller.agency)
        if caller.agency != opened.asked.recipient:
            raise NotAParty
        answer = await self._mailboxes.pick_up(
            opened, caller.agency, lambda: self._proofs(exchange)
        )
        await self._core.observer.done(Step.RECORD_RELEASE, exchange)
        return await self._core.last_look.before_leaving(opened, answer)

    async def acknowledge(self, caller: Caller, exchange: ExchangeId) -> None:
        """The recipient has it in safety: delete the copy."""
        await self._core.database.write(
            lambda connection: self._mailboxes.acknowledge(connection, exchange, caller.agency)
        )

    async def waiting(self, caller: Caller) -> list[dict[str, str | int]]:
        """List what waits for the caller."""
        return await self._core.database.read(
            lambda connection: self._mailboxes.waiting(connection, caller.agency)
        )

    async def status(self, caller: Caller, exchange: ExchangeId) -> Opened:
        """Tell a party where an exchange stands.

        Raises:
            NotAParty: no such exchange for this caller.
        """
        return await self._find(exchange, caller.agency)

    async def _find(
        self, exchange: ExchangeId, agency: AgencyId, *, holder_only: bool = False
    ) -> Opened:
        agencies = self._core.agencies.current()
        try:
            opened = await self._core.database.read(
                lambda connection: self._core.log.rows.load(connection, exchange, agencies)
            )
        except (NotInForce, UnknownKey):
            # Too old, or signed by a key that is gone: to everybody as if it had never been.
            raise NotAParty from None
        if opened is None:
            raise NotAParty
        parties = {opened.asked.holder}
        if not holder_only:
            parties.add(opened.asked.recipient)
        if agency not in parties:
            raise NotAParty
        return opened
