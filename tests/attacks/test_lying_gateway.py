# SPDX-License-Identifier: EUPL-1.2
"""The gateway lies to the holding side, with all its keys: refused, and nothing is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.entry import Entry
from keys.jws import sign_jws
from keys.messages import (
    DecisionToken,
    Order,
    read_statement,
    sign_statement,
)
from keys.messages.statement import STATEMENT_TYP
from keys.model import AgencyId, FileNumber, kid_owner
from keys.providers.base import KeyUse
from keys.providers.memory import InsecureMemoryKeyring
from keys.pseudonyms import seal_reference
from tests.support.connectors import (
    ABH,
    AS_CLERK,
    AS_SYSTEM,
    JC,
    JC_FILE,
    RECORDS,
    U02,
    U03,
    U11,
    world,
)
from tests.support.lies import read, refused_by_holder
from tests.support.simulated_exchange import widened


async def test_invented_request_without_the_callers_signature(tmp_path: Path) -> None:
    """A statement that the gateway signed itself, under the caller's key name, is refused."""
    async with world(tmp_path) as made:
        order_key = made.gateway.own.signer(KeyUse.ORDER)

        class Impostor:
            kid = made.gateway.rings[JC].kids(KeyUse.SIG)[0]

            def sign(self, data: bytes) -> bytes:
                return order_key.sign(data)

        def invent(order: Order) -> Order:
            statement = read_statement(
                order.statement,
                key=lambda kid: made.gateway.agencies.signing_key(kid_owner(kid), kid),
                now=made.clock(),
            )
            return replace(order, statement=sign_statement(statement, Impostor()))

        made.gateway.lies.order = invent
        await refused_by_holder(made, "caller-signature")


async def test_statement_signed_by_the_gateways_own_key(tmp_path: Path) -> None:
    """Naming the gateway's key openly does not help either: it is nobody's signing key."""
    async with world(tmp_path) as made:
        made.gateway.lies.order = lambda order: replace(
            order,
            statement=sign_jws(
                b"{}", typ=STATEMENT_TYP, signer=made.gateway.own.signer(KeyUse.ORDER)
            ),
        )
        await refused_by_holder(made, "caller-signature")


async def test_widened_decision(tmp_path: Path) -> None:
    """A field that the rules refuse is ordered all the same."""
    async with world(tmp_path) as made:
        made.gateway.lies.decision = lambda token: widened(token, "deportation_ban")
        await refused_by_holder(made, "wider-decision")


async def test_a_held_field_is_ordered_as_released(tmp_path: Path) -> None:
    """The clerk at the holder is not skipped."""
    async with world(tmp_path) as made:
        made.gateway.lies.decision = lambda token: widened(
            token, "benefit_begin", "benefit_granted"
        )
        reply = await made.ask(ABH, U03)
        assert reply.status_code >= 400
        assert made.sites[JC].evidence() == ["wider-decision"]
        assert made.sites[JC].source.calls == []


async def test_more_fields_than_were_asked_for(tmp_path: Path) -> None:
    """A decision about a field that the caller never asked for."""
    async with world(tmp_path) as made:
        made.gateway.lies.decision = lambda token: replace(
            token,
            fields=(*token.fields, replace(token.fields[-1], field="work_permission")),
        )
        await refused_by_holder(made, "fields")


def _with_input(**changes: Any) -> Callable[[DecisionToken], DecisionToken]:
    def lie(token: DecisionToken) -> DecisionToken:
        changed = json.loads(json.dumps(dict(token.input)))
        for path, value in changes.items():
            *parents, last = path.split("__")
            place = changed
            for parent in parents:
                place = place[parent]
            place[last] = value
        return replace(token, input=changed)

    return lie


