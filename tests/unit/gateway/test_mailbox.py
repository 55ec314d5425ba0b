# SPDX-License-Identifier: EUPL-1.2
"""How long a sealed result waits, and what of it is stored."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mailbox import SATURDAY, Payload, waits_until
from keys.envelope import Envelope
from keys.errors import KeysError
from keys.strict_json import dumps
from tests.support.middle import ABH, DAY
from tests.support.scenes import one_gate, paper_waits, pick_up, release_of_paper

DAYS = {
    "2026-11-02T10:00": "2026-11-05T10:00",  # Monday: Thursday
    "2026-11-04T10:00": "2026-11-09T10:00",  # Wednesday: over a weekend to Monday
    "2026-11-06T23:59": "2026-11-11T23:59",  # Friday: Wednesday
    "2026-11-07T00:00": "2026-11-11T00:00",  # Saturday: does not count itself
    "2026-11-08T12:00": "2026-11-11T12:00",  # Sunday
    "2026-12-31T08:00": "2027-01-05T08:00",  # over the turn of a year
}


def _seconds(text: str) -> int:
    return int(dt.datetime.fromisoformat(f"{text}+00:00").timestamp())


@pytest.mark.parametrize("begin", DAYS)
def test_three_working_days(begin: str) -> None:
    """Saturdays and Sundays do not count; the hour stays."""
    assert waits_until(_seconds(begin)) == _seconds(DAYS[begin])


@given(st.integers(0, 4_000_000_000), st.integers(1, 3))
def test_waiting_ends_on_a_working_day_after_at_most_two_more_than_counted(
    now: int, days: int
) -> None:
    """Property: the end is a working day, exactly so many of them later, and never far away."""
    end = waits_until(now, days)
    assert (end - now) % DAY == 0
    between = [dt.datetime.fromtimestamp(now + n * DAY, tz=dt.UTC) for n in range(1, 8)]
    working = [one for one in between if one.weekday() < SATURDAY]
    assert int(working[days - 1].timestamp()) == end


async def test_a_payload_comes_back_as_it_was(tmp_path: Path) -> None:
    """Envelope, detail and reference survive storing; no reference stays none."""
    async with one_gate(tmp_path) as gate:
        await release_of_paper(gate, await gate.person(ABH, "A1"))
        answer = (await pick_up(gate, await paper_waits(gate))).json()
    envelope = Envelope.from_wire(answer["envelope"])
    for reference in (b"r" * 145, None):
        payload = Payload(envelope, b"detail", reference)
        assert Payload.from_bytes(payload.to_bytes()) == payload


@pytest.mark.parametrize(
    "stored", [b"", b"{}", b"[]", dumps({"envelope": {}, "detail": "AA", "reference": ""})]
)
def test_a_damaged_payload_is_refused(stored: bytes) -> None:
    """What cannot have been written here is an error of its own kind, not a crash."""
    with pytest.raises(KeysError):
        Payload.from_bytes(stored)
