# SPDX-License-Identifier: EUPL-1.2
"""What goes wrong around a running process: engines, disks, and an emergency that is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.engine.embedded import EmbeddedEngine
from policies.errors import PolicyUnavailable, ReleaseRefused
from policies.release.activate import activate
from policies.release.book import RETRY_SECONDS, Loaded, RulesBook
from policies.release.store import ReleaseStore
from policies.release.verify import VerifiedBundle
from tests.support.release_machine import Machine
from tests.support.releases import NOW, ReleaseHouse, next_version


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without any release."""
    return Machine(tmp_path / "policy", ReleaseHouse(tmp_path / "desk"))


def test_an_engine_that_gives_no_answers_is_tried_again(machine: Machine) -> None:
    """A server that is not up yet: refused once, then every few seconds until it answers."""
    tries: list[int] = []
    closed: list[int] = []

    def server(verified: VerifiedBundle) -> Loaded:
        tries.append(machine.clock())
        if len(tries) < 3:
            raise PolicyUnavailable("no server")
        return Loaded(EmbeddedEngine(verified.bundle), close=lambda: closed.append(1))

    book = RulesBook(machine.store, machine.clock, server)
    machine.activate(1)
    assert machine.step(book) == [("refused", "engine")]
    assert machine.step(book) == []
    machine.clock.advance(RETRY_SECONDS)
    assert machine.step(book) == []
    machine.clock.advance(RETRY_SECONDS)
    assert machine.step(book) == [("activated", "")]
    assert len(tries) == 3
    for sequence in (2, 3, 4):
        machine.activate(sequence, next_version(f"2027.{sequence}.0"))
        machine.step(book)
    assert closed == [1], "what is dropped gives its resources back, and nothing else does"


def test_a_server_has_one_release_and_the_one_before_runs_here(machine: Machine) -> None:
    """Others' late decisions are checked by the embedded engine; the server's line is closed."""
    closed: list[str] = []

    def server(verified: VerifiedBundle) -> Loaded:
        digest = verified.bundle.digest
        return Loaded(
            EmbeddedEngine(verified.bundle), close=lambda: closed.append(digest), local=False
        )

    book = RulesBook(machine.store, machine.clock, server)
    machine.activate(1, next_version("2027.1.0"))
    machine.step(book)
    first = book.current()
    machine.activate(2)
    machine.step(book)
    assert closed == [first.digest]
    beside = book.accepted(first.digest)
    assert beside is not None
    assert beside.local
    assert beside is not first


def test_a_deny_all_that_is_damaged_denies_all_the_same(machine: Machine) -> None:
    """Somebody wanted everything denied: the rules that run stop, although nothing replaces them."""
    machine.activate(1)
    machine.step()
    deny = machine.house.lay(machine.house.make(1, emergency=True), "deny")
    brought = activate(machine.store, deny, NOW, wanted="deny_all")
    (machine.folder / "releases" / f"{brought.kept.name}.tar.gz").write_bytes(b"damaged")
    assert machine.step() == [("refused", "digest")]
    with pytest.raises(PolicyUnavailable):
        machine.book.current()
    activate(machine.store, machine.house.folder / "r1.tar.gz", NOW)
    assert machine.step() == [("activated", "")]


def test_a_refusal_whose_file_stays_is_on_record_once(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that somebody else owns must not fill the log."""
    machine.activate(2)
    machine.step()
    with pytest.raises(ReleaseRefused):
        machine.activate(1)

    def staying(_path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(missing_ok)

    monkeypatch.setattr(Path, "unlink", staying)
    assert machine.step() == [("refused", "older")]
    assert machine.step() == []


def test_a_file_for_the_server_that_cannot_be_written_is_tried_again(
    machine: Machine, tmp_path: Path
) -> None:
    """The folder is missing: nothing is decided, nothing breaks, and it heals by itself."""
    served = tmp_path / "opa" / "release.tar.gz"
    store = ReleaseStore(machine.folder, machine.house.key.verifier, served)
    book = RulesBook(store, machine.clock)
    machine.activate(1)
    assert machine.step(book) == [("refused", "engine")]
    served.parent.mkdir()
    machine.clock.advance(RETRY_SECONDS)
    assert machine.step(book) == [("activated", "")]
    assert served.exists()
