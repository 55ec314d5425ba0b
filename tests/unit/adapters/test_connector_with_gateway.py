# SPDX-License-Identifier: EUPL-1.2
"""Real connectors and the real gateway in one process: both sides read the protocol alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.connector.app import Parts, create_connector
from adapters.connector.settings import parse_settings
from audit.checkpoint import log_key
from audit.verify import verify_receipt
from gateway.model import HolderAnswer
from gateway.orders import Order, read_holder_answer
from gateway.steps import Step
from keys.agencylist import GatewayEntry
from keys.model import AgencyId, ExchangeId
from keys.providers.base import KeyUse
from tests.support import middle as middle_module
from tests.support.connectors import (
    ABH,
    ABH_FILE,
    AS_CLERK,
    AS_SYSTEM,
    JC,
    JC_FILE,
    MELDE,
    MELDE_FILE,
    RECORDS,
    U02,
    U03,
    U11,
    U14,
    settings_for,
    shared_decider,
)
from tests.support.gate import Gate
from tests.support.memory_source import MemorySource
from tests.support.middle import ISSUER, ORIGIN, Middle
from tests.support.simulated_gateway import SimulatedGateway


class AsgiHolders:
    """Brings the gateway's orders to connectors without a socket."""

    def __init__(self) -> None:
        self.clients: dict[str, httpx.AsyncClient] = {}

    async def deliver(self, order: Order) -> HolderAnswer:
        """POST /orders, read as over a socket."""
        reply = await self.clients[order.holder].post("/orders", json={"order": order.token})
        return read_holder_answer(reply.status_code, reply.content)


@dataclass
class Net:
    """The connectors' local APIs, their sources, and the log's key."""

    clients: dict[str, httpx.AsyncClient]
    sources: dict[str, MemorySource]
    vkey: str
    gate: Gate

    async def link(self, *files: tuple[str, str]) -> None:
        """Hold the code ceremony between the first file's agency and each other's."""
        (first, number), *others = files
        for agency, other_number in others:
            made = await self.clients[first].post(
                "/link-codes", json={"file_number": number}, headers=AS_SYSTEM
            )
            assert made.status_code == 201, made.text
            linked = await self.clients[agency].post(
                "/links",
                json={"code": made.json()["code"], "file_number": other_number},
                headers=AS_SYSTEM,
            )
            assert linked.status_code == 201, linked.text

    async def post(self, agency: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Call a local API as a clerk; gives the answer with its status."""
        reply = await self.clients[agency].post(path, json=body, headers=AS_CLERK)
        return {**reply.json(), "status": reply.status_code}

    async def get(self, agency: str, path: str) -> dict[str, Any]:
        """Look something up as a clerk."""
        told: dict[str, Any] = (await self.clients[agency].get(path, headers=AS_CLERK)).json()
        return told


@asynccontextmanager
async def net(folder: Path, monkeypatch: pytest.MonkeyPatch, **stock: Any) -> AsyncIterator[Net]:
    """Run the gateway's application and three connectors."""
    middle = Middle.build(folder)
    vkey = log_key(ORIGIN, middle.keys.log_signer()).to_text()

    def with_vkey(**entry: Any) -> GatewayEntry:
        return GatewayEntry(**{**entry, "log_vkey": vkey})

    monkeypatch.setattr(middle_module, "GatewayEntry", with_vkey)
    middle.publish()
    holders = AsgiHolders()
    async with AsyncExitStack() as stack:
        gate = await stack.enter_async_context(middle.running(transport=holders, **stock))
        root = middle.root.public_jwk(middle.root.kids(KeyUse.ROOT)[0])
        made = Net({}, {}, vkey, gate)
        for agency in (ABH, JC, MELDE):
            raw = {
                "agency": {"id": agency, "language": "de"},
                "storage": {"directory": "data"},
                "keys": {"keyring": "k", "passphrase_file": "p"},
                "gateway": {"url": ISSUER, "issuer": ISSUER},
                "registry": {"root_jwk": dict(root)},
                "tokens": [
                    token.model_dump()
                    for token in settings_for(agency, folder, _any(middle)).tokens
                ],
            }
            source = MemorySource(RECORDS[agency])
            app = create_connector(
                parse_settings(raw, beside=folder / agency),
                parts=Parts(
                    source=source,
                    keys=middle.offices[AgencyId(agency)].keys,
                    decider=shared_decider(),
                    transport=httpx.ASGITransport(app=gate.app, raise_app_exceptions=False),
                    clock=middle.clock,
                ),
            )
            await stack.enter_async_context(app.router.lifespan_context(app))
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app), base_url=f"http://{agency}"
            )
            holders.clients[agency] = await stack.enter_async_context(client)
            made.clients[agency], made.sources[agency] = client, source
        await made.link((JC, JC_FILE), (ABH, ABH_FILE))
        await made.link((JC, JC_FILE), (MELDE, MELDE_FILE))
        yield made


