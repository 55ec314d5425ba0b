# SPDX-License-Identifier: EUPL-1.2
"""Routes of the link ceremony: two agencies connect their files of one person at the counter."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from gateway.api.answers import PROBLEM, json_response
from gateway.api.bodies import LinkBody
from gateway.api.state import WithParts
from gateway.caller import RequireAgency
from keys.strict_json import unb64u

router = APIRouter(prefix="/v1/links", tags=["links"], responses=PROBLEM)


@router.post("/codes", operation_id="offerLink", status_code=201)
async def offer(body: LinkBody, caller: RequireAgency, parts: WithParts) -> Response:
    """Keep the caller's half of a link under the look-up part of a code, for fifteen minutes."""
    await parts.people.offer_link(caller, unb64u(body.lookup), body.to_half())
    return json_response({"offered": True}, 201)


@router.post("", operation_id="joinLink", status_code=201)
async def join(body: LinkBody, caller: RequireAgency, parts: WithParts) -> Response:
    """Use a code: link the caller's file with the offering agency's. Grants no access."""
    await parts.people.join_link(caller, unb64u(body.lookup), body.to_half())
    return json_response({"linked": True}, 201)
