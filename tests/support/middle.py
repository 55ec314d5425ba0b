# SPDX-License-Identifier: EUPL-1.2
"""A whole gateway in one test: real keys, real list, real database, real log.

Agencies are `Office`s that sign and seal as connectors do; the holder behind the order transport is
a simulator that verifies nothing and can be told to lie. What real connectors do is tested with
real connectors.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from gateway.app import Stock, create_app
from gateway.authn.metadata import ASSERTION_TYPE
from gateway.model import HolderAnswer
from gateway.orders import Order
from gateway.settings import Settings
from keys import messages, pseudonyms
from keys.agencylist import Agency, Agreement, GatewayEntry, ListedKey
from keys.context import ExchangeContext
from keys.detail import seal_detail
from keys.envelope import Envelope, Expect, open_, seal, verify_manifest
from keys.jws import VerifyKey
from keys.keylist import build_agency_list, certify_list_key, sign_agency_list
from keys.model import AgencyId, BlindIndex, ExchangeId, FileNumber, Kid
from keys.providers.base import KeyProvider, KeyUse
from keys.providers.memory import InsecureMemoryKeyring
from keys.strict_json import JsonValue, b64u, dumps
from keys.suites import RecipientKey
from policies.catalogue import Catalogue
from policies.engine.embedded import EmbeddedEngine
from tests.support.clock import Clock

ISSUER = "https://lotse.example"
ORIGIN = "log.lotse.example/2026"
KINDS = {
    "abh.hannover": "ABH",
    "jc.hannover": "JC",
    "jc.celle": "JC",
    "mbe.caritas": "MBE",
    "melde.hannover": "MELDE",
    "schule.ost": "SCHULE",
}
ABH, JC, JC2, MBE, MELDE, SCHULE = (AgencyId(name) for name in KINDS)
PURPOSES = ("P01", "P02", "P03", "P04")
DAY = 86_400


@cache
def shared_engine() -> EmbeddedEngine:
    """The rules, loaded once for all tests: compiling them takes longer than most tests."""
    return EmbeddedEngine.load()


@dataclass
class Office:
    """One agency: its keys, and the file numbers of its people."""

    id: AgencyId
    keys: InsecureMemoryKeyring

    def recipient_key(self, use: KeyUse) -> RecipientKey:
        """Give the public half that others seal to."""
        kid = self.keys.kids(use)[0]
        return RecipientKey(kid, self.keys.public_jwk(kid))

    def subject(self, file_number: str) -> tuple[bytes, dict[str, str]]:
        """Give blind index and the body's `subject` for one file."""
        key = self.keys.hmac_key(KeyUse.INDEX)
        number = FileNumber(file_number)
        index = pseudonyms.blind_index(key, self.id, number)
        unlock = pseudonyms.unlock_value(key, self.id, number)
        return index, {"index": b64u(index), "unlock": b64u(unlock)}

    def half(self, file_number: str, secret: bytes, name: str, born: str) -> dict[str, str]:
        """Give the half of a link that this agency sends."""
        _, subject = self.subject(file_number)
        reference = pseudonyms.seal_reference(
            FileNumber(file_number), self.id, self.recipient_key(KeyUse.KEM)
        )
        check = pseudonyms.link_check(secret, name, born)
        return {**subject, "ref": b64u(reference), "check": b64u(check)}

    def detail(self, corr: str, **said: JsonValue) -> bytes:
        """Seal a detail to this agency's own audit key."""
        return seal_detail(
            said, controller=self.id, corr=corr, audit_key=self.recipient_key(KeyUse.AUDIT)
        )


