# SPDX-License-Identifier: EUPL-1.2
"""Real connectors and a truthful gateway: what asking, holding, linking give."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.connector.details import BEFORE_EXCHANGE
from adapters.connector.verify_order import VerifiedOrder
from audit.entry import Entry
from audit.proof import TlogProof
from audit.vocabulary import EntryKind, Outcome
from tests.support.connectors import (
    ABH,
    ABH_FILE,
    AS_SYSTEM,
    JC,
    JC_FILE,
    MBE,
    MBE_FILE,
    MELDE,
    MELDE_FILE,
    U02,
    U14,
    World,
    build_site,
    world,
)


def _kinds(paths: list[str]) -> list[str]:
    texts = [Path(path).read_text() for path in paths]
    return [json.loads(TlogProof.from_text(text).extra or b"{}")["kind"] for text in texts]


def _everything_under(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_an_enquiry_gives_values_with_provenance_and_reasons(tmp_path: Path) -> None:
    """Released fields come as plain values, refused ones with rule, reason, sentence, next step."""
    async with world(tmp_path) as made:
        reply = await made.ask(JC, U02)
        told = reply.json()
        assert reply.status_code == 200, told
        assert told["outcome"] == "answered"
        assert told["fields"]["permit_type"]["value"] == "25b"
        provenance = told["fields"]["permit_type"]["provenance"]
        assert provenance["from"] == ABH
        assert provenance["rule"] == "R02"
        assert provenance["exchange"] == told["exchange"]
        refused = {one["field"]: one for one in told["withheld"]}
        assert set(refused) == {"deportation_ban", "net_income"}
        assert all(one["sentence"] and one["next_step"] for one in refused.values())
        assert made.sites[ABH].source.read_fields(ABH_FILE) == {"permit_type", "residence_status"}


async def test_both_receipts_are_kept_as_files(tmp_path: Path) -> None:
    """Two tlog-proof files remain for reconciliation, intent and disclosure."""
    async with world(tmp_path) as made:
        told = (await made.ask(JC, U02)).json()
    kinds = _kinds(told["receipts"])
    assert kinds == ["access.requested", "disclose"]


async def test_details_open_for_the_own_officer_only(tmp_path: Path) -> None:
    """Clerk and file number stand in details that only their own controller opens."""
    async with world(tmp_path) as made:
        told = (await made.ask(JC, U02)).json()
        asked = made.opened_detail(JC, told["exchange"], 0, BEFORE_EXCHANGE)
        assert (asked["clerk"], asked["file_number"]) == ("Petra Beispiel", JC_FILE)
        answered = made.opened_detail(ABH, told["exchange"], 1, told["exchange"])
        assert answered["file_number"] == ABH_FILE
        assert answered["fields_read"] == ["permit_type", "residence_status"]
        sent = b"".join(body for _method, _path, body in made.gateway.seen)
        for secret in (b"Petra Beispiel", JC_FILE.encode(), ABH_FILE.encode()):
            assert secret not in sent


async def _shape(made: World, body: dict[str, object], holder: str) -> tuple[object, ...]:
    """Everything the gateway and the asker can see of an answer, apart from random bytes."""
    before = len(made.sites[holder].source.calls)
    told = (await made.ask(JC, body)).json()
    exchange = made.gateway.exchanges[told["exchange"]]
    assert exchange.result is not None
    sizes = [len(detail) for detail in exchange.details]
    fields = [(item["n"], len(item["c"])) for item in exchange.result["f"]]
    calls = [(call, len(names)) for call, _n, names in made.sites[holder].source.calls[before:]]
    view = {name: told[name] for name in ("outcome", "withheld", "fields", "held")}
    return sizes, fields, len(exchange.result["m"]), calls, json.dumps(view, sort_keys=True)


async def test_unknown_blocked_and_empty_persons_look_alike(tmp_path: Path) -> None:
    """Unlinked, blocked and empty files give the same sizes, the same two calls, the same words."""
    async with world(tmp_path) as made:
        melde = made.sites[MELDE].source
        known = await _shape(made, U14, MELDE)
        unlinked = await _shape(made, {**U14, "file_number": "92104BG0099999"}, MELDE)
        melde.blocked = {MELDE_FILE}
        blocked = await _shape(made, U14, MELDE)
        melde.blocked = set()
        melde.records = {MELDE_FILE: {}}
        empty = await _shape(made, U14, MELDE)
        assert unlinked == blocked == empty
        assert known[:4] == unlinked[:4], "also a known person has the same sizes and calls"
        assert '"reason": "no_data"' in str(unlinked[4])
        assert '"rule": null' in str(unlinked[4])


async def test_a_blocked_persons_address_is_not_read(tmp_path: Path) -> None:
    """Where a block stands, the file itself is not read; the true rule is in the own detail."""
    async with world(tmp_path) as made:
        made.sites[MELDE].source.blocked = {MELDE_FILE}
        told = (await made.ask(JC, U14)).json()
        assert made.sites[MELDE].source.read_fields(MELDE_FILE) == set()
        detail = made.opened_detail(MELDE, told["exchange"], 1, told["exchange"])
        assert detail["info_block"] is True
        assert {one["r"] for one in detail["fields"]} == {"R41"}


async def test_an_ambiguous_match_gives_nothing_and_calls_a_person(tmp_path: Path) -> None:
    """Two files under one number: sealed nulls outside, a matter for attention inside."""
    async with world(tmp_path) as made:
        made.sites[ABH].source.ambiguous = {ABH_FILE}
        told = (await made.ask(JC, U02)).json()
        assert told["fields"] == {}
        held = (await made.sites[ABH].client.get("/held", headers=AS_SYSTEM)).json()["held"]
        assert [(one["kind"], one["code"]) for one in held] == [("attention", "ambiguous-match")]


async def test_a_source_that_is_down_answers_with_a_problem_and_no_data(tmp_path: Path) -> None:
    """503 to the gateway, attention inside; when it is back, the same order is answered."""
    async with world(tmp_path) as made:
        made.sites[ABH].source.down = True
        reply = await made.ask(JC, U02)
        assert reply.status_code == 503
        assert reply.json()["gateway_problem"] == "holder-rejected"
        order = made.gateway.orders[-1]
        again = await made.gateway.post_order(ABH, order)
        assert (again.status_code, again.json()["type"]) == (503, "/problems/source-unavailable")
        made.sites[ABH].source.down = False
        assert (await made.gateway.post_order(ABH, order)).status_code == 200


async def test_a_repeated_order_gets_identical_bytes_also_after_a_restart(tmp_path: Path) -> None:
    """The answer is kept before it leaves; the same order gives the same bytes, unread."""
    async with world(tmp_path) as made:
        await made.ask(JC, U02)
        order = made.gateway.orders[-1]
        first = await made.gateway.post_order(ABH, order)
        office = made.sites[ABH].connector.office
        decider = office.rules.current().decider
        restarted = build_site(ABH, tmp_path / ABH, made.gateway, made.clock, decider)
        async with (
            restarted.app.router.lifespan_context(restarted.app),
            restarted.client,
        ):
            second = await made.gateway.post_order(ABH, order)
        assert first.content == second.content
        assert restarted.source.calls == []


async def test_a_down_gateway_leaves_a_draft_and_sends_nothing_later(tmp_path: Path) -> None:
    """503 gateway-unreachable with the draft's id; housekeeping and looking send nothing."""
    async with world(tmp_path) as made:
        client = made.sites[JC].client
        await made.sites[JC].connector.office.client.close()
        office = made.sites[JC].connector.office

        async def no_connection(*_args: object) -> httpx.Response:
            raise httpx.ConnectError("refused")

        office.client._client = httpx.AsyncClient(
            base_url="http://gateway.test", transport=httpx.MockTransport(no_connection)
        )
        reply = await made.ask(JC, U02)
        assert (reply.status_code, reply.json()["type"]) == (503, "/problems/gateway-unreachable")
        enquiry = reply.json()["enquiry"]
        sent = len(made.gateway.exchanges)
        await made.sites[JC].connector.tidy()
        looked = await client.get(f"/enquiries/{enquiry}", headers=AS_SYSTEM)
        assert looked.json()["outcome"] == "draft"
        assert len(made.gateway.exchanges) == sent


