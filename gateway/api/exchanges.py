# SPDX-License-Identifier: EUPL-1.2
"""Routes of an exchange: ask, deliver, release, result, status, check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from gateway.api.answers import PROBLEM, answer_json, json_response
from gateway.api.bodies import CheckBody, EnquiryBody, ReleaseBody, ResultBody
from gateway.api.state import WithParts
from gateway.caller import RequireAgency
from gateway.check import check_rules
from gateway.errors import HolderUntrue
from gateway.model import HolderAnswer, State, withheld_fields
from gateway.problems import Problem
from keys.envelope import Envelope
from keys.model import ExchangeId
from keys.strict_json import unb64u

if TYPE_CHECKING:
    from keys.strict_json import JsonLike

router = APIRouter(responses=PROBLEM)

ExchangePath = Annotated[str, Path(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$")]
"""A ULID in the path."""


@router.post("/v1/exchanges", tags=["exchanges"], operation_id="ask")
async def ask(body: EnquiryBody, caller: RequireAgency, parts: WithParts) -> Response:
    """Ask another agency for facts (pull). A refusal is an answer, not an error."""
    return json_response(answer_json(await parts.exchanges.ask(caller, body.to_enquiry())))


@router.post("/v1/exchanges/check", tags=["exchanges"], operation_id="check")
async def check(body: CheckBody, caller: RequireAgency, parts: WithParts) -> Response:
    """Say what the rules answer, without any person: nothing is looked up or recorded."""
    decision = await check_rules(parts.core, caller, body)
    answer: dict[str, JsonLike] = {
        "overall": decision.overall.value,
        "rule": decision.rule,
        "fields": [one.to_json() for one in decision.fields],
        "bundle": decision.bundle,
    }
    return json_response(answer)


@router.get("/v1/exchanges/{exchange}", tags=["exchanges"], operation_id="status")
async def status(exchange: ExchangePath, caller: RequireAgency, parts: WithParts) -> Response:
    """Tell a party where an exchange stands. Foreign and unknown ids look alike."""
    opened = await parts.deliveries.status(caller, ExchangeId(exchange))
    receipts = await parts.core.database.read(
        lambda _connection: [one.to_text() for one in parts.reader.receipts(exchange)]
    )
    body: dict[str, JsonLike] = {
        "exchange": opened.exchange,
        "status": opened.state.value,
        "from": opened.asked.holder,
        "to": opened.asked.recipient,
        "purpose": opened.asked.purpose,
        "withheld": [one.to_json() for one in withheld_fields(opened.decision.decision)],
        "receipts": list(receipts),
    }
    return json_response(body)


@router.get("/v1/receipts/{exchange}", tags=["log"], operation_id="receipts")
async def receipts(exchange: ExchangePath, caller: RequireAgency, parts: WithParts) -> Response:
    """Give a party fresh proofs for all entries of an exchange."""
    opened = await parts.deliveries.status(caller, ExchangeId(exchange))
    texts = await parts.core.database.read(
        lambda _connection: [one.to_text() for one in parts.reader.receipts(exchange)]
    )
    return json_response({"exchange": opened.exchange, "receipts": list(texts)})


@router.post("/v1/exchanges/{exchange}/release", tags=["exchanges"], operation_id="release")
async def release(
    exchange: ExchangePath, body: ReleaseBody, caller: RequireAgency, parts: WithParts
) -> Response:
    """The holder's clerk has decided a held order; answers with a fresh order."""
    answer = await parts.deliveries.release(caller, ExchangeId(exchange), body.to_enquiry())
    return json_response(answer_json(answer))


@router.post("/v1/deliveries", tags=["deliveries"], operation_id="deliver", status_code=201)
async def deliver(body: EnquiryBody, caller: RequireAgency, parts: WithParts) -> Response:
    """Start a delivery (push); answers with the caller's own order, or the refusal."""
    answer = await parts.deliveries.offer(caller, body.to_enquiry())
    return json_response(answer_json(answer), 200 if answer.state is State.REFUSED else 201)


@router.put("/v1/deliveries/{exchange}/result", tags=["deliveries"], operation_id="result")
async def result(
    exchange: ExchangePath, body: ResultBody, caller: RequireAgency, parts: WithParts
) -> Response:
    """Hand in what the holder sealed; it waits in the recipient's mailbox."""
    envelope = Envelope.from_wire(body.envelope.model_dump())
    answer = HolderAnswer(envelope, unb64u(body.detail))
    try:
        await parts.deliveries.result(caller, ExchangeId(exchange), answer)
    except HolderUntrue as error:
        # Here the holder itself is the caller: it is the request that is wrong.
        raise Problem("invalid-request", reason=error.code) from error
    return json_response({"exchange": exchange, "status": State.WAITING.value})
