# SPDX-License-Identifier: EUPL-1.2
"""Many AuthZEN evaluations in one call: their order, their defaults, and where they end."""

from __future__ import annotations

from pathlib import Path

from tests.support.evaluations import MANY, asking_for, evaluate, reads
from tests.support.gate import Gate
from tests.support.middle import JC
from tests.support.scenes import STATUS, one_gate
from tests.support.signing_in import bearer


async def _batch(gate: Gate, semantic: str, fields: list[str]) -> list[bool]:
    """The decisions of a batch that asks for one field after the other."""
    parts = [{"resource": asking_for(name)} for name in fields]
    body = reads(evaluations=parts, options={"evaluations_semantic": semantic, "other": 1})
    answer = await evaluate(gate, body, to=MANY)
    assert set(answer) == {"evaluations"}
    return [one["decision"] for one in answer["evaluations"]]


async def test_the_three_semantics_of_a_batch(tmp_path: Path) -> None:
    """All in order; up to the first no; up to the first yes."""
    yes, no = STATUS, "net_income"
    async with one_gate(tmp_path) as gate:
        order = [yes, no, yes, no]
        assert await _batch(gate, "execute_all", order) == [True, False, True, False]
        assert await _batch(gate, "deny_on_first_deny", order) == [True, False]
        assert await _batch(gate, "deny_on_first_deny", [yes, yes]) == [True, True]
        assert await _batch(gate, "permit_on_first_permit", [no, no, yes, no]) == [
            False,
            False,
            True,
        ]
        assert await _batch(gate, "permit_on_first_permit", [no, no]) == [False, False]


async def test_an_error_is_a_denial_for_the_semantics_too(tmp_path: Path) -> None:
    """AuthZEN 7.1.2.1: deny on first denial or failure."""
    async with one_gate(tmp_path) as gate:
        assert await _batch(gate, "deny_on_first_deny", ["no_such_field", STATUS]) == [False]
        assert await _batch(gate, "permit_on_first_permit", ["no_such_field", STATUS]) == [
            False,
            True,
        ]


async def test_a_part_replaces_its_default_as_a_whole(tmp_path: Path) -> None:
    """Nothing of the default's properties is mixed in; a context of its own is the only one."""
    async with one_gate(tmp_path) as gate:
        body = reads(
            evaluations=[
                {},
                {"context": {}},
                {"context": None},
                {"resource": {"type": "agency-data", "id": "abh.hannover"}},
                {"action": {"name": "P04"}},
            ]
        )
        answers = (await evaluate(gate, body, to=MANY))["evaluations"]
        assert [one["decision"] for one in answers] == [True, False, False, False, True]
        assert answers[1] == answers[2]
        assert answers[3]["context"]["error"]["reason"] == "missing"


async def test_a_batch_tells_errors_in_the_callers_language(tmp_path: Path) -> None:
    """German is told in German, in a batch as in a problem."""
    async with one_gate(tmp_path) as gate:
        body = reads(evaluations=[{"subject": {"type": "agency", "id": "jc.celle"}}])
        headers = {**bearer(await gate.token(JC)), "accept-language": "de-DE"}
        answer = (await gate.client.post(MANY, json=body, headers=headers)).json()
        error = answer["evaluations"][0]["context"]["error"]
        assert (error["status"], error["type"]) == (403, "/problems/not-your-agency")
        assert error["message"].startswith("Die Anfrage spricht für eine andere Stelle")
