# SPDX-License-Identifier: EUPL-1.2
"""Connectors that verify releases of the rules themselves, while a new one is on its way to everybody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.connector.app import Parts, build_office, create_connector
from adapters.connector.errors import SettingsRejected
from adapters.connector.releases import take_what_is_new
from adapters.connector.settings import PolicySettings, ReleaseKey
from policies.bundle import Bundle
from policies.decide import Decider
from policies.engine.embedded import EmbeddedEngine
from policies.release.activate import activate
from policies.release.store import ReleaseStore
from policies.release.verify import catalogue_of
from tests.support.connectors import (
    ABH,
    ABH_FILE,
    AS_SYSTEM,
    JC,
    RECORDS,
    U02,
    Site,
    World,
    settings_for,
    world,
)
from tests.support.memory_source import MemorySource
from tests.support.releases import DAY, ReleaseHouse, without_field

NARROWER = without_field("R02", "permit_type", "2027.1.0")
"""The next release: one field less in the rule that answers the job centre."""


@pytest.fixture(autouse=True)
def _looked_at_by_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connectors look when a test says so, and not by themselves in between."""
    monkeypatch.setattr("adapters.connector.releases.LOOK_SECONDS", 3_600)


class Region:
    """Two agencies that follow releases, each with a folder of its own, and the release desk."""

    def __init__(self, made: World, folder: Path) -> None:
        self.made = made
        self.folder = folder
        self.house = ReleaseHouse(folder / "desk")
        self.stores: dict[str, ReleaseStore] = {}

    def make(self, sequence: int, bundle: Bundle | None = None, **terms: Any) -> Path:
        """Sign a release."""
        now = self.made.clock()
        terms = {"valid_from": now - DAY, "valid_until": now + 30 * DAY, **terms}
        return self.house.lay(self.house.make(sequence, bundle, **terms), f"r{sequence}")

    async def activate(self, agency: str, file: Path) -> None:
        """Put a release in force at one agency's running connector."""
        activate(self.stores[agency], file, self.made.clock())
        await self.look(agency)

    async def look(self, agency: str) -> None:
        """Let the connector look now, instead of within a second."""
        book = self.made.sites[agency].connector.office.rules.book
        assert book is not None
        await take_what_is_new(book)

    def gateway_decides_by(self, bundle: Bundle) -> None:
        """Let the middle go over to other rules."""
        self.made.gateway.decider = Decider(EmbeddedEngine(bundle), catalogue_of(bundle))

    async def ask(self) -> dict[str, Any]:
        """Ask the foreigners' authority as the job centre; what was told, with the status."""
        reply = await self.made.ask(JC, U02)
        return {"http": reply.status_code, **reply.json()}


@asynccontextmanager
async def region(folder: Path) -> AsyncIterator[Region]:
    """Both agencies follow releases; the shipped rules are release 1 everywhere."""
    async with world(folder) as made:
        here = Region(made, folder)
        first = here.make(1)
        async with _following(here, ABH), _following(here, JC):
            for agency in (ABH, JC):
                await here.activate(agency, first)
            yield here


@asynccontextmanager
async def _following(here: Region, agency: str) -> AsyncIterator[None]:
    made, place = here.made, here.folder / f"{agency}-releases"
    key = ReleaseKey(**here.house.key.pinned)
    policy = PolicySettings(directory=place / "policy", keys=(key,))
    plain = settings_for(agency, place, made.gateway)
    source = MemorySource(RECORDS[agency])
    app = create_connector(
        plain.model_copy(update={"policy": policy}),
        parts=Parts(
            source=source,
            keys=made.gateway.rings[made.sites[agency].connector.office.me],
            transport=made.gateway,
            clock=made.clock,
        ),
    )
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=f"http://{agency}") as client,
    ):
        before = made.sites[agency]
        made.gateway.holders[agency] = client
        made.sites[agency] = Site(agency, app, client, source)
        here.stores[agency] = ReleaseStore(place / "policy", here.house.key.verifier)
        yield
        made.gateway.holders[agency], made.sites[agency] = before.client, before


