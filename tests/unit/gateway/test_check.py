# SPDX-License-Identifier: EUPL-1.2
"""The rules' answer without a person: the caller's side comes from its credential here too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.middle import ABH, JC, MBE
from tests.support.scenes import PAPER, STATUS, one_gate, row_counts
from tests.support.signing_in import problem_code


def _body(**changes: Any) -> dict[str, Any]:
    return {
        "other": ABH,
        "direction": "pull",
        "purpose": "P04",
        "trigger": "on_request",
        "fields": [STATUS],
        **changes,
    }


async def _check(gate: Any, who: Any, **changes: Any) -> Any:
    return await gate.call(who, "POST", "/v1/exchanges/check", _body(**changes))


async def test_the_answer_is_that_of_an_enquiry_without_a_permission(tmp_path: Path) -> None:
    """Rule, norms and reasons per field; the bundle's digest says which rules spoke."""
    async with one_gate(tmp_path) as gate:
        body = (await _check(gate, JC)).json()
        asked = (await gate.ask(JC, ABH, "J1", "P04", [STATUS])).json()["withheld"][0]
        (field,) = body["fields"]
        assert {name: field[name] for name in ("rule", "outcome", "norms", "reasons")} == {
            name: asked[name] for name in ("rule", "outcome", "norms", "reasons")
        }
        assert len(body["bundle"]) == 64


async def test_the_caller_is_who_it_is(tmp_path: Path) -> None:
    """The same body from another agency gets another answer; no member names the caller."""
    async with one_gate(tmp_path) as gate:
        declared = {"azr_checked": True, "reason_code": "azr_pending"}
        assert (await _check(gate, JC, declared=declared)).json()["overall"] == "ALLOW_MIN"
        assert (await _check(gate, MBE, declared=declared)).json()["overall"] == "DENY"


async def test_a_push_is_checked_as_a_push(tmp_path: Path) -> None:
    """Direction and trigger fit together or are refused."""
    async with one_gate(tmp_path) as gate:
        push = {
            "direction": "push",
            "trigger": "push",
            "purpose": "P02",
            "fields": [PAPER],
            "declared": {"initiated_by": "client"},
        }
        assert (await _check(gate, MBE, **push)).json()["overall"] == "NEED_RELEASE_203"
        for wrong in ({"direction": "pull"}, {"trigger": "on_request"}, {"trigger": "never"}):
            answer = await _check(gate, MBE, **{**push, **wrong})
            assert problem_code(answer) == "statement-invalid"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"other": "abh.nowhere"}, "unknown-agency"),
        ({"purpose": "P99"}, "invalid-request"),
        ({"fields": ["zoe"]}, "invalid-request"),
        ({"fields": []}, "invalid-request"),
        ({"fields": [f"f{n}" for n in range(51)]}, "invalid-request"),
        ({"declared": {"zoe": True}}, "invalid-request"),
        ({"declared": {"benefit_in_azr": True}}, "invalid-request"),
        ({"agency": "jc.celle"}, "invalid-request"),
    ],
)
async def test_what_does_not_fit_is_a_problem(
    tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    """Unknown agencies, words of one's own, too many fields, codes of the other side."""
    async with one_gate(tmp_path) as gate:
        before = row_counts(gate.middle)
        answer = await _check(gate, JC, **change)
        assert problem_code(answer) == code
        assert "zoe" not in answer.text
        assert row_counts(gate.middle) == before


async def test_without_an_agreement_the_answer_says_so(tmp_path: Path) -> None:
    """The agreement is a fact of the list, not of any person: it is told openly."""
    async with one_gate(tmp_path) as gate:
        gate.middle.agreements = []
        gate.middle.publish()
        gate.middle.clock.advance(11)
        body = (await _check(gate, JC)).json()
        assert body["fields"][0]["reason"] == "no_agreement"
