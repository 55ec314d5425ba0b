# SPDX-License-Identifier: EUPL-1.2
"""The comparison behind the silence about persons sees leaks: each one planted here is found and named.

A stand-in for a gateway or a connector treats the linked person a little differently. What it does
must show up, at the place where it can be seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection

from audit.vocabulary import EntryKind
from deploy.demo.cast import MELDE
from gateway.steps import Step
from keys.model import ExchangeId
from keys.strict_json import b64u, unb64u
from policies.decide import Decider
from policies.model import FieldId
from tests.support.connectors import shared_decider
from tests.support.silence import LINKED, UNLINKED, Table, ask_register, leaks, run
from tests.support.sources import Other

if TYPE_CHECKING:
    from audit.entry import PendingEntry
    from gateway.exchange import Core
    from tests.support.town import Town
    from tests.support.town_life import App, Life

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def stranger(town: Town) -> Table:
    """What everything looks like for somebody who is not linked, without any leak."""
    with town.awake() as life:
        return run(life, ask_register(life, UNLINKED)).table


# --- what a value itself could tell -------------------------------------------------------------


def test_a_value_too_long_for_its_bucket_tells_nothing(town: Town, stranger: Table) -> None:
    """Attack: a person with a very long street. It is not sent, a person at the register is told."""
    source = Other(town.source(MELDE), {"address_street": "Langer Weg " * 80})
    with town.awake(parts={MELDE: {"source": source}}) as life:
        seen = run(life, ask_register(life, LINKED))
        matters = life.office(MELDE)._call("GET", "/held", role="clerk")["held"]
    assert leaks(stranger, seen.table) == []
    assert list(seen.told.values) == ["address_postcode_town"]
    assert seen.told.withheld["address_street"]["reason"] == "no_data"
    assert [item["code"] for item in matters] == ["value-unsendable"]


# --- negative control: the comparison sees a leak ------------------------------------------------

Plant = Callable[[], dict[str, Any]]


def around(app: App, change: Callable[[str, dict[str, Any]], None]) -> App:
    """Put something around an ASGI application that changes what it sends, by path."""

    async def changed(scope: Any, receive: Any, send: Any) -> None:
        async def tampered(message: dict[str, Any]) -> None:
            if scope["type"] == "http":
                change(scope["path"], message)
            await send(message)

        await app(scope, receive, tampered)

    return changed


def extra_header() -> dict[str, Any]:
    """The gateway sends one more header with an exchange's answer."""

    def change(path: str, message: dict[str, Any]) -> None:
        if path == "/v1/exchanges" and message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"x-served-by", b"link")]

    return {"gateway": lambda app: around(app, change)}


def longer_detail() -> dict[str, Any]:
    """The holder's sealed detail has one byte more."""
    held_back: list[dict[str, Any]] = []

    def change(path: str, message: dict[str, Any]) -> None:
        if path != "/orders":
            return
        if message["type"] == "http.response.start":
            held_back.append(message)
            message["headers"] = [
                (name, b"%d" % (int(value) + 2) if name == b"content-length" else value)
                for name, value in message["headers"]
            ]
            return
        body = json.loads(message["body"])
        body["detail"] = b64u(unb64u(body["detail"]) + b"\0")
        text = json.dumps(body, separators=(",", ":")).encode()
        # One byte more in base64url is one or two letters more; blanks keep the length announced.
        message["body"] = text + b" " * (len(message["body"]) + 2 - len(text))

    return {"connectors": {MELDE: lambda app: around(app, change)}}


@dataclass
class Chatty:
    """An observer that has one more entry written as soon as the intent is on record."""

    life: list[Life]

    async def done(self, step: Step, exchange: ExchangeId) -> None:
        """Append it once."""
        if step is Step.RECORD_INTENT:
            core: Core = self.life[0].apps["gateway"].state.parts.core

            def work(_connection: Connection) -> PendingEntry:
                return core.log.entries.document(EntryKind.CONFIG_CHANGED, exchange.encode())

            await core.log.log.append(work)


def other_bucket() -> dict[str, Any]:
    """The holder pads one field to the next bucket."""
    honest = shared_decider()
    name = FieldId("address_street")
    field = honest.catalogue.fields[name]
    fields = {**honest.catalogue.fields, name: replace(field, pad_bytes=field.pad_bytes + 32)}
    catalogue = replace(honest.catalogue, fields=fields)
    return {"parts": {MELDE: {"decider": Decider(honest._engine, catalogue)}}}


@pytest.mark.parametrize(
    ("plant", "where"),
    [
        (extra_header, "6 jc.hannover>gateway answer header names"),
        (longer_detail, "5 gateway>melde.hannover answer body.detail length"),
        (longer_detail, "log entry 1 disclose detail of melde.hannover size"),
        (other_bucket, "5 gateway>melde.hannover answer body.envelope.f[1].c length"),
        (other_bucket, "6 jc.hannover>gateway answer body size"),
    ],
)
def test_a_planted_leak_is_named(town: Town, stranger: Table, plant: Plant, where: str) -> None:
    """The control: a leak about the linked person is found, and named by where it was seen."""
    with town.awake(**plant()) as life:
        seen = run(life, ask_register(life, LINKED))
    named = [one.partition(": ")[0] for one in leaks(stranger, seen.table)]
    assert where in named


def test_a_planted_entry_is_named(town: Town, stranger: Table) -> None:
    """The control: one more log entry for the linked person, of whatever kind, is found."""
    life_of: list[Life] = []
    with town.awake(stock={"observer": Chatty(life_of)}) as life:
        life_of.append(life)
        seen = run(life, ask_register(life, LINKED))
    named = [one.partition(": ")[0] for one in leaks(stranger, seen.table)]
    assert {"log size", "table audit_entry rows"} <= set(named)


def test_the_comparison_is_silent_about_the_same_person(town: Town, stranger: Table) -> None:
    """The control's control: the same question twice shows no difference, so none is made up."""
    with town.awake() as life:
        again = run(life, ask_register(life, UNLINKED))
    assert leaks(stranger, again.table) == []
