# SPDX-License-Identifier: EUPL-1.2
"""The measurement of single decisions: what is asked, what is counted, what is printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.bench.decision_memory import SLICES, Memory, Wanted, over_decisions
from deploy.bench.decision_report import cost_table, memory_table
from deploy.bench.decisions import SIZES, Cost, decision_costs, question
from deploy.bench.processes import children
from policies.decide import load_decider
from policies.engine.base import Answer
from policies.engine.embedded import EmbeddedEngine
from tests.support import tree


class InsecureRecordingEngine:
    """Remembers what the real engine was asked."""

    def __init__(self) -> None:
        self.inner = EmbeddedEngine.load()
        self.asked: list[bytes] = []
        self.bundle_digest = self.inner.bundle_digest
        self.name = self.inner.name

    def evaluate(self, canonical_json: bytes) -> list[Answer]:
        """Remember and pass on."""
        self.asked.append(canonical_json)
        return self.inner.evaluate(canonical_json)


def _rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize(("size", "released"), [(4, 3), (10, 8), (40, 17)])
def test_the_measured_question_is_answered_both_ways(size: int, released: int) -> None:
    """Fields are released and refused, so that neither way through the rules is left out."""
    decision = load_decider().decide(question(size))
    assert (len(decision.fields), len(decision.released)) == (size, released)
    assert len(decision.withheld) == size - released


def test_every_kind_of_decision_is_timed_as_often() -> None:
    """Two repeats of three rounds give six figures per kind; without a server none of one."""
    costs = decision_costs(None, rounds=3, repeats=2)
    assert [(cost.memo, cost.fields) for cost in costs] == [
        (memo, size) for memo in (False, True) for size in SIZES
    ]
    for cost in costs:
        assert len(cost.cpu_us) == len(cost.wall_us) == 6
        assert min(cost.cpu_us) > 0
        assert cost.server_us == []


def test_the_server_is_timed_too(opa: Path) -> None:
    """A real OPA server gives the same rows, with its own CPU beside them, and is gone afterwards."""
    before = children()
    costs = decision_costs(opa, rounds=2, repeats=1)
    assert [cost.engine for cost in costs] == ["embedded"] * 6 + ["OPA server"] * 6
    assert all(len(cost.server_us) == 1 for cost in costs[6:])
    assert children() == before


def test_a_memo_does_not_hide_the_engine_while_memory_is_watched() -> None:
    """Every question is another one: the engine works for each, also with a memo."""
    engine = InsecureRecordingEngine()
    memory = over_decisions(Wanted("x", None, memo=30, decisions=50), engine, [os.getpid()])
    assert len(engine.asked) == len(set(engine.asked)) == 30 + 50
    assert [number for number, _ in memory.sizes] == [0, 12, 25, 37, 50]
    assert [number for number, _ in memory.server] == [0, 12, 25, 37, 50]
    assert all(mib > 1 for _, mib in memory.sizes)


def test_growth_stands_as_kilobytes_per_thousand_decisions() -> None:
    """One MiB over 4,000 decisions is 256 kB per thousand; what came before the start is not in it."""
    sizes = [(0, 50.0), (1000, 50.2), (2000, 50.5), (3000, 50.7), (4000, 51.0)]
    memory = Memory("one", 20.0, sizes, [(number, 9.0) for number, _ in sizes])
    ours, server = _rows(memory_table([memory]))
    assert ours == ["one", "4,000", "20.0", "50.0", "50.2", "50.5", "50.7", "51.0", "256", "256"]
    assert server[0] == "one: the server itself"
    assert server[-1] == "0.00"


def test_costs_stand_as_median_lowest_tenth_and_tail() -> None:
    """CPU and wall do not change places, and a row without a server says so."""
    cpu = [float(number) for number in range(1, 101)]
    cost = Cost("embedded", 10, memo=False, cpu_us=cpu, wall_us=[number * 1000 for number in cpu])
    (row,) = _rows(cost_table([cost]))
    assert row == ["embedded", "off", "10", "50.0", "10.0", "50000", "99000", "-"]


@pytest.mark.slow
def test_a_short_run_prints_both_tables(tmp_path: Path) -> None:
    """The command measures decisions alone: every engine there is, and memory in between."""
    figures = tmp_path / "figures.json"
    arguments = ("--only", "decisions", "--rounds", "3", "--decisions", "80", "--repeats", "1")
    done = subprocess.run(
        [sys.executable, "-m", "deploy.bench", *arguments, "--json", str(figures)],
        cwd=tree.ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(figures.read_text("utf-8"))
    assert told["databases"] == []
    assert {cost["fields"] for cost in told["decisions"]} == set(SIZES)
    assert all(len(run["sizes"]) == SLICES + 1 for run in told["memory"])
    assert "| embedded | off | 10 |" in done.stdout
    assert "| embedded, memo at its bound | 20 |" in done.stdout