async def test_a_kept_answer_opens_again_until_it_is_deleted(tmp_path: Path) -> None:
    """GET /enquiries/{id} opens the sealed answer again; after the time it says 410."""
    async with world(tmp_path) as made:
        told = (await made.ask(JC, U02)).json()
        client = made.sites[JC].client
        again = await client.get(f"/enquiries/{told['id']}", headers=AS_SYSTEM)
        assert again.json() == told
        made.clock.advance(8 * 86_400)
        await made.sites[JC].connector.tidy()
        made.gateway.publish()
        gone = await client.get(f"/enquiries/{told['id']}", headers=AS_SYSTEM)
        assert (gone.status_code, gone.json()["type"]) == (410, "/problems/answer-gone")


async def test_no_value_is_on_disk(tmp_path: Path) -> None:
    """Stores and receipts of both sides hold no released value in the clear."""
    async with world(tmp_path) as made:
        await made.ask(JC, U14)
    everything = _everything_under(tmp_path)
    assert JC_FILE.encode() in everything, "the search finds what the agency itself keeps"
    assert b"Musterweg 5" not in everything


async def test_two_counters_link_their_files(tmp_path: Path) -> None:
    """A code made at one agency links at the other; a wrong code says that nothing was linked."""
    async with world(tmp_path) as made:
        made.gateway.persons.clear()
        made.gateway.references.clear()
        for site in (made.sites[JC], made.sites[ABH]):
            site.source.records = dict(site.source.records)
        reply = await made.sites[JC].client.post(
            "/link-codes", json={"file_number": JC_FILE}, headers=AS_SYSTEM
        )
        code = reply.json()["code"]
        wrong = await made.sites[ABH].client.post(
            "/links", json={"code": "0" * 24, "file_number": ABH_FILE}, headers=AS_SYSTEM
        )
        assert (wrong.status_code, wrong.json()["type"]) == (409, "/problems/link-check")
        right = await made.sites[ABH].client.post(
            "/links", json={"code": code, "file_number": ABH_FILE}, headers=AS_SYSTEM
        )
        assert right.status_code == 201, right.text
        assert (await made.ask(JC, U02)).json()["fields"]["permit_type"]["value"] == "25b"


