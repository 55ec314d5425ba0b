# SPDX-License-Identifier: EUPL-1.2
"""What waits for a person, and deliveries of an agency's own motion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from policies.model import FieldId, PermissionFact, PermissionFacts
from tests.support.connectors import (
    ABH,
    ABH_FILE,
    AS_CLERK,
    AS_SYSTEM,
    JC,
    JC_FILE,
    MBE,
    MBE_FILE,
    U03,
    U11,
    World,
    world,
)

CLERK_SAYS = {"clerk": "Rita Freigabe", "reason_code": "not_necessary"}


async def _listing(made: World, agency: str) -> list[dict[str, Any]]:
    reply = await made.sites[agency].client.get("/held", headers=AS_SYSTEM)
    held: list[dict[str, Any]] = reply.json()["held"]
    return held


async def _settle(made: World, agency: str, held_id: str, choice: str) -> httpx.Response:
    return await made.sites[agency].client.post(
        f"/held/{held_id}/{choice}", json=CLERK_SAYS, headers=AS_CLERK
    )


async def _look(made: World, agency: str, enquiry: str) -> dict[str, Any]:
    reply = await made.sites[agency].client.get(f"/enquiries/{enquiry}", headers=AS_SYSTEM)
    told: dict[str, Any] = reply.json()
    return told


async def test_a_held_request_waits_without_data_and_is_released_by_a_clerk(
    tmp_path: Path,
) -> None:
    """Nothing is read before the release; afterwards the values arrive through the mailbox."""
    async with world(tmp_path) as made:
        asked = (await made.ask(ABH, U03)).json()
        assert (asked["outcome"], asked["held"]) == ("held", ["benefit_begin", "benefit_granted"])
        assert [one["field"] for one in asked["withheld"]] == ["net_income"]
        assert made.sites[JC].source.calls == []
        assert (await _look(made, ABH, asked["id"]))["outcome"] == "held"
        (item,) = await _listing(made, JC)
        assert (item["kind"], item["file_number"], item["agency"]) == ("release", JC_FILE, ABH)
        assert (await _settle(made, JC, item["id"], "release")).status_code == 200
        told = await _look(made, ABH, asked["id"])
        assert told["outcome"] == "answered"
        assert told["fields"]["benefit_begin"]["value"] == "2026-03-01"
        assert await _listing(made, JC) == []


async def test_a_refusal_reads_like_no_match(tmp_path: Path) -> None:
    """A refused request, and one about nobody, end with the same words and sizes."""
    async with world(tmp_path) as made:
        seen = []
        for file_number, choice in ((ABH_FILE, "refuse"), ("ABH-1999-000000", "release")):
            asked = (await made.ask(ABH, {**U03, "file_number": file_number})).json()
            (item,) = await _listing(made, JC)
            assert item["file_number"] == (JC_FILE if choice == "refuse" else None)
            assert (await _settle(made, JC, item["id"], choice)).status_code == 200
            told = await _look(made, ABH, asked["id"])
            exchange = made.gateway.exchanges[asked["exchange"]]
            sizes = [len(detail) for detail in exchange.details]
            seen.append((told["fields"], told["withheld"], told["outcome"], sizes))
        assert seen[0] == seen[1]
        assert made.sites[JC].source.read_fields(JC_FILE) == set()


async def test_a_release_counts_once(tmp_path: Path) -> None:
    """Settling again, with the same or the other choice, is answered 409."""
    async with world(tmp_path) as made:
        await made.ask(ABH, U03)
        (item,) = await _listing(made, JC)
        await _settle(made, JC, item["id"], "refuse")
        for choice in ("release", "refuse"):
            reply = await _settle(made, JC, item["id"], choice)
            assert (reply.status_code, reply.json()["type"]) == (409, "/problems/already-settled")


async def test_an_interrupted_release_is_resumed(tmp_path: Path) -> None:
    """A source that is down during the release costs nothing: the same call works later."""
    async with world(tmp_path) as made:
        asked = (await made.ask(ABH, U03)).json()
        (item,) = await _listing(made, JC)
        made.sites[JC].source.down = True
        assert (await _settle(made, JC, item["id"], "release")).status_code == 503
        made.sites[JC].source.down = False
        assert (await _settle(made, JC, item["id"], "refuse")).status_code == 409
        assert (await _settle(made, JC, item["id"], "release")).status_code == 200
        told = await _look(made, ABH, asked["id"])
        assert told["fields"]["benefit_granted"]["value"] is True


async def test_only_a_clerk_releases(tmp_path: Path) -> None:
    """A system's token gets 403 and nothing moves."""
    async with world(tmp_path) as made:
        await made.ask(ABH, U03)
        (item,) = await _listing(made, JC)
        reply = await made.sites[JC].client.post(
            f"/held/{item['id']}/release", json=CLERK_SAYS, headers=AS_SYSTEM
        )
        assert (reply.status_code, reply.json()["type"]) == (403, "/problems/not-for-role")
        assert len(await _listing(made, JC)) == 1


