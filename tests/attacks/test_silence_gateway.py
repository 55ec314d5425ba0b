# SPDX-License-Identifier: EUPL-1.2
"""Promise P5 in the gateway: from outside, a stranger looks like everybody else.

Two worlds are built with the same history, so that log indexes, tree paths and receipts have the
same length. In the one the enquiry is about a person whose files are linked, in the other about
somebody unknown. Everything that anybody can see is compared: answer, order, log, database.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from sqlalchemy import Connection, Pool, event, select
from typing_extensions import override

from audit.entry import SealedDetail
from gateway.entries import Entries
from gateway.exchange import Core
from gateway.links import Links
from gateway.model import HolderAnswer
from gateway.opened import Opened
from gateway.orders import Order
from gateway.store.database import open_engine
from keys.detail import seal_detail
from keys.model import AgencyId, SubjectId
from keys.providers.base import KeyUse
from keys.pseudonyms import open_reference
from tests.support.middle import ABH, JC, MBE, MELDE, Gate, Middle
from tests.support.scenes import (
    AZR,
    CLIENT,
    PAPER,
    PENDING,
    RECORDS,
    STATE,
    STATUS,
    consent_to_counsellor,
    everything_stored,
    no_pause,
    tables,
)

Use = Callable[[Gate], Awaitable[httpx.Response]]
CHANGING_HEADERS = {"x-request-id", "date"}


@dataclass
class Seen:
    """Everything that somebody could compare, with contents replaced by their sizes."""

    status: int = 0
    headers: list[tuple[str, int]] = field(default_factory=list)
    body: Any = None
    orders: list[Any] = field(default_factory=list)
    leaves: list[Any] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)


def shape(value: Any) -> Any:
    """Replace contents by sizes: closed codes stay, texts become their length, JWS are opened."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    if isinstance(value, str):
        if value.count(".") == 2 and value.startswith("ey"):
            return ["jws", len(value), shape(_claims(value))]
        if value.startswith("c2sp.org/tlog-proof"):
            return ["receipt", [len(line) for line in value.splitlines()]]
        return value if len(value) < 20 else len(value)
    return value


def _claims(jws: str) -> Any:
    payload = jws.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def differences(one: Seen, other: Seen) -> list[str]:
    """Name every member in which two observations differ."""
    return [
        f"{member.name}: {getattr(one, member.name)} != {getattr(other, member.name)}"
        for member in dataclasses.fields(Seen)
        if getattr(one, member.name) != getattr(other, member.name)
    ]


async def observe(gate: Gate, use: Use, *agencies: AgencyId) -> Seen:
    """Carry out one call and note everything about it."""
    middle = gate.middle
    for agency in agencies:
        await gate.token(agency)  # so that signing in is not among the statements
    reader = gate.app.state.parts.reader
    size, orders = reader.size(), len(middle.holder.orders)
    before = _sizes(middle)
    seen = Seen()
    STATEMENTS.start()
    response = await use(gate)
    seen.statements = STATEMENTS.stop()
    seen.status = response.status_code
    seen.headers = sorted(
        (name, len(value))
        for name, value in response.headers.items()
        if name not in CHANGING_HEADERS
    )
    seen.body = shape(response.json())
    seen.orders = [shape(order.token) for order in middle.holder.orders[orders:]]
    seen.leaves = [
        [len(one.leaf), shape(json.loads(one.leaf))] for one in reader.find(after=size - 1)
    ]
    seen.rows = sorted((Counter(_sizes(middle)) - Counter(before)).elements())
    return seen


class Statements:
    """Notes what SQLite is asked to do, below every library, with the values taken out."""

    def __init__(self) -> None:
        self._seen: list[str] | None = None

    def attach(self, connection: sqlite3.Connection, _record: object) -> None:
        """Listen to a new connection."""
        connection.set_trace_callback(self._note)

    def start(self) -> None:
        """Begin."""
        self._seen = []

    def stop(self) -> list[str]:
        """End, and give the statements in an order of their own."""
        seen, self._seen = self._seen or [], None
        return sorted(seen)

    def _note(self, statement: str) -> None:
        background = statement.startswith(BRACKETS) or any(one in statement for one in BACKGROUND)
        if self._seen is not None and not background:
            self._seen.append(LITERAL.sub("?", statement))


STATEMENTS = Statements()
LITERAL = re.compile(r"[xX]?'(?:[^']|'')*'|\b\d+\b")
BRACKETS = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")
BACKGROUND = ("exchange.closes_at <", "outbox.delivered IS", "mailbox.disclosed IS", "note_size")
"""What the sweeper and the log's writer do beside any call."""


def _sizes(middle: Middle) -> list[str]:
    """Every row of every table as sizes."""
    engine = open_engine(middle.database_url)
    with engine.connect() as connection:
        found = [
            f"{table.name} {[_size(value) for value in row]}"
            for table in tables()
            if table.name not in {"used_jti", "audit_head"}
            for row in connection.execute(select(table)).all()
        ]
    engine.dispose()
    return found


