# SPDX-License-Identifier: EUPL-1.2
"""The requests that the OpenID Foundation printed in AuthZEN Authorization API 1.0.

They speak of users and documents, which have no meaning between agencies. What is tested is the
form of the answers: every evaluation is a no or a problem, never a yes and never an accident.
The certification scenario's cases of form follow, in the words of the shipped mapping.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.evaluations import MANY, ONE, reads, sent
from tests.support.middle import JC, Gate, Middle
from tests.support.signing_in import bearer

FILE = Path(__file__).parent / "authzen" / "authorization_api_1_0.json"
PRINTED: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


@asynccontextmanager
async def _gate(folder: Path) -> AsyncIterator[Gate]:
    async with Middle.build(folder).running() as gate:
        yield gate


async def _printed(gate: Gate, path: str, example: dict[str, Any]) -> Any:
    headers = {**bearer(await gate.token(JC)), **example.get("headers", {})}
    answer = await gate.client.post(path, json=example["body"], headers=headers)
    wanted = example.get("headers", {}).get("X-Request-ID")
    assert wanted is None or answer.headers.get_list("x-request-id") == [wanted]
    return answer


def _is_decision(value: dict[str, Any]) -> bool:
    """AuthZEN 5.5: a boolean, and at most a context that is an object."""
    return (
        value.keys() <= {"decision", "context"}
        and isinstance(value["decision"], bool)
        and isinstance(value.get("context", {}), dict)
    )


def test_who_published_the_examples_is_said() -> None:
    """The file names publisher, document, address and terms."""
    assert set(PRINTED["source"]) == {"publisher", "document", "address", "copyright", "what"}
    assert "openid.net/specs" in PRINTED["source"]["address"]
    assert len(PRINTED["evaluation"]) + len(PRINTED["evaluations"]) == 10


async def test_the_printed_evaluations(tmp_path: Path) -> None:
    """6.1, 10.1.4: users are no agencies, so both are 400 problems; the request id comes back."""
    async with _gate(tmp_path) as gate:
        for example in PRINTED["evaluation"]:
            answer = await _printed(gate, ONE, example)
            assert answer.status_code == 400, example["section"]
            assert answer.headers["content-type"] == "application/problem+json"
            body = answer.json()
            assert (body["reason"], body["locations"]) == ("unknown_type", ["body.subject.type"])
            assert "alice" not in answer.text


async def test_the_printed_batches(tmp_path: Path) -> None:
    """7.1, 10.1.4: as many answers as the semantic allows, in order, each a well-formed no."""
    async with _gate(tmp_path) as gate:
        for example in PRINTED["evaluations"]:
            answer = await _printed(gate, MANY, example)
            assert answer.status_code == 200, example["section"]
            body = answer.json()
            assert set(body) == {"evaluations"}
            asked = example["body"]["evaluations"]
            semantic = example["body"].get("options", {}).get("evaluations_semantic")
            expected = 1 if semantic == "deny_on_first_deny" else len(asked)
            assert len(body["evaluations"]) == expected, example["section"]
            for one in body["evaluations"]:
                assert _is_decision(one)
                assert one["decision"] is False
                assert one["context"]["error"].keys() >= {"status", "message"}
            assert "alice" not in answer.text


def test_the_printed_answers_have_the_form_that_ours_are_held_to() -> None:
    """7.2, 7.2.1: the check above takes what the standard prints, so it is not our own invention."""
    for example in PRINTED["answers"]:
        for one in example["body"]["evaluations"]:
            assert _is_decision(one)
            assert one.get("context", {}).get("error", {}).keys() in ({"status", "message"}, set())
    assert not _is_decision({"decision": "true"})
    assert not _is_decision({"decision": True, "context": []})


async def test_the_metadata_has_the_printed_form(tmp_path: Path) -> None:
    """9.2: names as printed, no address of what is not offered, each below the decision point."""
    async with _gate(tmp_path) as gate:
        answer = await gate.client.get("/.well-known/authzen-configuration")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert "max-age" in answer.headers["cache-control"]
        ours, printed = answer.json(), PRINTED["metadata"]["body"]
        assert ours.pop("obligations_supported") == ["custom"]
        pdp = ours["policy_decision_point"]
        assert pdp == str(gate.client.base_url).rstrip("/")
        assert ours == {
            "policy_decision_point": pdp,
            "access_evaluation_endpoint": pdp + ONE,
            "access_evaluations_endpoint": pdp + MANY,
        }
        path = printed["access_evaluation_endpoint"].removeprefix(printed["policy_decision_point"])
        assert path == ONE


MISSING = [
    reads(subject=...),
    reads(action=...),
    reads(resource=...),
    reads(subject={"id": "jc.hannover"}),
    reads(subject={"type": "agency"}),
    reads(action={}),
    reads(resource={"id": "abh.hannover"}),
    reads(resource={"type": "agency-data"}),
    reads(subject="jc.hannover"),
    reads(action={"name": 123}),
]


@pytest.mark.parametrize("body", MISSING, ids=range(len(MISSING)))
async def test_what_the_standard_requires_is_required(tmp_path: Path, body: Any) -> None:
    """Certification scenario, Basic, error handling: 400 for each; on both addresses."""
    async with _gate(tmp_path) as gate:
        for path in (ONE, MANY):
            assert (await sent(gate, body, to=path)).status_code == 400


async def test_what_the_standard_lets_be_sent_changes_nothing(tmp_path: Path) -> None:
    """Basic, request acceptance: optional context, more properties, unknown members."""
    more = reads(foo="bar", futureField={"nested": True})
    more["context"] |= {"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}
    more["subject"]["properties"] = {"department": "Sales", "role": "manager"}
    more["action"]["properties"]["method"] = "GET"
    more["resource"]["properties"]["status"] = "active"
    async with _gate(tmp_path) as gate:
        plain = (await sent(gate, reads())).json()
        answered = (await sent(gate, more)).json()
        assert (plain["decision"], plain["context"].pop("ignored")) == (True, 0)
        assert answered["context"].pop("ignored") == 8
        assert answered == plain


async def test_one_broken_evaluation_does_not_spoil_a_batch(tmp_path: Path) -> None:
    """Batch, evaluation-level errors: the second has no resource, and only it is a no for that."""
    batch = reads(resource=...)
    batch["evaluations"] = [{"resource": reads()["resource"]}, {}]
    async with _gate(tmp_path) as gate:
        first, second = (await sent(gate, batch, to=MANY)).json()["evaluations"]
        assert (first["decision"], second["decision"]) == (True, False)
        assert second["context"]["error"]["locations"] == ["body.resource"]


async def test_a_call_without_a_batch_is_one_evaluation(tmp_path: Path) -> None:
    """Batch, backwards compatibility: no array, or an empty one."""
    async with _gate(tmp_path) as gate:
        for body in (reads(), reads(evaluations=[]), reads(evaluations=[], options={})):
            assert (await sent(gate, body, to=MANY)).json() == (await sent(gate, reads())).json()
