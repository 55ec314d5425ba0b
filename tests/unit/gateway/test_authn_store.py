# SPDX-License-Identifier: EUPL-1.2
"""A client assertion is used once: on every replica, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateway.authn.assertion import VerifiedAssertion
from gateway.authn.errors import AssertionSpent
from gateway.authn.store import FORGET_SECONDS, UsedAssertions
from gateway.authn.tables import used_jti
from gateway.store.database import open_engine
from keys.model import AgencyId, Kid
from tests.support.clock import START
from tests.support.signing_in import ABH, JC


@pytest.fixture(params=["sqlite", "postgresql"])
def replicas(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Engine, Engine]]:
    """Two engines on one database stand for two gateway processes."""
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("fresh_postgres_database")
    engines = open_engine(url), open_engine(url)
    used_jti.create(engines[0])
    try:
        yield engines
    finally:
        for engine in engines:
            engine.dispose()


def _assertion(
    agency: AgencyId = ABH, jti: str = "guessable-id-0001", keep_until: int = START + 120
) -> VerifiedAssertion:
    return VerifiedAssertion(agency, Kid(f"{agency}#auth-1"), jti, keep_until)


def _rows(engine: Engine) -> int:
    with engine.connect() as connection:
        return len(connection.execute(used_jti.select()).all())


def test_an_assertion_is_spent_once_on_any_replica(replicas: tuple[Engine, Engine]) -> None:
    """The second use is refused where it was used and where it was not."""
    one, two = replicas
    UsedAssertions(one).spend(_assertion(), now=START)
    for engine in replicas:
        with pytest.raises(AssertionSpent):
            UsedAssertions(engine).spend(_assertion(), now=START)
    assert _rows(two) == 1


def test_uses_at_the_same_instant_have_one_winner(replicas: tuple[Engine, Engine]) -> None:
    """Sixteen threads on two engines: the database decides, and exactly one wins."""
    stores = [UsedAssertions(engine) for engine in replicas]

    def use(number: int) -> bool:
        try:
            stores[number % 2].spend(_assertion(), now=START)
        except AssertionSpent:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(use, range(16))) == 1


def test_one_agency_cannot_use_up_the_ids_of_another(replicas: tuple[Engine, Engine]) -> None:
    """The same ``jti`` of two agencies is two ids."""
    for agency in (ABH, JC):
        UsedAssertions(replicas[0]).spend(_assertion(agency), now=START)
    assert _rows(replicas[1]) == 2


def test_what_an_agency_chose_as_its_id_is_not_stored(replicas: tuple[Engine, Engine]) -> None:
    """An agency that puts a name into its ids puts none into the gateway's database (P1)."""
    UsedAssertions(replicas[0]).spend(_assertion(jti="Zoe-Canary-1984"), now=START)
    with replicas[1].connect() as connection:
        assert "Canary" not in str(connection.execute(used_jti.select()).all())


def test_used_ids_are_forgotten_only_when_they_stopped_mattering(
    replicas: tuple[Engine, Engine],
) -> None:
    """A row stays while its assertion could be accepted, and goes within a minute afterwards."""
    used = UsedAssertions(replicas[0])
    used.spend(_assertion(jti="first"), now=START)
    used.spend(_assertion(jti="second", keep_until=START + 240), now=START + 120)
    assert _rows(replicas[0]) == 2
    later = START + 121 + FORGET_SECONDS
    used.spend(_assertion(jti="third", keep_until=later + 120), now=later)
    assert _rows(replicas[0]) == 2
    with pytest.raises(AssertionSpent):
        used.spend(_assertion(jti="second"), now=later)
