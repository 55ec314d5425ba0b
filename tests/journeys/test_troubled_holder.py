# SPDX-License-Identifier: EUPL-1.2
"""A holding agency in trouble: down, slow, broken, restarted in the middle of an order.

The honest side gets a clear problem at once, the log says that the exchange was aborted, and never
does a value leave that the log does not know about.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from adapters.simulated.people import number
from deploy.demo.cast import ABH, JC, MELDE
from deploy.demo.office import Problem
from tests.support.silence import ADDRESS, ask_register
from tests.support.sources import Stuck
from tests.support.trouble import (
    ABORTED,
    ANSWERED,
    BENEFITS,
    DOWN,
    HELD,
    PENDING,
    asking,
    newest,
    no_data_crossed,
    story,
    trouble,
)

if TYPE_CHECKING:
    from adapters.connector.settings import Settings
    from tests.support.town import Town

pytestmark = pytest.mark.timeout(60)


def test_a_holder_that_is_down(town: Town) -> None:
    """Nobody listens: a problem that names the obstacle, an aborted exchange; later it works."""
    with town.awake() as life:
        life.stop(MELDE)
        told = trouble(lambda: ask_register(life, "nasrin"))
        assert (told.status, told.code) == (503, "gateway-busy"), told
        assert "holder-unreachable" in str(told)
        assert newest(life)[1] == ABORTED
        assert no_data_crossed(life)
        life.start(MELDE)
        assert set(ask_register(life, "nasrin").values) == set(ADDRESS)


def impatient(settings: Settings) -> Settings:
    """A connector that waits a fifth of a second for its system."""
    holding = settings.holding.model_copy(update={"answer_seconds": 0.2})
    return settings.model_copy(update={"holding": holding})


@pytest.mark.parametrize("person", ["nasrin", "zofia"])
def test_a_system_that_is_slow(town: Town, person: str) -> None:
    """The agency's system does not answer in time: known or not, the same problem, no data."""
    stuck = Stuck(town.source(MELDE))
    with town.awake(parts={MELDE: {"source": stuck}}, settings=impatient) as life:
        began = time.monotonic()
        told = trouble(lambda: ask_register(life, person))
        assert time.monotonic() - began < 5
        assert (told.status, told.code) == (503, "gateway-busy"), told
        assert newest(life)[1] == ABORTED
        assert no_data_crossed(life)
        matters = life.office(MELDE)._call("GET", "/held", role="clerk")["held"]
        assert [item["code"] for item in matters] == ["source-unavailable"]


def test_a_line_that_is_slow(town: Town) -> None:
    """The gateway waits for the holder as long as its settings say, not longer."""
    with town.awake(gateway_settings={"holder_seconds": 1}) as life:
        life.tap.delays[DOWN] = 1.5
        told = trouble(lambda: ask_register(life, "nasrin"))
        assert told.code == "gateway-busy"
        assert newest(life)[1] == ABORTED
        assert no_data_crossed(life)


def test_a_line_that_breaks_with_the_answer_on_it(town: Town) -> None:
    """The holder answered and the line broke: aborted; what was sealed stays where it was."""
    with town.awake() as life:
        life.tap.cut.add(DOWN)
        assert trouble(lambda: ask_register(life, "nasrin")).code == "gateway-busy"
        assert newest(life)[1] == ABORTED
        assert no_data_crossed(life)


def test_an_answer_lost_on_the_way_to_the_asker(town: Town) -> None:
    """The release is on record before it leaves; the asker is told that it cannot know."""
    with town.awake() as life:
        ask_register(life, "zofia")
        life.tap.cut.add(f"{JC}>gateway")
        told = trouble(lambda: ask_register(life, "nasrin"))
        assert told.code == "gateway-silent"
        assert newest(life)[1] == ANSWERED


@pytest.mark.parametrize("person", ["nasrin", "zofia"])
def test_a_database_without_its_tables(town: Town, person: str) -> None:
    """The system is broken for everybody: a clear problem, not an untrue "no data" for each person."""
    with town.awake() as life:
        system = life.place.source(MELDE) / "system.sqlite"
        with closing(sqlite3.connect(system)) as connection:
            connection.execute("DROP TABLE anschrift")
            connection.commit()
        told = trouble(lambda: ask_register(life, person))
        assert (told.status, told.code) == (503, "gateway-busy"), told
        assert newest(life)[1] == ABORTED
        matters = life.office(MELDE)._call("GET", "/held", role="clerk")["held"]
        assert [item["code"] for item in matters] == ["source-unavailable"]


