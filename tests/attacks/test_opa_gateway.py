# SPDX-License-Identifier: EUPL-1.2
"""A gateway whose rules are in an OPA server that is killed, frozen, replaced or lied for.

Whatever happens there: 503 policy-unavailable within 300 ms, on record, nothing asked of any
holder; and the gateway goes on by itself when the server is back.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from typing_extensions import override

from gateway.logs import configure_logging
from gateway.settings import Settings
from policies.bundle import Bundle
from policies.engine.opa import DEADLINE_SECONDS
from tests.attacks.opa_lies import LIES, RELEASED
from tests.support.lying_opa import LyingOpa, answer, http, provenance
from tests.support.middle import JC, Gate, Middle
from tests.support.opa_server import OpaServer
from tests.support.releases import next_version
from tests.support.scenes import RECORDS, ask_status, entries, link_person_one
from tests.support.signing_in import problem_code

IN_TOTAL = 0.3
"""Seconds for a refusal, its record included."""
EXPECTED = Bundle.load().digest


@pytest.fixture
def operators_log() -> Iterator[StringIO]:
    """What the gateway writes for its operator; everything is as before afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    written = StringIO()
    configure_logging(node="n1", clock=lambda: 0, stream=written, hooks=False)
    yield written
    root.handlers[:], root.level = before
    logging.getLogger("uvicorn.access").disabled = False
    structlog.reset_defaults()


@dataclass
class OpaMiddle(Middle):
    """A gateway that asks an OPA server."""

    opa: dict[str, str] = field(default_factory=dict)

    @override
    def settings(self) -> Settings:
        """Choose the server."""
        plain = super().settings().model_dump(mode="json")
        return Settings.model_validate({**plain, "rule_engine": "opa", "opa": self.opa})


@asynccontextmanager
async def gate_over(folder: Path, url: str, token_file: Path) -> AsyncIterator[Gate]:
    """A running gateway with person one linked."""
    middle = OpaMiddle.build(folder)
    assert isinstance(middle, OpaMiddle)
    middle.opa = {"url": url, "token_file": str(token_file)}
    middle.holder.records.update(RECORDS)
    async with middle.running(engine=None) as gate:
        await link_person_one(gate)
        yield gate


async def _refusals(gate: Gate, times: int = 3) -> list[float]:
    """Ask several times; each is refused, and nobody else hears of it. Gives the seconds."""
    taken = []
    orders, before = len(gate.middle.holder.orders), len(entries(gate.middle))
    await gate.token(JC)
    for _ in range(times):
        started = time.monotonic()
        response = await ask_status(gate)
        taken.append(time.monotonic() - started)
        assert (response.status_code, problem_code(response)) == (503, "policy-unavailable")
    assert len(gate.middle.holder.orders) == orders
    new = entries(gate.middle)[before:]
    assert [(leaf["kind"], leaf["outcome"], leaf["reasons"]) for leaf in new] == [
        ("access.requested", "error", ["policy_unavailable"])
    ] * times
    return taken


async def _comes_back(gate: Gate) -> None:
    for _ in range(100):
        response: httpx.Response = await ask_status(gate)
        if response.status_code == 200:
            assert response.json()["status"] == "answered"
            return
        await asyncio.sleep(0.1)
    pytest.fail("the gateway did not go on by itself")


async def test_killed_and_back(own_opa: OpaServer, tmp_path: Path) -> None:
    """The same enquiry is answered, refused once the server is dead, answered when it is back."""
    await asyncio.to_thread(own_opa.start)
    async with gate_over(tmp_path, own_opa.url, own_opa.token_file) as gate:
        assert (await ask_status(gate)).json()["status"] == "answered"
        own_opa.kill()
        taken = await _refusals(gate)
        assert min(taken) < IN_TOTAL
        assert taken[0] < 2 * IN_TOTAL
        await asyncio.to_thread(own_opa.start)
        await _comes_back(gate)


async def test_frozen_and_thawed(own_opa: OpaServer, tmp_path: Path) -> None:
    """It hangs with open connections; other calls go on while the first one waits for it."""
    await asyncio.to_thread(own_opa.start)
    async with gate_over(tmp_path, own_opa.url, own_opa.token_file) as gate:
        assert (await ask_status(gate)).json()["status"] == "answered"
        await gate.token(JC)
        own_opa.freeze()
        waiting = asyncio.create_task(ask_status(gate))
        await asyncio.sleep(0.05)
        others = 0
        while not waiting.done():
            assert (await gate.client.get("/v1/agencies")).status_code == 200
            others += 1
            await asyncio.sleep(0.005)
        assert problem_code(await waiting) == "policy-unavailable"
        assert others >= 3, "the event loop stood still"
        assert min(await _refusals(gate)) < IN_TOTAL
        own_opa.thaw()
        await _comes_back(gate)