def _any(middle: Middle) -> SimulatedGateway:
    return SimulatedGateway(middle.clock, shared_decider(), {JC: "JC"})


async def test_a_pull_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """U02 through everything real; both kept receipts verify offline."""
    async with net(tmp_path, monkeypatch) as made:
        told = await made.post(JC, "/enquiries", U02)
        assert told["status"] == 200, told
        assert told["fields"]["permit_type"]["value"] == "25b"
        assert {one["field"] for one in told["withheld"]} == {"deportation_ban", "net_income"}
        kinds = [_kind(path, made.vkey) for path in told["receipts"]]
        assert kinds == ["access.requested", "disclose"]


def _kind(path: str, vkey: str) -> str:
    return str(verify_receipt(Path(path).read_text(), vkey).leaf["kind"])


class WithdrawsAt:
    """Withdraws a permission when an exchange has done a step."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self.withdraw: Callable[[], Awaitable[object]] | None = None

    async def done(self, step: Step, exchange: ExchangeId) -> None:
        """Withdraw once."""
        del exchange
        if step is self._step and self.withdraw is not None:
            withdraw, self.withdraw = self.withdraw, None
            await withdraw()


@pytest.mark.parametrize(
    "step", [Step.ORDER, Step.STRIP, Step.RECORD_RELEASE], ids=lambda s: s.name
)
async def test_an_answer_that_was_stopped_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: Step
) -> None:
    """A withdrawal on the way: no field arrives, and the asker reads why instead of an alarm."""
    observer = WithdrawsAt(step)
    async with net(tmp_path, monkeypatch, observer=observer) as made:
        office = AgencyId(JC)
        person = await made.gate.person(office, JC_FILE)
        given = await made.gate.allow(
            person, "fetch-residence-proof", AgencyId(ABH), office, ["permit_type"]
        )
        observer.withdraw = lambda: made.gate.withdraw(person, given.json()["id"])
        wish = {
            **U02,
            "fields": ["permit_type"],
            "trigger": "subject_choice",
            "declared": {"procedure_electronic": True},
        }
        told = await made.post(JC, "/enquiries", wish)
        assert told["status"] == 200, told
        assert told["fields"] == {}
        assert [(one["field"], one["reason"]) for one in told["withheld"]] == [
            ("permit_type", "choice_revoked")
        ]


async def test_a_refusal_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """U04: refused, one receipt, no order reached the holder."""
    async with net(tmp_path, monkeypatch) as made:
        told = await made.post(ABH, "/enquiries", {**U03, "declared": {}})
        assert (told["status"], told["outcome"], len(told["receipts"])) == (200, "refused", 1)
        assert made.sources[JC].calls == []


async def test_an_unknown_and_a_blocked_person_read_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U14: the fixed answer, word for word."""
    async with net(tmp_path, monkeypatch) as made:
        made.sources[MELDE].blocked = {MELDE_FILE}
        blocked = await made.post(JC, "/enquiries", U14)
        unknown = await made.post(JC, "/enquiries", {**U14, "file_number": "92104BG0099999"})
        assert blocked["withheld"] == unknown["withheld"]
        assert blocked["fields"] == unknown["fields"] == {}


@pytest.mark.parametrize("choice", ["release", "refuse"])
async def test_a_held_request_is_settled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choice: str
) -> None:
    """U03: held, settled by a clerk, fetched from the mailbox."""
    async with net(tmp_path, monkeypatch) as made:
        asked = await made.post(ABH, "/enquiries", U03)
        assert asked["outcome"] == "held", asked
        (item,) = (await made.get(JC, "/held"))["held"]
        body = {"clerk": "Rita Freigabe", "reason_code": "not_necessary"}
        settled = await made.post(JC, f"/held/{item['id']}/{choice}", body)
        assert settled["status"] == 200, settled
        told = await made.get(ABH, f"/enquiries/{asked['id']}")
        assert told["outcome"] == "answered", told
        assert bool(told["fields"]) is (choice == "release")
        again = await made.get(ABH, f"/enquiries/{asked['id']}")
        assert again == told


async def test_a_spontaneous_report_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U11: the own clerk releases, the recipient picks up under its own file number."""
    async with net(tmp_path, monkeypatch) as made:
        sent = await made.post(JC, "/deliveries", U11)
        assert (sent["status"], sent["outcome"]) == (201, "held"), sent
        (item,) = (await made.get(JC, "/held"))["held"]
        body = {"clerk": "Rita Freigabe", "reason_code": "not_necessary"}
        settled = await made.post(JC, f"/held/{item['id']}/release", body)
        assert settled["status"] == 200, settled
        (one,) = (await made.get(ABH, "/deliveries"))["deliveries"]
        assert (one["file_number"], one["fields"]["family_name"]["value"]) == (
            ABH_FILE,
            "Beispielova",
        )