async def test_a_neutral_rule_and_an_unknown_person_read_the_same(tmp_path: Path) -> None:
    """Asking a counselling service about a client gives only `no_data`, and reads nothing."""
    async with world(tmp_path) as made:
        body = {
            **U02,
            "file_number": ABH_FILE,
            "holding": MBE,
            "purpose": "P02",
            "fields": ["counselling_fact", "counselling_notes"],
            "declared": {},
        }
        told = (await made.ask(ABH, body)).json()
        assert {one["reason"] for one in told["withheld"]} == {"no_data"}
        assert {one["rule"] for one in told["withheld"]} == {None}
        assert made.sites[MBE].source.read_fields(MBE_FILE) == set()
        detail = made.opened_detail(MBE, told["exchange"], 1, told["exchange"])
        assert {one["r"] for one in detail["fields"]} == {"R20"}


async def test_a_permission_that_ended_in_between_is_told_with_its_reason(tmp_path: Path) -> None:
    """The guard withheld: two receipts, no envelope, the reason from the gateway, no value."""
    async with world(tmp_path) as made:

        def withheld(entry: Entry) -> Entry:
            if entry.kind is not EntryKind.DISCLOSE:
                return entry
            return replace(entry, outcome=Outcome.WITHHELD, fields=())

        def refused(answer: dict[str, Any]) -> dict[str, Any]:
            names = [item["n"] for item in answer.pop("envelope")["f"]]
            ended = {"outcome": "NEED_CONSENT", "rule": "R18", "norms": []}
            told = [{"field": name, "reason": "consent_revoked", **ended} for name in names]
            return answer | {"status": "refused", "withheld": [*answer["withheld"], *told]}

        made.gateway.lies.entry, made.gateway.lies.answer = withheld, refused
        told = (await made.ask(JC, U02)).json()
        assert (told["outcome"], told["fields"]) == ("refused", {})
        reasons = {one["field"]: one["reason"] for one in told["withheld"]}
        assert reasons["permit_type"] == "consent_revoked"
        assert len(told["receipts"]) == 2


def test_a_permit_to_fetch_cannot_be_made_by_hand() -> None:
    """Only the verification makes a VerifiedOrder; fetching takes nothing else."""
    with pytest.raises(TypeError):
        VerifiedOrder(None, object())  # type: ignore[arg-type]  # the attempt is the point
