# SPDX-License-Identifier: EUPL-1.2
"""The sealed rows: who finds a person with what, and what a stranger gets."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from gateway.links import JoinResult, LinkHalf, Links, Subject
from gateway.store.database import migrate, open_engine
from gateway.store.tables import link_agency, link_person
from keys.model import AgencyId, BlindIndex, UnlockValue
from keys.providers.base import KeyUse
from keys.providers.memory import InsecureMemoryKeyring

ABH, JC, MBE = AgencyId("abh.hannover"), AgencyId("jc.hannover"), AgencyId("mbe.caritas")
NOW = 1_793_872_800


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """An open transaction on an empty, migrated database."""
    engine = open_engine(f"sqlite:///{tmp_path / 'gateway.db'}")
    migrate(engine)
    with engine.begin() as made:
        yield made
    engine.dispose()


def _links() -> Links:
    keys = InsecureMemoryKeyring("gateway")
    for use in (KeyUse.LINK, KeyUse.WRAP):
        keys.new_key(use, NOW)
    return Links(keys.hmac_key(KeyUse.LINK), keys.wrap_key(), secrets.token_bytes)


def _subject(name: str) -> Subject:
    """An agency's file, named for the test; both values are 32 bytes."""
    index, unlock = (f"{part} {name}".ljust(32, ".").encode() for part in ("i", "u"))
    return Subject(BlindIndex(index), UnlockValue(unlock))


def _half(name: str, check: bytes = b"c" * 32) -> LinkHalf:
    return LinkHalf(_subject(name), f"reference {name}".ljust(145, ".").encode(), check)


def _link(links: Links, connection: Connection, *pairs: AgencyId | str) -> JoinResult:
    one, first, two, second = pairs
    lookup = secrets.token_bytes(5)
    assert links.offer(connection, AgencyId(one), lookup, _half(first), NOW)
    return links.join(connection, AgencyId(two), lookup, _half(second), NOW)[0]


def test_both_agencies_find_the_same_person(connection: Connection) -> None:
    """Each with its own index and unlock value, and each gets its own reference only."""
    links = _links()
    assert _link(links, connection, ABH, "A1", JC, "J1") is JoinResult.LINKED
    person = links.person_of(connection, ABH, _subject("A1"))
    assert links.person_of(connection, JC, _subject("J1")) == person
    decoy = bytes(145)
    assert links.reference_for(connection, person, ABH, decoy).startswith(b"reference A1")
    assert links.reference_for(connection, person, JC, decoy).startswith(b"reference J1")
    assert links.reference_for(connection, person, MBE, decoy) == decoy


def test_an_unknown_file_is_somebody_new_every_time(connection: Connection) -> None:
    """Two enquiries about one unknown file have nothing in common."""
    links = _links()
    found = {links.person_of(connection, JC, _subject("J9")) for _ in range(5)}
    assert len(found) == 5
    assert len({links.consent_index(person) for person in found}) == 5


def test_index_without_unlock_value_leads_to_a_stranger(connection: Connection) -> None:
    """Who has the database and the gateway's key still needs the agency's value."""
    links = _links()
    _link(links, connection, ABH, "A1", JC, "J1")
    person = links.person_of(connection, ABH, _subject("A1"))
    guess = Subject(_subject("A1").index, UnlockValue(bytes(32)))
    assert links.person_of(connection, ABH, guess) != person


def test_an_index_of_one_agency_means_nothing_at_another(connection: Connection) -> None:
    """The agency is part of the row's key: the same bytes from elsewhere find nobody."""
    links = _links()
    _link(links, connection, ABH, "A1", JC, "J1")
    person = links.person_of(connection, ABH, _subject("A1"))
    assert links.person_of(connection, MBE, _subject("A1")) != person


def test_rows_are_useless_under_another_link_key(connection: Connection) -> None:
    """A database carried to another gateway: every file is unknown there."""
    _link(_links(), connection, ABH, "A1", JC, "J1")
    other = _links()
    found = {other.person_of(connection, ABH, _subject("A1")) for _ in range(2)}
    assert len(found) == 2


def test_rows_show_nothing_and_all_look_alike(connection: Connection) -> None:
    """Random-looking keys of one length, sealed parts of one length, no agency, no index."""
    links = _links()
    _link(links, connection, ABH, "A1", JC, "J1")
    _link(links, connection, ABH, "A2", MBE, "M2")
    for table in (link_agency, link_person):
        rows = connection.execute(select(table)).all()
        assert len(rows) == 4
        assert len({(len(row.key), len(row.sealed)) for row in rows}) == 1
        stored = b"".join(row.key + row.sealed for row in rows)
        for readable in (b"abh", b"A1", b"reference", _subject("A1").index):
            assert readable not in stored


def test_two_linked_persons_are_not_merged(connection: Connection) -> None:
    """Each of the two files belongs to somebody else already: people must look."""
    links = _links()
    _link(links, connection, ABH, "A1", JC, "J1")
    _link(links, connection, ABH, "A2", MBE, "M2")
    assert _link(links, connection, JC, "J1", MBE, "M2") is JoinResult.CHECK_IDENTITY


def test_a_third_agency_joins_the_person_that_is_there(connection: Connection) -> None:
    """No second person comes into being; who was linked before stays linked."""
    links = _links()
    _link(links, connection, ABH, "A1", JC, "J1")
    person = links.person_of(connection, ABH, _subject("A1"))
    assert _link(links, connection, JC, "J1", MBE, "M1") is JoinResult.LINKED
    for agency, name in ((ABH, "A1"), (JC, "J1"), (MBE, "M1")):
        assert links.person_of(connection, agency, _subject(name)) == person


def test_checks_that_differ_do_not_link(connection: Connection) -> None:
    """The other half's check decides, and the code can be tried again."""
    links, lookup = _links(), secrets.token_bytes(5)
    links.offer(connection, ABH, lookup, _half("A1"), NOW)
    other = _half("J1", check=b"d" * 32)
    assert links.join(connection, JC, lookup, other, NOW) == (JoinResult.CHECK_IDENTITY, ABH)
    assert links.join(connection, JC, lookup, _half("J1"), NOW) == (JoinResult.LINKED, ABH)
    assert links.join(connection, JC, lookup, _half("J1"), NOW) == (JoinResult.UNKNOWN_CODE, None)
