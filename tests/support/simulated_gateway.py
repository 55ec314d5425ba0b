# SPDX-License-Identifier: EUPL-1.2
"""The gateway's wire API in memory: real keys, real signatures, real rules, real log proofs.

It is an HTTP transport for connectors and calls them back over ASGI. It can be told to lie in
every place where a real one could (`Lies`); what it tells is then still properly signed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import httpx
from typing_extensions import override

from audit.entry import Direction, new_entry
from audit.vocabulary import EntryKind, Outcome
from keys.jws import Signer, token_hash
from keys.messages import (
    Order,
    read_release,
    read_statement,
    sign_decision,
    sign_order,
)
from keys.model import AgencyId, new_exchange_id
from keys.providers.base import KeyUse
from keys.pseudonyms import decoy_reference
from keys.strict_json import b64u, dumps, loads, unb64u
from policies.decide import Decider
from policies.model import DecisionInput, HolderFacts, PermissionFacts
from tests.support.clock import Clock
from tests.support.simulated_exchange import Exchange, Lies, facts_for, token_for
from tests.support.simulated_registry import SimulatedRegistry


class SimulatedGateway(SimulatedRegistry, httpx.AsyncBaseTransport):
    """Give it to connectors as their transport."""

    def __init__(self, clock: Clock, decider: Decider, kinds: Mapping[str, str]) -> None:
        """Begin with no exchanges and no links."""
        super().__init__(clock, decider, kinds)
        self.lies = Lies()
        self.holders: dict[str, httpx.AsyncClient] = {}
        self.permissions: dict[str, PermissionFacts] = {}
        self.exchanges: dict[str, Exchange] = {}
        self.seen: list[tuple[str, str, bytes]] = []
        """Every request that arrived: method, path, body."""
        self.orders: list[str] = []

    # --- HTTP -------------------------------------------------------------------------------

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one call of a connector."""
        body = await request.aread()
        path = request.url.path
        self.seen.append((request.method, path, body))
        if path == "/v1/agencies":
            return httpx.Response(200, content=self.document)
        if path == "/oauth/token":
            token = self.sign_in(parse_qs(body.decode())["client_assertion"][0])
            return httpx.Response(
                200, json={"access_token": token, "token_type": "Bearer", "expires_in": 300}
            )
        caller = AgencyId(request.headers["authorization"].removeprefix("Bearer "))
        status, answer = await self._route(request, caller, body)
        return httpx.Response(status, content=dumps(answer))

    async def _route(
        self, request: httpx.Request, caller: AgencyId, raw: bytes
    ) -> tuple[int, dict[str, Any]]:
        parts = request.url.path.strip("/").split("/")
        body: Any = loads(raw, max_bytes=2_000_000) if raw else {}
        query = request.url.params
        match request.method, parts:
            case "POST", ["v1", "exchanges"]:
                return await self._ask(caller, body)
            case "POST", ["v1", "deliveries"]:
                return self._offer(caller, body)
            case "GET", ["v1", "exchanges", exchange]:
                return 200, {"exchange": exchange, "status": self.exchanges[exchange].status}
            case "POST", ["v1", "exchanges", exchange, "release"]:
                return self._release(caller, self.exchanges[exchange], body)
            case "PUT", ["v1", "deliveries", exchange, "result"]:
                found = self.exchanges[exchange]
                found.result, found.status = body["envelope"], "waiting"
                found.details.append(body["detail"])
                return 200, {"exchange": found.id, "status": "waiting"}
            case "GET", ["v1", "log", "consistency"]:
                proof = self.log.prove(int(query["old"]), int(query["new"]))
                return 200, {"proof": self.lies.proof(proof)}
            case "POST", ["v1", "links", "codes"]:
                self.codes[body["lookup"]] = (caller, body)
                return 201, {"offered": True}
            case "POST", ["v1", "links"]:
                return self.join(caller, body)
            case _:
                return self._mailbox(request.method, parts[2:], caller)

    def _mailbox(
        self, method: str, rest: list[str], caller: AgencyId
    ) -> tuple[int, dict[str, Any]]:
        match method, rest:
            case "GET", []:
                return 200, {"waiting": self._waiting(caller)}
            case "POST", [exchange, "pickup"]:
                return 200, self._pick_up(self.exchanges[exchange])
            case "DELETE", [exchange]:
                self.exchanges[exchange].result = None
                return 200, {}
            case _:
                return 404, {"type": "/problems/not-found"}

    # --- exchanges ----------------------------------------------------------------------------

    async def _ask(self, caller: AgencyId, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        exchange = self._open(caller, body)
        if exchange.status == "refused":
            return 200, self.lies.answer(self._answer(exchange))
        reply = await self.post_order(exchange.statement.source, self.order_for(exchange))
        if reply.status_code != 200:
            return 502, {"type": "/problems/holder-rejected"}
        told = json.loads(reply.content)
        exchange.details.append(told["detail"])
        if exchange.status == "held":
            return 200, self.lies.answer(self._answer(exchange))
        exchange.result = told["envelope"]
        return 200, self._pick_up(exchange)

    def _offer(self, caller: AgencyId, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        exchange = self._open(caller, body)
        answer = self._answer(exchange)
        if exchange.status != "refused":
            answer["order"] = self.order_for(exchange)
        return 201, self.lies.answer(answer)

    def _release(
        self, caller: AgencyId, exchange: Exchange, body: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        if exchange.status != "held":
            return 409, {"type": "/problems/exchange-closed"}
        release = read_release(
            body["release"],
            key=lambda kid: self.agencies.signing_key(caller, kid),
            now=self.clock(),
        )
        if release.statement != token_hash(exchange.statement_token):
            return 400, {"type": "/problems/statement-invalid"}
        exchange.person = self.persons.get((caller, unb64u(body["subject"]["index"])))
        exchange.details.append(body["detail"])
        told = HolderFacts(released_by_source=True, released_by_head=release.by_head)
        self._decide(exchange, told)
        answer = self._answer(exchange)
        answer["order"] = self.order_for(exchange)
        return 200, self.lies.answer(answer)

    def _open(self, caller: AgencyId, body: dict[str, Any]) -> Exchange:
        statement = read_statement(
            body["statement"],
            key=lambda kid: self.agencies.signing_key(caller, kid),
            now=self.clock(),
        )
        exchange = Exchange(
            id=new_exchange_id(self.clock() * 1000, secrets.token_bytes(10)),
            statement_token=body["statement"],
            statement=statement,
            decision=None,  # type: ignore[arg-type]  # decided in the next line
            token="",
            receipts=[],
            index=0,
            status="",
            person=self.persons.get((caller, unb64u(body["subject"]["index"]))),
            details=[body["detail"]],
        )
        self._decide(exchange, HolderFacts())
        self.exchanges[exchange.id] = exchange
        return exchange

    def _decide(self, exchange: Exchange, holder: HolderFacts) -> None:
        said = exchange.statement
        facts = self._facts(exchange, holder)
        decision = self.decider.decide(facts)
        token = token_for(exchange, facts, decision, self.decider.catalogue.version, self.clock())
        exchange.decision = decision
        exchange.token = sign_decision(self.lies.decision(token), self._order_signer())
        exchange.status = (
            "held"
            if decision.held
            else "ordered"
            if decision.released or decision.neutral
            else "refused"
        )
        outcome = {"held": Outcome.HOLD, "ordered": Outcome.PERMIT}.get(
            exchange.status, Outcome.DENY
        )
        self._record(exchange, EntryKind.ACCESS_REQUESTED, outcome, said.fields)

    def _facts(self, exchange: Exchange, holder: HolderFacts) -> DecisionInput:
        said = exchange.statement
        agreement = self.agencies.agreement(said.source, said.recipient, said.purpose, self.clock())
        return facts_for(
            said,
            self.kinds,
            agreement,
            self.permissions.get(exchange.person or "", PermissionFacts()),
            holder,
        )

    def _record(
        self, exchange: Exchange, kind: EntryKind, outcome: Outcome, fields: tuple[str, ...]
    ) -> None:
        said = exchange.statement
        entry = new_entry(
            kind,
            outcome,
            now_us=self.clock() * 1_000_000,
            node="n1",
            corr=exchange.id,
            direction=Direction(said.source, said.recipient, said.issuer),
            purpose=said.purpose,
            rules=exchange.decision.rules,
            reasons=exchange.decision.reasons,
            fields=sorted(fields),
            policy=exchange.decision.bundle,
            statement=token_hash(exchange.statement_token).hex(),
            decision=token_hash(exchange.token).hex(),
        )
        receipt = self.log.append(self.lies.entry(entry))
        exchange.receipts.append(receipt.to_text())
        exchange.index = receipt.index

    def order_for(self, exchange: Exchange) -> str:
        """Sign the order that belongs to an exchange."""
        said, now = exchange.statement, self.clock()
        reference = self.references.get((exchange.person or "", said.source))
        order = Order(
            order=secrets.token_hex(16),
            exchange=exchange.id,
            holder=said.source,
            statement=exchange.statement_token,
            decision=exchange.token,
            recipient_kid=said.recipient_kid,
            reference=reference or decoy_reference(said.source, self.agencies.kem_key(said.source)),
            receipt=exchange.receipts[-1],
            issued_at=now,
            expires_at=now + (28 * 86_400 if exchange.status == "held" else 60),
        )
        return self.lies.order_token(sign_order(self.lies.order(order), self._order_signer()))

    async def post_order(self, holder: str, order: str) -> httpx.Response:
        """Bring an order to a holding connector."""
        self.orders.append(order)
        return await self.holders[holder].post("/orders", json={"order": order})

    def _order_signer(self) -> Signer:
        return self.lies.order_signer or self.own.signer(KeyUse.ORDER)

    def _answer(self, exchange: Exchange) -> dict[str, Any]:
        return {
            "exchange": exchange.id,
            "status": exchange.status,
            "decision": exchange.token,
            "withheld": [one.to_json() for one in exchange.decision.withheld],
            "receipts": list(exchange.receipts),
            "log_index": exchange.index,
        }

    def _pick_up(self, exchange: Exchange) -> dict[str, Any]:
        result = exchange.result or {"m": "", "f": []}
        if exchange.status != "answered":
            exchange.status = "answered"
            names = tuple(item["n"] for item in result["f"])
            self._record(exchange, EntryKind.DISCLOSE, Outcome.PERMIT, names)
        answer = self._answer(exchange) | {"envelope": result}
        said = exchange.statement
        if said.direction == "push":
            reference = self.references.get((exchange.person or "", said.recipient))
            decoy = decoy_reference(said.recipient, self.agencies.kem_key(said.recipient))
            answer |= {"statement": exchange.statement_token, "ref": b64u(reference or decoy)}
        return self.lies.answer(answer)

    def _waiting(self, caller: AgencyId) -> list[dict[str, Any]]:
        return [
            {
                "exchange": one.id,
                "from": one.statement.source,
                "purpose": one.statement.purpose,
                "dir": one.statement.direction,
                "expires_at": self.clock() + 3 * 86_400,
            }
            for one in self.exchanges.values()
            if one.result is not None and one.statement.recipient == caller
        ]
