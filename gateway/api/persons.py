# SPDX-License-Identifier: EUPL-1.2
"""`InsecureDemoPerson`: lets whoever holds an agency's code act as the person it was made for.

It stands in for the portal's sign-in until there is one, and is refused by the production profile
(promise P9): the route is mounted only where ``insecure_demo_person`` is set.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from gateway.api.answers import PROBLEM, json_response
from gateway.api.bodies import SignInBody
from gateway.api.state import WithParts
from keys.strict_json import unb64u

router = APIRouter(tags=["insecure"], responses=PROBLEM)


@router.post("/insecure/persons", operation_id="insecureSignIn", status_code=201)
async def sign_in(body: SignInBody, parts: WithParts) -> Response:
    """Open an account from a code and give its token. Nobody is identified: demo only."""
    token = await parts.people.insecure_sign_in(unb64u(body.lookup))
    return json_response({"access_token": token, "token_type": "Bearer"}, 201)
