# SPDX-License-Identifier: EUPL-1.2
"""What the journeys with a troubled holder share: asking in the background, problems, the log's story."""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from adapters.simulated.people import canaries
from deploy.demo.cast import JC, MELDE
from deploy.demo.office import Problem, Told
from tests.support.silence import ask_register

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.town_life import Life

ABORTED = [("access.requested", "permit"), ("exchange.aborted", "error")]
ANSWERED = [("access.requested", "permit"), ("disclose", "permit")]
HELD = [("access.requested", "hold"), ("exchange.held", "hold")]
DOWN = f"gateway>{MELDE}"
BENEFITS = ("benefit_begin", "benefit_granted")
PENDING = {"decision": "grant_25b", "azr_insufficient": True}


def asking(life: Life) -> Future[Told]:
    """Ask in a thread, while something happens to the holder."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(ask_register, life, "nasrin")
    pool.shutdown(wait=False)
    return future


def newest(life: Life) -> tuple[str, list[tuple[str, str]]]:
    """The exchange that the newest entries are about, and what they say."""
    with life.engine() as engine:
        found = life.reader(engine).find(limit=1000)
    named = [str(corr) for one in found if (corr := json.loads(one.leaf)["corr"])]
    return named[-1], story(life, named[-1])


def story(life: Life, exchange: str) -> list[tuple[str, str]]:
    """Kind and outcome of an exchange's entries."""
    return [(leaf["kind"], leaf["outcome"]) for leaf in life.entries(exchange)]


def trouble(ask: Callable[[], Told]) -> Problem:
    """Ask, expect a problem, and that it says nothing about anybody."""
    with pytest.raises(Problem) as caught:
        ask()
    assert not [text for text in canaries(MELDE) if text in str(caught.value)]
    return caught.value


def no_data_crossed(life: Life) -> bool:
    """True if no answer with an envelope went to the asker."""
    back = [one for one in life.tap.messages if one.route == f"{JC}>gateway"]
    return not [one for one in back if b'"envelope"' in one.body]


def order_and_answer(life: Life) -> tuple[bytes, bytes]:
    """The newest order as it crossed the line, and what the holder answered."""
    passed = [one for one in life.tap.messages if one.route == DOWN]
    return (
        next(one.body for one in reversed(passed) if one.kind == "request"),
        next(one.body for one in reversed(passed) if one.kind == "answer"),
    )


def send_again(life: Life, order: bytes) -> httpx.Response:
    """Post an order as whoever recorded it could."""
    return httpx.post(
        f"{life.ports.url(MELDE)}/orders",
        content=order,
        headers={"Content-Type": "application/json"},
        timeout=10,
        trust_env=False,
    )
