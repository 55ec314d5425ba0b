# SPDX-License-Identifier: EUPL-1.2
"""The gateway lies to the asking side: nothing is believed, no value is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from audit.entry import Entry
from keys.jws import sign_jws
from keys.messages.statement import STATEMENT_TYP
from keys.providers.base import KeyUse
from tests.support.connectors import (
    ABH,
    AS_CLERK,
    AS_SYSTEM,
    JC,
    MELDE,
    U02,
    U11,
    U14,
    world,
)
from tests.support.lies import refused_by_asker

# --- against the asking side ------------------------------------------------------------------


def _answer(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda answer: answer | changes


@pytest.mark.parametrize(
    ("lie", "check"),
    [
        (lambda a: a | {"receipts": a["receipts"][:1]}, "receipt-count"),
        (lambda a: a | {"receipts": []}, "shape"),
        (lambda a: a | {"receipts": a["receipts"][::-1]}, "receipt-count"),
        (lambda a: a | {"receipts": [a["receipts"][0]] * 2}, "receipt-count"),
        (lambda a: a | {"log_index": 99}, "receipt-leaf"),
        (lambda a: a | {"surprise": 1}, "shape"),
        (lambda a: a | {"envelope": None}, "shape"),
        (lambda a: a | {"status": "refused"}, "fields"),
        (lambda a: a | {"exchange": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, "exchange"),
        (lambda a: a | {"withheld": []}, "fields"),
        (lambda a: a | {"withheld": a["withheld"] * 2}, "fields"),
        (lambda a: a | {"withheld": [w | {"rule": "R02"} for w in a["withheld"]]}, "fields"),
        (lambda a: a | {"envelope": a["envelope"] | {"x": 1}}, "shape"),
        (
            lambda a: a | {"envelope": a["envelope"] | {"f": a["envelope"]["f"][:1]}},
            "envelope-fields",
        ),
        (lambda a: a | {"envelope": a["envelope"] | {"f": a["envelope"]["f"] * 2}}, "shape"),
        (lambda a: a | {"decision": a["decision"][:-8] + "AAAAAAAA"}, "gateway-signature"),
    ],
    ids=[
        "second-receipt-stripped",
        "no-receipts",
        "receipts-swapped",
        "same-receipt-twice",
        "other-index",
        "extra-member",
        "null-envelope",
        "says-refused",
        "other-exchange",
        "reasons-missing",
        "reasons-doubled",
        "other-reasons",
        "extra-envelope-member",
        "field-removed-silently",
        "field-doubled",
        "decision-changed",
    ],
)
async def test_answer_that_does_not_fit(
    tmp_path: Path, lie: Callable[[dict[str, Any]], dict[str, Any]], check: str
) -> None:
    """The asker believes nothing, names the check, keeps the evidence, and shows no value."""
    async with world(tmp_path) as made:
        made.gateway.lies.answer = lie
        await refused_by_asker(made, check)


async def test_extra_field_in_the_envelope(tmp_path: Path) -> None:
    """A sealed field from another exchange, slipped in: it is not in the signed manifest."""
    async with world(tmp_path) as made:
        assert (await made.ask(JC, U14)).status_code == 200
        (first,) = made.gateway.exchanges.values()
        assert first.result is not None
        extra = first.result["f"][0]
        made.gateway.lies.answer = lambda answer: (
            answer | {"envelope": answer["envelope"] | {"f": [*answer["envelope"]["f"], extra]}}
        )
        await refused_by_asker(made, "shape")


async def test_envelope_of_another_exchange(tmp_path: Path) -> None:
    """A replayed envelope of the same two agencies does not fit this decision."""
    async with world(tmp_path) as made:
        assert (await made.ask(JC, U02)).status_code == 200
        (first,) = made.gateway.exchanges.values()
        made.gateway.lies.answer = _answer(envelope=first.result)
        await refused_by_asker(made, "parties")


async def test_envelope_that_another_agency_signed(tmp_path: Path) -> None:
    """The registry office's answer is not the foreigners' authority's."""
    async with world(tmp_path) as made:
        assert (await made.ask(JC, U14)).status_code == 200
        (first,) = made.gateway.exchanges.values()
        assert first.statement.source == MELDE
        made.gateway.lies.answer = _answer(envelope=first.result)
        await refused_by_asker(made, "envelope")


