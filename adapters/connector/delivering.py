# SPDX-License-Identifier: EUPL-1.2
"""Push: this agency starts, its own order comes back, it seals, the result waits at the gateway."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from adapters.connector.checks import Check
from adapters.connector.errors import (
    CheckFailed,
    GatewayRefused,
    GatewaySilent,
    GatewayUnreachable,
    ProblemError,
)
from adapters.connector.holding import NOBODY_ASKED
from adapters.connector.problems import GATEWAY_BUSY, GATEWAY_SILENT, GATEWAY_UNTRUE
from adapters.connector.store import enquiries as enquiry_store
from adapters.connector.store import held as held_store
from adapters.connector.store.enquiries import EnquiryState
from adapters.connector.store.held import Held, HeldState
from adapters.connector.verify_order import ReleasePath
from adapters.connector.waiting import DAY_SECONDS, needs_head
from keys.model import FileNumber
from keys.pseudonyms import normalise_file_number

if TYPE_CHECKING:
    from adapters.connector.answers import CheckedAnswer
    from adapters.connector.asking import Asking
    from adapters.connector.holding import Holding
    from adapters.connector.office import Office
    from adapters.connector.starting import Wish
    from adapters.connector.store.enquiries import Enquiry
    from keys.strict_json import JsonLike

log = structlog.get_logger("connector")


class Delivering:
    """Sends facts of the agency's own motion."""

    def __init__(self, office: Office, asking: Asking, holding: Holding) -> None:
        """Take the office's parts and both sides: a push uses either."""
        self._office = office
        self._asking = asking
        self._holding = holding

    async def deliver(self, wish: Wish) -> dict[str, JsonLike]:
        """Carry out one delivery; a refusal or a hold is a result.

        Raises:
            ProblemError: nothing was delivered.
        """
        office = self._office
        enquiry, started = await self._asking.begin(wish)
        file_number = normalise_file_number(wish.file_number)
        answer = await self._asking.send(enquiry, office.client.deliver(started.body))
        checked = await self._asking.believe(answer, enquiry)
        told = await self._asking.accept(enquiry, checked, answer)
        enquiry = replace(enquiry, exchange=checked.exchange)
        if checked.status == "held":
            await self._hold(enquiry, checked, file_number)
        if checked.status != "ordered":
            return told
        order = checked.body.order
        if order is None:
            raise ProblemError(GATEWAY_UNTRUE, check=Check.SHAPE, enquiry=enquiry.id)
        body = await self._holding.carry_out(
            order,
            ReleasePath(
                statement=enquiry.statement or "", exchange=checked.exchange, released=False
            ),
            file_number=file_number,
            act=NOBODY_ASKED,
        )
        await self._hand_in(enquiry, checked, body)
        return {**told, "outcome": EnquiryState.WAITING.value}

    async def _hand_in(self, enquiry: Enquiry, checked: CheckedAnswer, body: bytes) -> None:
        office = self._office
        try:
            await office.client.put_result(checked.exchange, body)
        except (GatewayUnreachable, GatewaySilent) as error:
            raise ProblemError(GATEWAY_SILENT, enquiry=enquiry.id) from error
        except GatewayRefused as error:
            raise ProblemError(
                GATEWAY_BUSY, enquiry=enquiry.id, gateway_problem=error.code
            ) from error
        except CheckFailed as error:
            raise ProblemError(GATEWAY_UNTRUE, check=error.check, enquiry=enquiry.id) from error
        await office.store.run(
            lambda connection: enquiry_store.move(connection, enquiry.id, EnquiryState.WAITING)
        )
        log.info("delivery:handed-in", exchange=checked.exchange)

    async def _hold(
        self, enquiry: Enquiry, checked: CheckedAnswer, file_number: FileNumber
    ) -> None:
        """The rules want a person here to release it; nothing was read or sealed yet."""
        office = self._office
        now = office.clock()
        item = Held(
            id=office.evidence.new_id(),
            exchange=checked.exchange,
            state=HeldState.WAITING,
            direction="push",
            other=checked.statement.recipient,
            purpose=checked.statement.purpose,
            fields=tuple(str(one.field) for one in checked.decision.theirs.held),
            statement=enquiry.statement or "",
            statement_checked_at=now,
            order_jws=None,
            file_number=file_number,
            received_at=now,
            expires_at=min(
                now + office.settings.holding.held_days * DAY_SECONDS,
                checked.decision.token.expires_at,
            ),
            needs_head=needs_head(checked.decision),
        )
        await office.store.run(lambda connection: held_store.add(connection, item))
        log.info("order:held", exchange=checked.exchange)