@dataclass
class SimulatedHolder:
    """Carries out orders from a dictionary; `twist` may change what it answers."""

    middle: Middle
    records: dict[str, dict[str, JsonValue]] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    twist: Callable[[HolderAnswer], HolderAnswer] = lambda answer: answer
    extra_fields: tuple[str, ...] = ()
    failure: Exception | None = None

    async def deliver(self, order: Order) -> HolderAnswer:
        """Answer as a holding connector would, without its checks."""
        self.orders.append(order)
        if self.failure is not None:
            raise self.failure
        return self.twist(self.carry_out(order.token))

    def carry_out(self, token: str, *, refuse: bool = False) -> HolderAnswer:
        """Open the reference, seal what was decided, and nulls for the rest."""
        middle = self.middle
        now = middle.clock()
        keys = {kid: middle.gateway_key(kid) for kid in middle.keys.kids(KeyUse.ORDER)}
        order = messages.read_order(token, key=lambda kid: keys[kid], now=now)
        decision = messages.read_decision(order.decision, key=lambda kid: keys[kid], now=now)
        office = middle.offices[order.holder]
        detail = office.detail(order.exchange, role="holder")
        outcomes = {one.field: one.outcome for one in decision.fields}
        if "HOLD_HUMAN" in outcomes.values():
            return HolderAnswer(None, detail)
        number = pseudonyms.open_reference(
            order.reference, order.holder, office.keys.opener(KeyUse.KEM)
        )
        record = self.records.get(number or "", {})
        values: dict[str, JsonValue] = {
            name: record.get(name) if outcome == "ALLOW_MIN" and not refuse else None
            for name, outcome in outcomes.items()
            if outcome in {"ALLOW_MIN", "NEUTRAL"}
        }
        values.update(dict.fromkeys(self.extra_fields, "undecided"))
        context = ExchangeContext(
            source=order.holder,
            recipient=decision.recipient,
            exchange=order.exchange,
            decision_token_hash=hashlib.sha256(order.decision.encode()).digest(),
            purpose=decision.purpose.lower(),
            subject=decision.subject_handle,
            catalogue=decision.catalogue,
            issued_at=now,
            expires_at=now + 3 * DAY,
            message_id=secrets.token_bytes(16),
        )
        envelope = seal(
            context,
            values,
            pad_bytes=Catalogue.load().pad_bytes,
            recipient=middle.offices[decision.recipient].recipient_key(KeyUse.KEM),
            signer=office.keys.signer(KeyUse.SIG),
        )
        return HolderAnswer(envelope, detail)


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
    holder: SimulatedHolder = field(init=False)
    serial: int = 0

    def __post_init__(self) -> None:
        self.holder = SimulatedHolder(self)

    @classmethod
    def build(
        cls,
        folder: Path,
        database_url: str | None = None,
        gateway: KeyProvider | None = None,
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
        for name in KINDS:
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
                valid_from=clock() - DAY,
                valid_until=clock() + 365 * DAY,
            )
            for source in KINDS
            for recipient in KINDS
            if source != recipient
        ]
        url = database_url or f"sqlite:///{folder / 'gateway.db'}"
        middle = cls(folder, clock, url, gateway, root, offices, agreements)
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
                kind=KINDS[office.id],
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


