# SPDX-License-Identifier: EUPL-1.2
"""One running gateway in a test, as agencies and persons see it."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from fastapi import FastAPI

from gateway.authn.metadata import ASSERTION_TYPE
from gateway.model import HolderAnswer
from gateway.permission_model import TemplateId
from gateway.templates import load_templates
from keys import messages
from keys.envelope import Envelope, Expect, open_, verify_manifest
from keys.jws import VerifyKey
from keys.model import AgencyId, BlindIndex, ExchangeId
from keys.providers.base import KeyUse
from keys.strict_json import JsonValue, b64u
from tests.support.offices import ISSUER, shown

if TYPE_CHECKING:
    from tests.support.middle import Middle


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
        self,
        token: str,
        template: str,
        source: AgencyId,
        to: AgencyId,
        fields: Sequence[str],
        **changes: Any,
    ) -> httpx.Response:
        """Give a permission as a person; of a choice, with the preview confirmed."""
        body = {
            "template": template,
            "from_agency": source,
            "to_agency": to,
            "fields": sorted(fields),
            "valid_days": 30,
            "language": "de",
            "notice_sha256": shown(template),
            "preview_confirmed": load_templates()[TemplateId(template)].mode is not None,
            **changes,
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
