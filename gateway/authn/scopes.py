# SPDX-License-Identifier: EUPL-1.2
"""The inventory of routes: who may call what, in one table.

The app compares itself with this table before it serves anything. A route that nobody declared,
or whose code does not ask for what the table says, keeps the gateway from starting: forgetting
a check is then a failed start and not an open door (OWASP API5:2023).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from fastapi.routing import iter_route_contexts

from gateway.authn.errors import RouteUndeclared
from gateway.caller import require_agency, require_person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fastapi import FastAPI


class Scope(StrEnum):
    """What a route asks of its caller."""

    PUBLIC = "public"
    """Nothing: the same for everybody, about nobody."""
    SIGN_IN = "sign-in"
    """A client assertion in the body."""
    AGENCY = "exchange"
    """An agency's access token."""
    PERSON = "person"
    """A person's access token."""
    INSECURE = "insecure"
    """A stand-in of the demo; the production profile refuses to start with it."""


ROUTES: Final[dict[tuple[str, str], Scope]] = {
    ("GET", "/health"): Scope.PUBLIC,
    ("GET", "/openapi.json"): Scope.PUBLIC,
    ("GET", "/.well-known/oauth-authorization-server"): Scope.PUBLIC,
    ("GET", "/.well-known/jwks.json"): Scope.PUBLIC,
    ("GET", "/.well-known/authzen-configuration"): Scope.PUBLIC,
    ("GET", "/v1/catalogue"): Scope.PUBLIC,
    ("GET", "/v1/agencies"): Scope.PUBLIC,
    ("POST", "/oauth/token"): Scope.SIGN_IN,
    ("POST", "/v1/exchanges"): Scope.AGENCY,
    ("POST", "/v1/exchanges/check"): Scope.AGENCY,
    ("GET", "/v1/exchanges/{}"): Scope.AGENCY,
    ("POST", "/v1/exchanges/{}/release"): Scope.AGENCY,
    ("POST", "/v1/deliveries"): Scope.AGENCY,
    ("PUT", "/v1/deliveries/{}/result"): Scope.AGENCY,
    ("GET", "/v1/mailbox"): Scope.AGENCY,
    ("POST", "/v1/mailbox/{}/pickup"): Scope.AGENCY,
    ("DELETE", "/v1/mailbox/{}"): Scope.AGENCY,
    ("GET", "/v1/log/checkpoint"): Scope.AGENCY,
    ("GET", "/v1/log/consistency"): Scope.AGENCY,
    ("GET", "/v1/receipts/{}"): Scope.AGENCY,
    ("POST", "/v1/links/codes"): Scope.AGENCY,
    ("POST", "/v1/links"): Scope.AGENCY,
    ("POST", "/access/v1/evaluation"): Scope.AGENCY,
    ("POST", "/access/v1/evaluations"): Scope.AGENCY,
    ("GET", "/v1/permissions"): Scope.PERSON,
    ("POST", "/v1/permissions"): Scope.PERSON,
    ("POST", "/v1/permissions/{}/withdraw"): Scope.PERSON,
    ("POST", "/insecure/persons"): Scope.INSECURE,
}
"""Method and path, parameters as ``{}``, to what the route asks for."""

_CHECKS: Final[dict[Scope, Callable[..., object]]] = {
    Scope.AGENCY: require_agency,
    Scope.PERSON: require_person,
}
_PARAMETER: Final = re.compile(r"\{[^}]*\}")


def check_routes(
    app: FastAPI,
    *,
    allow_insecure: bool,
    table: Mapping[tuple[str, str], Scope] = ROUTES,
) -> None:
    """Compare the routes of `app` with `table`; call it when all routes are there.

    Args:
        app: the finished application.
        allow_insecure: the demo profile with its stand-ins switched on.
        table: the inventory.

    Raises:
        RouteUndeclared: a route is not in the table, does not ask for what the table says, asks
            for something else as well, or is a stand-in that is not allowed.
    """
    for method, path, checks in _routes(app):
        scope = table.get((method, _PARAMETER.sub("{}", path)))
        if scope is None:
            raise RouteUndeclared(f"{method} {path} is in no inventory")
        if scope is Scope.INSECURE and not allow_insecure:
            raise RouteUndeclared(f"{method} {path} is a stand-in and not allowed here")
        wanted = {_CHECKS[scope]} if scope in _CHECKS else set()
        if checks & set(_CHECKS.values()) != wanted:
            raise RouteUndeclared(f"{method} {path} does not check the scope {scope}")


def _routes(app: FastAPI) -> Iterator[tuple[str, str, set[Any]]]:
    for route in iter_route_contexts(app.routes):
        path, methods = route.path, route.methods
        if not path or not methods:
            # A mounted application or a socket: nothing looks inside, so nothing may be there.
            raise RouteUndeclared(f"{path or 'a route'} has no methods to declare")
        checks = set(_calls(getattr(route, "dependant", None)))
        for method in sorted(methods):
            # Starlette adds HEAD to its own GET routes; it answers the same without a body.
            if method != "HEAD" or "GET" not in methods:
                yield method, path, checks


def _calls(dependant: Any) -> Iterator[Any]:
    """Give every function that `dependant` calls before the route's own."""
    for child in getattr(dependant, "dependencies", ()):
        yield child.call
        yield from _calls(child)
