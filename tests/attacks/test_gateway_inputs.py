# SPDX-License-Identifier: EUPL-1.2
"""Bad input on every route with a body: a problem, never an accident, no echo, nothing written.

Every case carries a canary; it may not come back in body or headers, and not reach the operating
log, the database or the evidence.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio.from_thread
import httpx
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.authn.metadata import TOKEN_PATH
from gateway.authn.scopes import ROUTES, Scope
from gateway.logs import configure_logging
from keys.jws import sign_jws
from keys.providers.base import KeyUse
from keys.strict_json import b64u, dumps
from tests.support.middle import ABH, JC, MBE, Gate, Middle
from tests.support.scenes import (
    AZR,
    RECORDS,
    STATE,
    STATUS,
    ask_held,
    consent_to_counsellor,
    everything_stored,
    link_person_one,
    no_pause,
    paper_waits,
    release_body,
    release_of_paper,
    row_counts,
    send_paper,
)
from tests.support.signing_in import bearer

CANARY = "canary7316"
MEBIBYTE = 1_048_576
WITH_BODY = {"POST", "PUT", "DELETE"}
Target = tuple[str, str]


class Inputs:
    """A gateway, a good body for every route that takes one, and what was written so far."""

    def __init__(self, gate: Gate, log: io.StringIO) -> None:
        self.gate = gate
        self.log = log
        self.good: dict[Target, dict[str, Any]] = {}
        self.paths: dict[Target, str] = {}
        self.person = ""

    async def prepare(self) -> None:
        """Bring exchanges into every state that a route needs."""
        gate = self.gate
        await link_person_one(gate)
        self.person = await gate.person(ABH, "A1")
        await release_of_paper(gate, self.person)
        permission = await consent_to_counsellor(gate, self.person)
        held = (await ask_held(gate)).json()["exchange"]
        ordered = (await send_paper(gate)).json()
        waiting = await paper_waits(gate)
        sealed = gate.middle.holder.carry_out(ordered["order"])
        assert sealed.unverified_envelope is not None
        enquiry = gate.enquiry(JC, ABH, "J1", "P04", [STATUS], declared=AZR)
        half = {
            "lookup": "AAAAAAA",
            **gate.middle.offices[ABH].half("A1", b"x" * 10, "T", "1990-01-01"),
        }
        wish = {
            "template": "benefit-state-to-counselling",
            "from_agency": JC,
            "to_agency": MBE,
            "fields": [STATE],
            "valid_days": 30,
            "language": "de",
            "notice_sha256": "0" * 64,
        }
        check = {
            "other": ABH,
            "direction": "pull",
            "purpose": "P04",
            "trigger": "on_request",
            "fields": [STATUS],
            "declared": {"azr_checked": True},
        }
        result = {"envelope": sealed.unverified_envelope.to_wire(), "detail": b64u(sealed.detail)}
        self.good = {
            ("POST", "/v1/exchanges"): enquiry,
            ("POST", "/v1/exchanges/check"): check,
            ("POST", "/v1/exchanges/{}/release"): release_body(gate, JC, held, "J1"),
            ("POST", "/v1/deliveries"): enquiry,
            ("PUT", "/v1/deliveries/{}/result"): result,
            ("POST", "/v1/links/codes"): half,
            ("POST", "/v1/links"): half,
            ("POST", "/v1/permissions"): wish,
            ("POST", "/insecure/persons"): {"lookup": "AAAAAAA"},
        }
        ids = {
            ("POST", "/v1/exchanges/{}/release"): held,
            ("PUT", "/v1/deliveries/{}/result"): ordered["exchange"],
            ("POST", "/v1/mailbox/{}/pickup"): waiting,
            ("DELETE", "/v1/mailbox/{}"): waiting,
            ("POST", "/v1/permissions/{}/withdraw"): permission,
        }
        self.paths = {t: t[1].replace("{}", ids.get(t, "")) for t in TARGETS}

    async def headers(self, target: Target) -> dict[str, str]:
        """The credential that the route asks for."""
        scope = ROUTES[target]
        if scope is Scope.PERSON:
            return dict(bearer(self.person))
        if scope is not Scope.AGENCY:
            return {}
        agency = {
            ("POST", "/v1/exchanges/{}/release"): JC,
            ("PUT", "/v1/deliveries/{}/result"): MBE,
            ("POST", "/v1/mailbox/{}/pickup"): ABH,
            ("DELETE", "/v1/mailbox/{}"): ABH,
        }.get(target, JC)
        return dict(bearer(await self.gate.token(agency)))

    async def send(self, target: Target, content: Any, **headers: str) -> httpx.Response:
        """Send bytes as they are."""
        sent = {**await self.headers(target), "content-type": "application/json"}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        return await self.gate.client.request(
            target[0], self.paths[target], content=content, headers=sent
        )

    def check(self, answer: httpx.Response, case: object, statuses: set[int] | None = None) -> None:
        """Demand a problem that repeats nothing."""
        assert answer.status_code in (statuses or {400, 404, 409, 422}), (case, answer.text)
        assert answer.headers["content-type"] == "application/problem+json", case
        body = answer.json()
        assert body["status"] == answer.status_code, case
        assert set(body) <= ALLOWED_MEMBERS, case
        assert CANARY not in answer.text, case
        assert not any(CANARY in value for value in answer.headers.values()), case


ALLOWED_MEMBERS = {
    "type",
    "title",
    "status",
    "detail",
    "request_id",
    "reason",
    "locations",
    "error",
}
TARGETS = sorted(target for target in ROUTES if target[0] in WITH_BODY and target[1] != TOKEN_PATH)


@asynccontextmanager
async def inputs(folder: Path) -> AsyncIterator[Inputs]:
    """A gateway for bad input; at its end nothing may have been written, logged or kept."""
    middle = Middle.build(folder)
    middle.holder.records.update(RECORDS)
    log = io.StringIO()
    with logging_to(log, middle):
        async with _checked(middle, log) as made:
            yield made


@contextmanager
def logging_to(log: io.StringIO, middle: Middle) -> Iterator[None]:
    """Configure the operating log as the gateway does, and put everything back afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    configure_logging(node="n1", clock=middle.clock, stream=log, hooks=False)
    try:
        yield
    finally:
        root.handlers[:], root.level = before
        structlog.reset_defaults()