async def test_an_agency_without_a_release_neither_asks_nor_answers(tmp_path: Path) -> None:
    """It runs and says why; the first release opens it without a restart."""
    async with world(tmp_path) as made:
        here = Region(made, tmp_path)
        async with _following(here, JC):
            told = await here.ask()
            assert (told["http"], told["type"]) == (503, "/problems/policy-unavailable")
            health = (await made.sites[JC].client.get("/health")).json()
            assert (health["status"], health["rules_usable"]) == ("degraded", False)
            await here.activate(JC, here.make(1))
            assert (await here.ask())["outcome"] == "answered"
        async with _following(here, ABH):
            told = await here.ask()
            assert told["http"] == 503
            assert made.sites[ABH].source.calls == []


async def test_while_a_release_spreads_the_stricter_of_two_counts(tmp_path: Path) -> None:
    """The holder is ahead, the gateway still decides by the release before: exchanges go on."""
    async with region(tmp_path) as here:
        before = await here.ask()
        assert {"permit_type", "residence_status"} <= before["fields"].keys()
        await here.activate(ABH, here.make(2, NARROWER))
        told = await here.ask()
        assert told["outcome"] == "answered"
        assert "residence_status" in told["fields"]
        assert "permit_type" not in told["fields"]
        read = here.made.sites[ABH].source.calls[-1][2]
        assert "permit_type" not in read
        assert here.made.sites[ABH].evidence() == []


async def test_rules_that_an_agency_does_not_have_are_refused_until_it_does(
    tmp_path: Path,
) -> None:
    """The gateway went first: nothing is read; one activation later it goes through."""
    async with region(tmp_path) as here:
        second = here.make(2, NARROWER)
        here.gateway_decides_by(NARROWER)
        told = await here.ask()
        assert told["http"] >= 400
        assert here.made.sites[ABH].evidence() == ["rules-differ"]
        assert here.made.sites[ABH].source.calls == []
        for agency in (ABH, JC):
            await here.activate(agency, second)
        told = await here.ask()
        assert told["outcome"] == "answered"
        assert "permit_type" not in told["fields"]


async def test_an_asker_that_is_behind_believes_nothing_that_it_cannot_check(
    tmp_path: Path,
) -> None:
    """Its own rules do not know the release: the answer is kept as evidence and not used."""
    async with region(tmp_path) as here:
        here.gateway_decides_by(NARROWER)
        await here.activate(ABH, here.make(2, NARROWER))
        told = await here.ask()
        assert (told["http"], told["check"]) == (502, "rules-differ")
        assert here.made.sites[JC].evidence() == ["rules-differ"]


async def test_a_release_that_stands_alone_ends_the_one_before_at_once(tmp_path: Path) -> None:
    """It replaces rules that are unlawful: orders by those are refused from that moment."""
    async with region(tmp_path) as here:
        await here.activate(ABH, here.make(2, NARROWER, oldest=2))
        told = await here.ask()
        assert told["http"] >= 400
        assert here.made.sites[ABH].evidence() == ["rules-differ"]
        assert here.made.sites[ABH].source.calls == []


async def test_a_release_that_arrives_between_check_and_look_cuts_what_is_read(
    tmp_path: Path,
) -> None:
    """The order was checked under one release, the files are read under the next."""
    async with region(tmp_path) as here:
        site = here.made.sites[ABH]
        second = here.make(2, NARROWER)
        facts = site.source.facts

        async def changing(file_number: Any) -> Any:
            await here.activate(ABH, second)
            return await facts(file_number)

        site.source.facts = changing  # type: ignore[method-assign]  # a switch at the worst moment
        told = await here.ask()
        assert told["outcome"] == "answered"
        assert "permit_type" not in site.source.read_fields(ABH_FILE)
        assert "residence_status" in site.source.read_fields(ABH_FILE)


