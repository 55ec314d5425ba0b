# SPDX-License-Identifier: EUPL-1.2
"""Keys for everybody and the signed agency list: who is who in a test."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from keys.agencylist import Agency, Agreement, GatewayEntry, ListedKey
from keys.keylist import (
    AgencyList,
    build_agency_list,
    certify_list_key,
    sign_agency_list,
    verify_agency_list,
)
from keys.messages import read_client_assertion
from keys.model import AgencyId
from keys.providers.base import KeyUse
from keys.providers.memory import InsecureMemoryKeyring
from keys.strict_json import unb64u
from policies.decide import Decider
from tests.support.clock import START, Clock
from tests.support.simulated_log import SimulatedLog

ISSUER = "https://gateway.test"
WEEK = 7 * 86_400
AGENCY_USES = (KeyUse.SIG, KeyUse.KEM, KeyUse.AUDIT, KeyUse.AUTH)


class SimulatedRegistry:
    """Makes all keys, and signs agency lists under its own root."""

    def __init__(self, clock: Clock, decider: Decider, kinds: Mapping[str, str]) -> None:
        """Make keys for the gateway, the registry and every agency; publish the first list."""
        self.clock = clock
        self.decider = decider
        self.kinds = dict(kinds)
        now = clock()
        self.rings = {name: InsecureMemoryKeyring(name) for name in kinds}
        for ring in self.rings.values():
            for use in (*AGENCY_USES, KeyUse.INDEX):
                ring.new_key(use, now)
        self.own = InsecureMemoryKeyring("gateway")
        for use in (KeyUse.ORDER, KeyUse.TOKEN, KeyUse.LOG):
            self.own.new_key(use, now)
        self.registry = InsecureMemoryKeyring("registry")
        for use in (KeyUse.ROOT, KeyUse.LIST):
            self.registry.new_key(use, now)
        self.root_jwk = dict(self.registry.public_jwk(self.registry.kids(KeyUse.ROOT)[0]))
        self.log = SimulatedLog("log.gateway.test/2026", self.own.log_signer())
        self.serial = 0
        self.document = b""
        self.persons: dict[tuple[str, bytes], str] = {}
        """Agency and blind index to a person."""
        self.references: dict[tuple[str, str], bytes] = {}
        """Person and agency to that agency's own sealed reference."""
        self.codes: dict[str, tuple[str, dict[str, str]]] = {}
        self.publish()

    def publish(self, *, serial: int | None = None, life: int = WEEK) -> None:
        """Sign a new agency list over the keyrings as they are now."""
        now = self.clock()
        self.serial = self.serial + 1 if serial is None else serial
        purposes = tuple(sorted(self.decider.catalogue.purposes))
        names = [AgencyId(name) for name in self.kinds]
        payload = build_agency_list(
            serial=self.serial,
            issued_at=now,
            expires_at=now + life,
            gateway=GatewayEntry(
                issuer=ISSUER,
                keys=tuple(
                    ListedKey(kid, use.value, self.own.public_jwk(kid))
                    for use in (KeyUse.ORDER, KeyUse.TOKEN)
                    for kid in self.own.kids(use)
                ),
                log_vkey=self.log.vkey,
            ),
            agencies=[
                Agency(name, self.kinds[name], f"{name} (invented)", self._listed(name))
                for name in names
            ],
            agreements=[
                Agreement(
                    f"{a}-{b}", a, b, purposes, undertaking_78=True, approval_79=True,
                    pilot_agreed=False, state_law_basis=False, recipient_abroad=False,
                    valid_from=START - 1, valid_until=START + 400 * 86_400,
                )
                for a in names
                for b in names
                if a != b
            ],
        )  # fmt: skip
        certificate = certify_list_key(
            self.registry.public_jwk(self.registry.kids(KeyUse.LIST)[0]),
            issued_at=now,
            expires_at=now + 300 * 86_400,
            root=self.registry.signer(KeyUse.ROOT),
        )
        self.document = sign_agency_list(
            payload, signer=self.registry.signer(KeyUse.LIST), certificate=certificate
        )

    def _listed(self, name: AgencyId) -> tuple[ListedKey, ...]:
        ring = self.rings[name]
        return tuple(
            ListedKey(kid, use.value, ring.public_jwk(kid))
            for use in AGENCY_USES
            for kid in ring.kids(use)
        )

    @property
    def agencies(self) -> AgencyList:
        """The list in force."""
        return verify_agency_list(
            self.document, root_jwk=self.root_jwk, now=self.clock(), min_serial=0
        )

    def sign_in(self, assertion: str) -> str:
        """Check a client assertion; the simulator's access token is the agency's name."""
        return read_client_assertion(
            assertion,
            key=lambda kid: self.agencies.auth_key(AgencyId(kid.partition("#")[0]), kid),
            issuer=ISSUER,
            now=self.clock(),
        ).agency

    def join(self, caller: AgencyId, body: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Link two files under a code, if both checks agree."""
        offered = self.codes.pop(body["lookup"], None)
        if offered is None:
            return 404, {"type": "/problems/link-code-unknown"}
        other, half = offered
        if half["check"] != body["check"]:
            return 409, {"type": "/problems/link-check-failed"}
        person = secrets.token_hex(8)
        for agency, one in ((other, half), (caller, body)):
            self.persons[agency, unb64u(one["index"])] = person
            self.references[person, agency] = unb64u(one["ref"])
        return 201, {"linked": True}
