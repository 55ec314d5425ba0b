# SPDX-License-Identifier: EUPL-1.2
"""A release and a real OPA server: the same file, swapped, and what happens in between."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from policies.bundle import Bundle
from policies.errors import PolicyUnavailable
from policies.model import AgreementFacts, DecisionInput, FieldId, Kind, PurposeId
from policies.release.activate import activate
from policies.release.book import RulesBook
from policies.release.server import in_server
from policies.release.store import ReleaseStore
from tests.support.clock import Clock
from tests.support.opa_server import OpaServer
from tests.support.releases import NOW, ReleaseHouse, without_field

QUESTION = DecisionInput(
    Kind("ABH"),
    Kind("JC"),
    PurposeId("P04"),
    "on_request",
    (FieldId("permit_issued"), FieldId("residence_status")),
    {"azr_checked": True, "reason_code": "azr_contradicts"},
    agreement=AgreementFacts(in_force=True, undertaking_78=True),
)


@pytest.fixture
def server(opa: Path, tmp_path: Path) -> Generator[OpaServer]:
    """A server of this test's own; it looks for its release in a folder."""
    own = OpaServer(tmp_path / "opa", opa)
    own.folder.mkdir()
    own.token_file.write_text(own.token + "\n", encoding="ascii")
    yield own
    own.kill()


def test_a_gateways_release_goes_into_the_server_and_is_swapped(
    server: OpaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Served when it is wanted, tried in the server, in force when the server answers by it."""
    monkeypatch.setattr("policies.release.server.SWAP_SECONDS", 0.3)
    house = ReleaseHouse(tmp_path / "desk", server.key)
    served = server.folder / "release.tar.gz"
    store = ReleaseStore(tmp_path / "policy", house.key.verifier, served)
    clock = Clock(NOW)
    reports: list[tuple[str, str]] = []
    maker = in_server(server.address, lambda event, code: reports.append((event, code)))
    book = RulesBook(store, clock, maker)

    first = house.make(1)
    activate(store, house.lay(first, "one"), NOW)
    assert _step(book) == [("refused", "engine")], "no server yet: nothing is decided"
    assert served.read_bytes() == first.file
    with pytest.raises(PolicyUnavailable):
        book.current()
    server.start()
    clock.advance(5)
    assert _step(book) == [("activated", "")]
    assert book.current().decider.engine_name.startswith("opa-server/")
    assert len(book.current().decider.decide(QUESTION).released) == 2

    narrower = without_field("R02", "permit_issued")
    activate(store, house.lay(house.make(2, narrower), "two"), NOW)
    assert _step(book) == [("refused", "engine")], "the server still has the one before"
    assert book.current().digest == Bundle.load().digest
    assert len(book.current().decider.decide(QUESTION).released) == 2
    server.kill()
    server.start()
    with pytest.raises(PolicyUnavailable):
        book.current().decider.decide(QUESTION)
    clock.advance(5)
    assert _step(book) == [("activated", "")]
    assert len(book.current().decider.decide(QUESTION).released) == 1
    book.close()


def test_a_release_that_another_key_signed_for_opa_is_loaded_by_nobody(
    server: OpaServer, tmp_path: Path
) -> None:
    """The server pins the same key: it does not come up, whatever was laid there."""
    foreign = ReleaseHouse(tmp_path / "foreign")
    (server.folder / "release.tar.gz").write_bytes(foreign.make(1).file)
    server.start(well=False)
    engine = in_server(server.address, lambda _event, _code: None)
    house = ReleaseHouse(tmp_path / "desk", server.key)
    store = ReleaseStore(tmp_path / "policy", house.key.verifier)
    brought = activate(store, house.lay(house.make(1)), NOW)
    with pytest.raises(PolicyUnavailable):
        engine(brought.verified)


def _step(book: RulesBook) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    while (finding := book.look()) is not None:
        told.append((finding.kind, finding.code))
        book.take(finding)
    return told
