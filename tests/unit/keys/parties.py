# SPDX-License-Identifier: EUPL-1.2
"""Invented agencies with their keys, a registry, and what they send each other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from keys.context import ExchangeContext
from keys.envelope import Envelope, Expect, VerifiedManifest, seal, verify_manifest
from keys.jws import VerifyKey
from keys.keylist import (
    Agency,
    AgencyList,
    Agreement,
    GatewayEntry,
    ListedKey,
    build_agency_list,
    certify_list_key,
    sign_agency_list,
    verify_agency_list,
)
from keys.model import AgencyId, ExchangeId, Kid
from keys.providers.base import KeyUse
from keys.providers.memory import InsecureMemoryKeyring
from keys.strict_json import JsonValue
from keys.suites import P256, RecipientKey

NOW = 1_800_000_000
DAY = 86_400

HOLDER = AgencyId("abh.hannover")
ASKER = AgencyId("jobcenter.hannover")
OTHER = AgencyId("mbe.hannover")
EXCHANGE = ExchangeId("01JD0000000000000000000000")
CATALOGUE = "2026.11.1"

AGENCY_USES = (KeyUse.SIG, KeyUse.KEM, KeyUse.AUDIT, KeyUse.AUTH)

VALUES: dict[str, JsonValue] = {
    "residence_status": {"code": "12", "list_urn": "urn:invented", "list_version": "1"},
    "family_name": "Müller-Łukasz",
    "birth_date": {"year": 1990, "month": 2, "day": None},
    "work_permitted": True,
    "nationalities": ["SY", "DE"],
    "phone": None,
}
PAD_BYTES = dict.fromkeys(VALUES, 128)


def keyring(owner: str, *uses: KeyUse, suite: str = P256) -> InsecureMemoryKeyring:
    """Keys for these uses, each once."""
    ring = InsecureMemoryKeyring(owner)
    for use in uses:
        ring.new_key(use, NOW, suite=suite)
    return ring


def first(ring: InsecureMemoryKeyring, use: KeyUse) -> Kid:
    """The newest key of a use."""
    return ring.kids(use)[0]


def verify_key(ring: InsecureMemoryKeyring, use: KeyUse = KeyUse.SIG) -> VerifyKey:
    """The public half of the newest signing key."""
    return VerifyKey(first(ring, use), ring.public_jwk(first(ring, use)))


def recipient_key(ring: InsecureMemoryKeyring, use: KeyUse = KeyUse.KEM) -> RecipientKey:
    """The public half of the newest KEM key."""
    return RecipientKey(first(ring, use), ring.public_jwk(first(ring, use)))


@dataclass
class Parties:
    """Two agencies in an exchange, one that is not part of it, gateway and registry."""

    holder: InsecureMemoryKeyring = field(default_factory=lambda: keyring(HOLDER, *AGENCY_USES))
    asker: InsecureMemoryKeyring = field(default_factory=lambda: keyring(ASKER, *AGENCY_USES))
    other: InsecureMemoryKeyring = field(default_factory=lambda: keyring(OTHER, *AGENCY_USES))
    gateway: InsecureMemoryKeyring = field(
        default_factory=lambda: keyring("gateway", KeyUse.ORDER, KeyUse.TOKEN)
    )
    registry: InsecureMemoryKeyring = field(
        default_factory=lambda: keyring("registry", KeyUse.ROOT, KeyUse.LIST)
    )

    def certificate(self, *, issued_at: int = NOW - DAY, expires_at: int = NOW + 365 * DAY) -> str:
        """The root's certificate for the list key."""
        return certify_list_key(
            self.registry.public_jwk(first(self.registry, KeyUse.LIST)),
            issued_at=issued_at,
            expires_at=expires_at,
            root=self.registry.signer(KeyUse.ROOT),
        )

    def payload(
        self,
        *,
        serial: int = 7,
        issued_at: int = NOW,
        expires_at: int = NOW + DAY,
        agencies: tuple[Agency, ...] | None = None,
        agreements: tuple[Agreement, ...] | None = None,
    ) -> bytes:
        """The list before it is signed."""
        return build_agency_list(
            serial=serial,
            issued_at=issued_at,
            expires_at=expires_at,
            gateway=gateway_entry(self.gateway),
            agencies=self.agencies() if agencies is None else agencies,
            agreements=(agreement(),) if agreements is None else agreements,
        )

    def agencies(self) -> tuple[Agency, ...]:
        """The three agencies with their own keys."""
        return (
            listed(self.holder, "ABH"),
            listed(self.asker, "JC"),
            listed(self.other, "MBE"),
        )

    def document(self, payload: bytes | None = None) -> bytes:
        """The signed agency list."""
        return sign_agency_list(
            self.payload() if payload is None else payload,
            signer=self.registry.signer(KeyUse.LIST),
            certificate=self.certificate(),
        )

    @property
    def root_jwk(self) -> Mapping[str, str]:
        """What connectors pin."""
        return self.registry.public_jwk(first(self.registry, KeyUse.ROOT))

    def agency_list(self, *, now: int = NOW, min_serial: int = 0) -> AgencyList:
        """The verified agency list."""
        return verify_agency_list(
            self.document(), root_jwk=self.root_jwk, now=now, min_serial=min_serial
        )

    def seal(
        self,
        ctx: ExchangeContext | None = None,
        values: Mapping[str, JsonValue] = VALUES,
        *,
        recipient: RecipientKey | None = None,
    ) -> Envelope:
        """What the holder sends."""
        return seal(
            context() if ctx is None else ctx,
            values,
            pad_bytes=PAD_BYTES,
            recipient=recipient_key(self.asker) if recipient is None else recipient,
            signer=self.holder.signer(KeyUse.SIG),
        )

    def verify(
        self, env: Envelope, expected: Expect | None = None, *, now: int = NOW
    ) -> VerifiedManifest:
        """What gateway and asker do with it."""
        return verify_manifest(
            env,
            key=verify_key(self.holder),
            expect=expect() if expected is None else expected,
            now=now,
        )


