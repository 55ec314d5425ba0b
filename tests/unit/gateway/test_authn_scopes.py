# SPDX-License-Identifier: EUPL-1.2
"""The route inventory: a door without a declared lock keeps the house closed."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette

from gateway.authn.errors import RouteUndeclared
from gateway.authn.scopes import ROUTES, Scope, check_routes
from gateway.caller import RequireAgency, RequirePerson
from tests.support.signing_in import World, make_app, shared_database


def _app() -> FastAPI:
    return FastAPI(docs_url=None, redoc_url=None)


def test_the_declared_app_may_start(tmp_path: Path) -> None:
    """Routes of every scope, included routers among them, agree with the table."""
    with shared_database(tmp_path) as engine:
        check_routes(make_app(World().authn(engine)), allow_insecure=False)


@pytest.mark.parametrize("path", ["/debug", "/v1/mailbox/all", "/v1/exchanges/{exchange}/values"])
def test_an_undeclared_route_keeps_the_gateway_from_starting(path: str) -> None:
    """A new route is refused until someone wrote down who may call it."""
    app = _app()

    @app.get(path)
    async def route(_caller: RequireAgency) -> None:
        """Do nothing."""

    with pytest.raises(RouteUndeclared, match="inventory"):
        check_routes(app, allow_insecure=True)


def test_an_undeclared_route_inside_two_routers_is_found() -> None:
    """Nesting hides nothing."""
    app, outer, inner = _app(), APIRouter(prefix="/v1"), APIRouter(prefix="/secret")

    @inner.get("/door")
    async def route() -> None:
        """Do nothing."""

    outer.include_router(inner)
    app.include_router(outer)
    with pytest.raises(RouteUndeclared, match="/v1/secret/door"):
        check_routes(app, allow_insecure=True)


def test_a_mounted_application_keeps_the_gateway_from_starting() -> None:
    """Nobody can look inside a mounted application."""
    app = _app()
    app.mount("/other", Starlette())
    with pytest.raises(RouteUndeclared, match="no methods"):
        check_routes(app, allow_insecure=True)


def test_a_forgotten_check_keeps_the_gateway_from_starting() -> None:
    """Declared for agencies, but the code asks for nothing."""
    app = _app()

    @app.get("/v1/mailbox")
    async def route() -> None:
        """Do nothing."""

    with pytest.raises(RouteUndeclared, match="does not check"):
        check_routes(app, allow_insecure=True)


def test_the_wrong_check_keeps_the_gateway_from_starting() -> None:
    """Declared for persons, but the code lets agencies in (and the other way round)."""
    one, two = _app(), _app()

    @one.post("/v1/permissions")
    async def give(_caller: RequireAgency) -> None:
        """Do nothing."""

    @two.post("/v1/exchanges")
    async def ask(_person: RequirePerson) -> None:
        """Do nothing."""

    for app in (one, two):
        with pytest.raises(RouteUndeclared, match="does not check"):
            check_routes(app, allow_insecure=True)


def test_a_declared_method_is_not_a_declared_path() -> None:
    """A second method on a known path needs its own line."""
    app = _app()

    @app.delete("/v1/permissions")
    async def route(_person: RequirePerson) -> None:
        """Do nothing."""

    with pytest.raises(RouteUndeclared, match="DELETE"):
        check_routes(app, allow_insecure=True)


def test_a_stand_in_keeps_the_production_profile_from_starting() -> None:
    """The route of a stand-in is refused unless it was allowed, even if it was declared."""
    app = _app()

    @app.post("/insecure/persons")
    async def route() -> None:
        """Do nothing."""

    check_routes(app, allow_insecure=True)
    with pytest.raises(RouteUndeclared, match="stand-in"):
        check_routes(app, allow_insecure=False)


def test_what_is_public_is_a_short_known_list() -> None:
    """Making a route public is a change of this test."""
    assert {path for (_, path), scope in ROUTES.items() if scope is Scope.PUBLIC} == {
        "/health",
        "/openapi.json",
        "/.well-known/oauth-authorization-server",
        "/.well-known/jwks.json",
        "/.well-known/authzen-configuration",
        "/v1/catalogue",
        "/v1/agencies",
    }
