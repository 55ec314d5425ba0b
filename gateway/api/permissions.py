# SPDX-License-Identifier: EUPL-1.2
"""Routes of a person's permissions. An agency's token gets 403 on each of them (promise P6)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from gateway.api.answers import PROBLEM, json_response
from gateway.api.bodies import WishBody
from gateway.api.state import WithParts
from gateway.caller import RequirePerson
from gateway.permission_model import Method, PermissionId, TemplateId, Wish
from keys.model import AgencyId
from policies.model import FieldId

router = APIRouter(prefix="/v1/permissions", tags=["permissions"], responses=PROBLEM)

PermissionPath = Annotated[
    str, Path(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
]
"""A UUIDv4 in the path."""


@router.post("", operation_id="givePermission", status_code=201)
async def give(body: WishBody, person: RequirePerson, parts: WithParts) -> Response:
    """Write what the person allows; answers with the record and its receipt."""
    wish = Wish(
        template=TemplateId(body.template),
        from_agency=AgencyId(body.from_agency),
        to_agency=AgencyId(body.to_agency),
        fields=frozenset(FieldId(name) for name in body.fields),
        valid_days=body.valid_days,
        language=body.language,
        notice_digest=body.notice_sha256,
        preview_confirmed=body.preview_confirmed,
        method=Method.WEB,
        assisted=False,
    )
    return json_response(await parts.people.give(person, wish), 201)


@router.get("", operation_id="listPermissions")
async def mine(person: RequirePerson, parts: WithParts) -> Response:
    """List the person's permissions with their states."""
    return json_response({"permissions": list(await parts.people.list(person))})


@router.post("/{permission}/withdraw", operation_id="withdrawPermission")
async def withdraw(permission: PermissionPath, person: RequirePerson, parts: WithParts) -> Response:
    """End a permission. When this call has returned, nothing more is released under it."""
    return json_response(await parts.people.withdraw(person, PermissionId(permission)))