@dataclass
class Gate:
    """One running gateway, seen by agencies and persons."""

    middle: Middle
    app: FastAPI
    client: httpx.AsyncClient
    _tokens: dict[AgencyId, str] = field(default_factory=dict)

    async def token(self, agency: AgencyId) -> str:
        """Sign in, once per agency."""
        if agency not in self._tokens:
            office = self.middle.offices[agency]
            assertion = messages.client_assertion(
                agency,
                ISSUER,
                office.keys.signer(KeyUse.AUTH),
                self.middle.clock(),
                secrets.token_hex(16),
            )
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": assertion,
            }
            answer = await self.client.post("/oauth/token", data=form)
            assert answer.status_code == 200, answer.text
            self._tokens[agency] = answer.json()["access_token"]
        return self._tokens[agency]

    def forget_tokens(self) -> None:
        """Sign in afresh at the next call: access tokens live five minutes."""
        self._tokens.clear()

    async def call(
        self, agency: AgencyId, method: str, path: str, body: object = None
    ) -> httpx.Response:
        """Call a route as an agency."""
        headers = {"Authorization": f"Bearer {await self.token(agency)}"}
        return await self.client.request(method, path, headers=headers, json=body)

    def enquiry(
        self,
        asker: AgencyId,
        other: AgencyId,
        file_number: str,
        purpose: str,
        fields: Sequence[str],
        *,
        direction: str = "pull",
        trigger: str = "on_request",
        declared: Mapping[str, bool | int | str] | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        """Make the body of an exchange, as a connector would; `changes` go into the statement."""
        middle = self.middle
        office = middle.offices[asker]
        source, recipient = (other, asker) if direction == "pull" else (asker, other)
        nonce = secrets.token_bytes(16)
        index, subject = office.subject(file_number)
        detail = office.detail(b64u(nonce), role="asker", file_number=file_number)
        facts: dict[str, Any] = {
            "issuer": asker,
            "direction": direction,
            "source": source,
            "recipient": recipient,
            "purpose": purpose,
            "trigger": trigger,
            "fields": tuple(sorted(fields)),
            "declared": dict(declared or {}),
            "recipient_kid": middle.offices[recipient].keys.kids(KeyUse.KEM)[0],
            "nonce": nonce,
            "subject": messages.subject_commitment(nonce, BlindIndex(index)),
            "detail": hashlib.sha256(detail).hexdigest(),
            "issued_at": middle.clock(),
            "expires_at": middle.clock() + 120,
        }
        signer = changes.pop("signer", None) or office.keys.signer(KeyUse.SIG)
        facts.update(changes)
        statement = messages.sign_statement(messages.Statement(**facts), signer)
        return {"statement": statement, "subject": subject, "detail": b64u(detail)}

    async def ask(
        self, asker: AgencyId, other: AgencyId, *args: Any, **more: Any
    ) -> httpx.Response:
        """Ask (pull)."""
        body = self.enquiry(asker, other, *args, **more)
        return await self.call(asker, "POST", "/v1/exchanges", body)

    async def deliver(
        self, sender: AgencyId, to: AgencyId, *args: Any, **more: Any
    ) -> httpx.Response:
        """Start a delivery (push)."""
        body = self.enquiry(sender, to, *args, direction="push", **more)
        return await self.call(sender, "POST", "/v1/deliveries", body)

    async def hand_in(
        self, holder: AgencyId, exchange: str, order: str, **more: Any
    ) -> httpx.Response:
        """Carry out an order as its holder and hand in the result."""
        answer = self.middle.holder.carry_out(order, **more)
        return await self.hand_in_answer(holder, exchange, answer)

    async def hand_in_answer(
        self, holder: AgencyId, exchange: str, answer: HolderAnswer
    ) -> httpx.Response:
        """Hand in what a holder has sealed."""
        assert answer.unverified_envelope is not None
        body = {"envelope": answer.unverified_envelope.to_wire(), "detail": b64u(answer.detail)}
        return await self.call(holder, "PUT", f"/v1/deliveries/{exchange}/result", body)

    async def link(
        self, one: AgencyId, number: str, two: AgencyId, other_number: str, **names: str
    ) -> httpx.Response:
        """Hold the code ceremony for one person."""
        lookup, secret = secrets.token_bytes(5), secrets.token_bytes(10)
        name, born = names.get("name", "Test"), names.get("born", "1990-01-01")
        middle = self.middle
        half = middle.offices[one].half(number, secret, name, born)
        body = {"lookup": b64u(lookup), **half}
        assert (await self.call(one, "POST", "/v1/links/codes", body)).status_code == 201
        half = middle.offices[two].half(other_number, secret, names.get("other_name", name), born)
        return await self.call(two, "POST", "/v1/links", {"lookup": b64u(lookup), **half})

    async def person(self, agency: AgencyId, number: str) -> str:
        """Sign a person in through an agency's code; gives the token."""
        lookup = secrets.token_bytes(5)
        half = self.middle.offices[agency].half(number, secrets.token_bytes(10), "Test", "1990")
        body = {"lookup": b64u(lookup), **half}
        assert (await self.call(agency, "POST", "/v1/links/codes", body)).status_code == 201
        answer = await self.client.post("/insecure/persons", json={"lookup": b64u(lookup)})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["access_token"])

    async def allow(
        self, token: str, template: str, source: AgencyId, to: AgencyId, fields: Sequence[str]
    ) -> httpx.Response:
        """Give a permission as a person."""
        body = {
            "template": template,
            "from_agency": source,
            "to_agency": to,
            "fields": sorted(fields),
            "valid_days": 30,
            "language": "de",
            "notice_sha256": "0" * 64,
        }
        headers = {"Authorization": f"Bearer {token}"}
        return await self.client.post("/v1/permissions", json=body, headers=headers)

    async def withdraw(self, token: str, permission: str) -> httpx.Response:
        """Withdraw a permission as a person."""
        headers = {"Authorization": f"Bearer {token}"}
        return await self.client.post(f"/v1/permissions/{permission}/withdraw", headers=headers)

    def opened(self, recipient: AgencyId, answer: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Open a released envelope as its recipient would (verification is tested elsewhere)."""
        envelope = Envelope.from_wire(answer["envelope"])
        decision = answer["decision"]
        claims = json.loads(_payload(decision))
        source = self.middle.offices[AgencyId(claims["from"])]
        verified = verify_manifest(
            envelope,
            key=lambda kid: VerifyKey(kid, source.keys.public_jwk(kid)),
            expect=Expect(
                source=source.id,
                recipient=recipient,
                exchange=ExchangeId(answer["exchange"]),
                decision_token_hash=hashlib.sha256(decision.encode()).digest(),
                purpose=claims["purpose"].lower(),
                catalogue=claims["catalogue"],
            ),
            now=self.middle.clock(),
        )
        return open_(verified, opener=self.middle.offices[recipient].keys.opener(KeyUse.KEM))


def _payload(jws: str) -> bytes:
    import base64

    middle = jws.split(".")[1]
    return base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4))
