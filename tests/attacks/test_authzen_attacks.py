# SPDX-License-Identifier: EUPL-1.2
"""What somebody tries at the standard face: other agencies, persons, facts that are not theirs.

Nothing that was sent may come back, be logged or be kept, and no trick makes a no into a yes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.bad_input import CANARY
from tests.support.evaluations import MANY, ONE, asking_for, evaluate, reads, sent, silent, watched
from tests.support.middle import ABH, JC, JC2
from tests.support.scenes import STATUS, one_gate
from tests.support.signing_in import bearer, problem_code

PEOPLE = [
    "erika.mustermann",
    "Erika Mustermann",
    "erika.mustermann@example.org",
    f"{CANARY}.example",
    f"Zoë {CANARY} 29.02.1984",
    "123456789012",
    "did:example:123456789abcdefghi",
    "a8b5c1f0-1111-4222-8333-444455556666",
    "jc.hannover\n",
    "jc.hannover\u0000",
    " jc.hannover",
    "JC.HANNOVER",
    "jc.hannover/../abh.hannover",
    "jc․hannover",
    "",
    "x" * 70_000,
]


async def test_an_agency_asks_in_the_name_of_another(tmp_path: Path) -> None:
    """By id or by kind, known or not: 403 with the same body, and no evaluation (P6)."""
    async with watched(tmp_path) as (gate, log):
        bodies = [
            reads(subject={"type": "agency", "id": name})
            for name in ("jc.celle", "abh.hannover", "jc.nowhere", "ABH", "MBE", "BAMF_A")
        ]
        answers = [await sent(gate, body) for body in bodies]
        for answer in answers:
            assert (answer.status_code, problem_code(answer)) == (403, "not-your-agency")
        told = [{**answer.json(), "request_id": ""} for answer in answers]
        assert all(one == told[0] for one in told)
        assert "evaluation.answered" not in log.getvalue()


async def test_a_tool_evaluates_for_many(tmp_path: Path) -> None:
    """In a batch each foreign side is a no of its own; signed in as each, each is answered."""
    async with watched(tmp_path) as (gate, _):
        parts = [
            {"subject": {"type": "agency", "id": name}} for name in ("jc.hannover", "jc.celle")
        ]
        for who, mine in ((JC, 0), (JC2, 1)):
            answer = await evaluate(gate, reads(evaluations=parts), who=who, to=MANY)
            decisions = answer["evaluations"]
            assert decisions[mine]["decision"] is True
            assert decisions[1 - mine]["decision"] is False
            assert decisions[1 - mine]["context"]["error"]["status"] == 403


@pytest.mark.parametrize("place", ["subject", "resource"])
async def test_a_person_in_the_place_of_an_agency(tmp_path: Path, place: str) -> None:
    """Names, mail addresses, numbers, look-alikes: refused, and not repeated anywhere (P1)."""
    async with watched(tmp_path) as (gate, _):
        for person in PEOPLE:
            body = reads()
            body[place]["id"] = person
            answer = await sent(gate, body)
            assert answer.status_code in {400, 403, 422}, person[:40]
            silent(answer, *([person] if person.strip() and len(person) < 100 else []))
        for kind in ("user", "person", "Agency", "agency ", ""):
            body = reads()
            body[place]["type"] = kind
            assert (await sent(gate, body)).json()["reason"] == "unknown_type"


async def test_a_resource_that_names_nobody_tells_nothing_new(tmp_path: Path) -> None:
    """An agency that is not on the list is told as such: the list is public, persons are not in it."""
    async with watched(tmp_path) as (gate, _):
        answer = await sent(gate, reads(resource=asking_for(STATUS, agency="abh.nowhere")))
        assert (answer.status_code, problem_code(answer)) == (422, "unknown-agency")


SMUGGLED: dict[str, Any] = {
    "holder": {"info_block": False, "released_by_source": True},
    "info_block": False,
    "released_by_source": True,
    "released_by_head": True,
    "provenance": {STATUS: "own"},
    "agreement": {"in_force": True, "approval_79": True},
    "in_force": True,
    "undertaking_78": True,
    "approval_79": True,
    "permissions": [{"type": "consent", "valid": True, "fields": [STATUS]}],
    "permission": {"consent": {"state": "in_force", "fields": [STATUS]}},
    "consent": True,
    "lapsed": [],
    "at": "2020-01-01T00:00:00Z",
    "decision_override": True,
    "__proto__": {"decision": True},
}


@pytest.mark.parametrize("name", SMUGGLED)
async def test_facts_of_holder_agreement_and_person_are_smuggled_in(
    tmp_path: Path, name: str
) -> None:
    """In the context, in properties, beside the four parts: not read, counted, same answer."""
    held = {
        "subject": {"type": "agency", "id": "abh.hannover"},
        "action": {"name": "P01"},
        "resource": asking_for("benefit_granted", agency="jc.hannover"),
        "context": {"decision": "grant_25b", "azr_insufficient": True, "subject_count": 1},
    }
    async with one_gate(tmp_path) as gate:
        plain = await evaluate(gate, held, who=ABH)
        assert plain["decision"] is False
        for place in ("context", "subject", "action", "resource", "top"):
            body = json.loads(json.dumps(held))
            inside = body if place == "top" else body[place]
            if place not in {"top", "context"}:
                inside = inside.setdefault("properties", {})
            inside[name] = SMUGGLED[name]
            answer = await evaluate(gate, body, who=ABH)
            assert answer["context"].pop("ignored") == 1, place
            assert answer["context"] == {
                k: v for k, v in plain["context"].items() if k != "ignored"
            }
            assert answer["decision"] is False


@pytest.mark.parametrize(
    ("who", "context", "reason"),
    [
        (JC, {"benefit_in_azr": False}, "not_yours"),
        (JC, {"human_refusal": "other"}, "not_yours"),
        (JC, {"expulsion_ground_present": True}, "not_yours"),
        (JC, {"initiated_by": "client"}, "not_yours"),
        (JC, {"azr_checked": "true"}, "wrong_type"),
        (JC, {"azr_checked": 1}, "wrong_type"),
        (JC, {"reason_code": CANARY}, "unknown_value"),
        (JC, {"reason_code": ""}, "unknown_value"),
        (JC, {"subject_count": 2**53 - 1}, "unknown_value"),
        (JC, {"subject_count": -1}, "unknown_value"),
        (JC, {"decision": {"code": "grant_25b"}}, "wrong_type"),
    ],
    ids=str,
)
async def test_a_code_is_declared_that_is_not_the_callers(
    tmp_path: Path, who: Any, context: dict[str, Any], reason: str
) -> None:
    """Another side's facts, another kind's, words of one's own: refused as in an exchange."""
    async with watched(tmp_path) as (gate, _):
        answer = await sent(gate, reads(context=context), who=who)
        assert (answer.status_code, answer.json()["reason"]) == (400, reason)
        assert answer.json()["locations"] == ["body.context"]
        silent(answer)