@asynccontextmanager
async def _checked(middle: Middle, log: io.StringIO) -> AsyncIterator[Inputs]:
    async with middle.running(**no_pause({})) as gate:
        made = Inputs(gate, log)
        await made.prepare()
        for agency in (ABH, JC, MBE):
            await gate.token(agency)
        before, orders = row_counts(middle), len(middle.holder.orders)
        yield made
        assert row_counts(middle) == before
        assert len(middle.holder.orders) == orders
        assert CANARY.encode() not in everything_stored(middle)
        lines = log.getvalue().splitlines()
        assert not [
            line for line in lines if CANARY in line or json.loads(line)["level"] == "error"
        ]


def _deep(depth: int, opening: str, closing: str) -> bytes:
    return (opening * depth + f'"{CANARY}"' + closing * depth).encode()


RAW: dict[str, bytes] = {
    "nothing like JSON": f"{CANARY}=1".encode(),
    "half of it": f'{{"statement": "{CANARY}'.encode(),
    "two documents": f'{{"x":"{CANARY}"}}{{}}'.encode(),
    "the same key twice": f'{{"statement":"{CANARY}","statement":"{CANARY}"}}'.encode(),
    "the same key twice, escaped": f'{{"a":1,"\\u0061":"{CANARY}"}}'.encode(),
    "the same key twice, inside": f'{{"subject":{{"index":1,"index":"{CANARY}"}}}}'.encode(),
    "NaN": b'{"x": NaN}',
    "Infinity": b'{"x": Infinity}',
    "minus Infinity": b'{"x": -Infinity}',
    "an exponent without end": b'{"x": 1e999}',
    "a number beyond 2^53": b'{"x": 9007199254740993}',
    "a number of 5000 digits": b'{"x": ' + b"9" * 5000 + b"}",
    "a lone surrogate": f'{{"x": "{CANARY}\\ud800"}}'.encode(),
    "a lone surrogate as key": b'{"\\udfff": 1}',
    "surrogate bytes": b'{"x": "\xed\xa0\x80"}',
    "900 lists deep": _deep(900, "[", "]"),
    "900 objects deep": _deep(900, '{"a":', "}"),
    "UTF-16 with a mark": ('{"x":"' + CANARY + '"}').encode("utf-16"),
    "UTF-16 without a mark": ('{"x":"' + CANARY + '"}').encode("utf-16-le"),
    "UTF-32": ('{"x":"' + CANARY + '"}').encode("utf-32"),
    "UTF-8 with a mark": b"\xef\xbb\xbf" + f'{{"x":"{CANARY}"}}'.encode(),
    "Latin-1": f'{{"x":"{CANARY}é"}}'.encode("latin-1"),
    "a NUL": b'{"x":\x00"' + CANARY.encode() + b'"}',
    "a control character": b'{"x":"\x01' + CANARY.encode() + b'"}',
    "a comment": f"{{/*{CANARY}*/}}".encode(),
    "a trailing comma": f'{{"x":"{CANARY}",}}'.encode(),
    "single quotes": f"{{'x':'{CANARY}'}}".encode(),
    "only spaces": b"   ",
}


