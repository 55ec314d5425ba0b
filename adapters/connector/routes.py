# SPDX-License-Identifier: EUPL-1.2
"""HTTP routes: the local API for the agency's own systems, and `POST /orders` for the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from adapters.connector.bodies import (
    DeliveryBody,
    EnquiryBody,
    LinkBody,
    LinkCodeBody,
    OrderBody,
    SettleBody,
)
from adapters.connector.callers import Anyone, Official
from adapters.connector.connector import Connector
from adapters.connector.errors import ProblemError
from adapters.connector.problems import NOT_FOUND
from adapters.connector.store.held import Choice
from keys.errors import KeysError
from keys.model import parse_exchange_id
from keys.strict_json import dumps

if TYPE_CHECKING:
    from keys.strict_json import JsonLike

MEDIA_TYPE: Final = "application/json"

router = APIRouter()


def _connector(request: Request) -> Connector:
    connector: Connector = request.app.state.connector
    return connector


def _local_id(local_id: Annotated[str, Path(max_length=64)]) -> str:
    """Read an id in the path; one of another form is simply not found."""
    try:
        return parse_exchange_id(local_id)
    except KeysError:
        raise ProblemError(NOT_FOUND) from None


Ours = Annotated[Connector, Depends(_connector)]
LocalId = Annotated[str, Depends(_local_id)]


def _json(value: JsonLike, status: int = 200) -> Response:
    return Response(
        dumps(value), status, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"}
    )


@router.post("/enquiries", tags=["asking"], operation_id="ask")
async def ask(body: EnquiryBody, _caller: Anyone, ours: Ours) -> Response:
    """Ask another agency for facts about one person: plain values, or reasons and the next step."""
    return _json(await ours.asking.ask(body.to_wish()))


@router.get("/enquiries/{local_id}", tags=["asking"], operation_id="enquiry")
async def enquiry(local_id: LocalId, _caller: Anyone, ours: Ours) -> Response:
    """Tell where an enquiry stands; fetches what has arrived for it."""
    return _json(await ours.mailbox.enquiry(local_id))


@router.post("/deliveries", tags=["delivering"], operation_id="deliver", status_code=201)
async def deliver(body: DeliveryBody, _caller: Anyone, ours: Ours) -> Response:
    """Send facts to another agency of this agency's own motion, where a rule says so."""
    return _json(await ours.delivering.deliver(body.to_wish()), 201)


@router.get("/deliveries", tags=["delivering"], operation_id="deliveries")
async def deliveries(_caller: Anyone, ours: Ours) -> Response:
    """Pick up and list what others delivered."""
    return _json({"deliveries": list(await ours.mailbox.deliveries())})


@router.get("/held", tags=["holding"], operation_id="held")
async def held(_caller: Anyone, ours: Ours) -> Response:
    """List what waits for a person here."""
    return _json({"held": list(await ours.held.listing())})


@router.post("/held/{local_id}/release", tags=["holding"], operation_id="release")
async def release(local_id: LocalId, body: SettleBody, caller: Official, ours: Ours) -> Response:
    """Release a held request; the rules decide once more before anything is read."""
    return _json(
        await ours.held.settle(
            local_id,
            Choice.RELEASE,
            clerk=body.clerk,
            reason_code=body.reason_code,
            by_head=caller.is_head,
        )
    )


@router.post("/held/{local_id}/refuse", tags=["holding"], operation_id="refuse")
async def refuse(local_id: LocalId, body: SettleBody, caller: Official, ours: Ours) -> Response:
    """Refuse a held request; the other agency reads "no data"."""
    return _json(
        await ours.held.settle(
            local_id,
            Choice.REFUSE,
            clerk=body.clerk,
            reason_code=body.reason_code,
            by_head=caller.is_head,
        )
    )


@router.post("/link-codes", tags=["linking"], operation_id="linkCode", status_code=201)
async def link_code(body: LinkCodeBody, _caller: Anyone, ours: Ours) -> Response:
    """Make a code that the person carries to another agency's counter; 15 minutes."""
    return _json({"code": await ours.linking.new_code(body.file_number)}, 201)


@router.post("/links", tags=["linking"], operation_id="link", status_code=201)
async def link(body: LinkBody, _caller: Anyone, ours: Ours) -> Response:
    """Link a file of this agency with the one the code was made for."""
    await ours.linking.use_code(body.code, body.file_number)
    return _json({"linked": True}, 201)


@router.post("/orders", tags=["gateway"], operation_id="order")
async def order(body: OrderBody, ours: Ours) -> Response:
    """Answer an order of the gateway. Its signatures are the credential."""
    return Response(
        await ours.holding.answer(body.order),
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store"},
    )


@router.get("/health", tags=["operation"], operation_id="health")
async def health(ours: Ours) -> Response:
    """Say whether this connector can work: agency list, source, evidence of tampering."""
    report = await ours.health()
    return _json(report, 200 if report["status"] == "ok" else 503)