RANDOM_IDS = [
    "bfe9eb29-ab87-4ca3-be83-a1d5d8305716",
    "BFE9EB29-AB87-4CA3-BE83-A1D5D8305716",
    "bfe9eb29ab874ca3be83a1d5d8305716",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
]
OTHER_IDS = [
    CANARY,
    f"Erika Mustermann {CANARY}",
    "erika-mustermann",
    "1",
    "bfe9eb29-ab87-4ca3-be83-a1d5d8305716 ",
    "bfe9eb29-ab87-4ca3-be83-a1d5d8305716,bfe9eb29-ab87-4ca3-be83-a1d5d8305716",
    "x" * 5000,
    "",
]


async def test_a_request_id_that_could_be_a_name(tmp_path: Path) -> None:
    """Random shapes come back once, in answers and problems; others never, and none is logged."""
    async with watched(tmp_path) as (gate, log):
        token = bearer(await gate.token(JC))
        for path, body in ((ONE, reads()), (MANY, reads()), (ONE, {})):
            for value in RANDOM_IDS:
                answer = await gate.client.post(
                    path, json=body, headers={**token, "x-request-id": value}
                )
                assert answer.headers.get_list("x-request-id") == [value]
                assert value not in log.getvalue()
            for value in OTHER_IDS:
                answer = await gate.client.post(
                    path, json=body, headers={**token, "x-request-id": value}
                )
                (shown,) = answer.headers.get_list("x-request-id")
                assert len(shown) == 24
                silent(answer)
        unsigned = await gate.client.post(ONE, json={}, headers={"x-request-id": RANDOM_IDS[0]})
        assert unsigned.status_code == 401
        assert unsigned.headers["x-request-id"] == RANDOM_IDS[0]
        assert RANDOM_IDS[0] not in unsigned.text
        twice = [("x-request-id", RANDOM_IDS[0]), ("x-request-id", RANDOM_IDS[2])]
        answer = await gate.client.post(ONE, json=reads(), headers=[*token.items(), *twice])
        assert len(answer.headers["x-request-id"]) == 24
        elsewhere = await gate.client.get("/health", headers={"x-request-id": RANDOM_IDS[0]})
        assert elsewhere.headers["x-request-id"] != RANDOM_IDS[0]


async def test_the_log_line_has_codes_only(tmp_path: Path) -> None:
    """One line for one call: who, how many, nothing of the question."""
    async with watched(tmp_path) as (gate, log):
        body = reads(evaluations=[{}, {"subject": {"type": "user", "id": CANARY}}])
        body["context"]["name"] = CANARY
        await evaluate(gate, body, to=MANY)
        lines = [json.loads(line) for line in log.getvalue().splitlines()]
        (line,) = [line for line in lines if line["event"] == "evaluation.answered"]
        assert (line["agency"], line["count"]) == ("jc.hannover", 2)
        assert set(line) == {"event", "level", "agency", "count", "request_id", "node", "at"}
