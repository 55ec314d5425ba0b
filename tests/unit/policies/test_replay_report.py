# SPDX-License-Identifier: EUPL-1.2
"""What is shown of counts: never one below five, also not to whoever can subtract."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from policies.cells import SMALL, Sum, shown, shown_json
from policies.replay import Cell, Change
from policies.replay_report import Report

CELLS = st.builds(
    Cell,
    st.sampled_from(sorted(Change)),
    st.sampled_from(["ABH", "JC", "MBE"]),
    st.sampled_from(["ABH", "JC", "MBE"]),
    st.sampled_from(["P02", "P04"]),
    st.sampled_from(["rent", "family_name", "azr_number"]),
)
COUNTS = st.dictionaries(CELLS, st.integers(min_value=0, max_value=60), max_size=12)
SMALL_COUNTS = st.integers(min_value=1, max_value=SMALL - 1)


def _report(counts: Mapping[Cell, int], decisions: int = 300) -> Report:
    return Report("a" * 64, "b" * 64, decisions, counts)


def _table(report: Report) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(report.table())
    return console.export_text()


def _everything(report: Report) -> str:
    return "\n".join(
        (json.dumps(report.to_json()), report.to_csv(), _table(report), report.sentence())
    )


def _numbers(text: str) -> set[int]:
    """Every number that stands by itself; "<5" and "below 5" are none."""
    plain = re.sub(r"<5|below 5|cells_below_5", "", text)
    return {int(found) for found in re.findall(r"(?<![\w.])\d+(?![\w.])", plain)}


@given(counts=COUNTS)
def test_no_count_below_five_is_shown(counts: Mapping[Cell, int]) -> None:
    """Not in JSON, CSV, table or sentence; only the number of small cells may be small."""
    report = _report(counts)
    assert not [row for row in report.rows if row.count is not None and row.count < SMALL]
    told = _numbers("\n".join((report.to_csv(), _table(report))))
    assert not told & set(range(1, SMALL))
    listed = report.to_json()["changes"]
    assert isinstance(listed, list)
    for row in listed:
        assert isinstance(row, dict)
        assert row["count"] is None or row["count"] >= SMALL  # type: ignore[operator]  # an int


@given(counts=COUNTS, data=st.data())
def test_nothing_that_is_shown_depends_on_a_small_count(
    counts: Mapping[Cell, int], data: st.DataObject
) -> None:
    """Totals, order and sums stay the same whatever the hidden numbers are: nothing to subtract."""
    other = {
        cell: data.draw(SMALL_COUNTS) if 0 < count < SMALL else count
        for cell, count in counts.items()
    }
    assert _everything(_report(other)) == _everything(_report(counts))


@given(counts=COUNTS)
def test_the_worst_comes_first(counts: Mapping[Cell, int]) -> None:
    """Classes in their order, then names; never by size, which would tell about small ones."""
    places = [row.about for row in _report(counts).rows]
    order = list(Change)
    assert [order.index(cell.change) for cell in places] == sorted(
        order.index(cell.change) for cell in places
    )
    assert len(places) == len({cell for cell, count in counts.items() if count})


def test_few_decisions_are_not_counted_either() -> None:
    """A report about three decisions says that they are fewer than five."""
    report = _report({}, decisions=3)
    assert report.to_json()["decisions"] is None
    assert report.sentence().startswith("<5 decisions")
    assert (shown(0), shown_json(0), shown(5), shown_json(5)) == ("0", 0, "5", 5)


def test_a_sum_says_how_much_it_leaves_out() -> None:
    """Only what is shown is added; what is not shown is counted in cells."""
    assert Sum(12, 0).text == "12"
    assert Sum(12, 2).text == "12 and 2 below 5"
    assert Sum(12, 2).to_json() == {"counted": 12, "cells_below_5": 2}


def test_a_widening_shows_however_rare_it_is() -> None:
    """One single exchange that would be opened is not counted, but it is there."""
    report = _report({Cell(Change.DENY_TO_ALLOW, "MBE", "ABH", "P02", "rent"): 1})
    assert report.widens
    assert report.to_json()["widens"] is True
    rows = list(csv.DictReader(io.StringIO(report.to_csv())))
    assert rows == [
        {
            "change": "deny_to_allow",
            "from": "MBE",
            "to": "ABH",
            "purpose": "P02",
            "field_or_obligation": "rent",
            "count": "<5",
        }
    ]


def test_an_empty_report_is_no_change() -> None:
    """Nothing counted: no rows, no widening."""
    report = _report({Cell(Change.DENY_TO_ALLOW, "MBE", "ABH", "P02", "rent"): 0})
    assert not report.widens
    assert not report.changes
    assert report.rows == []
