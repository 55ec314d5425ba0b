# SPDX-License-Identifier: EUPL-1.2
"""Step 6: the order to the holder, and the way it travels.

An order can only be made from a `Decision`, sealed in its token, and the `Receipt` of its record:
"fetch without a record" is a type error.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

import aiohttp
import orjson

from gateway.errors import HolderRefused, HolderUnreachable, HolderUntrue
from gateway.model import HolderAnswer
from keys import messages
from keys.detail import MIN_BYTES
from keys.envelope import Envelope
from keys.errors import KeysError
from keys.reading import Members
from keys.strict_json import loads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.proof import Receipt
    from gateway.statements import Asked
    from keys.jws import Signer
    from keys.model import AgencyId, ExchangeId
    from keys.strict_json import JsonValue
    from policies.decision import Decision
    from policies.model import DecisionInput

ORDER_SECONDS = 60
"""Life of an order that is carried out at once: the clock skew that is allowed, twice over."""
PROBLEM_CODE = re.compile(r"[a-z][a-z-]{1,63}")
"""Form of a problem's closed code; anything else a holder writes is not kept."""
ANSWER_MAX_BYTES = 1_048_576
"""A holder's answer; fifty fields in padded buckets stay far below."""
DETAIL_MAX_BYTES = 49_152
"""A sealed detail, as much as a body may bring; real ones take 2 to 4 KiB."""


@dataclass(frozen=True, slots=True)
class DecisionToken:
    """A decision signed by the gateway; every later step refers to its hash."""

    token: str
    decision: Decision
    expires_at: int
    facts: DecisionInput | None = None
    """What it was decided from; only while the exchange that asked is under way."""
    digest: bytes = field(init=False)
    """SHA-256 of the token's bytes: `dth` in the envelope's context."""

    def __post_init__(self) -> None:
        """Hash once: every later step names the decision by it."""
        object.__setattr__(self, "digest", hashlib.sha256(self.token.encode("ascii")).digest())


@dataclass(frozen=True, slots=True)
class Order:
    """A signed, single-use order to one holder."""

    id: str
    holder: AgencyId
    token: str
    expires_at: int


def sign_decision(
    exchange: ExchangeId,
    asked: Asked,
    facts: DecisionInput,
    decision: Decision,
    signer: Signer,
    *,
    catalogue: str,
    subject: bytes,
    now: int,
    seconds: int,
) -> DecisionToken:
    """Put a decision and its input into a token; `subject` is a random handle of this exchange."""
    expires_at = now + seconds
    token = messages.DecisionToken(
        exchange=exchange,
        statement=asked.digest,
        source=asked.holder,
        recipient=asked.recipient,
        purpose=asked.purpose,
        trigger=asked.trigger,
        fields=tuple(
            messages.DecidedField(one.field, one.outcome.value, one.rule, one.norms, one.reasons)
            for one in decision.fields
        ),
        input=facts.to_json(),
        input_digest=decision.input_digest,
        bundle=decision.bundle,
        catalogue=catalogue,
        subject=subject,
        issued_at=now,
        expires_at=expires_at,
    )
    return DecisionToken(messages.sign_decision(token, signer), decision, expires_at, facts)


def make_order(
    order_id: str,
    exchange: ExchangeId,
    asked: Asked,
    decision: DecisionToken,
    receipt: Receipt,
    *,
    reference: bytes,
    signer: Signer,
    now: int,
) -> Order:
    """Sign the order. `receipt` proves that the intent is in the log."""
    order = messages.Order(
        order=order_id,
        exchange=exchange,
        holder=asked.holder,
        statement=asked.token,
        decision=decision.token,
        recipient_kid=asked.recipient_kid,
        reference=reference,
        receipt=receipt.to_text(),
        issued_at=now,
        expires_at=decision.expires_at,
    )
    return Order(order_id, asked.holder, messages.sign_order(order, signer), decision.expires_at)


class OrderTransport(Protocol):
    """The way to a holding connector: it listens, or it has dialled in."""

    async def deliver(self, order: Order) -> HolderAnswer:
        """Hand the order over and wait for the holder's answer.

        Raises:
            HolderUnreachable: down, too slow, or the line broke.
            HolderRefused: the holder found the order wrong, or could not carry it out.
            HolderUntrue: the answer is not of the agreed form.
        """


class ListeningConnectors:
    """Delivers by calling connectors that listen."""

    def __init__(
        self,
        addresses: Mapping[AgencyId, str],
        session: aiohttp.ClientSession,
        *,
        timeout_seconds: float,
    ) -> None:
        """Take base addresses by agency and an open session."""
        self._addresses = addresses
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)

    async def deliver(self, order: Order) -> HolderAnswer:
        """Post the order to ``<address>/orders``; no redirects, a bounded answer."""
        address = self._addresses.get(order.holder)
        if address is None:
            raise HolderUnreachable
        try:
            async with self._session.post(
                f"{address}/orders",
                data=orjson.dumps({"order": order.token}),
                headers={"Content-Type": "application/json"},
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                body = await response.content.read(ANSWER_MAX_BYTES + 1)
                while not response.content.at_eof() and len(body) <= ANSWER_MAX_BYTES:
                    body += await response.content.read(ANSWER_MAX_BYTES + 1 - len(body))
                status = response.status
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise HolderUnreachable from error
        return read_holder_answer(status, body)


def read_holder_answer(status: int, body: bytes) -> HolderAnswer:
    """Read what a holder sent for an order.

    Raises:
        HolderRefused: a problem document; only its closed code is kept.
        HolderUntrue: anything that is not of the agreed form.
    """
    try:
        answer = loads(body, max_bytes=ANSWER_MAX_BYTES)
        if status != HTTPStatus.OK:
            raise _problem(status, answer)
        if isinstance(answer, dict) and "held" in answer:
            held = Members(answer, ("held", "detail"))
            if not held.boolean("held"):
                raise HolderUntrue("answer_form")
            return HolderAnswer(None, _detail(held))
        sealed = Members(answer, ("envelope", "detail"))
        return HolderAnswer(Envelope.from_wire(sealed.object("envelope")), _detail(sealed))
    except KeysError as error:
        raise HolderUntrue("answer_form") from error


def _detail(answer: Members) -> bytes:
    detail = answer.binary("detail")
    if not MIN_BYTES <= len(detail) <= DETAIL_MAX_BYTES:
        raise HolderUntrue("detail_size")
    return detail


def _problem(status: int, answer: JsonValue) -> HolderRefused | HolderUnreachable:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return HolderUnreachable()
    named = answer.get("type") if isinstance(answer, dict) else None
    code = str(named).rpartition("/")[2]
    return HolderRefused(code if PROBLEM_CODE.fullmatch(code) else "unnamed")