@pytest.mark.parametrize(
    "lie",
    [
        {"to_kind": "SOZ"},
        {"declared": {"azr_checked": True, "reason_code": "azr_pending"}},
        {"agreement__approval_79": False},
        {"holder__released_by_source": True},
        {"permission__consent": {"state": "in_force", "fields": ["residence_status"]}},
    ],
    ids=["kind", "declared", "agreement", "released-by-nobody", "digest-does-not-fit"],
)
async def test_decision_from_other_facts(tmp_path: Path, lie: dict[str, Any]) -> None:
    """Facts that stand in the statement or the agency list cannot be changed by the gateway."""
    async with world(tmp_path) as made:
        made.gateway.lies.decision = _with_input(**lie)
        await refused_by_holder(made, "decision-input")


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda t: replace(t, bundle="0" * 64), "rules-differ"),
        (lambda t: replace(t, catalogue="1999.1.1"), "rules-differ"),
        (lambda t: replace(t, purpose="P05"), "parties"),
        (lambda t: replace(t, statement=bytes(32)), "statement-in-decision"),
        (lambda t: replace(t, issued_at=t.issued_at - 120, expires_at=t.issued_at - 60), "expiry"),
    ],
    ids=["bundle", "catalogue", "purpose", "other-statement", "expired"],
)
async def test_decision_that_does_not_fit(
    tmp_path: Path, change: Callable[[DecisionToken], DecisionToken], check: str
) -> None:
    """A decision about something else, by other rules, or of another time."""
    async with world(tmp_path) as made:
        made.gateway.lies.decision = change
        await refused_by_holder(made, check)


async def test_decision_by_another_bundle_with_a_fitting_entry(tmp_path: Path) -> None:
    """Even when the log entry says the same, other rules than ours do not count."""
    async with world(tmp_path) as made:
        made.gateway.lies.decision = lambda token: replace(token, bundle="0" * 64)
        made.gateway.lies.entry = lambda entry: replace(entry, policy="0" * 64)
        await refused_by_holder(made, "rules-differ")


async def test_order_signed_by_another_key(tmp_path: Path) -> None:
    """Decision and order under a key that is not in the agency list."""
    async with world(tmp_path) as made:
        stranger = InsecureMemoryKeyring("gateway")
        stranger.new_key(KeyUse.ORDER, made.clock())
        made.gateway.lies.order_signer = stranger.signer(KeyUse.ORDER)
        await refused_by_holder(made, "gateway-signature")


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda o: replace(o, holder=AgencyId(JC)), "addressee"),
        (lambda o: replace(o, exchange="01ARZ3NDEKTSV4RRFFQ69G5FAV"), "exchange"),
        (lambda o: replace(o, issued_at=o.issued_at - 120, expires_at=o.issued_at - 60), "expiry"),
        (lambda o: replace(o, recipient_kid="jc.hannover#kem-9"), "recipient-key"),
        (lambda o: replace(o, receipt="c2sp.org/tlog-proof@v1\nindex 0\n\nnothing"), "receipt"),
        (lambda o: replace(o, reference=bytes(145)), "person"),
    ],
    ids=["holder", "exchange", "expired", "recipient-key", "receipt", "reference"],
)
async def test_order_that_does_not_fit(
    tmp_path: Path, change: Callable[[Order], Order], check: str
) -> None:
    """An order for another holder, exchange, time, key, or without a real receipt."""
    async with world(tmp_path) as made:
        made.gateway.lies.order = change
        await refused_by_holder(made, check)


async def test_receipt_of_another_decision(tmp_path: Path) -> None:
    """A real receipt, of an entry that speaks of something else."""
    async with world(tmp_path) as made:
        assert (await made.ask(JC, U02)).status_code == 200
        earlier = read(made, made.gateway.orders[0]).receipt
        made.gateway.lies.order = lambda order: replace(order, receipt=earlier)
        made.sites[ABH].source.calls.clear()
        await refused_by_holder(made, "receipt-leaf")


