# SPDX-License-Identifier: EUPL-1.2
"""What only the head of an agency may decide (R59): a clerk neither releases nor refuses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from keys.jws import token_hash
from keys.messages import read_decision
from tests.support.connectors import (
    ABH,
    AS_CLERK,
    AS_HEAD,
    AS_SYSTEM,
    JA,
    JA_FILE,
    JC,
    R59,
    U03,
    World,
    world,
)

SAYS = {"clerk": "Rita Freigabe", "reason_code": "not_necessary"}


async def _waiting(made: World, agency: str) -> dict[str, Any]:
    reply = await made.sites[agency].client.get("/held", headers=AS_SYSTEM)
    (item,) = reply.json()["held"]
    found: dict[str, Any] = item
    return found


async def _settle(
    made: World, agency: str, held_id: str, choice: str, who: dict[str, str]
) -> httpx.Response:
    return await made.sites[agency].client.post(f"/held/{held_id}/{choice}", json=SAYS, headers=who)


async def _look(made: World, enquiry: str) -> dict[str, Any]:
    reply = await made.sites[ABH].client.get(f"/enquiries/{enquiry}", headers=AS_SYSTEM)
    told: dict[str, Any] = reply.json()
    return told


async def test_the_head_releases_and_the_authority_reads(tmp_path: Path) -> None:
    """Held with the reason that names the head; after the head's release the fields arrive."""
    async with world(tmp_path) as made:
        asked = (await made.ask(ABH, R59)).json()
        assert asked["outcome"] == "held"
        assert {one["reason"] for one in asked["pending"]} == {"head_release_pending"}
        item = await _waiting(made, JA)
        assert (item["release_by"], item["file_number"]) == ("head", JA_FILE)
        assert (await _settle(made, JA, item["id"], "release", AS_HEAD)).status_code == 200
        told = await _look(made, asked["id"])
        assert told["fields"]["expulsion_interest"]["value"] is False
        assert told["fields"]["expulsion_interest"]["provenance"]["rule"] == "R59"


@pytest.mark.parametrize("choice", ["release", "refuse"])
async def test_a_clerk_decides_nothing_that_waits_for_the_head(tmp_path: Path, choice: str) -> None:
    """Refused before anything is noted, signed or read; the head decides afterwards."""
    async with world(tmp_path) as made:
        asked = (await made.ask(ABH, R59)).json()
        item = await _waiting(made, JA)
        calls = len(made.gateway.seen)
        for who in (AS_SYSTEM, AS_CLERK):
            reply = await _settle(made, JA, item["id"], choice, who)
            assert (reply.status_code, reply.json()["type"]) == (403, "/problems/not-for-role")
        assert len(made.gateway.seen) == calls
        assert made.sites[JA].source.calls == []
        assert (await _waiting(made, JA))["state"] == "waiting"
        assert (await _look(made, asked["id"]))["outcome"] == "held"
        assert (await _settle(made, JA, item["id"], "release", AS_HEAD)).status_code == 200


async def test_a_refusing_head_reads_like_no_match(tmp_path: Path) -> None:
    """A refused request, and a released one about nobody: same words, same sizes, nothing read."""
    async with world(tmp_path) as made:
        seen = []
        for number, choice in ((R59["file_number"], "refuse"), ("ABH-1999-000000", "release")):
            asked = (await made.ask(ABH, {**R59, "file_number": number})).json()
            item = await _waiting(made, JA)
            assert (await _settle(made, JA, item["id"], choice, AS_HEAD)).status_code == 200
            told = await _look(made, asked["id"])
            exchange = made.gateway.exchanges[asked["exchange"]]
            sizes = [len(detail) for detail in exchange.details]
            seen.append((told["fields"], told["withheld"], told["outcome"], sizes))
        assert seen[0] == seen[1]
        assert made.sites[JA].source.read_fields(JA_FILE) == set()


async def test_the_head_also_decides_what_a_clerk_may(tmp_path: Path) -> None:
    """R04 waits for anybody at the source; the head's release names the head and suffices."""
    async with world(tmp_path) as made:
        asked = (await made.ask(ABH, U03)).json()
        item = await _waiting(made, JC)
        assert item["release_by"] == "clerk"
        assert (await _settle(made, JC, item["id"], "release", AS_HEAD)).status_code == 200
        assert (await _look(made, asked["id"]))["outcome"] == "answered"
        exchange = made.gateway.exchanges[asked["exchange"]]
        decision = read_decision(
            exchange.token,
            key=lambda kid: made.gateway.agencies.gateway_key("order", kid),
            now=made.clock(),
        )
        assert decision.statement == token_hash(exchange.statement_token)
        holder = decision.input["holder"]
        assert isinstance(holder, dict)
        assert (holder["released_by_source"], holder["released_by_head"]) == (True, True)


async def test_the_own_officer_reads_who_decided(tmp_path: Path) -> None:
    """The releaser's detail names the person and that it was the head; only JA can open it."""
    async with world(tmp_path) as made:
        asked = (await made.ask(ABH, R59)).json()
        item = await _waiting(made, JA)
        await _settle(made, JA, item["id"], "release", AS_HEAD)
        said = made.opened_detail(JA, asked["exchange"], 2, asked["exchange"])
        assert (said["role"], said["clerk"], said["head"]) == ("releaser", SAYS["clerk"], True)
