# SPDX-License-Identifier: EUPL-1.2
"""The arithmetic behind the printed figures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.bench.figures import ks_chance, ks_statistic, median, quantile, short, spread

SERIES = st.lists(st.floats(0, 1e6, allow_nan=False), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1), (0.5, 5), (0.9, 9), (0.95, 10), (0.99, 10), (1.0, 10)]
)
def test_a_quantile_is_the_nearest_rank(share: float, expected: int) -> None:
    """Of one to ten, the p-th hundredth is the smallest value that p percent do not exceed."""
    assert quantile(list(range(10, 0, -1)), share) == expected


def test_nothing_measured_is_not_a_zero() -> None:
    """An empty series gives no figure, and is written as a dash."""
    assert math.isnan(quantile([], 0.5))
    assert math.isnan(median([]))
    assert short(math.nan) == "-"
    assert spread([]) == "-"


def test_repeats_are_written_with_their_range() -> None:
    """A reader sees at once how far the repeats lie apart."""
    assert spread([2.0]) == "2.00"
    assert spread([2.5, 1.96, 310.0]) == "2.50 (1.96-310)"


@given(SERIES)
def test_a_series_has_no_distance_to_itself(series: list[float]) -> None:
    """Equal samples: the statistic is zero, whatever their order."""
    assert ks_statistic(series, sorted(series)) == 0


@given(SERIES, SERIES)
def test_the_distance_is_symmetric_and_at_most_one(one: list[float], other: list[float]) -> None:
    """The statistic is a distance between two distribution functions."""
    assert ks_statistic(one, other) == ks_statistic(other, one)
    assert 0 <= ks_statistic(one, other) <= 1


def test_a_planted_delay_shows() -> None:
    """Answer times that are all later for one kind of person have the largest distance there is."""
    quick = [1.0 + n / 100 for n in range(100)]
    assert ks_statistic(quick, [value + 5 for value in quick]) == 1
    half_late = quick[:50] + [value + 5 for value in quick[50:]]
    assert ks_statistic(quick, half_late) == pytest.approx(0.5)
    assert ks_statistic(quick, half_late) > ks_chance(100, 100)


def test_the_statistic_agrees_with_a_worked_example() -> None:
    """{1,2,3,4} against {3,4,5,6}: after 2 the functions are 1/2 and 0."""
    assert ks_statistic([1, 2, 3, 4], [3, 4, 5, 6]) == pytest.approx(0.5)


def test_an_empty_series_has_no_distance() -> None:
    """Nothing cannot be compared."""
    with pytest.raises(ValueError, match="empty"):
        ks_statistic([], [1.0])
