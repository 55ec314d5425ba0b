# SPDX-License-Identifier: EUPL-1.2
"""A sender whose delivery cannot be picked up, in front of everybody else's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from keys.model import AgencyId
from tests.support.connectors import ABH, AS_CLERK, AS_SYSTEM, JC, U11, World, world

POISON = "01M6NJDA80MKG6T37NFVN1TSER"
CLERK_SAYS = {"clerk": "Rita Freigabe", "reason_code": "not_necessary"}


def _lay_in_front(made: World, status: int, problem: str) -> None:
    """List one more delivery, the first of all, that the gateway then does not give out."""
    honest = made.gateway._mailbox

    def mailbox(method: str, rest: list[str], caller: AgencyId) -> tuple[int, dict[str, Any]]:
        if rest and rest[0] == POISON:
            return status, {"type": problem}
        code, told = honest(method, rest, caller)
        if method == "GET":
            first = {"exchange": POISON, "from": JC, "purpose": "P01", "dir": "push"}
            told["waiting"].insert(0, {**first, "expires_at": made.clock() + 60})
        return code, told

    made.gateway._mailbox = mailbox  # type: ignore[method-assign]  # this is the attack


@pytest.mark.parametrize(
    ("status", "problem"),
    [(404, "/problems/not-found"), (500, "/problems/internal"), (200, "/problems/none")],
)
async def test_one_delivery_that_is_not_given_out_blocks_all_others(
    tmp_path: Path, status: int, problem: str
) -> None:
    """Its key is gone, it was withdrawn a moment ago, or it is nonsense: the others arrive."""
    async with world(tmp_path) as made:
        jc, abh = made.sites[JC].client, made.sites[ABH].client
        await jc.post("/deliveries", json=U11, headers=AS_SYSTEM)
        (item,) = (await jc.get("/held", headers=AS_SYSTEM)).json()["held"]
        settled = await jc.post(f"/held/{item['id']}/release", json=CLERK_SAYS, headers=AS_CLERK)
        assert settled.status_code == 200
        _lay_in_front(made, status, problem)
        arrived = await abh.get("/deliveries", headers=AS_SYSTEM)
        assert arrived.status_code == 200, arrived.text
        (one,) = arrived.json()["deliveries"]
        assert one["fields"]["family_name"]["value"] == "Beispielova"
