# SPDX-License-Identifier: EUPL-1.2
"""Real connectors around a simulated gateway: five agencies, invented people, one clock."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from adapters.connector.app import Parts, create_connector
from adapters.connector.connector import Connector
from adapters.connector.settings import Settings, parse_settings
from adapters.connector.store import watch
from keys.detail import open_detail
from keys.model import AgencyId, FileNumber
from keys.providers.base import KeyUse
from keys.pseudonyms import blind_index, seal_reference
from keys.strict_json import JsonValue, unb64u
from policies.decide import Decider, load_decider
from tests.support.clock import Clock
from tests.support.memory_source import MemorySource
from tests.support.simulated_gateway import SimulatedGateway
from tests.support.simulated_registry import ISSUER

ABH, JC, MBE, MELDE = "abh.hannover", "jc.hannover", "mbe.caritas", "melde.hannover"
JA = "ja.hannover"
KINDS = {ABH: "ABH", JC: "JC", MBE: "MBE", MELDE: "MELDE", JA: "JA"}
SYSTEM, CLERK, HEAD = "system-token", "clerk-token", "head-token"
AS_SYSTEM = {"Authorization": f"Bearer {SYSTEM}"}
AS_CLERK = {"Authorization": f"Bearer {CLERK}"}
AS_HEAD = {"Authorization": f"Bearer {HEAD}"}
ABH_FILE, JC_FILE, MBE_FILE, MELDE_FILE = (
    "ABH-2019-004711",
    "92104BG0013377",
    "C-0815",
    "M-55512",
)

U02: dict[str, Any] = {
    "file_number": JC_FILE,
    "holding": ABH,
    "purpose": "P04",
    "fields": ["deportation_ban", "net_income", "permit_type", "residence_status"],
    "case_ref": "92104//0013377",
    "unit": "Leistung 4",
    "clerk": "Petra Beispiel",
    "declared": {"azr_checked": True, "reason_code": "azr_contradicts"},
}
"""Job centre asks the foreigners' authority after a look into the register (U02)."""

U03: dict[str, Any] = {
    "file_number": ABH_FILE,
    "holding": JC,
    "purpose": "P02",
    "fields": ["benefit_begin", "benefit_granted", "net_income"],
    "case_ref": "25b-77",
    "unit": "Aufenthalt 2",
    "clerk": "Jens Muster",
    "declared": {"decision": "grant_25b", "azr_insufficient": True},
}
"""Foreigners' authority asks the job centre: a clerk there must release it (U03)."""

U14: dict[str, Any] = {
    "file_number": JC_FILE,
    "holding": MELDE,
    "purpose": "P04",
    "fields": ["address_postcode_town", "address_street"],
    "case_ref": "92104//0013377",
    "unit": "Leistung 4",
    "clerk": "Petra Beispiel",
}
"""Job centre looks for an address in the register, where a block may stand (U14)."""

U11: dict[str, Any] = {
    "file_number": JC_FILE,
    "to": ABH,
    "purpose": "P01",
    "trigger": "spontaneous",
    "fields": ["benefit_begin", "benefit_type", "family_name"],
    "case_ref": "92104//0013377",
    "unit": "Leistung 4",
    "clerk": "Petra Beispiel",
    "declared": {"title_section": 4, "benefit_in_azr": False},
}
"""Job centre reports a benefit of its own motion; its own clerk releases (U11, section 4)."""

JA_FILE = "JA-2024-0099"
R59: dict[str, Any] = {
    "file_number": ABH_FILE,
    "holding": JA,
    "purpose": "P01",
    "fields": ["expulsion_interest", "family_name"],
    "case_ref": "53-12",
    "unit": "Aufenthalt 2",
    "clerk": "Jens Muster",
    "declared": {"expulsion_ground_present": True},
}
"""Foreigners' authority asks the youth office: only its head may release (R59)."""

RECORDS: dict[str, dict[str, dict[str, JsonValue]]] = {
    ABH: {
        ABH_FILE: {
            "residence_status": {"code": "AE", "list_urn": "urn:x", "list_version": "1"},
            "permit_type": "25b",
            "deportation_ban": "streng geheim",
        }
    },
    JC: {
        JC_FILE: {
            "benefit_granted": True,
            "benefit_begin": "2026-03-01",
            "benefit_type": "buergergeld",
            "family_name": "Beispielova",
            "net_income": "1234.56",
        }
    },
    MBE: {MBE_FILE: {"counselling_notes": "streng vertraulich", "language_level": "B1"}},
    MELDE: {
        MELDE_FILE: {"address_street": "Musterweg 5", "address_postcode_town": "30159 Hannover"}
    },
    JA: {JA_FILE: {"expulsion_interest": False, "family_name": "Beispielova"}},
}
"""Values by agency and file number; invented."""


