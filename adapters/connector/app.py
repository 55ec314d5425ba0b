# SPDX-License-Identifier: EUPL-1.2
"""Puts one agency's connector together and serves it."""

from __future__ import annotations

import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from adapters.connector import problems
from adapters.connector.agencies import PinnedAgencies
from adapters.connector.callers import LocalCallers
from adapters.connector.connector import Connector
from adapters.connector.deciding import open_rules
from adapters.connector.errors import ProblemError, SettingsRejected
from adapters.connector.evidence import Evidence
from adapters.connector.gateway_client import GatewayClient
from adapters.connector.keyring import open_keyring
from adapters.connector.logwatch import LogWatch
from adapters.connector.office import Office, OwnKeys
from adapters.connector.routes import router
from adapters.connector.store.database import Store, open_engine
from adapters.sources.build import build_source
from keys.asgi import StrictBodyMiddleware
from keys.errors import KeysError
from keys.keylist import RegistryRoot
from keys.model import AgencyId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import httpx
    from sqlalchemy import Engine
    from starlette.responses import Response

    from adapters.connector.settings import Settings
    from adapters.sources.base import SourceAdapter
    from keys.providers.base import KeyProvider
    from policies.decide import Decider

log = structlog.get_logger("connector")

MAX_BODY_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class Parts:
    """What may be given from outside instead of being made from the settings."""

    source: SourceAdapter | None = None
    keys: KeyProvider | None = None
    decider: Decider | None = None
    insecure_shipped_rules: bool = False
    """Lets the unsigned rules of the program decide, whatever the gateway is; for tests only."""
    engine: Engine | None = None
    transport: httpx.AsyncBaseTransport | None = None
    """Carries the calls to the gateway; None: a socket."""
    clock: Callable[[], int] | None = None
    """Epoch seconds."""
    randomness: Callable[[int], bytes] = secrets.token_bytes


def system_clock() -> int:
    """Give the time of this machine in epoch seconds."""
    return int(time.time())


def build_office(settings: Settings, parts: Parts) -> Office:
    """Make all parts from the settings, except those that are given.

    Raises:
        SettingsRejected: a key is missing, or the store belongs to another version.
        SettingsError: the source cannot be built.
    """
    try:
        RegistryRoot(settings.registry.root_jwk)
    except KeysError as error:
        raise SettingsRejected("[registry] root_jwk is not a public P-256 key") from error
    clock = parts.clock or system_clock
    me = AgencyId(settings.agency.id)
    provider = parts.keys or open_keyring(settings)
    try:
        own_keys = OwnKeys.of(provider)
    except KeysError as error:
        raise SettingsRejected(
            "[keys] a key is missing; run `lotse connector init-keys`"
        ) from error
    if provider.owner != me:
        raise SettingsRejected("[keys] the keyring belongs to another agency")
    source = parts.source
    if source is None and settings.source is not None:
        source = build_source(settings.source, base=settings.base)
    folder = settings.storage.directory
    receipts = folder / "receipts"
    receipts.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = Store(parts.engine or open_engine(folder / "connector.sqlite3"))
    rules = open_rules(
        settings, parts.decider, clock, insecure_shipped=parts.insecure_shipped_rules
    )
    client = GatewayClient(
        settings.gateway,
        me,
        own_keys.auth,
        clock=clock,
        randomness=parts.randomness,
        transport=parts.transport,
    )
    evidence = Evidence(store, clock, parts.randomness)
    agencies = PinnedAgencies(
        root=settings.registry.root_jwk,
        issuer=settings.gateway.issuer,
        client=client,
        store=store,
        evidence=evidence,
        clock=clock,
    )
    return Office(
        me=me,
        settings=settings,
        keys=own_keys,
        rules=rules,
        store=store,
        agencies=agencies,
        client=client,
        logwatch=LogWatch(store, client.consistency),
        evidence=evidence,
        source=source,
        receipts=receipts,
        clock=clock,
        randomness=parts.randomness,
    )


def create_connector(settings: Settings, *, parts: Parts | None = None) -> FastAPI:
    """Make the ASGI application of one agency's connector.

    Raises:
        SettingsRejected, SettingsError: the settings cannot be used.
    """
    connector = Connector(build_office(settings, parts or Parts()))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await connector.start()
        try:
            yield
        finally:
            await connector.stop()

    app = FastAPI(
        title="Lotse connector",
        summary="Local API of one agency: ask, deliver, release, link.",
        version="1",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.connector = connector
    app.state.callers = LocalCallers(settings.tokens)
    app.include_router(router)
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_accident)
    app.add_middleware(StrictBodyMiddleware, max_bytes=MAX_BODY_BYTES, reject=problems.reject_body)
    return app


async def _on_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, ProblemError):
        return await _on_accident(request, error)
    log.info("request:problem", problem=error.problem.code, check=error.check)
    return problems.response(error)


async def _on_invalid(_request: Request, error: Exception) -> Response:
    """Name the members in question if they are ours; what was sent is not repeated."""
    places: set[str] = set()
    if isinstance(error, RequestValidationError):
        for item in error.errors():
            names = [part for part in item["loc"] if isinstance(part, str)]
            if item["type"] != "extra_forbidden" and len(names) > 1:
                places.add(names[1])
    return problems.response(ProblemError(problems.BODY_INVALID, places=tuple(sorted(places))))


async def _on_http(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    row = {404: problems.NOT_FOUND, 405: problems.METHOD}.get(status, problems.BODY_UNREADABLE)
    return problems.plain_response(row)


async def _on_accident(_request: Request, error: Exception) -> Response:
    request_id = secrets.token_hex(8)
    log.error("request:accident", request_id=request_id, error=type(error).__name__)
    return problems.plain_response(problems.ACCIDENT, request_id=request_id)
