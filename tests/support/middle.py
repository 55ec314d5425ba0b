# SPDX-License-Identifier: EUPL-1.2
"""A whole gateway in one test: real keys, real list, real database, real log.

Agencies are `Office`s that sign and seal as connectors do; the holder behind the order transport is
a simulator that verifies nothing and can be told to lie. What real connectors do is tested with
real connectors.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from gateway.app import Stock, create_app
from gateway.settings import Settings
from keys.agencylist import Agency, Agreement, GatewayEntry, ListedKey
from keys.jws import VerifyKey
from keys.keylist import build_agency_list, certify_list_key, sign_agency_list
from keys.model import AgencyId, Kid
from keys.providers.base import KeyProvider, KeyUse
from keys.providers.memory import InsecureMemoryKeyring
from keys.strict_json import dumps
from policies.engine.embedded import EmbeddedEngine
from tests.support.clock import Clock
from tests.support.gate import Gate
from tests.support.offices import (
    ABH,
    DAY,
    ISSUER,
    JA,
    JC,
    JC2,
    KINDS,
    MBE,
    MELDE,
    ORIGIN,
    PURPOSES,
    SCHULE,
    Office,
)
from tests.support.simulated_holder import SimulatedHolder

__all__ = [
    "ABH",
    "DAY",
    "ISSUER",
    "JA",
    "JC",
    "JC2",
    "KINDS",
    "MBE",
    "MELDE",
    "ORIGIN",
    "SCHULE",
    "Gate",
    "Middle",
    "Office",
    "SimulatedHolder",
    "shared_engine",
]


@cache
def shared_engine() -> EmbeddedEngine:
    """The rules, loaded once for all tests: compiling them takes longer than most tests."""
    return EmbeddedEngine.load()


@dataclass
class Middle:
    """One or more gateway processes on one database, and the agencies around them."""

    folder: Path
    clock: Clock
    database_url: str
    keys: KeyProvider
    root: InsecureMemoryKeyring
    offices: dict[AgencyId, Office]
    agreements: list[Agreement]
    kinds: Mapping[str, str] = field(default_factory=lambda: KINDS)
    holder: SimulatedHolder = field(init=False)
    serial: int = 0
    more_settings: dict[str, Any] = field(default_factory=dict)
    """Settings beside those that every test's gateway has."""

    def __post_init__(self) -> None:
        self.holder = SimulatedHolder(self)

    @classmethod
    def build(
        cls,
        folder: Path,
        database_url: str | None = None,
        gateway: KeyProvider | None = None,
        kinds: Mapping[str, str] = KINDS,
    ) -> Middle:
        """Make keys, agencies, agreements and the signed list; `gateway` is an empty keyring."""
        clock = Clock()
        if gateway is None:
            gateway = InsecureMemoryKeyring("gateway")
        for use in (KeyUse.ORDER, KeyUse.TOKEN, KeyUse.LOG, KeyUse.LINK, KeyUse.WRAP):
            gateway.new_key(use, clock())
        root = InsecureMemoryKeyring("registry")
        root.new_key(KeyUse.ROOT, clock())
        root.new_key(KeyUse.LIST, clock())
        offices = {}
        for name in kinds:
            keyring = InsecureMemoryKeyring(name)
            for use in (KeyUse.SIG, KeyUse.KEM, KeyUse.AUDIT, KeyUse.AUTH, KeyUse.INDEX):
                keyring.new_key(use, clock())
            offices[AgencyId(name)] = Office(AgencyId(name), keyring)
        agreements = [
            Agreement(
                id=f"{source}-{recipient}".replace(".", "-"),
                source=AgencyId(source),
                recipient=AgencyId(recipient),
                purposes=PURPOSES,
                undertaking_78=True,
                approval_79=False,
                pilot_agreed=False,
                state_law_basis=False,
                recipient_abroad=False,
                valid_from=clock() - DAY,
                valid_until=clock() + 365 * DAY,
            )
            for source in kinds
            for recipient in kinds
            if source != recipient
        ]
        url = database_url or f"sqlite:///{folder / 'gateway.db'}"
        middle = cls(folder, clock, url, gateway, root, offices, agreements, kinds)
        kid = root.kids(KeyUse.ROOT)[0]
        (folder / "root.jwk").write_bytes(dumps(dict(root.public_jwk(kid))))
        middle.publish()
        return middle

    def gateway_key(self, kid: Kid) -> VerifyKey:
        """Give the verification key for a gateway's key id."""
        return VerifyKey(kid, self.keys.public_jwk(kid))

    def listed_key(self, agency: AgencyId, kid: Kid) -> VerifyKey:
        """Give an agency's verification key, as the agency list would."""
        return VerifyKey(kid, self.offices[agency].keys.public_jwk(kid))

    def publish(self, **changes: Any) -> None:
        """Sign the next agency list and lay it where the gateway looks."""
        now = self.clock()
        self.serial += 1
        listed = [
            Agency(
                id=office.id,
                kind=self.kinds[office.id],
                name=f"{office.id} (test)",
                keys=tuple(
                    ListedKey(kid, use.value, office.keys.public_jwk(kid))
                    for use in (KeyUse.SIG, KeyUse.KEM, KeyUse.AUDIT, KeyUse.AUTH)
                    for kid in office.keys.kids(use)
                ),
            )
            for office in changes.get("offices", self.offices).values()
        ]
        payload = build_agency_list(
            serial=self.serial,
            issued_at=now,
            expires_at=now + 6 * DAY,
            gateway=GatewayEntry(
                issuer=ISSUER,
                keys=tuple(
                    ListedKey(kid, use.value, self.keys.public_jwk(kid))
                    for use in (KeyUse.ORDER, KeyUse.TOKEN)
                    for kid in self.keys.kids(use)
                ),
                log_vkey="log.lotse.example/2026+00000000+AA",
            ),
            agencies=listed,
            agreements=self.agreements,
        )
        certificate = certify_list_key(
            self.root.public_jwk(self.root.kids(KeyUse.LIST)[0]),
            issued_at=now - DAY,
            expires_at=now + 300 * DAY,
            root=self.root.signer(KeyUse.ROOT),
        )
        document = sign_agency_list(
            payload, signer=self.root.signer(KeyUse.LIST), certificate=certificate
        )
        (self.folder / "agencies.json").write_bytes(document)

    def settings(self) -> Settings:
        """Give the settings of one gateway process."""
        return Settings.model_validate(
            {
                "profile": "demo",
                "issuer": ISSUER,
                "database_url": self.database_url,
                "keyring_file": str(self.folder / "unused"),
                "passphrase_file": str(self.folder / "unused"),
                "registry_root_file": str(self.folder / "root.jwk"),
                "agency_list_file": str(self.folder / "agencies.json"),
                "log_origin": ORIGIN,
                "insecure_demo_person": True,
                **self.more_settings,
            }
        )

    @asynccontextmanager
    async def running(self, **stock: Any) -> AsyncIterator[Gate]:
        """Start one gateway process's application and give a client to it."""
        stock.setdefault("engine", shared_engine())
        parts = Stock(
            clock=self.clock,
            keyring=self.keys,
            transport=stock.pop("transport", self.holder),
            **stock,
        )
        app = create_app(self.settings(), parts)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as client:
                yield Gate(self, app, client)
