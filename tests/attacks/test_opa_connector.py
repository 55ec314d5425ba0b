# SPDX-License-Identifier: EUPL-1.2
"""Connectors whose rules are in an OPA server that is dead or frozen: no decision, no data."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from adapters.connector.app import Parts, create_connector
from adapters.connector.errors import SettingsRejected
from adapters.connector.settings import OpaSettings
from tests.support.connectors import (
    ABH,
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
from tests.support.opa_server import OpaServer


async def _until_ready(site: Site) -> None:
    async with asyncio.timeout(20):
        while not site.connector.office.rules.ready():  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.05)


@asynccontextmanager
async def with_opa(made: World, agency: str, folder: Path, opa: OpaServer) -> AsyncIterator[Site]:
    """Put a connector that asks an OPA server in one agency's place."""
    plain = settings_for(agency, folder, made.gateway)
    server = OpaSettings(url=opa.url, token_file=opa.token_file)
    source = MemorySource(RECORDS[agency])
    app = create_connector(
        plain.model_copy(update={"rule_engine": "opa", "opa": server}),
        parts=Parts(
            source=source,
            keys=made.gateway.rings[made.sites[agency].connector.office.me],
            transport=made.gateway,
            clock=made.clock,
            insecure_shipped_rules=True,
        ),
    )
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url=f"http://{agency}"
        ) as client,
    ):
        site = Site(agency, app, client, source)
        await _until_ready(site)
        made.gateway.holders[agency] = client
        made.sites[agency] = site
        yield site


async def test_a_holder_that_cannot_decide_again_reads_nothing(
    own_opa: OpaServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The order is good, the own rules do not answer: no look into any file, and it is logged."""
    own_opa.start()
    async with world(tmp_path) as made, with_opa(made, ABH, tmp_path / "opa-abh", own_opa) as abh:
        told = (await made.ask(JC, U02)).json()
        assert told["outcome"] == "answered"
        before = len(abh.source.calls)
        own_opa.freeze()
        started = time.monotonic()
        reply = await made.ask(JC, U02)
        taken = time.monotonic() - started
        own_opa.thaw()
        assert reply.status_code == 503
        assert "fields" not in reply.json()
        assert len(abh.source.calls) == before
        assert taken < 1
    logged = capsys.readouterr().out
    assert "policy-unavailable" in logged
    assert "engine:down" in logged
    assert "no_answer_in_time" in logged


async def test_a_holder_goes_on_when_its_server_is_back(own_opa: OpaServer, tmp_path: Path) -> None:
    """Killed and started again: health says so, and no restart of the connector is needed."""
    own_opa.start()
    async with world(tmp_path) as made, with_opa(made, ABH, tmp_path / "opa-abh", own_opa) as abh:
        own_opa.kill()
        assert (await made.ask(JC, U02)).status_code == 503
        health = (await abh.client.get("/health")).json()
        assert (health["status"], health["rules_usable"]) == ("degraded", False)
        own_opa.start()
        await _until_ready(abh)
        assert (await made.ask(JC, U02)).json()["outcome"] == "answered"
        assert (await abh.client.get("/health")).json()["rules_usable"] is True


async def test_an_asker_that_cannot_decide_again_uses_nothing(
    own_opa: OpaServer, tmp_path: Path
) -> None:
    """The answer arrives sealed; without the own rules it is neither believed nor opened."""
    own_opa.start()
    async with world(tmp_path) as made, with_opa(made, JC, tmp_path / "opa-jc", own_opa) as jc:
        own_opa.kill()
        reply = await jc.client.post("/enquiries", json=U02, headers=AS_SYSTEM)
        assert reply.status_code == 503
        assert reply.json()["type"].endswith("policy-unavailable")
        assert "25b" not in reply.text


async def test_a_connector_without_its_token_does_not_start(
    own_opa: OpaServer, tmp_path: Path
) -> None:
    """It does not fall back to deciding by itself."""
    own_opa.folder.mkdir()
    async with world(tmp_path) as made:
        plain = settings_for(ABH, tmp_path / "opa-abh", made.gateway)
        server = OpaSettings(url=own_opa.url, token_file=own_opa.token_file)
        with pytest.raises(SettingsRejected, match="token_file"):
            create_connector(
                plain.model_copy(update={"rule_engine": "opa", "opa": server}),
                parts=Parts(
                    keys=made.gateway.rings[made.sites[ABH].connector.office.me],
                    transport=made.gateway,
                    clock=made.clock,
                ),
            )
