# SPDX-License-Identifier: EUPL-1.2
"""What waits for a person at the holding agency, and what happens when that person decides.

Release and refusal run the same steps and look the same outside: a release statement to the
gateway, a fresh order back, a sealed result handed in. A refusal seals nulls. Requests about
people who are not known here wait and are settled in the same way.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NoReturn

import structlog

from adapters.connector import details
from adapters.connector.checks import Check
from adapters.connector.errors import (
    CheckFailed,
    GatewayRefused,
    GatewaySilent,
    GatewayUnreachable,
    ProblemError,
)
from adapters.connector.holding import HumanAct
from adapters.connector.problems import (
    ALREADY_SETTLED,
    GATEWAY_BUSY,
    GATEWAY_SILENT,
    GATEWAY_UNREACHABLE,
    GATEWAY_UNTRUE,
    NOT_FOR_ROLE,
    NOT_FOUND,
    NOT_IN_CATALOGUE,
)
from adapters.connector.store import held as held_store
from adapters.connector.store.held import Choice, Held
from adapters.connector.verify_order import ReleasePath
from keys.errors import KeysError
from keys.jws import token_hash
from keys.messages import Release, read_order, sign_release, subject_commitment
from keys.model import BlindIndex, FileNumber, UnlockValue
from keys.pseudonyms import blind_index, unlock_value
from keys.strict_json import b64u, dumps
from policies.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from adapters.connector.holding import Holding
    from adapters.connector.office import Office
    from keys.strict_json import JsonLike, JsonValue

log = structlog.get_logger("connector")

LIFE_SECONDS: Final = 240
"""Life of a release statement; the limit is 300 (keys.messages)."""
CLOSED: Final = frozenset({404, 409, 410})
"""Answers that mean: there is nothing to release any more."""


class HeldRequests:
    """Lists and settles what waits."""

    def __init__(self, office: Office, holding: Holding) -> None:
        """Take the office's parts and the holding side."""
        self._office = office
        self._holding = holding

    async def listing(self) -> list[dict[str, JsonLike]]:
        """List what waits for a person, and what a person should look at."""
        office = self._office
        now = office.clock()
        items = await office.store.run(lambda connection: held_store.waiting(connection, now))
        matters = await office.store.run(held_store.attentions)
        listed: list[dict[str, JsonLike]] = [
            {
                "id": item.id,
                "kind": "release",
                "release_by": "head" if item.needs_head else "clerk",
                "state": item.state.value,
                "exchange": item.exchange,
                "direction": item.direction,
                "agency": item.other,
                "purpose": item.purpose,
                "fields": list(item.fields),
                "file_number": await self._file_number(item),
                "received_at": item.received_at,
                "expires_at": item.expires_at,
            }
            for item in items
        ]
        listed.extend(
            {
                "id": matter.id,
                "kind": "attention",
                "code": matter.code,
                "exchange": matter.exchange,
                "agency": matter.other,
                "purpose": matter.purpose,
                "received_at": matter.at,
            }
            for matter in matters
        )
        return listed

    async def settle(
        self, held_id: str, choice: Choice, *, clerk: str, reason_code: str, by_head: bool
    ) -> dict[str, JsonLike]:
        """Carry out what a person decided; can be called again after an interruption.

        What waits for the head is released and refused by the head alone: were a refusal anybody's,
        the two would no longer look alike outside (promise P5).

        Raises:
            ProblemError: unknown, settled, another's to decide, or the gateway is not there;
                nothing is lost.
        """
        office = self._office
        if choice is Choice.REFUSE:
            self._check_reason(reason_code)
        item = await office.store.run(lambda connection: held_store.find(connection, held_id))
        if item is None:
            raise ProblemError(NOT_FOUND)
        if item.needs_head and not by_head:
            raise ProblemError(NOT_FOR_ROLE)
        file_number = await self._file_number(item)
        chosen = await office.store.run(
            lambda connection: held_store.choose(
                connection,
                held_id,
                choice=choice,
                clerk=clerk,
                by_head=by_head,
                reason_code=reason_code,
                now=office.clock(),
            )
        )
        if chosen is None:
            raise ProblemError(ALREADY_SETTLED)
        if chosen.result_body is None:
            chosen = await self._bring_about(chosen, file_number)
        await self._call(office.client.put_result(chosen.exchange, chosen.result_body or b""), item)
        await office.store.run(
            lambda connection: held_store.settle(connection, held_id, office.clock())
        )
        log.info("held:settled", exchange=item.exchange)
        return {"id": item.id, "exchange": item.exchange, "outcome": choice.value}

    def _check_reason(self, reason_code: str) -> None:
        """A refusal has a reason from the catalogue's closed list (declared code `human_refusal`)."""
        try:
            self._office.catalogue.validate_side("holder", {"human_refusal": reason_code})
        except PolicyError:
            raise ProblemError(NOT_IN_CATALOGUE, places=("reason_code",)) from None

    async def _bring_about(self, item: Held, file_number: FileNumber | None) -> Held:
        """Get the fresh order, carry it out, keep the result before it leaves."""
        office = self._office
        order = item.fresh_order
        if order is None or not await self._still_in_force(order):
            body = await self._release_body(item, file_number)
            answer = await self._call(office.client.release(item.exchange, body), item)
            unverified = answer.get("order")
            if unverified is None:
                # The rules of today refuse it: the gateway has told the other agency why.
                await self._close(item)
            if not isinstance(unverified, str):
                raise ProblemError(GATEWAY_UNTRUE, check=Check.SHAPE)
            order = unverified
            await office.store.run(
                lambda connection: held_store.keep_order(connection, item.id, unverified)
            )
        result = await self._holding.carry_out(
            order,
            ReleasePath(
                statement=item.statement,
                exchange=item.exchange,
                released=True,
                by_head=item.by_head,
            ),
            file_number=file_number,
            act=HumanAct(
                refused=item.choice is Choice.REFUSE,
                clerk=item.clerk,
                reason_code=item.reason_code,
            ),
        )
        return await office.store.run(
            lambda connection: held_store.keep_result(connection, item.id, result)
        )

    async def _release_body(self, item: Held, file_number: FileNumber | None) -> bytes:
        """Sign the release. For a decoy, index and unlock value are random and of the same form."""
        office = self._office
        now = office.clock()
        agencies = await office.agencies.current()
        detail = details.seal(
            {
                "v": 1,
                "role": "releaser",
                "exchange": item.exchange,
                "file_number": file_number,
                "clerk": item.clerk,
                "head": item.by_head,
                "choice": None if item.choice is None else item.choice.value,
                "reason_code": item.reason_code,
                "at": now,
            },
            agency=office.me,
            corr=item.exchange,
            audit_key=agencies.audit_key(office.me),
            fields=len(item.fields),
        )
        nonce = office.randomness(16)
        if file_number is None:
            index = BlindIndex(office.randomness(32))
            unlock = UnlockValue(office.randomness(32))
        else:
            index = blind_index(office.keys.index, office.me, file_number)
            unlock = unlock_value(office.keys.index, office.me, file_number)
        release = sign_release(
            Release(
                issuer=office.me,
                exchange=item.exchange,
                statement=token_hash(item.statement),
                by_head=item.by_head,
                subject=subject_commitment(nonce, index),
                detail=hashlib.sha256(detail).hexdigest(),
                nonce=nonce,
                issued_at=now,
                expires_at=now + LIFE_SECONDS,
            ),
            office.keys.sig,
        )
        return dumps(
            {
                "release": release,
                "subject": {"index": b64u(index), "unlock": b64u(unlock)},
                "detail": b64u(detail),
            }
        )

    async def _file_number(self, item: Held) -> FileNumber | None:
        """Open the reference of the held order; an own push knows its file number itself."""
        if item.order_jws is None:
            return None if item.file_number is None else FileNumber(item.file_number)
        agencies = await self._office.agencies.current()
        try:
            order = read_order(
                item.order_jws,
                key=lambda kid: agencies.gateway_key("order", kid),
                now=item.received_at,
            )
            return self._holding.file_number_of(order.reference)
        except KeysError:
            return None

    async def _still_in_force(self, order: str) -> bool:
        agencies = await self._office.agencies.current()
        try:
            read_order(
                order,
                key=lambda kid: agencies.gateway_key("order", kid),
                now=self._office.clock(),
            )
        except KeysError:
            return False
        return True

    async def _close(self, item: Held) -> NoReturn:
        office = self._office
        await office.store.run(
            lambda connection: held_store.settle(connection, item.id, office.clock())
        )
        raise ProblemError(ALREADY_SETTLED)

    async def _call(
        self, call: Awaitable[dict[str, JsonValue]], item: Held
    ) -> dict[str, JsonValue]:
        try:
            return await call
        except GatewayUnreachable as error:
            raise ProblemError(GATEWAY_UNREACHABLE) from error
        except GatewaySilent as error:
            raise ProblemError(GATEWAY_SILENT) from error
        except GatewayRefused as error:
            if error.status in CLOSED:
                await self._close(item)
            raise ProblemError(GATEWAY_BUSY, gateway_problem=error.code) from error
        except CheckFailed as error:
            raise ProblemError(GATEWAY_UNTRUE, check=error.check) from error