async def test_a_held_request_is_gone_after_28_days(tmp_path: Path) -> None:
    """Silence: the request leaves the list, and the asker reads `no_data` like for a refusal."""
    async with world(tmp_path) as made:
        asked = (await made.ask(ABH, U03)).json()
        (item,) = await _listing(made, JC)
        made.clock.advance(28 * 86_400)
        made.gateway.publish()
        made.gateway.exchanges[asked["exchange"]].status = "expired"
        assert await _listing(made, JC) == []
        assert (await _settle(made, JC, item["id"], "release")).status_code == 409
        for _time in (1, 2):
            told = await _look(made, ABH, asked["id"])
            reasons = {one["field"]: one["reason"] for one in told["withheld"]}
            assert reasons["benefit_begin"] == reasons["benefit_granted"] == "no_data"
            assert told["outcome"] == "answered"


async def test_a_spontaneous_report_waits_for_the_senders_own_clerk(tmp_path: Path) -> None:
    """R05: the own clerk releases; the recipient picks it up with its own file number."""
    async with world(tmp_path) as made:
        reply = await made.sites[JC].client.post("/deliveries", json=U11, headers=AS_SYSTEM)
        assert (reply.status_code, reply.json()["outcome"]) == (201, "held")
        assert made.sites[JC].source.calls == []
        (item,) = await _listing(made, JC)
        assert (item["direction"], item["file_number"]) == ("push", JC_FILE)
        assert (await _settle(made, JC, item["id"], "release")).status_code == 200
        arrived = await made.sites[ABH].client.get("/deliveries", headers=AS_SYSTEM)
        (one,) = arrived.json()["deliveries"]
        assert (one["file_number"], one["from"]) == (ABH_FILE, JC)
        assert one["fields"]["family_name"]["value"] == "Beispielova"


async def test_a_push_with_a_release_from_secrecy_arrives_once(tmp_path: Path) -> None:
    """R21: the counsellor sends what the client released; the list shows it once, also later."""
    async with world(tmp_path) as made:
        (person,) = set(made.gateway.persons.values())
        made.gateway.permissions[person] = PermissionFacts(
            release_203=PermissionFact("in_force", (FieldId("language_level"),))
        )
        body = {
            **U11,
            "file_number": MBE_FILE,
            "purpose": "P02",
            "trigger": "push",
            "fields": ["counselling_notes", "language_level"],
            "declared": {"initiated_by": "client"},
        }
        reply = await made.sites[MBE].client.post("/deliveries", json=body, headers=AS_SYSTEM)
        told = reply.json()
        assert (reply.status_code, told["outcome"]) == (201, "waiting"), told
        for _time in (1, 2):
            arrived = await made.sites[ABH].client.get("/deliveries", headers=AS_SYSTEM)
            (one,) = arrived.json()["deliveries"]
            assert one["fields"]["language_level"]["value"] == "B1"
            assert {w["field"] for w in one["withheld"]} == {"counselling_notes"}
        sent = await made.sites[MBE].client.get(f"/enquiries/{told['id']}", headers=AS_SYSTEM)
        assert sent.json()["outcome"] == "waiting"


async def test_a_refused_delivery_reads_nothing(tmp_path: Path) -> None:
    """U11 section 5: refused by the rule, with the reason, and the source was never asked."""
    async with world(tmp_path) as made:
        body = {**U11, "declared": {"title_section": 5, "benefit_in_azr": False}}
        reply = await made.sites[JC].client.post("/deliveries", json=body, headers=AS_SYSTEM)
        assert reply.json()["outcome"] == "refused"
        assert {one["reason"] for one in reply.json()["withheld"]} == {"section_not_covered"}
        assert made.sites[JC].source.calls == []
