# SPDX-License-Identifier: EUPL-1.2
"""The folder of releases: what it keeps, what it forgets, and what it never takes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.errors import ReleaseRefused
from policies.release.activate import activate, find_ready, lying_kept, lying_ready
from policies.release.state import KEPT, Kept, State
from policies.release.statement import Statement
from policies.release.store import MAX_EVENTS, Refusal, ReleaseStore
from tests.support.releases import DAY, NOW, ReleaseHouse, next_version

DIGEST = "ab" * 32


@pytest.fixture
def house(tmp_path: Path) -> ReleaseHouse:
    """The release desk."""
    return ReleaseHouse(tmp_path / "desk")


@pytest.fixture
def store(tmp_path: Path, house: ReleaseHouse) -> ReleaseStore:
    """A machine without any release."""
    return ReleaseStore(tmp_path / "policy", house.key.verifier)


def _statement(sequence: int, *, emergency: bool = False) -> Statement:
    return Statement(
        sequence, max(1, sequence - 1), NOW, NOW + DAY, DIGEST, DIGEST, "c", "l", emergency
    )


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 1), st.booleans()), max_size=12))
def test_no_order_of_releases_ever_goes_back(
    offered: list[tuple[int, int, bool]],
) -> None:
    """Whatever is offered, a normal release is taken only at or above the highest before it."""
    state, highest, owner = State(), 0, ""
    for sequence, variant, emergency in offered:
        digest = f"{variant}" * 64
        statement = _statement(sequence, emergency=emergency)
        allowed = emergency or sequence > highest or (sequence == highest and digest == owner)
        if not allowed:
            with pytest.raises(ReleaseRefused, match=r"older|same_sequence"):
                state.after(statement, digest)
            continue
        state = state.after(statement, digest)
        assert state.active == Kept(sequence, digest)
        if not emergency:
            highest, owner = sequence, digest
        assert (state.floor.sequence if state.floor else 0) == highest
        assert len(state.kept) <= KEPT
        assert State.from_bytes(state.to_bytes()) == state


@settings(max_examples=60)
@given(st.data())
def test_a_state_that_was_cut_or_edited_is_refused(data: st.DataObject) -> None:
    """Every shorter file and every changed byte is noticed, or says another well-formed thing."""
    state = State().after(_statement(3), DIGEST).after(_statement(4), "cd" * 32)
    content = state.to_bytes()
    cut = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(ReleaseRefused, match="state"):
        State.from_bytes(content[:cut])
    changed = content[:cut] + data.draw(st.binary(min_size=1, max_size=1)) + content[cut + 1 :]
    try:
        found = State.from_bytes(changed)
    except ReleaseRefused:
        return
    assert found.to_bytes() == changed


def test_the_last_three_are_kept(store: ReleaseStore, house: ReleaseHouse, tmp_path: Path) -> None:
    """Of five, two are gone with their statements; the first listed is in force."""
    for sequence in range(1, 6):
        activate(store, house.lay(house.make(sequence)), NOW)
    state = store.state()
    assert [one.sequence for one in state.kept] == [5, 4, 3]
    names = {path.name.partition("-")[0] for path in (tmp_path / "policy" / "releases").iterdir()}
    assert names == {"0000003", "0000004", "0000005"}
    assert [one.code for one in lying_kept(store, state)] == ["", "", ""]


def test_the_same_release_again_changes_nothing(store: ReleaseStore, house: ReleaseHouse) -> None:
    """A command that is given twice does no harm."""
    file = house.lay(house.make(3))
    first = activate(store, file, NOW)
    before = store.state()
    assert activate(store, file, NOW).kept == first.kept
    assert store.state() == before


def test_deny_all_outranks_every_sequence_and_ends_with_the_release_before(
    store: ReleaseStore, house: ReleaseHouse
) -> None:
    """Signed long ago under sequence 1, also past its date; the floor stays where it was."""
    emergency = house.make(1, emergency=True, valid_until=NOW - DAY, valid_from=NOW - 9 * DAY)
    activate(store, normal := house.lay(house.make(7), "normal"), NOW)
    activate(store, house.lay(emergency, "deny"), NOW, wanted="deny_all")
    state = store.state()
    assert state.emergency is not None
    assert state.active == state.emergency
    assert state.floor == state.kept[0]
    assert state.floor.sequence == 7
    with pytest.raises(ReleaseRefused, match="older"):
        activate(store, house.lay(house.make(6), "older"), NOW)
    activate(store, normal, NOW)
    assert store.state().emergency is None


def test_a_rollback_is_old_content_under_a_higher_sequence(
    store: ReleaseStore, house: ReleaseHouse
) -> None:
    """It must have been in force here; new content is refused by this command."""
    old, new = next_version("2027.1.0"), next_version("2027.2.0")
    activate(store, house.lay(house.make(1, old), "one"), NOW)
    activate(store, house.lay(house.make(2, new), "two"), NOW)
    other = house.lay(house.make(3, next_version("2027.3.0")), "three")
    with pytest.raises(ReleaseRefused, match="not_earlier"):
        activate(store, other, NOW, wanted="earlier")
    with pytest.raises(ReleaseRefused, match="not_earlier"):
        activate(store, house.lay(house.make(3, new), "same"), NOW, wanted="earlier")
    with pytest.raises(ReleaseRefused, match="older"):
        activate(store, house.folder / "one.tar.gz", NOW, wanted="earlier")
    activate(store, house.lay(house.make(3, old, oldest=3), "undo"), NOW, wanted="earlier")
    state = store.state()
    assert store.load(state.kept[0]).bundle == old
    assert (state.kept[0].sequence, state.oldest) == (3, 3)


def test_what_lies_ready_is_found_if_it_is_the_only_one(
    store: ReleaseStore, house: ReleaseHouse
) -> None:
    """At two in the morning nobody looks for file names; but nothing is guessed either."""
    old = next_version("2027.1.0")
    activate(store, house.lay(house.make(1, old), "one"), NOW)
    activate(store, house.lay(house.make(2), "two"), NOW)
    with pytest.raises(ReleaseRefused, match="nothing_ready"):
        find_ready(store, "deny_all")
    ready = ReleaseHouse(store.ready, house.key)
    deny = ready.lay(ready.make(1, emergency=True), "deny-all")
    undo = ready.lay(ready.make(3, old, oldest=3), "undo")
    (store.ready / "broken.tar.gz").write_bytes(b"")
    assert find_ready(store, "deny_all") == deny
    assert find_ready(store, "earlier") == undo
    assert [one.code for one in lying_ready(store)] == ["unreadable", "", ""]
    ready.lay(ready.make(4, old), "undo-too")
    with pytest.raises(ReleaseRefused, match="several_ready"):
        find_ready(store, "earlier")
    with pytest.raises(ReleaseRefused, match="not_deny_all"):
        activate(store, undo, NOW, wanted="deny_all")


@pytest.mark.parametrize("damage", ["truncated", "emptied", "removed", "lowered"])
def test_a_state_file_that_was_damaged_does_not_lower_the_floor(
    damage: str, store: ReleaseStore, house: ReleaseHouse, tmp_path: Path
) -> None:
    """What lies beside it under the key's signature still says below what none may go."""
    for sequence in (4, 5):
        activate(store, house.lay(house.make(sequence), str(sequence)), NOW)
    file = tmp_path / "policy" / "state.json"
    content = file.read_bytes()
    if damage == "removed":
        file.unlink()
        assert store.state() == State()
    elif damage == "lowered":
        state = store.state()
        file.write_bytes(State(floor=state.kept[1], kept=state.kept[1:]).to_bytes())
    else:
        file.write_bytes(content[: len(content) // 2] if damage == "truncated" else b"")
        with pytest.raises(ReleaseRefused, match="state"):
            store.state()
    with pytest.raises(ReleaseRefused, match="older"):
        activate(store, house.folder / "4.tar.gz", NOW)
    activate(store, house.folder / "5.tar.gz", NOW)
    assert store.state().active == Kept.parse(store.state().kept[0].name)
    assert store.state().kept[0].sequence == 5


def test_refusals_wait_for_the_record_and_cannot_fill_the_disk(
    store: ReleaseStore, tmp_path: Path
) -> None:
    """Bounded in number; what is not one is thrown away."""
    for number in range(MAX_EVENTS + 5):
        store.refuse(Refusal("older", DIGEST, NOW + number))
    found = store.refusals()
    assert [refusal.at for _path, refusal in found] == [NOW + n for n in range(MAX_EVENTS)]
    for path, _refusal in found:
        path.unlink()
    events = tmp_path / "policy" / "events"
    for content in (b"", b"[]", b'{"code":1,"release":null,"at":0}', b"x" * 2_000):
        (events / "odd.json").write_bytes(content)
        assert store.refusals() == []
        assert not (events / "odd.json").exists()


def test_the_file_for_opa_is_the_release_in_force(
    store: ReleaseStore, house: ReleaseHouse, tmp_path: Path
) -> None:
    """The same bytes that were verified, under a name that does not change."""
    made = house.make(1)
    served = tmp_path / "opa" / "release.tar.gz"
    served.parent.mkdir()
    beside = ReleaseStore(tmp_path / "policy", house.key.verifier, served)
    brought = activate(beside, house.lay(made), NOW)
    beside.serve(brought.kept)
    assert served.read_bytes() == made.file
    first = served.stat().st_ino
    beside.serve(brought.kept)
    assert served.stat().st_ino == first, "a server that watches the file is not woken for nothing"
    store.serve(brought.kept)
