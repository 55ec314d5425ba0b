# SPDX-License-Identifier: EUPL-1.2
"""Arithmetic on measured series (quantiles, medians, distances), and how figures are written."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

KS_COEFFICIENT: Final = 1.358
"""c(0.05) of the two-sample Kolmogorov-Smirnov test (Knuth, TAOCP 2, 3.3.1; large samples)."""


def quantile(values: Sequence[float], share: float) -> float:
    """Give the value below which `share` (0 to 1) of the series lies; nearest rank, NaN if empty."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def median(values: Sequence[float]) -> float:
    """Give the median; NaN if there is nothing."""
    return statistics.median(values) if values else math.nan


def spread(values: Sequence[float]) -> str:
    """Write a series of repeats as median and range: ``2.01 (1.95-2.20)``."""
    if not values:
        return "-"
    if len(values) == 1:
        return short(values[0])
    return f"{short(median(values))} ({short(min(values))}-{short(max(values))})"


def short(value: float) -> str:
    """Write a figure with as many digits as a noisy machine justifies."""
    if math.isnan(value):
        return "-"
    magnitude = abs(value)
    if magnitude >= 100:  # noqa: PLR2004 - three digits
        return f"{value:.0f}"
    return f"{value:.1f}" if magnitude >= 10 else f"{value:.2f}"  # noqa: PLR2004 - three digits


def ks_statistic(one: Sequence[float], other: Sequence[float]) -> float:
    """Give the largest distance between two empirical distribution functions, 0 to 1.

    Raises:
        ValueError: one of the series is empty.
    """
    if not one or not other:
        raise ValueError("a series is empty")
    first, second = sorted(one), sorted(other)
    return max(
        abs(bisect_right(first, at) / len(first) - bisect_right(second, at) / len(second))
        for at in {*first, *second}
    )


def ks_chance(one: int, other: int) -> float:
    """Give the distance that two samples of one distribution exceed in one of twenty cases."""
    return KS_COEFFICIENT * math.sqrt((one + other) / (one * other))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table; the first column is text, the others are figures."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *rows))