def _size(value: Any) -> Any:
    return len(value) if isinstance(value, str | bytes) else type(value).__name__


@asynccontextmanager
async def world(folder: Path, *, linked: bool, **stock: Any) -> AsyncIterator[Gate]:
    """A gateway with two linked pairs; the enquiries are about files J1, A1 and M1 either way."""
    await anyio.Path(folder).mkdir()
    middle = Middle.build(folder)
    middle.holder.records.update(RECORDS)
    one = "1" if linked else "3"
    event.listen(Pool, "connect", STATEMENTS.attach)
    try:
        async with middle.running(**no_pause(stock)) as gate:
            await gate.link(ABH, f"A{one}", JC, f"J{one}")
            await gate.link(ABH, f"A{one}", MBE, f"M{one}")
            yield gate
    finally:
        event.remove(Pool, "connect", STATEMENTS.attach)


async def by_law(gate: Gate) -> httpx.Response:
    """R02 releases, whoever it is about."""
    return await gate.ask(JC, ABH, "J1", "P04", [STATUS, "birth_date"], declared=AZR)


async def refused(gate: Gate) -> httpx.Response:
    """R01 refuses, whoever it is about."""
    return await gate.ask(JC, ABH, "J1", "P04", [STATUS])


async def held(gate: Gate) -> httpx.Response:
    """R04: a clerk decides."""
    return await gate.ask(
        ABH, JC, "A1", "P01", ["benefit_granted", "family_name"], declared=PENDING
    )


async def about_counselling(gate: Gate) -> httpx.Response:
    """R20: nobody learns whether somebody was counselled."""
    return await gate.ask(ABH, MBE, "A1", "P02", ["counselling_fact"])


async def about_an_address(gate: Gate) -> httpx.Response:
    """R41: an address that may be blocked."""
    return await gate.ask(JC, MELDE, "J1", "P04", ["address_street"])


async def without_consent(gate: Gate) -> httpx.Response:
    """R18 without a consent."""
    return await gate.ask(MBE, JC, "M1", "P03", [STATE])


async def push_without_release(gate: Gate) -> httpx.Response:
    """R21 without the person's release."""
    return await gate.deliver(MBE, ABH, "M1", "P02", [PAPER], trigger="push", declared=CLIENT)


async def own_motion(gate: Gate) -> httpx.Response:
    """R05: the job centre reports; nobody tells it whether the authority knows the person."""
    return await gate.deliver(
        JC,
        ABH,
        "J1",
        "P01",
        ["family_name"],
        trigger="spontaneous",
        declared={"benefit_in_azr": False, "title_section": 3},
    )


USES: Mapping[str, Use] = {
    use.__name__: use
    for use in (
        by_law,
        refused,
        held,
        about_counselling,
        about_an_address,
        without_consent,
        push_without_release,
        own_motion,
    )
}


@pytest.mark.parametrize("name", USES)
async def test_linked_and_unknown_look_alike(tmp_path: Path, name: str) -> None:
    """Status, headers, body, order, log entries, rows and database statements are the same."""
    seen = []
    for linked in (True, False):
        async with world(tmp_path / str(linked), linked=linked) as gate:
            seen.append(await observe(gate, USES[name], ABH, JC, MBE))
    assert seen[0].leaves
    assert any("link_agency" in statement for statement in seen[0].statements)
    assert differences(*seen) == []


@pytest.mark.parametrize("record", [{}, {STATUS: None}, {STATUS: "x" * 20}])
async def test_an_empty_record_looks_like_a_full_one(
    tmp_path: Path, record: dict[str, Any]
) -> None:
    """Linked, but the holder has nothing, or something else, to say: the same to everybody outside."""
    seen = []
    for number, values in enumerate((RECORDS["A1"], record)):
        async with world(tmp_path / str(number), linked=True) as gate:
            gate.middle.holder.records["A1"] = values
            seen.append(await observe(gate, by_law, JC))
    assert seen[0].body["status"] == "answered"
    assert differences(*seen) == []


async def test_a_wrong_unlock_value_looks_like_an_unknown_file(tmp_path: Path) -> None:
    """Somebody who guesses an index learns nothing without the agency's key."""

    async def guessing(gate: Gate) -> httpx.Response:
        body = gate.enquiry(JC, ABH, "J1", "P04", [STATUS], declared=AZR)
        body["subject"]["unlock"] = base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")
        return await gate.call(JC, "POST", "/v1/exchanges", body)

    seen = []
    for linked in (True, False):
        async with world(tmp_path / str(linked), linked=linked) as gate:
            seen.append(await observe(gate, guessing, JC))
    assert differences(*seen) == []


async def test_the_decision_does_not_know_of_links(tmp_path: Path) -> None:
    """The input that the rules see is the same, byte for byte."""
    inputs = []
    for linked in (True, False):
        async with world(tmp_path / str(linked), linked=linked) as gate:
            answer = (await by_law(gate)).json()
            inputs.append(_claims(answer["decision"])["input"])
    assert inputs[0] == inputs[1]


