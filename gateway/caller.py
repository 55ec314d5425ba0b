# SPDX-License-Identifier: EUPL-1.2
"""The caller as the rest of the gateway knows it: made from the credential, never from a body.

`require_agency` and `require_person` are the only ways from a request to a `Caller` or a
`Person`; `gateway.authn.scopes` refuses to start an app with a route that uses neither and was
not declared public.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Protocol

from fastapi import Depends, Request

from gateway.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keys.model import AgencyId
    from policies.model import Kind


@dataclass(frozen=True, slots=True)
class Caller:
    """An agency, proven by its access token."""

    agency: AgencyId
    """Instance id, such as ``abh.hannover``."""
    kind: Kind
    """What the signed agency list says it is, such as ``ABH``."""
    token_id: str
    """The access token's ``jti``: random, tells nothing."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person's account, proven by the person's own access token."""

    account: str
    """Random account handle; no name, no number."""
    secret: bytes = field(repr=False)
    """What opens the account's sealed link row; known only while the person is signed in."""
    token_id: str
    """The access token's ``jti``."""


class Authenticates(Protocol):
    """What the dependencies need of the sign-in service (``app.state.authn``)."""

    def authenticate(self, headers: Mapping[str, str]) -> Caller | Person:
        """Give who sent `headers`.

        Raises:
            Problem: 401, or 503 when the agency list has expired.
        """


def _authenticate(request: Request) -> Caller | Person:
    service: Authenticates = request.app.state.authn
    return service.authenticate(request.headers)


async def require_agency(request: Request) -> Caller:
    """Let agencies pass.

    Raises:
        Problem: ``not-authenticated`` and its kin (401); ``forbidden`` for a person's token.
    """
    who = _authenticate(request)
    if not isinstance(who, Caller):
        raise Problem("forbidden")
    return who


async def require_person(request: Request) -> Person:
    """Let persons pass: an agency can never act for one.

    Raises:
        Problem: ``not-authenticated`` and its kin (401); ``forbidden`` for an agency's token.
    """
    who = _authenticate(request)
    if not isinstance(who, Person):
        raise Problem("forbidden")
    return who


RequireAgency = Annotated[Caller, Depends(require_agency)]
"""Parameter type for routes of agencies."""
RequirePerson = Annotated[Person, Depends(require_person)]
"""Parameter type for routes of persons."""
