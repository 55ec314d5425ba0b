# SPDX-License-Identifier: EUPL-1.2
"""A gateway for bad input: good bodies for every route, and a look at everything afterwards.

Every case carries a canary; it may not come back in body or headers, and not reach the operating
log, the database or the evidence. Nothing may have been written.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import structlog

from gateway.authn.metadata import TOKEN_PATH
from gateway.authn.scopes import ROUTES, Scope
from gateway.logs import configure_logging
from keys.strict_json import b64u
from tests.support.middle import ABH, JC, MBE, Gate, Middle
from tests.support.offices import shown
from tests.support.scenes import (
    AZR,
    RECORDS,
    STATE,
    STATUS,
    ask_held,
    consent_to_counsellor,
    everything_stored,
    link_person_one,
    no_pause,
    paper_waits,
    release_body,
    release_of_paper,
    row_counts,
    send_paper,
)
from tests.support.signing_in import bearer

CANARY = "canary7316"


WITH_BODY = {"POST", "PUT", "DELETE"}


Target = tuple[str, str]


class Inputs:
    """A gateway, a good body for every route that takes one, and what was written so far."""

    def __init__(self, gate: Gate, log: io.StringIO) -> None:
        self.gate = gate
        self.log = log
        self.good: dict[Target, dict[str, Any]] = {}
        self.paths: dict[Target, str] = {}
        self.person = ""

    async def prepare(self) -> None:
        """Bring exchanges into every state that a route needs."""
        gate = self.gate
        await link_person_one(gate)
        self.person = await gate.person(ABH, "A1")
        await release_of_paper(gate, self.person)
        permission = await consent_to_counsellor(gate, self.person)
        held = (await ask_held(gate)).json()["exchange"]
        ordered = (await send_paper(gate)).json()
        waiting = await paper_waits(gate)
        sealed = gate.middle.holder.carry_out(ordered["order"])
        assert sealed.unverified_envelope is not None
        enquiry = gate.enquiry(JC, ABH, "J1", "P04", [STATUS], declared=AZR)
        half = {
            "lookup": "AAAAAAA",
            **gate.middle.offices[ABH].half("A1", b"x" * 10, "T", "1990-01-01"),
        }
        wish = {
            "template": "benefit-state-to-counselling",
            "from_agency": JC,
            "to_agency": MBE,
            "fields": [STATE],
            "valid_days": 30,
            "language": "de",
            "notice_sha256": shown("benefit-state-to-counselling"),
        }
        check = {
            "other": ABH,
            "direction": "pull",
            "purpose": "P04",
            "trigger": "on_request",
            "fields": [STATUS],
            "declared": {"azr_checked": True},
        }
        result = {"envelope": sealed.unverified_envelope.to_wire(), "detail": b64u(sealed.detail)}
        self.good = {
            ("POST", "/v1/exchanges"): enquiry,
            ("POST", "/v1/exchanges/check"): check,
            ("POST", "/v1/exchanges/{}/release"): release_body(gate, JC, held, "J1"),
            ("POST", "/v1/deliveries"): enquiry,
            ("PUT", "/v1/deliveries/{}/result"): result,
            ("POST", "/v1/links/codes"): half,
            ("POST", "/v1/links"): half,
            ("POST", "/v1/permissions"): wish,
            ("POST", "/insecure/persons"): {"lookup": "AAAAAAA"},
        }
        ids = {
            ("POST", "/v1/exchanges/{}/release"): held,
            ("PUT", "/v1/deliveries/{}/result"): ordered["exchange"],
            ("POST", "/v1/mailbox/{}/pickup"): waiting,
            ("DELETE", "/v1/mailbox/{}"): waiting,
            ("POST", "/v1/permissions/{}/withdraw"): permission,
        }
        self.paths = {t: t[1].replace("{}", ids.get(t, "")) for t in TARGETS}

    async def headers(self, target: Target) -> dict[str, str]:
        """The credential that the route asks for."""
        scope = ROUTES[target]
        if scope is Scope.PERSON:
            return dict(bearer(self.person))
        if scope is not Scope.AGENCY:
            return {}
        agency = {
            ("POST", "/v1/exchanges/{}/release"): JC,
            ("PUT", "/v1/deliveries/{}/result"): MBE,
            ("POST", "/v1/mailbox/{}/pickup"): ABH,
            ("DELETE", "/v1/mailbox/{}"): ABH,
        }.get(target, JC)
        return dict(bearer(await self.gate.token(agency)))

    async def send(self, target: Target, content: Any, **headers: str) -> httpx.Response:
        """Send bytes as they are."""
        sent = {**await self.headers(target), "content-type": "application/json"}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        return await self.gate.client.request(
            target[0], self.paths[target], content=content, headers=sent
        )

    def check(self, answer: httpx.Response, case: object, statuses: set[int] | None = None) -> None:
        """Demand a problem that repeats nothing."""
        assert answer.status_code in (statuses or {400, 404, 409, 422}), (case, answer.text)
        assert answer.headers["content-type"] == "application/problem+json", case
        body = answer.json()
        assert body["status"] == answer.status_code, case
        assert set(body) <= ALLOWED_MEMBERS, case
        assert CANARY not in answer.text, case
        assert not any(CANARY in value for value in answer.headers.values()), case


ALLOWED_MEMBERS = {
    "type",
    "title",
    "status",
    "detail",
    "request_id",
    "reason",
    "locations",
    "error",
}


TARGETS = sorted(target for target in ROUTES if target[0] in WITH_BODY and target[1] != TOKEN_PATH)


@asynccontextmanager
async def inputs(folder: Path) -> AsyncIterator[Inputs]:
    """A gateway for bad input; at its end nothing may have been written, logged or kept."""
    middle = Middle.build(folder)
    middle.holder.records.update(RECORDS)
    log = io.StringIO()
    with logging_to(log, middle):
        async with _checked(middle, log) as made:
            yield made


@contextmanager
def logging_to(log: io.StringIO, middle: Middle) -> Iterator[None]:
    """Configure the operating log as the gateway does, and put everything back afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    configure_logging(node="n1", clock=middle.clock, stream=log, hooks=False)
    try:
        yield
    finally:
        root.handlers[:], root.level = before
        structlog.reset_defaults()


@asynccontextmanager
async def _checked(middle: Middle, log: io.StringIO) -> AsyncIterator[Inputs]:
    async with middle.running(**no_pause({})) as gate:
        made = Inputs(gate, log)
        await made.prepare()
        for agency in (ABH, JC, MBE):
            await gate.token(agency)
        before, orders = row_counts(middle), len(middle.holder.orders)
        yield made
        assert row_counts(middle) == before
        assert len(middle.holder.orders) == orders
        assert CANARY.encode() not in everything_stored(middle)
        lines = log.getvalue().splitlines()
        assert not [
            line for line in lines if CANARY in line or json.loads(line)["level"] == "error"
        ]
