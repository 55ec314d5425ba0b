# SPDX-License-Identifier: EUPL-1.2
"""A scene that fails in any way says so, and is never taken for one that came out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from deploy.demo.cast import FLOWS, LINKS, MEMBER, RUNNING
from deploy.demo.office import Problem, Told
from deploy.demo.place import Place
from deploy.demo.ports import Ports
from deploy.demo.scenes import SCENES
from deploy.demo.scenes.model import Account, Scene, Stage, describe, play, unplayed
from deploy.demo.supervisor import Supervisor
from deploy.demo.table import print_results

PROVENANCE = {"rule": "R02", "norm": [], "from": "abh.hannover", "exchange": "x", "received_at": 1}


def _told(**more: object) -> Told:
    body = {
        "id": "1",
        "exchange": "x",
        "outcome": "answered",
        "fields": {"permit_type": {"value": "25B", "provenance": PROVENANCE}},
        "withheld": [
            {
                "field": "net_income",
                "outcome": "DENY",
                "rule": "R73",
                "reason": "not_in_rule",
                "sentence": "…",
                "next_step": "…",
            }
        ],
        "held": [],
        "receipts": ["a"],
        "log_index": 3,
    }
    return Told({**body, **more})


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(Place(tmp_path), Ports({}, ()), Supervisor(lambda _line: None), date(2026, 11, 22))


def test_there_are_sixteen_scenes_with_different_names() -> None:
    """Every scene of the rule texts is there once."""
    names = [scene.id for scene in SCENES]
    assert len(set(names)) == len(names) == 16


def test_an_answer_is_described_by_rule_and_reason() -> None:
    """Released fields come first, with their rule; withheld ones follow with rule and reason."""
    assert describe(_told()) == "released R02: permit_type; DENY R73 not_in_rule: net_income"


def test_what_is_released_later_is_no_longer_withheld() -> None:
    """A field that arrives after a first refusal counts as released."""
    account = Account()
    account.told(_told(fields={}, withheld=[*_told().body["withheld"]]))
    later = {"net_income": {"value": 1, "provenance": PROVENANCE}}
    account.told(_told(fields=later, withheld=[]))
    assert account.released == {"net_income"}
    assert account.withheld == {}


@pytest.mark.parametrize(
    "accident", [Problem(503, "gateway-busy", ""), KeyError("id"), RuntimeError("x"), OSError("y")]
)
def test_whatever_goes_wrong_is_observed(stage: Stage, accident: Exception) -> None:
    """A scene that raises ends as "not ok" with the problem in what was observed."""

    def fail(_stage: Stage, account: Account) -> None:
        account.saw("expected line")
        raise accident

    scene = Scene("X", "x", "x", ("expected line",), fail, needs_receipts=False)
    result = play(scene, stage)
    assert not result.ok
    assert result.observed != result.expected


def test_a_scene_without_receipts_is_not_ok(stage: Stage) -> None:
    """The right words without evidence do not count."""

    def claim(_stage: Stage, account: Account) -> None:
        account.saw("expected line")

    result = play(Scene("X", "x", "x", ("expected line",), claim), stage)
    assert result.observed == result.expected
    assert not result.receipt_verified
    assert not result.ok


def test_the_table_names_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    """A reader sees which scene is not as expected and why."""
    print_results([unplayed(SCENES[0], "the gateway did not start")], 1.0)
    shown = capsys.readouterr().out
    assert "U01 NOT OK" in shown
    assert "the gateway did not start" in shown
    assert "0 of 1 scenes as expected" in shown


def test_the_cast_fits_together() -> None:
    """Agreements and links name agencies that exist, and links only those with a connector."""
    running = {member.id for member in RUNNING}
    assert {flow.source for flow in FLOWS} | {flow.recipient for flow in FLOWS} <= MEMBER.keys()
    assert {link.one for link in LINKS} | {link.other for link in LINKS} <= running
