# SPDX-License-Identifier: EUPL-1.2
"""What a shadow counted: by day, by candidate, by change; the rows a gateway keeps, and their report."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from policies.cells import shown_json
from policies.errors import InputInvalid
from policies.replay import Cell, Change
from policies.replay_report import Report
from policies.strict import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policies.strict import JsonValue

COMPARED: Final = "compared"
"""Decisions that the candidate was asked about as well."""
DROPPED: Final = "dropped"
"""Decisions that it was not asked about, because it was not done with those before."""

_COUNTED: Final = frozenset({COMPARED, DROPPED, *(change.value for change in Change)})
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_CODE: Final = re.compile(r"\*|[A-Za-z0-9_.-]{0,64}")
_MAX_TIMES: Final = 2**53


class Counted(NamedTuple):
    """What one number is about."""

    day: str
    candidate: str
    today: str
    counted: str
    """A ``Change``, ``compared`` or ``dropped``."""
    from_kind: str = ""
    to_kind: str = ""
    purpose: str = ""
    what: str = ""

    @classmethod
    def of(cls, day: dt.date, candidate: str, today: str, cell: Cell) -> Counted:
        """Count a change."""
        return cls(day.isoformat(), candidate, today, cell.change.value, *cell[1:])

    def to_row(self, times: int) -> dict[str, str | int]:
        """Return the number by column."""
        key = hashlib.sha256("\n".join(self).encode("ascii")).hexdigest()
        return {"key": key, **self._asdict(), "times": times}


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """What one candidate would have changed beside one set of rules in force."""

    first: str
    """First and last day."""
    last: str
    dropped: int
    report: Report

    def to_json(self) -> dict[str, JsonValue]:
        """For programs."""
        return {
            "first_day": self.first,
            "last_day": self.last,
            "dropped": shown_json(self.dropped),
            **self.report.to_json(),
        }


def reports(unverified_rows: Iterable[Mapping[str, Any]]) -> tuple[list[ShadowReport], int]:
    """Add up rows, one report per candidate and rules in force, newest first; and the unreadable."""
    found: defaultdict[tuple[str, str], Counter[Counted]] = defaultdict(Counter)
    unreadable = 0
    for row in unverified_rows:
        try:
            about, times = _read(Reader.of(dict(row)))
        except InputInvalid:
            unreadable += 1
            continue
        found[about.candidate, about.today][about] += times
    made = [_report(*digests, counts) for digests, counts in found.items()]
    return sorted(made, key=lambda one: (one.last, one.first), reverse=True), unreadable


def _report(candidate: str, today: str, counts: Counter[Counted]) -> ShadowReport:
    sums: Counter[str] = Counter()
    cells: Counter[Cell] = Counter()
    for about, times in counts.items():
        if about.counted in {COMPARED, DROPPED}:
            sums[about.counted] += times
        else:
            cells[Cell(Change(about.counted), *about[4:])] += times
    days = [about.day for about in counts]
    report = Report(today, candidate, sums[COMPARED], cells)
    return ShadowReport(min(days), max(days), sums[DROPPED], report)


def _read(row: Reader) -> tuple[Counted, int]:
    key, times = row.text("key"), row.number("times")
    about = Counted(*(row.text(name) for name in Counted._fields))
    row.done()
    codes = (about.from_kind, about.to_kind, about.purpose, about.what)
    if (
        about.counted not in _COUNTED
        or not all(_DIGEST.fullmatch(digest) for digest in (about.candidate, about.today))
        or not all(_CODE.fullmatch(code) for code in codes)
        or not 1 <= times <= _MAX_TIMES
    ):
        raise InputInvalid("form")
    try:
        dt.date.fromisoformat(about.day)
        same = about.to_row(times)["key"] == key
    except ValueError:
        raise InputInvalid("day") from None
    if not same:
        raise InputInvalid("key")
    return about, times
