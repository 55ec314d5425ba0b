# SPDX-License-Identifier: EUPL-1.2
"""The printed report: every figure stands where its heading says."""

from __future__ import annotations

from deploy.bench.figures import table
from deploy.bench.place import EMPTY, LINKED, UNLINKED
from deploy.bench.report import Report, write
from deploy.bench.runs import Measured, Run


def _run(connections: int, *, cpu_ms: float, per_second: float, answers: dict[str, int]) -> Run:
    return Run(
        connections=connections,
        per_second=per_second,
        milliseconds=[1.0, 2.0, 3.0, 4.0],
        cpu_ms=cpu_ms,
        quiet_cpu_ms=cpu_ms / 2,
        holder_cpu_ms=0.7,
        load_cpu_ms=0.1,
        threads_ms={"event loop": 1.25, "log writer": 0.5},
        steps_ms={"4 decide": (0.25, 0.1), "5 record intent": (0.5, 0.2)},
        answers=answers,
        resident_mib=100.0,
    )


def _report() -> Report:
    all_good = {"answered": 4}
    measured = Measured("sqlite")
    measured.gateway = [
        _run(1, cpu_ms=3.0, per_second=200, answers=all_good),
        _run(1, cpu_ms=5.0, per_second=100, answers={"answered": 3, "503": 1}),
        _run(1, cpu_ms=4.0, per_second=150, answers=all_good),
    ]
    measured.proxy = [_run(1, cpu_ms=1.0, per_second=600, answers=all_good)]
    measured.persons = {EMPTY: [1.0, 2.0], LINKED: [1.0, 2.0], UNLINKED: [7.0, 8.0]}
    return Report("python -m deploy.bench", "2026-11-22", databases=[measured])


def _row(text: str, start: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {start} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_table_is_markdown() -> None:
    """Head, rule and rows; figures are aligned to the right."""
    assert table(("a", "b"), [("x", "1")]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


def test_repeats_stand_as_median_and_range() -> None:
    """Three repeats of one kind give one row."""
    cells = _row(write(_report()), "sqlite")
    assert cells[2] == "150 (100-200)"
    assert cells[6] == "4.00 (3.00-5.00)"


def test_an_answer_that_is_none_is_counted() -> None:
    """A gateway that is quick because it refuses does not look good."""
    assert _row(write(_report()), "sqlite")[-1] == "1"


def test_the_ratio_to_the_plain_proxy_is_that_of_the_medians() -> None:
    """Four milliseconds against one; 150 against 600 a second."""
    after = write(_report()).split("A plain authenticated proxy")[1]
    assert _row(after, "sqlite")[-2:] == ["4.00", "0.25"]


def test_steps_are_summed() -> None:
    """The last row is the sum of the steps above it."""
    assert _row(write(_report()), "sum")[1:] == ["0.75", "0.30"]


def test_each_kind_of_person_is_compared_with_the_linked_one() -> None:
    """The comparison shows a kind of person that takes longer."""
    after = write(_report()).split("Answer times of")[1]
    distances = {line.split("|")[2].strip(): line.split("|")[7].strip() for line in _lines(after)}
    assert distances == {LINKED: "-", EMPTY: "0.000", UNLINKED: "1.000"}


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| sqlite")]


def test_soak_tells_first_and_last() -> None:
    """Drift is said in a sentence, not only in a table."""
    report = Report("c", "d")
    report.soak = [_run(4, cpu_ms=2.0, per_second=1, answers={})]
    report.soak.append(_run(4, cpu_ms=2.5, per_second=1, answers={}))
    assert "CPU 2.00 to 2.50 ms" in write(report)
