# SPDX-License-Identifier: EUPL-1.2
"""Promise P5 in the gateway: from outside, a stranger looks like everybody else.

Two worlds are built with the same history, so that log indexes, tree paths and receipts have the
same length. In the one the enquiry is about a person whose files are linked, in the other about
somebody unknown. Everything that anybody can see is compared: answer, order, log, database.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection
from typing_extensions import override

from audit.entry import SealedDetail
from gateway.entries import Entries
from gateway.exchange import Core
from gateway.links import Links
from gateway.model import HolderAnswer
from gateway.opened import Opened
from gateway.orders import Order
from keys.detail import seal_detail
from keys.model import AgencyId, SubjectId
from keys.providers.base import KeyUse
from keys.pseudonyms import open_reference
from tests.support.middle import ABH, JC, MBE, MELDE, Gate
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
)
from tests.support.seen import Use, claims_of, differences, observe, world


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
            inputs.append(claims_of(answer["decision"])["input"])
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
    claims = claims_of(order.token)
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
            corr=claims_of(holder.orders[-1].token)["exchange"],
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
