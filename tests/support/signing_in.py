# SPDX-License-Identifier: EUPL-1.2
"""A small gateway with real sign-in, real keys and a signed agency list, and nothing behind it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine

from gateway.authn.metadata import ASSERTION_TYPE
from gateway.authn.router import router
from gateway.authn.service import Authn
from gateway.authn.store import UsedAssertions
from gateway.authn.tables import used_jti
from gateway.caller import RequireAgency, RequirePerson
from gateway.middleware import install_middleware
from gateway.problems import install_problem_handlers
from gateway.store.database import open_engine
from keys.agencylist import Agency, GatewayEntry, ListedKey
from keys.keylist import (
    AgencyList,
    build_agency_list,
    certify_list_key,
    sign_agency_list,
    verify_agency_list,
)
from keys.messages import client_assertion
from keys.model import AgencyId, Kid
from keys.providers.base import KeyUse
from keys.providers.memory import InsecureMemoryKeyring
from keys.strict_json import b64u
from tests.support.clock import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ISSUER = "https://lotse.example"
ABH = AgencyId("abh.hannover")
JC = AgencyId("jc.hannover")
KINDS = {ABH: "ABH", JC: "JC"}


class Note(BaseModel):
    """A body as strict as the gateway's own."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    purpose: str
    fields: list[str]
    count: int = 0


@dataclass
class World:
    """Keys of everybody, and the agency list that says whose they are."""

    clock: Clock = field(default_factory=Clock)
    rings: dict[str, InsecureMemoryKeyring] = field(default_factory=dict)
    revoked: set[Kid] = field(default_factory=set)
    serial: int = 0

    def __post_init__(self) -> None:
        now = self.clock()
        for owner, uses in {
            "registry": (KeyUse.ROOT, KeyUse.LIST),
            "gateway": (KeyUse.TOKEN, KeyUse.ORDER),
            ABH: (KeyUse.AUTH, KeyUse.SIG),
            JC: (KeyUse.AUTH, KeyUse.SIG),
        }.items():
            self.rings[owner] = InsecureMemoryKeyring(owner)
            for use in uses:
                self.rings[owner].new_key(use, now)
        self.publish()

    def publish(self) -> None:
        """Sign a new agency list without the revoked keys."""
        self.serial += 1
        now, registry = self.clock(), self.rings["registry"]
        certificate = certify_list_key(
            registry.public_jwk(registry.kids(KeyUse.LIST)[0]),
            issued_at=now,
            expires_at=now + 86_400,
            root=registry.signer(KeyUse.ROOT),
        )
        payload = build_agency_list(
            serial=self.serial,
            issued_at=now,
            expires_at=now + 3600,
            gateway=GatewayEntry(ISSUER, self._listed("gateway"), "lotse.example/log+00000000+AA"),
            agencies=[Agency(a, kind, a, self._listed(a)) for a, kind in KINDS.items()],
        )
        document = sign_agency_list(
            payload, signer=registry.signer(KeyUse.LIST), certificate=certificate
        )
        root = registry.public_jwk(registry.kids(KeyUse.ROOT)[0])
        self._list = verify_agency_list(document, root_jwk=root, now=now, min_serial=self.serial)

    def agencies(self) -> AgencyList:
        """The list in force, as the gateway asks for it."""
        self._list.check_fresh(self.clock())
        return self._list

    def revoke(self, kid: Kid) -> None:
        """Take a key off the list."""
        self.revoked.add(kid)
        self.publish()

    def _listed(self, owner: str) -> tuple[ListedKey, ...]:
        ring = self.rings[owner]
        uses = (KeyUse.TOKEN, KeyUse.ORDER, KeyUse.AUTH, KeyUse.SIG)
        return tuple(
            ListedKey(kid, use.value, ring.public_jwk(kid))
            for use in uses
            for kid in ring.kids(use)
            if kid not in self.revoked
        )

    def assertion(self, agency: AgencyId = ABH, *, jti: str | None = None) -> str:
        """A good client assertion."""
        return client_assertion(
            agency,
            ISSUER,
            self.rings[agency].signer(KeyUse.AUTH),
            self.clock(),
            jti or b64u(secrets.token_bytes(16)),
        )

    def authn(self, engine: Engine, *, accept_insecure_persons: bool = False) -> Authn:
        """A sign-in service as one gateway process makes it."""
        ring = self.rings["gateway"]
        return Authn(
            issuer=ISSUER,
            agencies=self.agencies,
            used=UsedAssertions(engine),
            signer=ring.signer(KeyUse.TOKEN),
            token_jwks={kid: ring.public_jwk(kid) for kid in ring.kids(KeyUse.TOKEN)},
            clock=self.clock,
            accept_insecure_persons=accept_insecure_persons,
        )


@contextmanager
def shared_database(path: Path) -> Iterator[Engine]:
    """A database with the sign-in's table."""
    engine = open_engine(f"sqlite:///{path / 'gateway.db'}")
    used_jti.create(engine, checkfirst=True)
    try:
        yield engine
    finally:
        engine.dispose()


def make_app(authn: Authn) -> FastAPI:
    """An app with one route of each scope and one that fails."""
    app = FastAPI(docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.authn = authn
    app.include_router(router)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/v1/mailbox")
    async def mailbox(caller: RequireAgency) -> dict[str, str]:
        return {"agency": caller.agency, "kind": caller.kind}

    @app.post("/v1/exchanges")
    async def exchanges(_caller: RequireAgency, note: Note) -> dict[str, int]:
        return {"fields": len(note.fields)}

    @app.get("/v1/permissions")
    async def permissions(person: RequirePerson) -> dict[str, str]:
        return {"account": person.account}

    @app.get("/v1/catalogue")
    async def catalogue() -> None:
        raise RuntimeError("Zoë Canary 29.02.1984")

    install_problem_handlers(app)
    install_middleware(app)
    return app


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client that speaks to `app` in this process."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://gateway"
    ) as client:
        yield client


def token_form(assertion: str, **changes: str) -> dict[str, str]:
    """The form of the token endpoint."""
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        **changes,
    }


async def sign_in(client: httpx.AsyncClient, world: World, agency: AgencyId = ABH) -> str:
    """Get an access token over HTTP."""
    answer = await client.post("/oauth/token", data=token_form(world.assertion(agency)))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def bearer(token: str) -> Mapping[str, str]:
    """The header that presents `token`."""
    return {"authorization": f"Bearer {token}"}


def problem_code(answer: httpx.Response) -> str:
    """The code of a problem answer, which must be one in every respect."""
    body: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["x-request-id"]
    return str(body["type"]).removeprefix("/problems/")
