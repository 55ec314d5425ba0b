# SPDX-License-Identifier: EUPL-1.2
"""Routes of the standard face: OpenID AuthZEN Authorization API 1.0, and where it says so.

The bodies are read in `gateway.authzen`, since the standard wants unknown members left unread
where every other route refuses them. Errors are problems as everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from gateway.api.answers import PROBLEM, json_response
from gateway.api.authzen_schema import EVALUATION, EVALUATIONS
from gateway.authzen.addresses import EVALUATION_PATH, EVALUATIONS_PATH, METADATA_PATH
from gateway.authzen.answers import OBLIGATION_TYPE
from gateway.caller import RequireAgency

if TYPE_CHECKING:
    from gateway.authzen.evaluating import Evaluations

router = APIRouter(tags=["authzen"], responses=PROBLEM)

JsonObject = Annotated[dict[str, Any], Body()]
"""Any JSON object; strict JSON was checked before."""

METADATA_SECONDS = 3600
"""How long a tool may keep the metadata."""


@router.post(EVALUATION_PATH, operation_id="evaluate", openapi_extra=EVALUATION)
async def evaluation(request: Request, body: JsonObject, caller: RequireAgency) -> Response:
    """Say whether the rules let the caller's agency do this: a question, not an exchange."""
    evaluations: Evaluations = request.app.state.evaluations
    return json_response(await evaluations.one(caller, body))


@router.post(EVALUATIONS_PATH, operation_id="evaluateMany", openapi_extra=EVALUATIONS)
async def many(request: Request, body: JsonObject, caller: RequireAgency) -> Response:
    """Answer several questions in one call, in their order."""
    evaluations: Evaluations = request.app.state.evaluations
    return json_response(await evaluations.many(caller, body))


@router.get(METADATA_PATH, operation_id="authzenConfiguration")
async def metadata(request: Request) -> Response:
    """Describe the decision point (AuthZEN 9); no search is offered, so no address of one."""
    evaluations: Evaluations = request.app.state.evaluations
    answer = json_response(
        {
            "policy_decision_point": evaluations.issuer,
            "access_evaluation_endpoint": evaluations.issuer + EVALUATION_PATH,
            "access_evaluations_endpoint": evaluations.issuer + EVALUATIONS_PATH,
            "obligations_supported": [OBLIGATION_TYPE],
        }
    )
    answer.headers["cache-control"] = f"max-age={METADATA_SECONDS}"
    return answer
