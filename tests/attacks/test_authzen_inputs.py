# SPDX-License-Identifier: EUPL-1.2
"""Bad input at the standard face: sizes, shapes, bytes and addresses; a problem each, and no echo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.test_gateway_input_shapes import VALUES, changed, places
from tests.support.bad_input import CANARY, Inputs
from tests.support.evaluations import MANY, ONE, asking_for, evaluate, reads, sent, silent, watched
from tests.support.middle import JC
from tests.support.scenes import STATUS
from tests.support.signing_in import bearer, problem_code


async def test_a_batch_that_is_too_large(tmp_path: Path) -> None:
    """51 evaluations, 51 fields, a megabyte: refused before anything is decided."""
    async with watched(tmp_path) as (gate, log):
        answer = await sent(gate, reads(evaluations=[{}] * 51), to=MANY)
        assert (answer.status_code, answer.json()["reason"]) == (400, "too_many")
        answer = await sent(gate, reads(evaluations=[{}] * 20_000), to=MANY)
        assert (answer.status_code, answer.json()["reason"]) == (400, "too_many")
        answer = await sent(gate, reads(evaluations=[{"context": {"x": "y" * 2**20}}]), to=MANY)
        assert (answer.status_code, problem_code(answer)) == (413, "body-too-large")
        many = asking_for(*[STATUS] * 51)
        assert (await sent(gate, reads(resource=many))).json()["reason"] == "too_many"
        assert "evaluation.answered" not in log.getvalue()
        answer = await sent(gate, reads(evaluations=[{}] * 50), to=MANY)
        assert len(answer.json()["evaluations"]) == 50


NO_BATCHES: list[Any] = [True, 1, "x", {}, {"0": {}}]
NO_OPTIONS: list[Any] = [True, [], "execute_all", 7]
NO_SEMANTICS: list[Any] = [None, "", "any", "EXECUTE_ALL", ["execute_all"], True, CANARY]


@pytest.mark.parametrize(
    "part",
    [
        *({"evaluations": value} for value in NO_BATCHES),
        *({"options": value} for value in NO_OPTIONS),
        *({"options": {"evaluations_semantic": value}} for value in NO_SEMANTICS),
    ],
    ids=str,
)
async def test_a_batch_of_the_wrong_shape(tmp_path: Path, part: dict[str, Any]) -> None:
    """400 for the whole: no semantic is guessed."""
    async with watched(tmp_path) as (gate, _):
        answer = await sent(gate, {**reads(evaluations=[{}, {}]), **part}, to=MANY)
        assert (answer.status_code, problem_code(answer)) == (400, "invalid-request")
        silent(answer)


async def test_a_semantic_does_not_turn_a_no_around(tmp_path: Path) -> None:
    """Options inside a part, or beside a single evaluation, are nobody's business."""
    async with watched(tmp_path) as (gate, _):
        no = {"resource": asking_for("net_income")}
        body = reads(evaluations=[{**no, "options": {"evaluations_semantic": "any"}}, no])
        answers = (await evaluate(gate, body, to=MANY))["evaluations"]
        assert [one["decision"] for one in answers] == [False, False]
        assert answers[0]["context"]["ignored"] == 1
        assert (await evaluate(gate, reads(**no, options={"x": 1})))["decision"] is False


def _means_the_same(way: tuple[Any, ...], value: Any) -> bool:
    """Left out, null or unknown, where the standard or the mapping lets a member be so."""
    if way == ("context",) and isinstance(value, dict):
        return True
    may_be = {
        ("context",),
        ("context", "azr_checked"),
        ("context", "reason_code"),
        ("action", "properties", "trigger"),
    }
    if way == ("context", "azr_checked") and isinstance(value, bool):
        return True
    return value is None and way in may_be


async def test_a_member_of_the_wrong_type(tmp_path: Path) -> None:
    """Every member replaced by every odd value, one at a time: a problem, never an accident."""
    async with watched(tmp_path) as (gate, log):
        good, headers = reads(), bearer(await gate.token(JC))
        tried = 0
        for way in places(good):
            for value in VALUES:
                if _means_the_same(way, value):
                    continue
                body = changed(good, way, value)
                answer = await gate.client.post(ONE, json=body, headers=headers)
                Inputs(gate, log).check(answer, (way, value), {400, 403, 422})
                many = await gate.client.post(MANY, json={"evaluations": [body]}, headers=headers)
                (one,) = many.json()["evaluations"]
                assert one["decision"] is False
                assert one["context"]["error"]["status"] == answer.status_code, (way, value)
                assert CANARY not in many.text
                tried += 1
        assert tried > 150


RAW: dict[str, tuple[bytes, int, str]] = {
    "a key twice": (b'{"subject":{"type":"agency","id":"a","id":"b"}}', 400, "duplicate-key"),
    "the decision twice": (b'{"subject":1,"subj\\u0065ct":2}', 400, "duplicate-key"),
    "NaN": (b'{"context":{"subject_count":NaN}}', 400, "malformed-json"),
    "1e999": (b'{"context":{"subject_count":1e999}}', 400, "malformed-json"),
    "a huge number": (b'{"context":{"x":9007199254740993}}', 400, "malformed-json"),
    "deep lists": (b'{"context":{"x":' + b"[" * 900 + b"]" * 900 + b"}}", 400, "malformed-json"),
    "deep objects": (b'{"context":' * 40 + b"1" + b"}" * 40, 400, "malformed-json"),
    "a lone surrogate": (b'{"subject":{"id":"\\ud800"}}', 400, "malformed-json"),
    "UTF-16": ('{"subject":{}}'.encode("utf-16"), 400, "malformed-json"),
    "a list": (b"[]", 400, "invalid-request"),
    "a text": (b'"execute_all"', 400, "invalid-request"),
    "null": (b"null", 400, "invalid-request"),
    "nothing": (b"", 400, "invalid-request"),
}


@pytest.mark.parametrize("name", RAW)
@pytest.mark.parametrize("path", [ONE, MANY])
async def test_bytes_that_can_be_read_in_two_ways(tmp_path: Path, name: str, path: str) -> None:
    """Duplicate keys, NaN, deep nesting, other encodings, no object: 400 before any rule is asked."""
    raw, status, code = RAW[name]
    async with watched(tmp_path) as (gate, _):
        headers = {**bearer(await gate.token(JC)), "content-type": "application/json"}
        answer = await gate.client.post(path, content=raw, headers=headers)
        assert (answer.status_code, problem_code(answer)) == (status, code)


async def test_another_content_type_or_address(tmp_path: Path) -> None:
    """415 for what is no JSON; 404 and no redirect beside the addresses; 405 for other methods."""
    async with watched(tmp_path) as (gate, _):
        headers, body = bearer(await gate.token(JC)), json.dumps(reads())
        for kind in ("text/plain", "application/xml", "application/jose", "text/json"):
            for path in (ONE, MANY):
                answer = await gate.client.post(
                    path, content=body, headers={**headers, "content-type": kind}
                )
                assert (answer.status_code, problem_code(answer)) == (
                    415,
                    "unsupported-media-type",
                )
        for path in (
            ONE + "/",
            MANY + "/",
            "/access/v1",
            "/access/v1/search/subject",
            "/access//v1/evaluation",
        ):
            answer = await gate.client.post(path, json=reads(), headers=headers)
            assert (answer.status_code, problem_code(answer)) == (404, "not-found"), path
        for path in (ONE, MANY):
            answer = await gate.client.get(path, headers=headers)
            assert (answer.status_code, problem_code(answer)) == (405, "method-not-allowed")