@dataclass
class Site:
    """One agency: its connector, a client of its local API, its source."""

    agency: str
    app: FastAPI
    client: httpx.AsyncClient
    source: MemorySource

    @property
    def connector(self) -> Connector:
        """The connector inside the application."""
        found: Connector = self.app.state.connector
        return found

    def evidence(self) -> list[str]:
        """Names of the checks that failed here, in order."""
        return self.connector.office.store.now(watch.evidence_checks)


@dataclass
class World:
    """The gateway and the agencies around it."""

    gateway: SimulatedGateway
    clock: Clock
    sites: dict[str, Site]

    def link(self, *files: tuple[str, str]) -> None:
        """Link files of several agencies as one person, as the ceremony would."""
        person = secrets.token_hex(8)
        for name, number in files:
            agency, file_number = AgencyId(name), FileNumber(number)
            key = self.gateway.rings[agency].hmac_key(KeyUse.INDEX)
            self.gateway.persons[agency, blind_index(key, agency, file_number)] = person
            self.gateway.references[person, agency] = seal_reference(
                file_number, agency, self.gateway.agencies.kem_key(agency)
            )

    def opened_detail(self, agency: str, exchange: str, number: int, corr: str) -> dict[str, Any]:
        """Open a detail as this agency's own officer would."""
        sealed = unb64u(self.gateway.exchanges[exchange].details[number])
        return open_detail(
            sealed,
            controller=AgencyId(agency),
            corr=corr,
            opener=self.gateway.rings[agency].opener(KeyUse.AUDIT),
        )

    async def ask(self, agency: str, body: Mapping[str, Any]) -> httpx.Response:
        """POST /enquiries at this agency."""
        return await self.sites[agency].client.post("/enquiries", json=body, headers=AS_SYSTEM)


def settings_for(agency: str, folder: Path, gateway: SimulatedGateway) -> Settings:
    """Settings of a connector in a test."""
    return parse_settings(
        {
            "agency": {"id": agency, "language": "en"},
            "storage": {"directory": "data"},
            "keys": {"keyring": "keyring.json", "passphrase_file": "passphrase"},
            "gateway": {"url": ISSUER, "issuer": ISSUER},
            "registry": {"root_jwk": gateway.root_jwk},
            "holding": {"decoy_number": "ABH-20##-######", "answer_seconds": 2.0},
            "tokens": [
                {"name": "fach", "role": "system", "sha256": _digest(SYSTEM)},
                {"name": "desk", "role": "clerk", "sha256": _digest(CLERK)},
                {"name": "head", "role": "head", "sha256": _digest(HEAD)},
            ],
        },
        beside=folder,
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def build_site(
    agency: str, folder: Path, gateway: SimulatedGateway, clock: Clock, decider: Decider
) -> Site:
    """Make one connector; its lifespan has not begun."""
    source = MemorySource(RECORDS[agency])
    app = create_connector(
        settings_for(agency, folder, gateway),
        parts=Parts(
            source=source,
            keys=gateway.rings[agency],
            decider=decider,
            transport=gateway,
            clock=clock,
        ),
    )
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url=f"http://{agency}",
    )
    gateway.holders[agency] = client
    return Site(agency, app, client, source)


@cache
def shared_decider() -> Decider:
    """The rules, loaded once per test run."""
    return load_decider()


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    """Run the gateway simulator and five connectors."""
    clock = Clock()
    decider = shared_decider()
    gateway = SimulatedGateway(clock, decider, KINDS)
    async with AsyncExitStack() as stack:
        sites = {}
        for agency in KINDS:
            site = build_site(agency, folder / agency, gateway, clock, decider)
            await stack.enter_async_context(site.app.router.lifespan_context(site.app))
            await stack.enter_async_context(site.client)
            sites[agency] = site
        made = World(gateway, clock, sites)
        made.link(
            (ABH, ABH_FILE), (JC, JC_FILE), (MBE, MBE_FILE), (MELDE, MELDE_FILE), (JA, JA_FILE)
        )
        yield made
