# SPDX-License-Identifier: EUPL-1.2
"""An order that arrives again: the same bytes for as long as it is in force, then nothing.

Whoever repeats an order, the gateway after a lost answer or somebody who recorded it, cannot make a
holder say a second thing, read its system twice, or answer late.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from deploy.demo.cast import MELDE
from tests.support.silence import ADDRESS, ask_register
from tests.support.sources import Stuck
from tests.support.trouble import DOWN, asking, order_and_answer, send_again, trouble

if TYPE_CHECKING:
    from tests.support.town import Town

pytestmark = pytest.mark.timeout(60)


def test_a_repeated_order_gets_identical_bytes(town: Town) -> None:
    """Again, many at once, and after a restart of the connector: the same bytes, one reading."""
    with town.awake() as life:
        ask_register(life, "nasrin")
        order, answer = order_and_answer(life)
        with ThreadPoolExecutor(4) as pool:
            again = list(pool.map(lambda _: send_again(life, order), range(4)))
        assert {one.content for one in again} == {answer}
        life.stop(MELDE)
        life.start(MELDE)
        assert send_again(life, order).content == answer


def test_an_order_repeated_after_a_lost_answer_gets_identical_bytes(town: Town) -> None:
    """The first answer never arrived; whoever repeats the order cannot make a second version."""
    with town.awake() as life:
        life.tap.cut.add(DOWN)
        trouble(lambda: ask_register(life, "nasrin"))
        order, answer = order_and_answer(life)
        life.stop(MELDE)
        life.start(MELDE)
        assert send_again(life, order).content == answer


def test_an_order_that_ran_out_is_refused(town: Town) -> None:
    """Attack: keep an order and repeat it later. It names its end, and then nothing is answered."""
    with town.awake() as life:
        ask_register(life, "nasrin")
        order, _ = order_and_answer(life)
        life.clock.advance(600)
        late = send_again(life, order)
        assert (late.status_code, late.json()["type"]) == (403, "/problems/order-refused"), (
            late.text
        )
        assert b"envelope" not in late.content


def test_two_at_once_while_the_system_is_slow(town: Town) -> None:
    """The same order twice while the first is still being read: the system is asked once."""
    stuck = Stuck(town.source(MELDE))
    with town.awake(parts={MELDE: {"source": stuck}}) as life:
        asked = asking(life)
        assert stuck.asked.wait(10)
        order = next(one.body for one in life.tap.messages if one.route == DOWN)
        replies: list[httpx.Response] = []
        thread = threading.Thread(target=lambda: replies.append(send_again(life, order)))
        thread.start()
        time.sleep(0.1)
        stuck.let_go.set()
        thread.join(10)
        assert set(asked.result(10).values) == set(ADDRESS)
        assert replies[0].content == order_and_answer(life)[1]
