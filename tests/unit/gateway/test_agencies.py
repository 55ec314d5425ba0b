# SPDX-License-Identifier: EUPL-1.2
"""The gateway follows the signed agency list: newer ones count at once, bad ones never."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from audit.errors import LogUnavailable
from gateway.agencies import LOOK_AGAIN_SECONDS, AgencyBook
from keys.errors import KeysError, NotInForce
from keys.providers.base import KeyUse
from tests.support.middle import ABH, DAY, Middle
from tests.support.scenes import ask_status, entries, one_gate


def _book(middle: Middle) -> AgencyBook:
    root = middle.root.public_jwk(middle.root.kids(KeyUse.ROOT)[0])
    return AgencyBook(middle.folder / "agencies.json", root, middle.clock)


def _lay(middle: Middle, document: bytes) -> None:
    """Replace the file, with a time of its own so that a coarse clock cannot hide the change."""
    path = middle.folder / "agencies.json"
    path.write_bytes(document)
    later = path.stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(later, later))


def test_a_newer_list_counts_within_seconds(tmp_path: Path) -> None:
    """Looked at every ten seconds, told once, handed on byte for byte."""
    middle = Middle.build(tmp_path)
    book = _book(middle)
    told: list[bytes] = []
    book.on_new = told.append
    middle.publish()
    _lay(middle, (tmp_path / "agencies.json").read_bytes())
    assert book.current().serial == 1
    middle.clock.advance(LOOK_AGAIN_SECONDS)
    assert book.current().serial == 2
    assert book.current().serial == 2
    assert told == [book.document] == [(tmp_path / "agencies.json").read_bytes()]


@pytest.mark.parametrize("failure", [LogUnavailable("down"), TimeoutError()])
def test_a_list_that_is_not_on_record_is_not_used(tmp_path: Path, failure: Exception) -> None:
    """The log is down: the list in force stays so, and the next look tries again."""
    middle = Middle.build(tmp_path)
    book = _book(middle)
    failures = [failure]

    def record(_document: bytes) -> None:
        if failures:
            raise failures.pop()

    book.on_new = record
    middle.publish()
    _lay(middle, (tmp_path / "agencies.json").read_bytes())
    middle.clock.advance(LOOK_AGAIN_SECONDS)
    assert book.current().serial == 1
    middle.clock.advance(LOOK_AGAIN_SECONDS)
    assert book.current().serial == 2


BAD = ["half written", "empty", "an older one", "signed by another root", "gone"]


@pytest.mark.parametrize("what", BAD)
def test_a_bad_list_changes_nothing(tmp_path: Path, what: str) -> None:
    """The list in force stays in force, at every look, and nobody's call fails for it."""
    middle = Middle.build(tmp_path)
    older = (tmp_path / "agencies.json").read_bytes()
    middle.publish()
    book = _book(middle)
    assert book.current().serial == 2
    if what == "gone":
        (tmp_path / "agencies.json").unlink()
    else:
        (tmp_path / "foreign").mkdir()
        Middle.build(tmp_path / "foreign").publish()
        _lay(
            middle,
            {
                "half written": book.document[:-40],
                "empty": b"",
                "an older one": older,
                "signed by another root": (tmp_path / "foreign/agencies.json").read_bytes(),
            }[what],
        )
    for _ in range(3):
        middle.clock.advance(LOOK_AGAIN_SECONDS)
        assert book.current().serial == 2
    middle.publish()
    _lay(middle, (tmp_path / "agencies.json").read_bytes())
    middle.clock.advance(LOOK_AGAIN_SECONDS)
    assert book.current().serial == 3


def test_an_expired_list_ends_everything(tmp_path: Path) -> None:
    """Nothing goes on under old keys, also when nobody touches the file."""
    middle = Middle.build(tmp_path)
    book = _book(middle)
    middle.clock.advance(6 * DAY - 1)
    assert book.current().agency(ABH) is not None
    middle.clock.advance(1)
    with pytest.raises(NotInForce):
        book.current()


def test_a_gateway_does_not_start_on_a_list_of_another_root(tmp_path: Path) -> None:
    """The pinned root is the one thing that is trusted without proof."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = Middle.build(tmp_path / "one"), Middle.build(tmp_path / "two")
    _lay(one, (two.folder / "agencies.json").read_bytes())
    with pytest.raises(KeysError):
        _book(one)


async def test_every_list_that_counts_is_on_record(tmp_path: Path) -> None:
    """The first one and each newer one, by its hash."""
    async with one_gate(tmp_path) as gate:
        gate.middle.publish()
        _lay(gate.middle, (tmp_path / "agencies.json").read_bytes())
        gate.middle.clock.advance(LOOK_AGAIN_SECONDS)
        await ask_status(gate)
        published = [one for one in entries(gate.middle) if one["kind"] == "agencies.published"]
        assert len({one["doc"] for one in published}) == len(published) == 2