async def test_a_consent_of_somebody_else_changes_nothing(tmp_path: Path) -> None:
    """Person one's consent stands; the enquiry about a stranger looks as if there were none."""
    seen = []
    for linked in (True, False):
        async with world(tmp_path / str(linked), linked=linked) as gate:
            await consent_to_counsellor(gate, await gate.person(ABH, "A1" if linked else "A3"))

            async def about_a_stranger(gate: Gate) -> httpx.Response:
                return await gate.ask(MBE, JC, "M9", "P03", [STATE])

            seen.append(await observe(gate, about_a_stranger, MBE))
    assert seen[0].body["status"] == "refused"
    assert differences(*seen) == []


# --- the comparison finds leaks ------------------------------------------------------------------


def known(gate: Gate, order: Order) -> bool:
    """Whether an order's reference opens to a file: only the holder can tell."""
    claims = _claims(order.token)
    sealed = base64.urlsafe_b64decode(claims["ref"] + "=" * (-len(claims["ref"]) % 4))
    opener = gate.middle.offices[order.holder].keys.opener(KeyUse.KEM)
    return open_reference(sealed, order.holder, opener) is not None


async def _leak_a_longer_detail(gate: Gate) -> None:
    holder = gate.middle.holder

    def twist(answer: HolderAnswer) -> HolderAnswer:
        if not known(gate, holder.orders[-1]):
            return answer
        office = gate.middle.offices[ABH]
        longer = seal_detail(
            {"role": "holder", "more": "x" * 3000},
            controller=ABH,
            corr=_claims(holder.orders[-1].token)["exchange"],
            audit_key=office.recipient_key(KeyUse.AUDIT),
        )
        return HolderAnswer(answer.unverified_envelope, longer)

    holder.twist = twist


class _LeakyLinks(Links):
    """Looks twice when there is a link."""

    @override
    def reference_for(
        self, connection: Connection, person: SubjectId, agency: AgencyId, decoy: bytes
    ) -> bytes:
        """Do one more look-up for a person that is linked."""
        found = super().reference_for(connection, person, agency, decoy)
        if found != decoy:
            super().reference_for(connection, person, agency, decoy)
        return found


def _more_statements(core: Core) -> Core:
    leaky = object.__new__(_LeakyLinks)
    leaky.__dict__.update(core.links.__dict__)
    return dataclasses.replace(core, links=leaky)


class _LeakyEntries(Entries):
    """Names the clerk's detail twice when the exchange is for somebody known."""

    gate: Gate

    @override
    def disclosure(self, opened: Opened, *args: Any, **more: Any) -> Any:
        """Add a second detail for a known person."""
        pending = super().disclosure(opened, *args, **more)
        if known(self.gate, self.gate.middle.holder.orders[-1]):
            second = SealedDetail(JC, pending.details[0].retention, b"second")
            return dataclasses.replace(pending, details=(*pending.details, second))
        return pending


async def _leak_in_the_entry(gate: Gate) -> None:
    log = gate.app.state.parts.core.log
    leaky = object.__new__(_LeakyEntries)
    leaky.__dict__.update(log.entries.__dict__)
    leaky.gate = gate
    log.entries = leaky


async def _leak_a_header(gate: Gate) -> None:
    inner = gate.app.middleware_stack
    assert inner is not None

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        async def telling(message: Any) -> None:
            orders = gate.middle.holder.orders
            if message["type"] == "http.response.start" and orders and known(gate, orders[-1]):
                message["headers"] = [*message["headers"], (b"x-cache", b"hit")]
            await send(message)

        await inner(scope, receive, telling)

    gate.app.middleware_stack = outer


async def _no_leak(_gate: Gate) -> None:
    """The same machinery without a leak."""


LEAKS: dict[str, tuple[Callable[[Gate], Awaitable[None]], dict[str, Any], set[str]]] = {
    "a longer detail": (_leak_a_longer_detail, {}, {"rows"}),
    "one more statement": (_no_leak, {"change_core": _more_statements}, {"statements"}),
    "one more detail in the entry": (_leak_in_the_entry, {}, {"leaves", "body"}),
    "one more header": (_leak_a_header, {}, {"headers"}),
}


@pytest.mark.parametrize("name", LEAKS)
async def test_the_comparison_finds(tmp_path: Path, name: str) -> None:
    """A leak planted for known persons shows in exactly the place where it is."""
    plant, stock, places = LEAKS[name]
    seen = []
    for linked in (True, False):
        async with world(tmp_path / str(linked), linked=linked, **stock) as gate:
            await plant(gate)
            seen.append(await observe(gate, by_law, JC))
    found = {line.partition(":")[0] for line in differences(*seen)}
    assert places <= found, found


async def test_the_search_would_find_a_person_in_the_database(tmp_path: Path) -> None:
    """What is searched for elsewhere by bytes is really there when it is written."""
    async with world(tmp_path / "one", linked=True) as gate:
        await by_law(gate)
        stored = everything_stored(gate.middle)
        assert b"residence_status" in stored
        assert b"canary-status-a1" not in stored