async def test_bytes_that_two_programs_read_in_two_ways(tmp_path: Path) -> None:
    """Every raw case on every route: 400 before any route sees it (policy_api P21)."""
    async with inputs(tmp_path) as made:
        for target in TARGETS:
            for name, raw in RAW.items():
                made.check(await made.send(target, raw), (target, name), {400})


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


async def test_another_content_type(tmp_path: Path) -> None:
    """Only application/json in UTF-8, not compressed: 415 for everything else."""
    kinds = [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        f"multipart/form-data; boundary={CANARY}",
        f"application/{CANARY}",
        "",
    ]
    async with inputs(tmp_path) as made:
        for target in TARGETS:
            body = json.dumps(made.good.get(target, {})).encode()
            for kind in kinds:
                answer = await made.send(target, body, content_type=kind)
                made.check(answer, (target, kind), {415})
            for encoding in ("gzip", "br", CANARY):
                answer = await made.send(target, body, content_encoding=encoding)
                made.check(answer, (target, encoding), {415})


async def test_a_mebibyte_and_one_byte(tmp_path: Path) -> None:
    """Announced or in pieces: 413 on every route, and the limit itself is not refused as too large."""
    padding = b" " * MEBIBYTE

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield padding[: MEBIBYTE // 16]

    async with inputs(tmp_path) as made:
        for target in TARGETS:
            whole = await made.send(target, b"[" + padding)
            made.check(whole, (target, "announced"), {413})
            made.check(await made.send(target, pieces()), (target, "chunked"), {413})
            limit = await made.send(target, b"[" + padding[:-1])
            made.check(limit, (target, "limit"), {400})


async def test_a_false_length(tmp_path: Path) -> None:
    """A length that is no number, negative, or given twice."""
    async with inputs(tmp_path) as made:
        for target in TARGETS:
            for length in (CANARY, "-1", "1e3", "9" * 30, "0x10"):
                answer = await made.send(target, b"{}", content_length=length)
                made.check(answer, (target, length), {400, 413})


async def test_strange_headers(tmp_path: Path) -> None:
    """Bytes that are no text, long values, a language nobody speaks: never an accident."""
    async with inputs(tmp_path) as made:
        good = json.dumps({}).encode()
        for name in ("authorization", "accept-language", "x-request-id", "accept", "host", "te"):
            for value in (b"\xff\xfe" + CANARY.encode(), b"a" * 9000, b"%00", b""):
                headers = {name.encode(): value, b"content-type": b"application/json"}
                answer = await made.gate.client.post("/v1/exchanges", content=good, headers=headers)
                made.check(answer, (name, value[:10]), {400, 401})


async def test_strange_addresses(tmp_path: Path) -> None:
    """Unknown paths, slashes, wrong methods, odd queries: a problem, no redirect (P25), no echo."""
    cases = [
        ("GET", f"/v1/{CANARY}"),
        ("GET", "/v1/mailbox/"),
        ("POST", "/v1/exchanges/"),
        ("GET", "//v1/mailbox"),
        ("GET", f"/v1/exchanges/..%2f{CANARY}"),
        ("PATCH", "/v1/exchanges"),
        ("TRACE", "/v1/exchanges"),
        (CANARY.upper(), "/v1/exchanges"),
        ("GET", f"/v1/log/consistency?old={CANARY}&new=1"),
        ("GET", "/v1/log/consistency?old=-1&new=1"),
        ("GET", "/v1/log/consistency?old=1.0&new=2"),
        ("GET", f"/v1/log/consistency?old={2**64}&new={2**64}"),
        ("GET", "/v1/log/consistency?old=1"),
        ("GET", "/v1/log/consistency?old=2&new=1"),
        ("GET", f"/docs?{CANARY}"),
    ]
    async with inputs(tmp_path) as made:
        headers = bearer(await made.gate.token(JC))
        for method, path in cases:
            answer = await made.gate.client.request(method, path, headers=headers)
            made.check(answer, (method, path), {400, 404, 405})


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
