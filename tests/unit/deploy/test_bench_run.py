# SPDX-License-Identifier: EUPL-1.2
"""One short, real run: the processes start, exchanges are answered, figures come out."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.bench.desk import Desk
from deploy.bench.holder import PLAIN_PATH, InsecureHolder
from deploy.bench.load import Play, record
from deploy.bench.meter import STEP_NAMES
from deploy.bench.place import ABH, FIELDS, JC, LINKED, UNLINKED, provision
from policies.catalogue import Catalogue
from tests.support import tree


def test_recorded_requests_are_all_different(tmp_path: Path) -> None:
    """Each statement is signed for one use, and every person is asked about equally often."""
    place = provision(tmp_path, int(time.time()))
    play = Play(1, "token", 1, 6, 1.0, (LINKED, UNLINKED))
    made = record(Desk(JC, place.keys(JC)), play, int(time.time()))
    assert len({request for _, request in made}) == len(made) == 6
    assert sorted(person for person, _ in made) == [LINKED] * 3 + [UNLINKED] * 3


def test_the_stand_in_seals_really(tmp_path: Path) -> None:
    """Two answers to one question share no ciphertext, and have the same size."""
    holder = InsecureHolder(provision(tmp_path, int(time.time())))
    one, other = (json.loads(holder.answer(PLAIN_PATH, b"{}")) for _ in range(2))
    sealed = [{item["n"]: item["c"] for item in answer["envelope"]["f"]} for answer in (one, other)]
    assert sealed[0].keys() == sealed[1].keys() == set(FIELDS)
    assert not set(sealed[0].values()) & set(sealed[1].values())
    assert all(len(sealed[0][name]) == len(sealed[1][name]) for name in FIELDS)


def test_the_measured_fields_are_released_by_one_rule() -> None:
    """The ten fields are what rule R02 gives a job centre, so that the measured path is the full one."""
    assert set(FIELDS) <= set(Catalogue.load().rule("R02").fields)
    assert len(FIELDS) == 10
    assert ABH != JC


@pytest.mark.slow
def test_a_short_run_answers_everything(tmp_path: Path) -> None:
    """Every exchange of the run is answered, and CPU is booked for every step and thread."""
    figures = tmp_path / "figures.json"
    arguments = ("--only", "exchanges", "--database", "sqlite", "--seconds", "0.2")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "deploy.bench",
            *arguments,
            "--repeats",
            "1",
            "--json",
            str(figures),
        ],
        cwd=tree.ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(figures.read_text("utf-8"))["databases"][0]
    for run in measured["gateway"] + measured["proxy"]:
        assert run["answers"].keys() == {"answered"}
        assert run["cpu_ms"] > 0
    single = measured["gateway"][0]
    assert single["steps_ms"].keys() >= set(STEP_NAMES.values())
    assert single["threads_ms"]["log writer"] > 0
    assert {LINKED, UNLINKED} <= measured["persons"].keys()
    assert "| sqlite | 8 |" in done.stdout