def test_a_record_that_is_broken(town: Town) -> None:
    """One person's record makes no sense: that would betray the person, so it reads "no data"."""
    with town.awake() as life:
        system = life.place.source(MELDE) / "system.sqlite"
        with closing(sqlite3.connect(system)) as connection:
            connection.execute(
                "UPDATE anschrift SET strasse = strasse || char(7) WHERE ord_merkmal = ?",
                (number("nasrin", MELDE),),
            )
            connection.commit()
        told = ask_register(life, "nasrin")
        assert {item["reason"] for item in told.withheld.values()} == {"no_data"}
        assert told.withheld == ask_register(life, "zofia").withheld
        matters = life.office(MELDE)._call("GET", "/held", role="clerk")["held"]
        assert [item["code"] for item in matters] == ["source-broken"]


def test_a_system_down_when_the_clerk_releases(town: Town) -> None:
    """The clerk reads that the system is away, nothing is lost, and the next try succeeds."""
    with town.awake() as life:
        asked = life.office(ABH).ask("tewolde", JC, "P02", BENEFITS, declared=PENDING)
        life.stop_job_centre()
        with pytest.raises(Problem) as caught:
            life.office(JC).release(asked.exchange)
        assert caught.value.code == "source-unavailable"
        assert life.office(ABH).look(asked.id).values == {}
        life.start_job_centre()
        life.office(JC).release(asked.exchange)
        assert set(life.office(ABH).look(asked.id).values) == set(BENEFITS)
        assert story(life, asked.exchange) == [*HELD, *ANSWERED]


def test_a_release_whose_answer_is_lost(town: Town) -> None:
    """The clerk's release arrived, its answer did not: a second try ends it, and nothing goes twice."""
    with town.awake() as life:
        asked = life.office(ABH).ask("tewolde", JC, "P02", BENEFITS, declared=PENDING)
        assert life.office(JC).delivered(asked.exchange) is None  # signs in
        life.tap.cut.add(f"{JC}>gateway")
        with pytest.raises(Problem) as caught:
            life.office(JC).release(asked.exchange)
        assert caught.value.code == "gateway-silent"
        assert life.office(ABH).look(asked.id).values == {}
        life.tap.cut.clear()
        life.office(JC).release(asked.exchange)
        assert set(life.office(ABH).look(asked.id).values) == set(BENEFITS)
        assert story(life, asked.exchange)[:2] == HELD
        assert story(life, asked.exchange)[2:] == ANSWERED


def test_a_connector_restarted_with_an_order_in_its_hands(town: Town) -> None:
    """The holder's connector stops while it reads: aborted at once; started again, it answers."""
    stuck = Stuck(town.source(MELDE))
    with town.awake(parts={MELDE: {"source": stuck}}) as life:
        asked = asking(life)
        assert stuck.asked.wait(10)
        life.stop(MELDE)
        told = trouble(lambda: asked.result(10))
        assert told.code == "gateway-busy"
        assert newest(life)[1] == ABORTED
        assert no_data_crossed(life)
        stuck.let_go.set()
        life.changes.parts.clear()
        life.start(MELDE)
        assert set(ask_register(life, "nasrin").values) == set(ADDRESS)


def test_a_gateway_restarted_while_the_holder_reads(town: Town) -> None:
    """The gateway stops between order and answer: silence for the asker, closed after the restart."""
    stuck = Stuck(town.source(MELDE))
    with town.awake(parts={MELDE: {"source": stuck}}) as life:
        asked = asking(life)
        assert stuck.asked.wait(10)
        life.stop("gateway")
        stuck.let_go.set()
        assert trouble(lambda: asked.result(10)).code in {"gateway-silent", "gateway-busy"}
        life.clock.advance(200)
        life.start("gateway")
        exchange, told = newest(life)
        deadline = time.monotonic() + 10
        while told != ABORTED and time.monotonic() < deadline:
            time.sleep(0.05)
            told = story(life, exchange)
        assert told == ABORTED
        assert no_data_crossed(life)


def test_a_held_order_waits_for_a_connector_that_is_down(town: Town) -> None:
    """What a person has to decide is not lost: it is brought again when the connector is back."""
    with town.awake() as life:
        life.stop(JC)
        asked = life.office(ABH).ask("tewolde", JC, "P02", BENEFITS, declared=PENDING)
        assert asked.outcome == "held"
        life.start(JC)
        life.stop("gateway")
        life.start("gateway")
        deadline = time.monotonic() + 10
        while story(life, asked.exchange) != HELD and time.monotonic() < deadline:
            time.sleep(0.05)
        assert story(life, asked.exchange) == HELD
        life.office(JC).release(asked.exchange)
        assert set(life.office(ABH).look(asked.id).values) == set(BENEFITS)
