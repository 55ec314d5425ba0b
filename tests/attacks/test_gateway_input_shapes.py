# SPDX-License-Identifier: EUPL-1.2
"""Bodies of the wrong shape on every route: types, members too few and too many, any JSON at all.

Rows P14, P22 and P23 of the pitfalls; the members of signed statements too.
"""

from __future__ import annotations

import base64
import copy
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio.from_thread
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keys.jws import sign_jws
from keys.providers.base import KeyUse
from keys.strict_json import dumps
from tests.support.bad_input import CANARY, Inputs, Target, inputs
from tests.support.middle import JC, Middle
from tests.support.scenes import (
    RECORDS,
    no_pause,
)

VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 1.5, "", "5", "true", CANARY, CANARY + "\n", "\u0000", [], {},
    [CANARY], {CANARY: CANARY}, "x" * 70_000,
]  # fmt: skip


BROKEN_ROOTS: list[Any] = [None, True, 1, 1.5, "", CANARY, [], [CANARY], [[]]]


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every member of a body, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*way, name)
            yield from places(inner, (*way, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield (*way, number)
            yield from places(inner, (*way, number))


def changed(good: dict[str, Any], way: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A copy with one member replaced."""
    body = copy.deepcopy(good)
    inside: Any = body
    for step in way[:-1]:
        inside = inside[step]
    inside[way[-1]] = value
    return body


def without(good: dict[str, Any], way: tuple[Any, ...]) -> dict[str, Any]:
    """A copy with one member left out."""
    body = copy.deepcopy(good)
    inside: Any = body
    for step in way[:-1]:
        inside = inside[step]
    del inside[way[-1]]
    return body


def objects(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every object of a body."""
    if isinstance(value, dict):
        yield way
        for name, inner in value.items():
            yield from objects(inner, (*way, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from objects(inner, (*way, number))


LAWFUL: dict[tuple[Target, tuple[Any, ...]], list[Any]] = {
    (("POST", "/v1/exchanges/check"), ("declared",)): [{}],
    (("POST", "/v1/exchanges/check"), ("declared", "azr_checked")): [True, False],
    (("POST", "/v1/permissions"), ("valid_days",)): [1],
}
"""Values from the list that are good ones in this place."""


OPTIONAL: set[tuple[Target, tuple[Any, ...]]] = {
    (("POST", "/v1/exchanges/check"), ("declared",)),
    (("POST", "/v1/exchanges/check"), ("declared", "azr_checked")),
}


async def test_a_member_of_the_wrong_type(tmp_path: Path) -> None:
    """`true` for 1, `"5"` for 5, null, lists, objects, other texts, in every place (P22, P23)."""
    async with inputs(tmp_path) as made:
        for target, good in made.good.items():
            for way in places(good):
                for value in VALUES:
                    lawful = LAWFUL.get((target, way), [])
                    if any(
                        value is one or (type(value), value) == (type(one), one) for one in lawful
                    ):
                        continue
                    body = json.dumps(changed(good, way, value)).encode()
                    made.check(await made.send(target, body), (target, way, value))


async def test_a_body_that_is_no_object(tmp_path: Path) -> None:
    """Lists, texts, numbers and null instead of an object."""
    async with inputs(tmp_path) as made:
        for target in made.good:
            for root in BROKEN_ROOTS:
                answer = await made.send(target, json.dumps(root).encode())
                made.check(answer, (target, root), {400})
            made.check(await made.send(target, b""), (target, "nothing"), {400})


async def test_a_member_too_few(tmp_path: Path) -> None:
    """Every member left out, one at a time."""
    async with inputs(tmp_path) as made:
        for target, good in made.good.items():
            for way in places(good):
                if (target, way) not in OPTIONAL:
                    body = json.dumps(without(good, way)).encode()
                    made.check(await made.send(target, body), (target, way))


async def test_a_member_too_many(tmp_path: Path) -> None:
    """One more member in every object: refused, not ignored (P14)."""
    async with inputs(tmp_path) as made:
        for target, good in made.good.items():
            for way in objects(good):
                for name in (CANARY, "__proto__", "agency", "status"):
                    body = json.dumps(changed(good, (*way, name), CANARY)).encode()
                    answer = await made.send(target, body)
                    made.check(answer, (target, way, name), {400})


def json_values() -> st.SearchStrategy[Any]:
    """Any JSON, often with the members that an enquiry has."""
    names = st.sampled_from(["statement", "subject", "detail", "index", "unlock", "x", ""])
    leaves = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=60)
        | st.sampled_from(["a.b.c", "eyJ.e30.AA", "A" * 43, "AAAA"])
    )
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
        max_leaves=12,
    )


def test_no_json_whatever_is_an_accident(tmp_path: Path) -> None:
    """Property: whatever JSON comes to POST /v1/exchanges, the answer is a 4xx problem."""
    with (
        anyio.from_thread.start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(inputs(tmp_path)) as made,
    ):

        @settings(
            max_examples=200,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
        @given(json_values())
        def always_a_problem(value: Any) -> None:
            body = json.dumps(value).encode()
            answer = portal.call(made.send, ("POST", "/v1/exchanges"), body)
            made.check(answer, "any JSON", {400})

        @settings(max_examples=100, deadline=None, derandomize=True, database=None)
        @given(st.binary(max_size=200))
        def bytes_too(raw: bytes) -> None:
            answer = portal.call(made.send, ("POST", "/v1/exchanges"), raw)
            made.check(answer, "any bytes", {400})

        always_a_problem()
        bytes_too()


async def test_a_statement_with_any_claims_is_a_problem(tmp_path: Path) -> None:
    """Genuinely signed, but its claims are of the wrong types, missing or too many: 400."""
    async with inputs(tmp_path) as made:
        good = made.good["POST", "/v1/exchanges"]
        payload = good["statement"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        signer = made.gate.middle.offices[JC].keys.signer(KeyUse.SIG)
        values = [value for value in VALUES if not isinstance(value, float)]
        bodies = [changed(claims, way, value) for way in places(claims) for value in values]
        bodies += [without(claims, way) for way in places(claims)]
        bodies += [{**claims, CANARY: CANARY}]
        lawful = [
            claims,
            changed(claims, ("declared",), {}),
            changed(claims, ("declared", "azr_checked"), value=False),
            without(claims, ("declared", "azr_checked")),
            without(claims, ("declared", "reason_code")),
        ]
        for number, body in enumerate(bodies):
            if any(dumps(body) == dumps(one) for one in lawful):
                continue
            token = sign_jws(dumps(body), typ="lotse-statement+jws", signer=signer)
            sent = json.dumps({**good, "statement": token}).encode()
            made.check(await made.send(("POST", "/v1/exchanges"), sent), (number, body), {400, 422})


async def test_the_good_bodies_are_good(tmp_path: Path) -> None:
    """What the cases above change is accepted unchanged: each of them can fail."""
    middle = Middle.build(tmp_path)
    middle.holder.records.update(RECORDS)
    async with middle.running(**no_pause({})) as gate:
        made = Inputs(gate, io.StringIO())
        await made.prepare()
        expected = {
            ("POST", "/v1/exchanges"): 200,
            ("POST", "/v1/exchanges/check"): 200,
            ("POST", "/v1/exchanges/{}/release"): 200,
            ("POST", "/v1/deliveries"): 400,  # the enquiry is a pull
            ("PUT", "/v1/deliveries/{}/result"): 200,
            ("POST", "/v1/links/codes"): 201,
            ("POST", "/v1/links"): 409,  # ABH's half, sent by the job centre that offered it
            ("POST", "/v1/permissions"): 201,
            ("POST", "/insecure/persons"): 201,
        }
        assert set(expected) == set(made.good)
        for target, status in expected.items():
            answer = await made.send(target, json.dumps(made.good[target]).encode())
            assert answer.status_code == status, (target, answer.text)
