# SPDX-License-Identifier: EUPL-1.2
"""Routes of a recipient's mailbox."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from gateway.api.answers import PROBLEM, answer_json, json_response
from gateway.api.exchanges import ExchangePath
from gateway.api.state import WithParts
from gateway.caller import RequireAgency
from keys.model import ExchangeId

router = APIRouter(prefix="/v1/mailbox", tags=["mailbox"], responses=PROBLEM)


@router.get("", operation_id="waiting")
async def waiting(caller: RequireAgency, parts: WithParts) -> Response:
    """List what waits for the caller: codes, no content."""
    return json_response({"waiting": list(await parts.deliveries.waiting(caller))})


@router.post("/{exchange}/pickup", operation_id="pickUp")
async def pick_up(exchange: ExchangePath, caller: RequireAgency, parts: WithParts) -> Response:
    """Fetch a sealed result. The disclosure is recorded now, under the guard."""
    return json_response(answer_json(await parts.deliveries.pick_up(caller, ExchangeId(exchange))))


@router.delete("/{exchange}", operation_id="acknowledge", status_code=204)
async def acknowledge(exchange: ExchangePath, caller: RequireAgency, parts: WithParts) -> Response:
    """Say that it arrived; the copy is deleted. Twice is no error."""
    await parts.deliveries.acknowledge(caller, ExchangeId(exchange))
    return Response(status_code=204)
