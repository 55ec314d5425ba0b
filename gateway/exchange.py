# SPDX-License-Identifier: EUPL-1.2
"""One exchange, step by step. The numbers stand again at the code that does each step.

1. *Ask* (asking connector): signs a statement, seals its own detail, sends the enquiry.
2. *Authenticate*: the token says who calls; the statement must be signed by the same agency.
3. *Gather*: permissions in force, agreement, rules of the day; time becomes booleans.
4. *Decide*: one pure call, per field.
5. *Record the intent*: durable before anything is asked of the holder. A refusal ends here.
6. *Order*: signed, single use, with the receipt of step 5; a decoy for a person not linked.
7. *Verify and decide again* (holding connector): narrows, never widens.
8. *Fetch, cut, seal* (holding connector): only the fields that remain; nulls for the rest.
9. *Check and strip*: signature and context of the envelope; drops what was not decided.
10. *Record the release*: with a guard, inside the transaction, after the log's head lock.
11. *Answer*: sealed fields, withheld fields with reasons, both receipts.

Pull runs through here in one call. Push, held orders and the mailbox take the same steps in
several calls and stand in ``gateway.delivery``; both use the parts below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway import facts
from gateway.engine import decide_sparingly
from gateway.errors import HolderRefused, HolderUnreachable, HolderUntrue
from gateway.model import Answer, State, withheld_fields
from gateway.orders import ORDER_SECONDS, make_order, sign_decision
from gateway.release import check_and_strip
from gateway.statements import read_statement
from gateway.steps import Step
from policies.errors import PolicyUnavailable
from policies.references import DEFAULT_RULE

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from audit.reader import LogReader
    from gateway.agencies import AgencyBook
    from gateway.caller import Caller
    from gateway.facts import Gathered
    from gateway.lastlook import LastLook
    from gateway.links import Links, Subject
    from gateway.model import Enquiry, HolderAnswer
    from gateway.opened import Opened
    from gateway.orders import DecisionToken, Order, OrderTransport
    from gateway.record import ExchangeLog
    from gateway.release import Checked
    from gateway.rules import GatewayRules
    from gateway.statements import Asked
    from gateway.steps import StepObserver
    from gateway.store.database import Database
    from keys.jws import Signer
    from keys.model import AgencyId, ExchangeId
    from policies.decision import Decision
    from policies.model import DecisionInput, HolderFacts

HOLD_SECONDS = 28 * 86_400
"""A held order rests at most 28 days."""
RELEASED_SECONDS = 86_400
"""A connector that stops between its clerk's release and the result has a day to come back."""