def listed(ring: InsecureMemoryKeyring, kind: str) -> Agency:
    """An agency's entry with every public key it has."""
    keys = tuple(
        ListedKey(kid, use.value, ring.public_jwk(kid))
        for use in AGENCY_USES
        for kid in ring.kids(use)
    )
    return Agency(AgencyId(ring.owner), kind, f"{ring.owner} (invented)", keys)


def gateway_entry(ring: InsecureMemoryKeyring) -> GatewayEntry:
    """The gateway's entry."""
    keys = tuple(
        ListedKey(kid, use.value, ring.public_jwk(kid))
        for use in (KeyUse.ORDER, KeyUse.TOKEN)
        for kid in ring.kids(use)
    )
    return GatewayEntry("https://gateway.example", keys, "gateway.example/2026+00000000+AQ==")


def agreement() -> Agreement:
    """An agreement for P04 from holder to asker."""
    return Agreement(
        id="agreement-1",
        source=HOLDER,
        recipient=ASKER,
        purposes=("P04",),
        undertaking_78=True,
        approval_79=False,
        pilot_agreed=False,
        state_law_basis=False,
        recipient_abroad=False,
        valid_from=NOW - DAY,
        valid_until=NOW + DAY,
    )


def context(**changes: object) -> ExchangeContext:
    """The context of the invented exchange, with changes."""
    ctx = ExchangeContext(
        source=HOLDER,
        recipient=ASKER,
        exchange=EXCHANGE,
        decision_token_hash=hashlib.sha256(b"decision").digest(),
        purpose="p04",
        subject="c3ViamVjdC1oYW5kbGUhIQ",
        catalogue=CATALOGUE,
        issued_at=NOW,
        expires_at=NOW + 900,
        message_id=bytes(range(16)),
    )
    return replace(ctx, **changes)  # type: ignore[arg-type]  # the callers name real members


def expect(**changes: object) -> Expect:
    """What fits that context, with changes."""
    ctx = context()
    expected = Expect(
        source=ctx.source,
        recipient=ctx.recipient,
        exchange=ctx.exchange,
        decision_token_hash=ctx.decision_token_hash,
        purpose=ctx.purpose,
        catalogue=ctx.catalogue,
        subject=ctx.subject,
    )
    return replace(expected, **changes)  # type: ignore[arg-type]  # the callers name real members