@pytest.mark.parametrize(
    "change",
    [
        lambda e: replace(e, purpose="P05"),
        lambda e: replace(e, fields=e.fields[:1]),
        lambda e: replace(e, statement="0" * 64),
        lambda e: replace(e, decision="0" * 64),
        lambda e: replace(e, corr="0" * 26),
        lambda e: replace(e, outcome="deny"),
        lambda e: replace(e, kind="selftest"),
    ],
    ids=["purpose", "fields", "statement", "decision", "exchange", "outcome", "kind"],
)
async def test_entry_that_tells_another_story(
    tmp_path: Path, change: Callable[[Entry], Entry]
) -> None:
    """The log must say what is really ordered: a harmless-looking entry is refused."""
    async with world(tmp_path) as made:
        made.gateway.lies.entry = change
        await refused_by_holder(made, "receipt-leaf")


async def test_replayed_statement_under_a_new_order(tmp_path: Path) -> None:
    """The same signed statement cannot be used for a second order."""
    async with world(tmp_path) as made:
        assert (await made.ask(JC, U02)).status_code == 200
        made.sites[ABH].source.calls.clear()
        exchange = next(iter(made.gateway.exchanges.values()))
        exchange.receipts = exchange.receipts[:1]
        told = await made.gateway.post_order(ABH, made.gateway.order_for(exchange))
        assert told.json()["check"] == "replay"
        assert made.sites[ABH].source.calls == []


async def test_reused_order_id_with_other_content(tmp_path: Path) -> None:
    """The bytes kept for an order are not given for another one that borrows its id."""
    async with world(tmp_path) as made:
        assert (await made.ask(JC, U02)).status_code == 200
        used = read(made, made.gateway.orders[0]).order
        made.gateway.lies.order = lambda order: replace(order, order=used)
        made.sites[ABH].source.calls.clear()
        await refused_by_holder(made, "replay")


async def test_push_order_for_a_delivery_nobody_made(tmp_path: Path) -> None:
    """An order for an own push that arrives unasked is refused, though we signed the statement."""
    async with world(tmp_path) as made:
        await made.sites[JC].client.post("/deliveries", json=U11, headers=AS_SYSTEM)
        exchange = next(iter(made.gateway.exchanges.values()))
        told = await made.gateway.post_order(JC, made.gateway.order_for(exchange))
        assert told.json()["check"] == "statement-ours"
        assert made.sites[JC].source.calls == []


async def test_another_person_after_the_clerks_release(tmp_path: Path) -> None:
    """The clerk released one file; a fresh order about another one is refused."""
    async with world(tmp_path) as made:
        jc = made.sites[JC]
        jc.source.records = {**RECORDS[JC], "92104BG0042424": {"benefit_granted": False}}
        await made.ask(ABH, U03)
        (item,) = (await jc.client.get("/held", headers=AS_SYSTEM)).json()["held"]
        key = made.gateway.agencies.kem_key(AgencyId(JC))
        other = seal_reference(FileNumber("92104BG0042424"), AgencyId(JC), key)
        made.gateway.lies.order = lambda order: replace(order, reference=other)
        reply = await jc.client.post(
            f"/held/{item['id']}/release",
            json={"clerk": "Rita Freigabe", "reason_code": "not_necessary"},
            headers=AS_CLERK,
        )
        assert reply.json()["check"] == "person"
        assert item["file_number"] == JC_FILE
        assert jc.source.calls == []


async def test_release_for_another_statement(tmp_path: Path) -> None:
    """A release cannot be spent on a second request that waits as well."""
    async with world(tmp_path) as made:
        jc = made.sites[JC]
        await made.ask(ABH, U03)
        (item,) = (await jc.client.get("/held", headers=AS_SYSTEM)).json()["held"]
        await made.ask(ABH, {**U03, "fields": ["benefit_end"]})
        first, second = made.gateway.exchanges.values()
        made.gateway.lies.order = lambda order: replace(
            order, statement=second.statement_token, exchange=second.id
        )
        reply = await jc.client.post(
            f"/held/{item['id']}/release",
            json={"clerk": "Rita Freigabe", "reason_code": "not_necessary"},
            headers=AS_CLERK,
        )
        assert reply.json()["check"] == "release"
        assert first.id == item["exchange"]
        assert jc.source.calls == []