async def test_deny_all_at_an_agency_reads_nothing(tmp_path: Path) -> None:
    """An agency may stop by itself, whatever the gateway decides; and go on again."""
    async with region(tmp_path) as here:
        now = here.made.clock()
        deny = here.house.lay(here.house.make(1, emergency=True), "deny-all")
        activate(here.stores[ABH], deny, now, wanted="deny_all")
        await here.look(ABH)
        told = await here.ask()
        assert told["http"] >= 400
        assert here.made.sites[ABH].source.calls == []
        await here.activate(ABH, here.house.folder / "r1.tar.gz")
        assert (await here.ask())["outcome"] == "answered"


async def test_deny_all_between_check_and_look_reads_nothing(tmp_path: Path) -> None:
    """The order was good when it was checked; what is sent is nothing."""
    async with region(tmp_path) as here:
        site = here.made.sites[ABH]
        deny = here.house.lay(here.house.make(1, emergency=True), "deny-all")
        facts = site.source.facts

        async def denying(file_number: Any) -> Any:
            activate(here.stores[ABH], deny, here.made.clock(), wanted="deny_all")
            await here.look(ABH)
            return await facts(file_number)

        site.source.facts = denying  # type: ignore[method-assign]  # a switch at the worst moment
        await here.ask()
        assert site.source.read_fields(ABH_FILE) == set()


async def test_the_end_of_a_release_stops_the_agency(tmp_path: Path) -> None:
    """Stale rules decide nothing, also where the gateway has newer ones or none."""
    async with region(tmp_path) as here:
        end = here.made.clock() + 100
        await here.activate(ABH, here.make(2, valid_until=end))
        here.made.clock.set_to(end - 1)
        assert (await here.ask())["outcome"] == "answered"
        read = len(here.made.sites[ABH].source.calls)
        here.made.clock.set_to(end)
        assert (await here.ask())["http"] == 503
        assert len(here.made.sites[ABH].source.calls) == read


async def test_an_answer_of_before_can_be_opened_after(tmp_path: Path) -> None:
    """What was received under earlier rules is checked by those when it is looked at again."""
    async with region(tmp_path) as here:
        told = await here.ask()
        await here.activate(JC, here.make(2, NARROWER))
        client = here.made.sites[JC].client
        again = await client.get(f"/enquiries/{told['id']}", headers=AS_SYSTEM)
        assert again.json()["fields"] == told["fields"]


async def test_a_running_connector_finds_a_release_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody calls anything: the file changes, and within moments it counts."""
    monkeypatch.setattr("adapters.connector.releases.LOOK_SECONDS", 0.02)
    async with region(tmp_path) as here:
        rules = here.made.sites[ABH].connector.office.rules
        activate(here.stores[ABH], here.make(2, NARROWER), here.made.clock())
        async with asyncio.timeout(20):
            while rules.current().digest != NARROWER.digest:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
        assert rules.accepted(Bundle.load().digest) is not None


async def test_unsigned_rules_are_refused_beside_a_gateway_that_is_not_a_demos(
    tmp_path: Path,
) -> None:
    """Without pinned keys it does not start, unless the gateway is one of this machine."""
    async with world(tmp_path) as made:
        plain = settings_for(ABH, tmp_path / "other", made.gateway)
        parts = Parts(keys=made.gateway.rings[made.sites[ABH].connector.office.me])
        with pytest.raises(SettingsRejected, match=r"\[policy\]"):
            build_office(plain, parts)
        demo = plain.gateway.model_copy(update={"issuer": "http://127.0.0.1:8400"})
        office = build_office(plain.model_copy(update={"gateway": demo}), parts)
        assert office.rules.current().digest == Bundle.load().digest
        office.store.close()
        await office.client.close()
