# SPDX-License-Identifier: EUPL-1.2
"""A running process follows its folder of releases: swaps whole, falls back, and ends on time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from policies.bundle import Bundle
from policies.decide import load_decider
from policies.errors import PolicyUnavailable, ReleaseRefused
from policies.model import AgreementFacts, DecisionInput, FieldId, Kind, PurposeId
from policies.release.activate import activate
from policies.release.book import Finding, embedded
from policies.release.force import InsecureShippedRules, RuleSet
from tests.support.release_machine import Machine
from tests.support.releases import DAY, NOW, ReleaseHouse, next_version, without_field

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
def machine(tmp_path: Path) -> Machine:
    """A machine without any release."""
    return Machine(tmp_path / "policy", ReleaseHouse(tmp_path / "desk"))


def test_without_a_release_nothing_is_decided(machine: Machine) -> None:
    """Said once, then silence until something changes."""
    assert machine.step() == [("refused", "nothing_active")]
    assert machine.step() == []
    with pytest.raises(PolicyUnavailable, match="no release"):
        machine.book.current()


def test_a_release_comes_into_force_without_restart(machine: Machine) -> None:
    """What is looked at does not count before it is taken."""
    machine.activate(1)
    machine.step()
    first = machine.book.current()
    machine.activate(2, without_field("R02", "permit_issued"))
    finding = machine.book.look()
    assert finding is not None
    assert machine.book.current() is first
    machine.book.take(finding)
    second = machine.book.current()
    assert [len(rules.decider.decide(QUESTION).released) for rules in (first, second)] == [2, 1]
    assert first.digest != second.digest
    assert machine.book.known(first.digest) is first


def test_who_began_under_the_old_rules_ends_under_them(machine: Machine) -> None:
    """Many threads decide while the rules change: each answer comes whole from one set."""
    machine.activate(1)
    machine.step()
    answers: set[tuple[str, str, int]] = set()
    stop = threading.Event()

    def decide() -> None:
        while not stop.is_set():
            rules = machine.book.current()
            decision = rules.decider.decide(QUESTION)
            answers.add((rules.digest, decision.bundle, len(decision.released)))

    threads = [threading.Thread(target=decide) for _ in range(3)]
    for thread in threads:
        thread.start()
    other = without_field("R02", "permit_issued")
    for sequence, bundle in ((2, other), (3, Bundle.load()), (4, other)):
        machine.activate(sequence, bundle)
        machine.step()
    stop.set()
    for thread in threads:
        thread.join()
    shipped = Bundle.load().digest
    assert answers == {(shipped, shipped, 2), (other.digest, other.digest, 1)}


def test_a_release_that_does_not_load_leaves_the_running_one(machine: Machine) -> None:
    """Damaged between the command and the look: refused on record, and nothing else happens."""
    machine.activate(1)
    machine.step()
    machine.activate(2)
    machine.damage(0)
    assert machine.step() == [("refused", "digest")]
    statement = machine.book.current().statement
    assert statement is not None
    assert statement.sequence == 1


def test_a_start_falls_back_to_the_release_before(machine: Machine) -> None:
    """The active one cannot be read; the one before was verified here, and is verified again."""
    machine.activate(1)
    machine.activate(2)
    machine.damage(0)
    book = machine.started()
    assert machine.step(book) == [("fell_back", "digest")]
    statement = book.current().statement
    assert statement is not None
    assert statement.sequence == 1


def test_no_fall_back_further_than_the_release_allows(machine: Machine) -> None:
    """A release that replaces unlawful rules says so: then it is that one or none."""
    machine.activate(1)
    machine.activate(2, oldest=2)
    machine.damage(0)
    book = machine.started()
    assert machine.step(book) == [("refused", "digest")]
    with pytest.raises(PolicyUnavailable):
        book.current()


def test_no_fall_back_to_rules_whose_time_is_over(machine: Machine) -> None:
    """Stale is stale, also for what comes back by itself."""
    machine.activate(1, valid_until=NOW + DAY)
    machine.activate(2)
    machine.damage(0)
    machine.clock.set_to(NOW + DAY)
    book = machine.started()
    assert machine.step(book) == [("refused", "digest")]


def test_no_fall_back_past_a_deny_all(machine: Machine) -> None:
    """If the emergency release itself is damaged, nothing is decided at all."""
    machine.activate(1)
    deny = machine.house.lay(machine.house.make(1, emergency=True), "deny")
    brought = activate(machine.store, deny, NOW, wanted="deny_all")
    (machine.folder / "releases" / f"{brought.kept.name}.tar.gz").unlink()
    book = machine.started()
    assert machine.step(book) == [("refused", "unreadable")]
    with pytest.raises(PolicyUnavailable):
        book.current()


def test_deny_all_denies_and_ends(machine: Machine) -> None:
    """In force within one look, and gone within one; others' older decisions do not count."""
    machine.activate(1)
    machine.step()
    before = machine.book.current()
    deny = machine.house.lay(machine.house.make(1, emergency=True), "deny")
    activate(machine.store, deny, NOW, wanted="deny_all")
    assert machine.step() == [("activated", "deny_all")]
    rules = machine.book.current()
    assert rules.denies_all
    assert rules.decider.decide(QUESTION).released == ()
    assert machine.book.accepted(before.digest) is None
    assert not machine.book.lets_out(before.digest)
    assert not machine.book.lets_out(rules.digest)
    assert machine.book.known(before.digest) is before
    activate(machine.store, machine.house.folder / "r1.tar.gz", NOW)
    assert machine.step() == [("activated", "")]
    assert len(machine.book.current().decider.decide(QUESTION).released) == 2