@dataclass(frozen=True, slots=True)
class Core:
    """Everything an exchange needs. Put together once in ``gateway.app``."""

    agencies: AgencyBook
    rules: GatewayRules
    database: Database
    log: ExchangeLog
    links: Links
    transport: OrderTransport
    signer: Signer
    observer: StepObserver
    last_look: LastLook
    clock: Callable[[], int]
    """Epoch seconds."""
    new_exchange_id: Callable[[], ExchangeId]
    new_handle: Callable[[], str]
    """A random 128-bit handle, hex."""
    randomness: Callable[[int], bytes]

    async def open(
        self, caller: Caller, enquiry: Enquiry, *, direction: str
    ) -> tuple[Opened, Gathered]:
        """Steps 2 to 5, the same whoever starts: what comes back is on record.

        Raises:
            GatewayError: an accident; nothing was recorded.
        """
        exchange = self.new_exchange_id()
        # 2 Authenticate: the statement's own signature, under the caller's key
        asked = read_statement(
            enquiry, caller, self.agencies.current(), direction=direction, now=self.clock()
        )
        await self.observer.done(Step.AUTHENTICATE, exchange)
        # 3 Gather
        gathered = await self.gather(asked, caller.agency, enquiry.subject)
        await self.observer.done(Step.GATHER, exchange)
        # 4 Decide
        decision = await self.decide(
            exchange, asked, gathered, by=asked.issuer, detail=enquiry.detail
        )
        await self.observer.done(Step.DECIDE, exchange)
        # 5 Record the intent, or the refusal
        opened = await self.log.open(exchange, asked, decision, gathered, enquiry.detail)
        await self.observer.done(Step.RECORD_INTENT, exchange)
        return opened, gathered

    async def gather(
        self,
        asked: Asked,
        teller: AgencyId,
        subject: Subject,
        *,
        holder: HolderFacts = facts.NOTHING_TOLD,
    ) -> Gathered:
        """Step 3: facts for the decision; `teller` is the agency that named the person.

        `holder` is what the holder told about a release.
        """
        now = self.clock()
        agencies = self.agencies.current()
        person = await self.database.read(
            lambda connection: facts.about_person(
                connection,
                self.links,
                agencies,
                asked,
                teller=teller,
                subject=subject,
                now=now,
            )
        )
        return facts.decision_input(
            asked,
            agencies,
            self.rules.now(),
            person,
            now=now,
            holder=holder,
        )

    async def decide(
        self,
        exchange: ExchangeId,
        asked: Asked,
        gathered: Gathered,
        *,
        by: AgencyId,
        detail: bytes,
    ) -> DecisionToken:
        """Step 4: the rules' answer, signed with its input.

        Raises:
            PolicyUnavailable: there is none; that it was asked is on record, with the `detail` of
                `by`. Nothing else was written.
        """
        try:
            told, decision = await decide_sparingly(gathered)
        except PolicyUnavailable:
            undecided = self.log.entries.undecided(
                exchange,
                asked,
                by=by,
                bundle=gathered.rules.bundle,
                retention=gathered.rules.catalogue.rule(DEFAULT_RULE).retention,
                detail=detail,
            )
            await self.log.log.append(lambda _connection: undecided)
            raise
        return sign_decision(
            exchange,
            asked,
            told,
            decision,
            self.signer,
            catalogue=gathered.rules.catalogue.version,
            subject=self.randomness(16),
            now=self.clock(),
            seconds=_seconds(decision, told),
        )

    def order(self, opened: Opened, gathered: Gathered) -> Order:
        """Step 6: the order, made from the decision and the receipt of its record."""
        return make_order(
            opened.order_id,
            opened.exchange,
            opened.asked,
            opened.decision,
            opened.receipt,
            reference=gathered.holder_reference,
            signer=self.signer,
            now=self.clock(),
        )

    def order_again(
        self, connection: Connection, opened: Opened, reader: LogReader
    ) -> Order | None:
        """Make an order once more from what is stored; None when it is done with.

        Same order id and decision: the holder answers a repeated order with identical bytes.
        """
        references = self.log.rows.references(connection, opened)
        if references is None:
            return None
        return make_order(
            opened.order_id,
            opened.exchange,
            opened.asked,
            opened.decision,
            reader.receipt(references.intent_entry),
            reference=references.holder,
            signer=self.signer,
            now=self.clock(),
        )

    def check(self, opened: Opened, answer: HolderAnswer) -> Checked:
        """Step 9: what the holder sealed, verified and cut to the decision.

        Raises:
            HolderUntrue: the signature, the context or the set of fields is wrong.
        """
        return check_and_strip(opened, answer, self.agencies.current(), self.clock())


def _seconds(decision: Decision, facts: DecisionInput) -> int:
    if decision.held:
        return HOLD_SECONDS
    return RELEASED_SECONDS if facts.holder.released_by_source else ORDER_SECONDS


class Exchanges:
    """Carries out pulls: the recipient asks, the holder answers."""

    def __init__(self, core: Core) -> None:
        """Take the parts."""
        self._core = core

    async def ask(self, caller: Caller, enquiry: Enquiry) -> Answer:
        """Carry out one exchange that the recipient started.

        Raises:
            GatewayError: an accident; a refusal is a value. Nothing was released.
        """
        core = self._core
        # 2 to 5 Authenticate, gather, decide, record the intent or the refusal, which ends here
        opened, gathered = await core.open(caller, enquiry, direction="pull")
        exchange = opened.exchange
        withheld = withheld_fields(opened.decision.decision)
        if opened.state is State.REFUSED:
            return opened.answer(withheld)
        # 6 Order; 7 and 8 happen at the holder
        answer = await self._deliver(opened, core.order(opened, gathered))
        await core.observer.done(Step.ORDER, exchange)
        if answer is None or opened.state is State.HELD:
            if answer is not None:
                await core.log.rest(opened, answer.detail)
            return opened.answer(withheld)
        # 9 Check and strip
        checked = await self._check(opened, answer)
        await core.observer.done(Step.STRIP, exchange)
        # 10 Record the release, under the guard
        released = await core.log.release(opened, checked, answer.detail)
        await core.observer.done(Step.RECORD_RELEASE, exchange)
        # 11 Answer, after one more look at what it rests on
        return await core.last_look.before_leaving(opened, released)

    async def _deliver(self, opened: Opened, order: Order) -> HolderAnswer | None:
        try:
            answer = await self._core.transport.deliver(order)
        except (HolderUnreachable, HolderRefused, HolderUntrue) as accident:
            if opened.state is State.HELD and isinstance(accident, HolderUnreachable):
                return None  # it rests in the outbox, which tries again until it arrives
            await self._core.log.abort(opened, accident)
            raise
        if (answer.unverified_envelope is None) is not (opened.state is State.HELD):
            mismatch = HolderUntrue("hold_mismatch")
            await self._core.log.abort(opened, mismatch)
            raise mismatch
        return answer

    async def _check(self, opened: Opened, answer: HolderAnswer) -> Checked:
        try:
            return self._core.check(opened, answer)
        except HolderUntrue as accident:
            await self._core.log.abort(opened, accident)
            raise