async def test_decision_of_another_enquiry(tmp_path: Path) -> None:
    """An old, properly signed decision about an earlier enquiry."""
    async with world(tmp_path) as made:
        assert (await made.ask(JC, U02)).status_code == 200
        (first,) = made.gateway.exchanges.values()
        made.gateway.lies.answer = _answer(decision=first.token)
        await refused_by_asker(made, "statement-in-decision")


async def test_disclosure_entry_that_names_other_fields(tmp_path: Path) -> None:
    """The log says that less left than really arrived."""
    async with world(tmp_path) as made:

        def lie(entry: Entry) -> Entry:
            return replace(entry, fields=()) if entry.kind == "disclose" else entry

        made.gateway.lies.entry = lie
        await refused_by_asker(made, "receipt-leaf")


async def test_forked_log_at_the_asker(tmp_path: Path) -> None:
    """The asker holds a receipt that the rewritten log contradicts."""
    async with world(tmp_path) as made:
        assert (await made.ask(JC, U02)).status_code == 200
        made.gateway.log.leaves[1] = b'{"rewritten":true}'
        await refused_by_asker(made, "log-consistency", U14)


async def test_held_answer_for_a_decision_that_holds_nothing(tmp_path: Path) -> None:
    """The gateway may not keep an answer back by calling it held."""
    async with world(tmp_path) as made:

        def lie(answer: dict[str, Any]) -> dict[str, Any]:
            return {k: v for k, v in answer.items() if k != "envelope"} | {"status": "held"}

        made.gateway.lies.answer = lie
        await refused_by_asker(made, "fields")


async def test_answers_that_are_not_even_json(tmp_path: Path) -> None:
    """Broken, doubled, endless: a problem each time, never a 500, never data."""
    async with world(tmp_path) as made:
        office = made.sites[JC].connector.office
        for body in (
            b"",
            b"[]",
            b"{",
            b'{"a":1,"a":2}',
            b'"x"',
            b"\xff",
            b"[" * 50_000,
            b" " * 2_000_000,
        ):
            answers = httpx.MockTransport(
                lambda _request, body=body: httpx.Response(200, content=body)
            )
            office.client._client = httpx.AsyncClient(
                base_url="http://gateway.test", transport=answers
            )
            office.client._token, office.client._token_until = "t", made.clock() + 100
            reply = await made.ask(JC, U02)
            assert reply.status_code in (502, 504), reply.text


async def test_redirects_are_not_followed(tmp_path: Path) -> None:
    """A 307 to another address gets nothing."""
    async with world(tmp_path) as made:
        office = made.sites[JC].connector.office
        seen: list[str] = []

        def redirect(request: httpx.Request) -> httpx.Response:
            seen.append(request.url.host)
            return httpx.Response(307, headers={"Location": "http://elsewhere.test/"})

        office.client._client = httpx.AsyncClient(
            base_url="http://gateway.test",
            transport=httpx.MockTransport(redirect),
            follow_redirects=False,
        )
        reply = await made.ask(JC, U02)
        assert reply.status_code == 502
        assert set(seen) == {"gateway.test"}


async def test_delivery_from_an_agency_that_did_not_send_it(tmp_path: Path) -> None:
    """What lies in the mailbox as a push must carry the sender's own statement."""
    async with world(tmp_path) as made:
        await made.sites[JC].client.post("/deliveries", json=U11, headers=AS_SYSTEM)
        (item,) = (await made.sites[JC].client.get("/held", headers=AS_SYSTEM)).json()["held"]
        await made.sites[JC].client.post(
            f"/held/{item['id']}/release",
            json={"clerk": "Rita Freigabe", "reason_code": "not_necessary"},
            headers=AS_CLERK,
        )
        forged = sign_jws(b"{}", typ=STATEMENT_TYP, signer=made.gateway.own.signer(KeyUse.ORDER))
        made.gateway.lies.answer = _answer(statement=forged)
        arrived = await made.sites[ABH].client.get("/deliveries", headers=AS_SYSTEM)
        assert arrived.json() == {"deliveries": []}
        assert made.sites[ABH].evidence() == ["caller-signature"]
