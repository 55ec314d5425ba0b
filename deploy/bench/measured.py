# SPDX-License-Identifier: EUPL-1.2
"""The two measured servers: the gateway, and the plain proxy made of the same parts."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

import aiohttp
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from deploy.bench.holder import PLAIN_PATH
from deploy.bench.meter import Meter
from deploy.bench.processes import pin, serve
from gateway.agencies import AgencyBook
from gateway.api.bodies import EnquiryBody
from gateway.app import Stock, create_app, open_keyring
from gateway.authn.service import Authn
from gateway.authn.store import UsedAssertions
from gateway.caller import RequireAgency
from gateway.middleware import install_middleware
from gateway.problems import install_problem_handlers
from gateway.store.database import open_engine
from keys.agencylist import read_jwk
from keys.providers.base import KeyUse
from keys.strict_json import loads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from multiprocessing.connection import Connection

    from gateway.settings import Settings

FORWARD_PATH: Final = "/v1/exchanges"
"""Same path as the real exchange: the load process plays the same requests."""
ANSWER_MAX_BYTES: Final = 1_048_576


def gateway_main(pipe: Connection, settings: Settings, core: set[int]) -> None:
    """Serve the product; says the port first."""
    pin(core)
    meter = Meter()
    serve(pipe, meter.around(create_app(settings, Stock(observer=meter))))


def proxy_main(pipe: Connection, settings: Settings, core: set[int]) -> None:
    """Serve the plain proxy; says the port first."""
    pin(core)
    serve(pipe, Meter().around(plain_proxy(settings)))


def _now() -> int:
    return int(time.time())


def plain_proxy(settings: Settings) -> FastAPI:
    """Make a proxy that checks body and access token and forwards: no decision, log or links."""
    (holder,) = settings.connectors.values()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        keyring = open_keyring(settings)
        root = loads(settings.registry_root_file.read_bytes(), max_bytes=4096)
        if not isinstance(root, dict):
            raise TypeError("the root is not a key")
        book = AgencyBook(settings.agency_list_file, read_jwk(root), _now)
        app.state.authn = Authn(
            issuer=settings.issuer,
            agencies=book.current,
            used=UsedAssertions(open_engine(settings.database_url)),
            signer=keyring.signer(KeyUse.TOKEN),
            token_jwks={kid: keyring.public_jwk(kid) for kid in keyring.kids(KeyUse.TOKEN)},
            clock=_now,
        )
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            app.state.session = session
            yield

    app = FastAPI(docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan)

    @app.post(FORWARD_PATH)
    async def forward(body: EnquiryBody, caller: RequireAgency, request: Request) -> Response:
        sent = {"agency": caller.agency, **body.model_dump()}
        async with request.app.state.session.post(f"{holder}{PLAIN_PATH}", json=sent) as response:
            answer = await response.content.read(ANSWER_MAX_BYTES)
            while not response.content.at_eof():
                answer += await response.content.read(ANSWER_MAX_BYTES)
        return Response(answer, media_type="application/json")

    install_problem_handlers(app)
    install_middleware(app)
    return app
