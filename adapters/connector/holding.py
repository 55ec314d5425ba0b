# SPDX-License-Identifier: EUPL-1.2
"""The holding side: steps 7 and 8 of an exchange, for pulls, own pushes and released orders.

7. *Verify and decide again*: every signature, the receipt, the log's consistency, expiry, replay;
   the same rules once more with what only this agency knows. The result may only narrow.
8. *Fetch, cut, seal*: only what remains is read; what is unknown, blocked or refused is sealed
   as null. A repeated order gets identical bytes.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from adapters.connector import details
from adapters.connector.checks import Check
from adapters.connector.errors import CheckFailed, ProblemError, UnknownKey
from adapters.connector.fetching import Fetcher
from adapters.connector.problems import ORDER_REFUSED, RULES_UNAVAILABLE, SOURCE_UNAVAILABLE
from adapters.connector.sealing import seal_fetched
from adapters.connector.store import orders as order_store
from adapters.connector.store.orders import OrderMarks, Taking
from adapters.connector.verify_order import ON_THE_WAY_SECONDS, check_order, verified
from adapters.connector.waiting import call_attention, rest_order
from adapters.errors import SourceUnavailable
from keys.context import pae
from keys.errors import KeysError
from keys.jws import token_hash
from keys.messages import HELD_SECONDS
from keys.pseudonyms import open_reference
from keys.strict_json import b64u, dumps
from policies.errors import PolicyUnavailable

if TYPE_CHECKING:
    from adapters.connector.fetching import Fetched
    from adapters.connector.office import Office
    from adapters.connector.verify_order import CheckedOrder, ReleasePath, VerifiedOrder
    from keys.messages import Order
    from keys.model import FileNumber


@dataclass(frozen=True, slots=True)
class HumanAct:
    """What a person here decided about an order; None of it leaves readable."""

    refused: bool
    clerk: str | None
    reason_code: str | None


NOBODY_ASKED = HumanAct(refused=False, clerk=None, reason_code=None)


class Holding:
    """Answers orders."""

    def __init__(self, office: Office) -> None:
        """Take the office's parts."""
        self._office = office
        self._fetcher = (
            None
            if office.source is None
            else Fetcher(
                office.source,
                office.rules,
                answer_seconds=office.settings.holding.answer_seconds,
                decoy_pattern=office.settings.holding.decoy_number,
                randomness=office.randomness,
            )
        )
        # Orders are few and short; one at a time per exchange is what keeps bytes identical.
        self._turns: dict[bytes, asyncio.Lock] = {}

    async def answer(self, unverified_order: str) -> bytes:
        """Answer an order that the gateway brought: the exact body to send back.

        Raises:
            ProblemError: nothing was sealed; the problem names the check or the obstacle.
        """
        async with self._turn(unverified_order):
            order, earlier = await self._verify(unverified_order, None)
            if earlier is not None:
                return earlier
            if order.checked.decision.theirs.held:
                return await rest_order(self._office, order, await self._named(order))
            file_number = await self._named(order)
            body = await self._fetch_and_seal(order, file_number, NOBODY_ASKED)
            return await self._office.store.run(
                lambda connection: order_store.keep_answer(
                    connection, order.checked.order.order, body
                )
            )

    async def carry_out(
        self,
        unverified_order: str,
        path: ReleasePath,
        *,
        file_number: FileNumber | None,
        act: HumanAct,
    ) -> bytes:
        """Carry out an order that this agency itself brought about: the body of the result.

        `file_number` is the file that the delivery was made, or the release given, for (None: no
        file here). An order about any other file is refused.

        Raises:
            ProblemError: nothing was sealed.
        """
        async with self._turn(unverified_order):
            order, earlier = await self._verify(unverified_order, path)
            if earlier is not None:
                return earlier
            named = await self._named(order)
            if named != file_number and not (named is None and not path.released):
                # A push for a person nobody is linked to carries a decoy; a release never may.
                await self._refuse(CheckFailed(Check.PERSON), unverified_order, order.checked)
            body = await self._fetch_and_seal(order, file_number, act)
            return await self._office.store.run(
                lambda connection: order_store.keep_answer(
                    connection, order.checked.order.order, body
                )
            )

    def file_number_of(self, reference: bytes) -> FileNumber | None:
        """Open this agency's own sealed reference; None for a decoy."""
        return open_reference(reference, self._office.me, self._office.keys.kem)

    async def _named(self, order: VerifiedOrder) -> FileNumber | None:
        try:
            return self.file_number_of(order.checked.order.reference)
        except KeysError:
            await self._refuse(CheckFailed(Check.PERSON), order.checked.token, order.checked)

    # --- step 7 -------------------------------------------------------------------------------

    async def _verify(
        self, unverified_order: str, path: ReleasePath | None
    ) -> tuple[VerifiedOrder, bytes | None]:
        """Do all of step 7; the second result is what was answered before, if it was."""
        office = self._office
        checked: CheckedOrder | None = None
        try:
            checked = await self._check(unverified_order, path)
            await office.observe(checked.receipt)
            taking, earlier = await office.store.run(
                lambda connection: order_store.take(
                    connection, _marks(checked, path), office.clock()
                )
            )
            permit = verified(checked, log_only_grew=True, first_use=taking is not Taking.REPLAYED)
        except CheckFailed as error:
            await self._refuse(error, unverified_order, checked)
        except PolicyUnavailable as error:
            raise ProblemError(RULES_UNAVAILABLE) from error
        return permit, earlier

    async def _check(self, unverified_order: str, path: ReleasePath | None) -> CheckedOrder:
        office = self._office
        agencies = await office.agencies.current()
        for newest in (False, True):
            check = partial(
                check_order,
                unverified_order,
                me=office.me,
                agencies=agencies,
                rules=office.rules.accepted,
                now=office.clock(),
                path=path,
            )
            try:
                return await office.rules.run(check)
            except UnknownKey:
                known = agencies.serial
                agencies = await office.agencies.newer()
                if newest or agencies.serial == known:
                    raise
        raise CheckFailed(Check.SHAPE)

    async def _refuse(
        self, error: CheckFailed, unverified_order: str, checked: CheckedOrder | None = None
    ) -> NoReturn:
        await self._office.evidence.keep(
            error.check,
            exchange=None if checked is None else checked.order.exchange,
            artefact=unverified_order.encode("ascii", errors="replace"),
        )
        raise ProblemError(ORDER_REFUSED, check=error.check) from error

    # --- step 8 -------------------------------------------------------------------------------

    async def _fetch_and_seal(
        self, order: VerifiedOrder, file_number: FileNumber | None, act: HumanAct
    ) -> bytes:
        office = self._office
        now = office.clock()
        if self._fetcher is None:
            raise ProblemError(SOURCE_UNAVAILABLE)
        try:
            fetched = await self._fetcher.fetch(order, file_number, refused=act.refused)
        except SourceUnavailable as error:
            await call_attention(office, order, "source-unavailable")
            raise ProblemError(SOURCE_UNAVAILABLE) from error
        except PolicyUnavailable as error:
            raise ProblemError(RULES_UNAVAILABLE) from error
        envelope, fetched = seal_fetched(
            order,
            fetched,
            pad_bytes=order.checked.decision.rules.catalogue.pad_bytes,
            signer=office.keys.sig,
            now=now,
            randomness=office.randomness,
        )
        if fetched.attention is not None:
            await call_attention(office, order, fetched.attention)
        detail = await self._detail(order, fetched, act, now)
        return dumps({"envelope": envelope.to_wire(), "detail": b64u(detail)})

    async def _detail(
        self, order: VerifiedOrder, fetched: Fetched, act: HumanAct, now: int
    ) -> bytes:
        office = self._office
        exchange = order.checked.order.exchange
        agencies = await office.agencies.current()
        return details.seal(
            details.holding_detail(
                exchange=exchange,
                decision=fetched.decision,
                finding=fetched.finding,
                clerk=act.clerk,
                choice=None if act.clerk is None else "refuse" if act.refused else "release",
                reason_code=act.reason_code,
                at=now,
            ),
            agency=office.me,
            corr=exchange,
            audit_key=agencies.audit_key(office.me),
            fields=len(order.checked.statement.fields),
        )

    def _turn(self, unverified_order: str) -> asyncio.Lock:
        key = token_hash(unverified_order) if unverified_order.isascii() else b""
        if len(self._turns) > 4096:  # noqa: PLR2004 - bounds memory, not behaviour
            self._turns = {name: lock for name, lock in self._turns.items() if lock.locked()}
        return self._turns.setdefault(key, asyncio.Lock())


def _content_hash(order: Order) -> bytes:
    """Name what an order asks for: all of it but time, receipt and signature.

    The gateway makes an order anew when the answer to the first one got lost. That is the same
    order, and it gets the same bytes.
    """
    return hashlib.sha256(
        pae(
            order.order,
            order.exchange,
            order.holder,
            order.statement,
            order.decision,
            order.recipient_kid,
            order.reference,
        )
    ).digest()


def _marks(checked: CheckedOrder, path: ReleasePath | None) -> OrderMarks:
    # A released order repeats statement and exchange on purpose; its own id still counts once.
    again = path is not None and path.released
    return OrderMarks(
        order_id=checked.order.order,
        order_hash=_content_hash(checked.order),
        statement_hash=token_hash(checked.token) if again else checked.statement_hash,
        exchange=None if again else checked.order.exchange,
        expires_at=max(checked.order.expires_at, _statement_serves_until(checked)),
    )


def _statement_serves_until(checked: CheckedOrder) -> int:
    """Say how long an order with this statement can be believed: that long its use is remembered."""
    expires_at = checked.statement.expires_at
    return expires_at + (HELD_SECONDS if checked.decision.theirs.held else ON_THE_WAY_SECONDS)
