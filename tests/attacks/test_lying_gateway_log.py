# SPDX-License-Identifier: EUPL-1.2
"""The gateway lies about the past: old or foreign agency lists, forked and rolled-back logs."""

from __future__ import annotations

from pathlib import Path

from keys.providers.base import KeyUse
from keys.providers.memory import InsecureMemoryKeyring
from tests.support.connectors import (
    ABH,
    JC,
    U02,
    world,
)
from tests.support.lies import refused_by_holder


async def test_swapped_recipient_key_in_the_agency_list(tmp_path: Path) -> None:
    """A list that the gateway signed itself, with its own key for the recipient, is not taken."""
    async with world(tmp_path) as made:
        honest = made.gateway.document
        made.gateway.registry = InsecureMemoryKeyring("registry")
        for use in (KeyUse.ROOT, KeyUse.LIST):
            made.gateway.registry.new_key(use, made.clock())
        made.gateway.rings[JC].new_key(KeyUse.KEM, made.clock())
        made.gateway.publish()
        for site in made.sites.values():
            before = (await site.connector.office.agencies.current()).serial
            await site.connector.office.agencies.refresh()
            assert (await site.connector.office.agencies.current()).serial == before
            assert site.evidence() == ["agency-list"]
        made.gateway.document = honest
        assert (await made.ask(JC, U02)).status_code == 200, "the honest list still works"


async def test_an_older_agency_list(tmp_path: Path) -> None:
    """A lower serial, which might bring a withdrawn key back, is refused, also after a restart."""
    async with world(tmp_path) as made:
        old = made.gateway.document
        made.gateway.publish()
        agencies = made.sites[ABH].connector.office.agencies
        await agencies.refresh()
        made.gateway.document = old
        await agencies.refresh()
        assert (await agencies.current()).serial == 2
        await agencies.start()
        assert (await agencies.current()).serial == 2
        assert set(made.sites[ABH].evidence()) == {"agency-list"}


async def test_two_lists_under_one_serial(tmp_path: Path) -> None:
    """The same serial with other content is a fork of the list."""
    async with world(tmp_path) as made:
        made.clock.advance(60)
        made.gateway.publish(serial=1)
        await made.sites[ABH].connector.office.agencies.refresh()
        assert made.sites[ABH].evidence() == ["agency-list"]


async def test_an_expired_agency_list_stops_everything(tmp_path: Path) -> None:
    """Without a list in force nothing is sent and nothing answered."""
    async with world(tmp_path) as made:
        made.clock.advance(8 * 86_400)
        reply = await made.ask(JC, U02)
        assert (reply.status_code, reply.json()["type"]) == (
            503,
            "/problems/agency-list-unavailable",
        )
        assert made.gateway.exchanges == {}


async def test_forked_log_at_the_holder(tmp_path: Path) -> None:
    """After a rewritten past, the next receipt does not continue what the holder has seen."""
    async with world(tmp_path) as made:
        assert (await made.ask(JC, U02)).status_code == 200
        made.sites[ABH].source.calls.clear()
        made.gateway.log.leaves[0] = b'{"rewritten":true}'
        await refused_by_holder(made, "log-consistency")


async def test_rolled_back_log_at_the_holder(tmp_path: Path) -> None:
    """A log that lost its end and grew again to the same size has another root."""
    async with world(tmp_path) as made:
        assert (await made.ask(JC, U02)).status_code == 200
        made.sites[ABH].source.calls.clear()
        del made.gateway.log.leaves[:]
        await refused_by_holder(made, "log-consistency")


async def test_forged_consistency_proof(tmp_path: Path) -> None:
    """A proof that proves nothing is as good as a fork."""
    async with world(tmp_path) as made:
        assert (await made.ask(JC, U02)).status_code == 200
        made.sites[ABH].source.calls.clear()
        made.gateway.lies.proof = lambda _proof: []
        await refused_by_holder(made, "log-consistency")
