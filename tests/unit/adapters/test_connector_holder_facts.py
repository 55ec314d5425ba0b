# SPDX-License-Identifier: EUPL-1.2
"""What only the holder knows: secrecy that came with a fact, and a block that nobody looked for.

Outside both read like a person who is not known; the own officer reads the rule and the reason.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.connectors import (
    ABH,
    AS_CLERK,
    AS_SYSTEM,
    JC,
    JC_FILE,
    MELDE,
    MELDE_FILE,
    U03,
    U14,
    World,
    world,
)


async def _after_release(made: World, body: dict[str, Any]) -> tuple[dict[str, Any], str]:
    asked = (await made.ask(ABH, body)).json()
    jc = made.sites[JC]
    (item,) = (await jc.client.get("/held", headers=AS_SYSTEM)).json()["held"]
    says = {"clerk": "Rita Freigabe", "reason_code": "not_necessary"}
    await jc.client.post(f"/held/{item['id']}/release", json=says, headers=AS_CLERK)
    url = f"/enquiries/{asked['id']}"
    reply = await made.sites[ABH].client.get(url, headers=AS_SYSTEM)
    return reply.json(), asked["exchange"]


def _truth(made: World, agency: str, exchange: str, number: int) -> dict[str, tuple[str, str, str]]:
    detail = made.opened_detail(agency, exchange, number, exchange)
    return {one["f"]: (one["o"], one["r"], one["c"]) for one in detail["fields"]}


async def test_a_fact_under_secrecy_stays_although_the_clerk_released(tmp_path: Path) -> None:
    """R64 beats R04: not read, sealed as null; the other field of the same release goes."""
    async with world(tmp_path) as made:
        made.sites[JC].source.secret = frozenset({"benefit_begin"})
        told, exchange = await _after_release(made, U03)
        assert told["fields"].keys() == {"benefit_granted"}
        silent = {one["field"]: one["reason"] for one in told["withheld"]}
        assert silent["benefit_begin"] == "no_data"
        assert made.sites[JC].source.read_fields(JC_FILE) == {"benefit_granted"}
        truth = _truth(made, JC, exchange, 3)
        assert truth["benefit_begin"] == ("DENY", "R64", "secret_203")
        assert truth["benefit_granted"] == ("ALLOW_MIN", "R04", "human_released")


async def test_a_register_that_looks_for_no_block_tells_no_address(tmp_path: Path) -> None:
    """R40 wants it stated that there is none; a mapping that does not say where is no statement."""
    async with world(tmp_path) as made:
        register = made.sites[MELDE].source
        register.looks_for_blocks = False
        told = (await made.ask(JC, U14)).json()
        assert told["fields"] == {}
        assert {one["reason"] for one in told["withheld"]} == {"no_data"}
        assert register.read_fields(MELDE_FILE) == set()
        truth = _truth(made, MELDE, told["exchange"], 1)
        assert set(truth.values()) == {("DENY", "R40", "block_unknown")}
        register.looks_for_blocks = True
        assert (await made.ask(JC, U14)).json()["fields"].keys() == set(U14["fields"])


async def test_a_register_that_looks_for_no_block_reads_like_a_stranger(tmp_path: Path) -> None:
    """Same words for a person it knows and for one it does not."""
    async with world(tmp_path) as made:
        made.sites[MELDE].source.looks_for_blocks = False
        known = (await made.ask(JC, U14)).json()
        stranger = (await made.ask(JC, {**U14, "file_number": "92104BG0099999"})).json()
        assert known["withheld"] == stranger["withheld"]
        assert known["fields"] == stranger["fields"] == {}