async def test_thirty_callers_at_once_meet_a_frozen_server(
    own_opa: OpaServer, tmp_path: Path
) -> None:
    """They do not wait one after the other."""
    await asyncio.to_thread(own_opa.start)
    async with gate_over(tmp_path, own_opa.url, own_opa.token_file) as gate:
        assert (await ask_status(gate)).json()["status"] == "answered"
        await gate.token(JC)
        own_opa.freeze()
        started = time.monotonic()
        responses = await asyncio.gather(*(ask_status(gate) for _ in range(30)))
        taken = time.monotonic() - started
        own_opa.thaw()
    assert {problem_code(response) for response in responses} == {"policy-unavailable"}
    assert taken < 30 * DEADLINE_SECONDS / 2


async def test_another_release_behind_our_back(own_opa: OpaServer, tmp_path: Path) -> None:
    """The server starts again with older, validly signed rules: nothing is decided by them."""
    await asyncio.to_thread(own_opa.start)
    async with gate_over(tmp_path, own_opa.url, own_opa.token_file) as gate:
        assert (await ask_status(gate)).json()["status"] == "answered"
        own_opa.kill()
        own_opa.lay(next_version("2020.1.0"))
        await asyncio.to_thread(own_opa.start)
        assert min(await _refusals(gate)) < IN_TOTAL
        own_opa.kill()
        own_opa.lay()
        await asyncio.to_thread(own_opa.start)
        await _comes_back(gate)


async def test_the_gateway_may_start_first(own_opa: OpaServer, tmp_path: Path) -> None:
    """Without a server it starts, refuses, says so in its health, and goes on when there is one."""
    own_opa.start()
    own_opa.kill()
    async with gate_over(tmp_path, own_opa.url, own_opa.token_file) as gate:
        assert problem_code(await gate.client.get("/health")) == "policy-unavailable"
        assert min(await _refusals(gate)) < IN_TOTAL
        await asyncio.to_thread(own_opa.start)
        await _comes_back(gate)
        assert (await gate.client.get("/health")).json()["status"] == "ok"


def _about_us(**members: Any) -> str:
    ours = provenance(bundles={"lotse": {"revision": EXPECTED}})
    return answer(**{"provenance": ours, **members})


GATEWAY_LIES = (
    "an extra member",
    "a page",
    "a redirect",
    "the result twice",
    "undefined",
    "cut off",
)


@pytest.mark.parametrize("name", GATEWAY_LIES)
async def test_a_lie_is_told_to_nobody(name: str, tmp_path: Path) -> None:
    """From the server's answer to the caller's problem: no release, and a record."""
    lie = LIES[name][0]
    if isinstance(lie, bytes):
        head, _, body = lie.partition(b"\r\n\r\n")
        body = body.replace(b"d" * 64, EXPECTED.encode())
        lie = head + b"\r\n\r\n" + body
    token = tmp_path / "token"
    token.write_text("t" * 40)
    with LyingOpa(lie=lie, to_probes=http(_about_us())) as server:
        async with gate_over(tmp_path, server.url, token) as gate:
            assert min(await _refusals(gate)) < IN_TOTAL
            assert server.questions


async def test_a_decision_about_something_else_is_told_to_nobody(tmp_path: Path) -> None:
    """Right rules, right form, another field: refused as a whole."""
    token = tmp_path / "token"
    token.write_text("t" * 40)
    honest = http(_about_us())
    released = http(_about_us(result={"fields": RELEASED}))
    with LyingOpa(lie=released, to_probes=honest) as server:
        async with gate_over(tmp_path, server.url, token) as gate:
            await _refusals(gate)


async def test_the_operators_log_says_why(
    own_opa: OpaServer, tmp_path: Path, operators_log: StringIO
) -> None:
    """Up with name and version, down with the cause, up again; one line each, no question in it."""
    await asyncio.to_thread(own_opa.start)
    async with gate_over(tmp_path, own_opa.url, own_opa.token_file) as gate:
        own_opa.kill()
        await _refusals(gate)
        await asyncio.to_thread(own_opa.start)
        await _comes_back(gate)
    lines = [json.loads(line) for line in operators_log.getvalue().splitlines()]
    told = [line for line in lines if line["event"].startswith("engine.")]
    ups = [line for line in told if line["event"] == "engine.up"]
    downs = [line["cause"] for line in told if line["event"] == "engine.down"]
    assert [line["engine"] for line in ups] == ["opa-server/1.21.3"] * 2
    assert downs
    assert set(downs) <= {"unreachable", "no_answer", "no_bundle", "no_answer_in_time"}
    assert "dropped" not in {key for line in told for key in line}
    assert "residence_status" not in operators_log.getvalue()


Spoil = Callable[[Path], object]

SPOILT: dict[str, Spoil] = {
    "no token": lambda path: path.unlink(),
    "two tokens": lambda path: path.write_text("a\nb\n"),
}


@pytest.mark.parametrize("name", SPOILT)
async def test_without_a_token_the_gateway_does_not_start(name: str, tmp_path: Path) -> None:
    """It does not fall back to deciding by itself."""
    token = tmp_path / "token"
    token.write_text("t" * 40)
    SPOILT[name](token)
    with pytest.raises((OSError, ValueError)):
        async with gate_over(tmp_path, "http://127.0.0.1:1", token):
            pass
