# SPDX-License-Identifier: EUPL-1.2
"""Routes that tell about the gateway itself: catalogue, agency list, log, health."""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BeforeValidator
from starlette.responses import Response

from gateway.api.answers import PROBLEM, json_response
from gateway.api.state import WithParts
from gateway.caller import RequireAgency
from gateway.problems import Problem

router = APIRouter(responses=PROBLEM)


def _digits(text: object) -> object:
    if not isinstance(text, str) or not text.isascii() or not text.isdigit():
        message = "digits only"
        raise ValueError(message)
    return text


LogSize = Annotated[int, Query(ge=0, le=2**53), BeforeValidator(_digits)]
"""A number of entries; nothing that merely can be read as one."""


@router.get("/health", tags=["operation"], operation_id="health")
async def health(parts: WithParts) -> Response:
    """Say whether this process can serve: agency list in force, rules there, log readable."""
    if not parts.core.rules.ready():
        raise Problem("policy-unavailable")
    serial = parts.core.agencies.current().serial
    size = await parts.core.database.read(lambda _connection: parts.reader.size())
    until = parts.core.rules.until()
    return json_response(
        {"status": "ok", "agency_list": serial, "log_size": size, "rules_until": until}
    )


@router.get("/v1/catalogue", tags=["catalogue"], operation_id="catalogue")
async def catalogue(parts: WithParts) -> Response:
    """Give agencies' kinds, fields, purposes, rules with their sign-off, norms and reasons."""
    rules = parts.core.rules.now()
    if rules.in_force is None:
        raise Problem("policy-unavailable")
    return json_response(rules.catalogue.to_public_json())


@router.get("/v1/agencies", tags=["catalogue"], operation_id="agencies")
async def agencies(parts: WithParts) -> Response:
    """Hand on the signed agency list, byte for byte."""
    return Response(parts.core.agencies.document, media_type="application/json")


@router.get("/v1/log/checkpoint", tags=["log"], operation_id="checkpoint")
async def checkpoint(caller: RequireAgency, parts: WithParts) -> Response:
    """Give the newest signed checkpoint (C2SP tlog-checkpoint)."""
    del caller
    text = await parts.core.database.read(lambda _connection: parts.reader.checkpoint())
    return Response(text, media_type="text/plain; charset=utf-8")


@router.get("/v1/log/consistency", tags=["log"], operation_id="consistency")
async def consistency(
    old: LogSize, new: LogSize, caller: RequireAgency, parts: WithParts
) -> Response:
    """Prove that the log of size `new` continues the log of size `old` (RFC 6962 2.1.2)."""
    del caller
    if old > new:
        raise Problem("invalid-request", locations=("query.old", "query.new"))
    proof = await parts.core.database.read(lambda _connection: parts.reader.consistency(old, new))
    encoded = [base64.b64encode(part).decode("ascii") for part in proof]
    return json_response({"proof": list(encoded)})
