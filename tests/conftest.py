# SPDX-License-Identifier: EUPL-1.2
"""What every test shares: no skips in CI, and how long each part of the suite took."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Generator

import pytest

# In the order in which they import each other: assertions are rewritten before the first import.
pytest_plugins = [
    "tests.support.processes",
    "tests.support.opa",
    "tests.support.opa_server",
    "tests.support.postgres",
    "tests.support.towns",
]

IN_CI = os.environ.get("LOTSE_CI") == "1"

PARTS = ("unit", "contract", "vectors", "attacks", "journeys", "browser")

_seconds: dict[str, float] = defaultdict(float)
_counts: dict[str, int] = defaultdict(int)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, the loop that the product runs on."""
    return "asyncio"


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure: in CI everything that a test needs must be there."""
    if not IN_CI or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"LOTSE_CI=1 allows no skip: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


def part_of(nodeid: str) -> str:
    """The part of the suite that a test belongs to: the directory below `tests`."""
    pieces = nodeid.split("/")
    return pieces[1] if len(pieces) > 2 and pieces[1] in PARTS else "other"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    part = part_of(report.nodeid)
    _seconds[part] += report.duration
    if report.when == "call":
        _counts[part] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("time per part")
    for part in (*PARTS, "other"):
        if _seconds[part]:
            terminalreporter.write_line(
                f"{part:<10}{_counts[part]:>6} run{_seconds[part]:>10.1f} s"
            )