def test_the_time_of_a_release_ends_while_it_runs(machine: Machine) -> None:
    """From that second nothing is decided; it is on record once; a new one ends it."""
    machine.activate(1, valid_until=NOW + DAY)
    machine.step()
    machine.clock.set_to(NOW + DAY - 1)
    assert machine.step() == []
    assert machine.book.current().counts_at(machine.clock())
    machine.clock.set_to(NOW + DAY)
    with pytest.raises(PolicyUnavailable, match="not valid now"):
        machine.book.current()
    assert machine.step() == [("ended", "expired")]
    assert machine.step() == []
    machine.activate(2)
    assert machine.step() == [("activated", "")]
    assert machine.book.current().statement is not None


def test_a_clock_that_is_set_back_ends_it_too(machine: Machine) -> None:
    """Before its first second a release does not count, whatever was decided before."""
    machine.activate(1)
    machine.step()
    machine.clock.set_to(NOW - 2 * DAY)
    assert machine.step() == [("ended", "not_yet_valid")]
    with pytest.raises(PolicyUnavailable):
        machine.book.current()


def test_who_decided_by_the_release_before_is_still_understood(machine: Machine) -> None:
    """The release in force says how far back; nothing older, nothing expired, nothing unknown."""
    for sequence in (1, 2):
        machine.activate(sequence, next_version(f"2027.{sequence}.0"))
        machine.step()
    second = machine.book.current()
    machine.activate(3, next_version("2027.3.0"), oldest=2)
    machine.step()
    first, third = [machine.book.known(one) for one in _digests(machine)]
    assert first is not None
    assert third is not None
    assert machine.book.current() is third
    assert machine.book.accepted(third.digest) is third
    assert machine.book.accepted(second.digest) is second
    assert machine.book.accepted(first.digest) is None
    assert machine.book.accepted("0" * 64) is None
    lets_out = [machine.book.lets_out(one.digest) for one in (first, second, third)]
    assert lets_out == [False, True, True]
    assert not machine.book.lets_out("0" * 64)


def test_a_tolerated_release_that_ran_out_is_not_accepted(machine: Machine) -> None:
    """The one in force goes on; the older one is over."""
    machine.activate(1, next_version("2027.1.0"), valid_until=NOW + DAY)
    machine.step()
    first = machine.book.current()
    machine.activate(2)
    machine.step()
    assert machine.book.accepted(first.digest) is first
    machine.clock.set_to(NOW + DAY)
    assert machine.book.accepted(first.digest) is None
    assert machine.book.lets_out(first.digest), "it was valid when it decided"


def test_after_a_restart_the_kept_ones_are_there_again(machine: Machine) -> None:
    """What others decided just before the restart is still understood."""
    machine.activate(1, next_version("2027.1.0"))
    machine.activate(2)
    book = machine.started()
    machine.step(book)
    assert book.accepted(next_version("2027.1.0").digest) is not None
    assert book.current().digest == Bundle.load().digest


def test_what_a_command_refused_is_told_first(machine: Machine) -> None:
    """The running process puts it on record, and then it is gone."""
    machine.activate(2)
    with pytest.raises(ReleaseRefused):
        machine.activate(1)
    assert machine.step() == [("refused", "older"), ("activated", "")]
    assert machine.store.refusals() == []


def test_a_record_that_fails_keeps_the_old_rules(machine: Machine) -> None:
    """A finding that was never taken comes again at the next look."""
    machine.activate(1)
    machine.step()
    machine.activate(2, next_version("2027.2.0"))
    first, second = machine.book.look(), machine.book.look()
    assert isinstance(first, Finding)
    assert isinstance(second, Finding)
    assert (first.kind, second.kind) == ("activated", "activated")
    assert machine.book.current().digest == Bundle.load().digest


def test_the_shipped_rules_are_one_set_without_date() -> None:
    """The stand-in of development: itself, and nothing beside it."""
    decider = load_decider()
    shipped = InsecureShippedRules(RuleSet(decider))
    assert shipped.current().decider is decider
    assert shipped.current().counts_at(0)
    assert shipped.accepted(Bundle.load().digest) is shipped.current()
    assert shipped.known("0" * 64) is None
    assert [shipped.lets_out(one) for one in (Bundle.load().digest, "0" * 64)] == [True, False]


def _digests(machine: Machine) -> list[str]:
    return [next_version(f"2027.{sequence}.0").digest for sequence in (1, 3)]


def test_the_embedded_engine_takes_nothing_but_a_verified_bundle(machine: Machine) -> None:
    """It evaluates exactly what was verified."""
    machine.activate(1)
    kept = machine.store.state().kept[0]
    verified = machine.store.load(kept)
    assert embedded(verified).engine.bundle_digest == verified.statement.bundle
