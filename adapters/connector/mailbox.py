# SPDX-License-Identifier: EUPL-1.2
"""What arrives later: answers to held enquiries, and deliveries from others.

Fetched only when the local system looks. A result is kept here, sealed, before the gateway is
told that it may delete its copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.connector import results
from adapters.connector.answers import Frame, check_answer
from adapters.connector.checks import Check
from adapters.connector.errors import (
    CheckFailed,
    GatewayRefused,
    GatewaySilent,
    GatewayUnreachable,
    ProblemError,
)
from adapters.connector.problems import (
    GATEWAY_REFUSED,
    GATEWAY_SILENT,
    GATEWAY_UNREACHABLE,
    GATEWAY_UNTRUE,
    NOT_FOUND,
)
from adapters.connector.store import enquiries as enquiry_store
from adapters.connector.store.enquiries import Arrival, EnquiryState
from keys.errors import KeysError
from keys.model import ExchangeId, parse_exchange_id
from keys.pseudonyms import open_reference
from keys.strict_json import dumps, loads, unb64u

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from adapters.connector.asking import Asking
    from adapters.connector.office import Office
    from adapters.connector.store.enquiries import Enquiry
    from keys.strict_json import JsonLike, JsonValue

log = structlog.get_logger("connector")

MAX_KEPT_BYTES = 2_097_152
ENDED = frozenset({"aborted", "expired", "refused"})
"""Ends of a held exchange without an answer: silence, an accident, a permission withdrawn while
the result waited. To the asker all of them are "no data"."""

Code = Annotated[str, Field(max_length=64)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Waiting(_Strict):
    exchange: Code
    from_: Annotated[Code, Field(alias="from")]
    purpose: Code
    dir: Literal["pull", "push"]
    expires_at: int


class _Mailbox(_Strict):
    waiting: Annotated[list[_Waiting], Field(max_length=10_000)]


class Mailbox:
    """Picks up, verifies, keeps, acknowledges."""

    def __init__(self, office: Office, asking: Asking) -> None:
        """Take the office's parts and the asking side, which believes or not."""
        self._office = office
        self._asking = asking

    async def enquiry(self, enquiry_id: str) -> dict[str, JsonLike]:
        """Tell where an own enquiry or delivery stands; fetches what has arrived for it.

        Raises:
            ProblemError: unknown, or what arrived does not hold.
        """
        enquiry = await self._asking.look(enquiry_id)
        if enquiry is None:
            raise ProblemError(NOT_FOUND)
        if enquiry.exchange is None or enquiry.direction == "push":
            return self._standing(enquiry)
        if enquiry.state is EnquiryState.EXPIRED:
            return self.ended_view(await self._asking.tell_again(enquiry))
        if enquiry.state is not EnquiryState.HELD:
            return await self._asking.tell_again(enquiry)
        for item in await self._waiting():
            if item.exchange == enquiry.exchange and item.dir == "pull":
                answer = await self._call(self._office.client.pick_up(enquiry.exchange))
                checked = await self._asking.believe(answer, enquiry, late=True)
                told = await self._asking.accept(enquiry, checked, answer)
                await self._acknowledge(enquiry.exchange)
                return told
        if await self._ended(enquiry):
            return await self._nothing_came(enquiry)
        return await self._asking.tell_again(enquiry)

    async def deliveries(self) -> list[dict[str, JsonLike]]:
        """Pick up what others delivered, and list everything kept, opened.

        Raises:
            ProblemError: the gateway cannot be reached or does not speak truly.
        """
        for item in await self._waiting():
            if item.dir == "push":
                await self._take_in(item)
        kept = await self._office.store.run(enquiry_store.arrivals)
        return [told for arrival in kept if (told := await self._open(arrival)) is not None]

    # --- inside ---------------------------------------------------------------------------------

    async def _take_in(self, item: _Waiting) -> None:
        office = self._office
        try:
            exchange = parse_exchange_id(item.exchange)
        except KeysError:
            return
        try:
            answer = await self._call(office.client.pick_up(exchange))
        except ProblemError as error:
            if error.problem not in (GATEWAY_REFUSED, GATEWAY_UNTRUE):
                raise
            # Withdrawn since the list was made, or not to be had: the others still arrive.
            log.warning("delivery:not-given", exchange=exchange)
            return
        try:
            checked = await self._asking.check(answer, None, exchange=exchange, late=True)
            if checked.manifest is not None:
                self._file_number(checked.body.ref)
        except CheckFailed as error:
            # One untrue delivery must not keep the others from arriving.
            await self._asking.keep_evidence(error.check, answer)
            return
        arrival = Arrival(
            exchange=exchange,
            other=checked.statement.source,
            purpose=checked.statement.purpose,
            answer=dumps(answer),
            received_at=office.clock(),
        )
        if checked.manifest is not None:
            await office.store.run(lambda connection: enquiry_store.arrive(connection, arrival))
            log.info("delivery:arrived", exchange=exchange)
        await self._acknowledge(exchange)

    async def _open(self, arrival: Arrival) -> dict[str, JsonLike] | None:
        office = self._office
        kept = loads(arrival.answer, max_bytes=MAX_KEPT_BYTES)
        try:
            checked = check_answer(
                kept if isinstance(kept, dict) else {},
                Frame(
                    me=office.me,
                    agencies=await office.agencies.current(),
                    rules=office.rules.known,
                    now=arrival.received_at,
                    statement=None,
                    late=True,
                ),
            )
            told = await self._asking.tell_values(checked, arrival.received_at)
            file_number = self._file_number(checked.body.ref)
        except CheckFailed:
            log.warning("delivery:unreadable", exchange=arrival.exchange)
            return None
        return {
            **told,
            "from": arrival.other,
            "purpose": arrival.purpose,
            "file_number": file_number,
            "received_at": arrival.received_at,
        }

    def _file_number(self, unverified_reference: str | None) -> str | None:
        """Open our own sealed reference; None: nobody here is linked to this person."""
        if unverified_reference is None:
            raise CheckFailed(Check.SHAPE)
        try:
            return open_reference(
                unb64u(unverified_reference), self._office.me, self._office.keys.kem
            )
        except KeysError:
            raise CheckFailed(Check.PERSON) from None

    def _standing(self, enquiry: Enquiry) -> dict[str, JsonLike]:
        return {
            "id": enquiry.id,
            "exchange": enquiry.exchange,
            "outcome": enquiry.state.value,
            "fields": {},
            "withheld": [],
            "held": [],
            "pending": [],
        }

    async def _nothing_came(self, enquiry: Enquiry) -> dict[str, JsonLike]:
        told = await self._asking.tell_again(enquiry)
        now = self._office.clock()
        await self._office.store.run(
            lambda connection: enquiry_store.move(
                connection, enquiry.id, EnquiryState.EXPIRED, at=now
            )
        )
        return self.ended_view(told)

    def ended_view(self, told: dict[str, JsonLike]) -> dict[str, JsonLike]:
        """Turn the held answer into its end: silence reads like every other "no data"."""
        held, withheld = told["held"], told["withheld"]
        if not isinstance(held, list) or not isinstance(withheld, list):
            return told
        lang = self._office.settings.agency.language
        return {
            **told,
            "outcome": "answered",
            "held": [],
            "pending": [],
            "withheld": [*withheld, *results.nothing_came((str(name) for name in held), lang)],
        }

    async def _ended(self, enquiry: Enquiry) -> bool:
        if enquiry.exchange is None:
            return False
        status = await self._call(self._office.client.exchange_status(enquiry.exchange))
        return status.get("status") in ENDED

    async def _waiting(self) -> list[_Waiting]:
        listing = await self._call(self._office.client.mailbox())
        try:
            return _Mailbox.model_validate(listing).waiting
        except ValidationError:
            raise ProblemError(GATEWAY_UNTRUE, check=Check.SHAPE) from None

    async def _acknowledge(self, exchange: ExchangeId) -> None:
        try:
            await self._office.client.acknowledge(exchange)
        except (GatewayUnreachable, GatewaySilent, GatewayRefused):
            # Kept here already; the gateway's copy goes by itself, or with the next look.
            log.info("mailbox:not-acknowledged", exchange=exchange)

    async def _call(self, call: Awaitable[dict[str, JsonValue]]) -> dict[str, JsonValue]:
        try:
            return await call
        except GatewayUnreachable as error:
            raise ProblemError(GATEWAY_UNREACHABLE) from error
        except GatewaySilent as error:
            raise ProblemError(GATEWAY_SILENT) from error
        except GatewayRefused as error:
            raise ProblemError(GATEWAY_REFUSED, gateway_problem=error.code) from error
        except CheckFailed as error:
            raise ProblemError(GATEWAY_UNTRUE, check=error.check) from error
