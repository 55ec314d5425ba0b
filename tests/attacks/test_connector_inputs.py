# SPDX-License-Identifier: EUPL-1.2
"""Bad input at the connector: a problem 4xx each time, never 500, nothing echoed, nothing sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from typing_extensions import override

from adapters.connector.app import Parts, create_connector
from tests.support.connectors import (
    ABH,
    AS_CLERK,
    AS_SYSTEM,
    JC,
    RECORDS,
    U02,
    U11,
    settings_for,
    shared_decider,
    world,
)
from tests.support.memory_source import MemorySource
from tests.support.simulated_gateway import SimulatedGateway

CANARY = "KanarienvogelXYZ"
JSON = {"Content-Type": "application/json"}

POSTS = (
    "/enquiries",
    "/deliveries",
    "/held/01ARZ3NDEKTSV4RRFFQ69G5FAV/release",
    "/held/01ARZ3NDEKTSV4RRFFQ69G5FAV/refuse",
    "/link-codes",
    "/links",
    "/orders",
)

RAW: dict[str, tuple[bytes, int]] = {
    "duplicate key": (b'{"file_number":"' + CANARY.encode() + b'","file_number":"x"}', 400),
    "NaN": (b'{"file_number":NaN,"x":"' + CANARY.encode() + b'"}', 400),
    "infinity by size": (b'{"x":1e999}', 400),
    "lone surrogate": (rb'{"file_number":"\ud800' + CANARY.encode() + b'"}', 400),
    "deep nesting": (b'{"x":' + b"[" * 5_000 + b"]" * 5_000 + b"}", 400),
    "deeper than any stack": (b"[" * 500_000, 400),
    "UTF-16": (json.dumps({"file_number": CANARY}).encode("utf-16"), 400),
    "byte order mark": (b"\xef\xbb\xbf{}", 400),
    "broken UTF-8": (b'{"x":"\xff"}', 400),
    "huge integer": (b'{"x":' + b"9" * 5_000 + b"}", 400),
    "not JSON": (CANARY.encode(), 400),
    "empty": (b"", 422),
    "null": (b"null", 422),
    "list": (b"[]", 422),
    "text": (json.dumps(CANARY).encode(), 422),
    "empty object": (b"{}", 422),
    "unknown member": (json.dumps({CANARY: CANARY}).encode(), 422),
}


def _expect_problem(reply: httpx.Response, status: int) -> None:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    told = reply.json()
    assert told["status"] == status
    assert told["type"].startswith("/problems/")
    assert all(told[member] for member in ("title", "detail", "todo"))
    assert CANARY not in reply.text


@pytest.mark.parametrize("kind", RAW)
async def test_raw_bytes(tmp_path: Path, kind: str) -> None:
    """Bodies that two readers could read in two ways, or that are no object, at every address."""
    body, status = RAW[kind]
    async with world(tmp_path) as made:
        before = len(made.gateway.seen)
        for path in POSTS:
            reply = await made.sites[JC].client.post(
                path, content=body, headers={**AS_CLERK, **JSON}
            )
            _expect_problem(reply, status)
        assert len(made.gateway.seen) == before


async def test_wrong_content_types(tmp_path: Path) -> None:
    """Only application/json is read."""
    async with world(tmp_path) as made:
        for content_type in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/json; charset=utf-16",
            "multipart/form-data; boundary=x",
            "",
        ):
            reply = await made.sites[JC].client.post(
                "/enquiries",
                content=json.dumps(U02).encode(),
                headers={**AS_SYSTEM, "Content-Type": content_type},
            )
            _expect_problem(reply, 415)


async def test_bodies_over_one_mebibyte(tmp_path: Path) -> None:
    """Announced or sent in parts, too much is 413 and is not kept."""
    async with world(tmp_path) as made:

        async def parts() -> Any:
            for _part in range(20):
                yield b" " * 65_536

        for content in (b" " * 1_048_577, parts()):
            reply = await made.sites[JC].client.post(
                "/enquiries", content=content, headers={**AS_SYSTEM, **JSON}
            )
            _expect_problem(reply, 413)


@pytest.mark.parametrize(
    "change",
    [
        {"file_number": 5},
        {"file_number": True},
        {"file_number": ""},
        {"file_number": "x" * 64},
        {"file_number": CANARY + "\x00"},
        {"file_number": [CANARY]},
        {"file_number": None},
        {"holding": "ABH.HANNOVER"},
        {"holding": "abh.hannover\n"},
        {"holding": "../" + CANARY},
        {"purpose": "P04\n"},
        {"purpose": {"$gt": ""}},
        {"fields": "residence_status"},
        {"fields": []},
        {"fields": [1]},
        {"fields": ["x"] * 51},
        {"fields": ["resid\u0000ence"]},
        {"declared": []},
        {"declared": {"azr_checked": 1.5}},
        {"declared": {"azr_checked": None}},
        {"declared": {'x","allow":true,"y":"': True}},
        {"clerk": ""},
        {"clerk": "a\nb"},
        {"case_ref": "x" * 81},
        {"issuer": CANARY},
        {"from": ABH},
        {"released_by_source": True},
    ],
    ids=lambda change: json.dumps(change)[:40],
)
async def test_type_confusion_and_mass_assignment(tmp_path: Path, change: dict[str, Any]) -> None:
    """Wrong types are never converted, unknown members never taken."""
    async with world(tmp_path) as made:
        reply = await made.ask(JC, {**U02, **change})
        _expect_problem(reply, 422)
        assert made.gateway.exchanges == {}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"holding": "abh.elsewhere"}, "agency"),
        ({"holding": JC}, "agency"),
        ({"purpose": "P99"}, "purpose"),
        ({"fields": ["residence_status", "shoe_size"]}, "fields"),
        ({"declared": {"azr_checked": "yes"}}, "declared"),
        ({"declared": {"no_such_code": True}}, "declared"),
        ({"declared": {"title_section": 3}}, "declared"),
        ({"trigger": "no_such_trigger"}, "declared"),
        ({"file_number": "   "}, "file_number"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_codes_outside_the_catalogue(
    tmp_path: Path, change: dict[str, Any], place: str
) -> None:
    """Closed lists are closed: the member is named, nothing is signed or sent."""
    async with world(tmp_path) as made:
        reply = await made.ask(JC, {**U02, **change})
        _expect_problem(reply, 422)
        assert reply.json()["places"] == [place]
        assert made.gateway.exchanges == {}


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {CANARY}",
        "Basic c3lzdGVtLXRva2Vu",
        "system-token",
        "Bearer system-token ",
        "Bearer " + "x" * 10_000,
        "Bearer SYSTEM-TOKEN",
    ],
    ids=str,
)
async def test_missing_or_foreign_tokens(tmp_path: Path, header: str | None) -> None:
    """Every local address but health answers 401 without a configured token."""
    async with world(tmp_path) as made:
        headers = {} if header is None else {"Authorization": header}
        client = made.sites[JC].client
        calls = [
            client.post("/enquiries", json=U02, headers=headers),
            client.post("/deliveries", json=U11, headers=headers),
            client.get("/deliveries", headers=headers),
            client.get("/enquiries/01ARZ3NDEKTSV4RRFFQ69G5FAV", headers=headers),
            client.get("/held", headers=headers),
            client.post("/held/01ARZ3NDEKTSV4RRFFQ69G5FAV/release", json={}, headers=headers),
            client.post("/held/01ARZ3NDEKTSV4RRFFQ69G5FAV/refuse", json={}, headers=headers),
            client.post("/link-codes", json={}, headers=headers),
            client.post("/links", json={}, headers=headers),
        ]
        for call in calls:
            reply = await call
            _expect_problem(reply, 401)
            assert reply.headers["www-authenticate"] == "Bearer"


async def test_every_route_declares_who_may_use_it(tmp_path: Path) -> None:
    """A new route without a caller fails here: only orders and health stand without a token."""
    async with world(tmp_path) as made:
        paths = made.sites[JC].app.openapi()["paths"]
        open_routes = set()
        for path, methods in paths.items():
            for method in methods:
                url = path.replace("{local_id}", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
                reply = await made.sites[JC].client.request(method, url)
                if reply.status_code != 401:
                    open_routes.add((method, path))
        assert open_routes == {("post", "/orders"), ("get", "/health")}


@pytest.mark.parametrize("unknown", ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "x", "..", "a" * 65, "%00"])
async def test_unknown_ids_are_not_found(tmp_path: Path, unknown: str) -> None:
    """Ids of every form that are not here give the same 404."""
    async with world(tmp_path) as made:
        reply = await made.sites[JC].client.get(f"/enquiries/{unknown}", headers=AS_SYSTEM)
        assert reply.status_code in (404, 422)
        assert reply.headers["content-type"] == "application/problem+json"


async def test_trailing_slashes_and_methods(tmp_path: Path) -> None:
    """No redirects that would carry a body elsewhere; unknown methods are problems too."""
    async with world(tmp_path) as made:
        client = made.sites[JC].client
        _expect_problem(await client.post("/enquiries/", json=U02, headers=AS_SYSTEM), 404)
        _expect_problem(await client.put("/enquiries", json=U02, headers=AS_SYSTEM), 405)
        _expect_problem(await client.get("/docs"), 404)


@pytest.mark.parametrize(
    "order",
    ["x" * 16, "a.b.c" * 4, "e30.e30.e30xxxxxxx", "é" * 20, "." * 400_000, "A" * 393_216],
    ids=["letters", "dots", "empty-json", "not-ascii", "many-dots", "long"],
)
async def test_orders_that_are_nonsense(tmp_path: Path, order: str) -> None:
    """Anybody can post to /orders; nonsense costs a problem and a row of evidence, no more."""
    async with world(tmp_path) as made:
        reply = await made.sites[ABH].client.post("/orders", json={"order": order})
        assert reply.status_code in (403, 422), reply.text
        assert reply.headers["content-type"] == "application/problem+json"
        assert made.sites[ABH].source.calls == []


async def test_an_accident_is_opaque(tmp_path: Path) -> None:
    """An unexpected error gives 500 with a request id and none of its text."""
    async with world(tmp_path) as made:

        class Exploding(MemorySource):
            @override
            async def identity(self, file_number: str) -> None:
                raise RuntimeError(CANARY + file_number)

        gateway: SimulatedGateway = made.gateway
        app = create_connector(
            settings_for(JC, tmp_path / "other", gateway),
            parts=Parts(
                source=Exploding(RECORDS[JC]),
                keys=gateway.rings[JC],
                decider=shared_decider(),
                transport=gateway,
                clock=made.clock,
            ),
        )
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://jc") as client,
        ):
            reply = await client.post("/link-codes", json={"file_number": "1"}, headers=AS_SYSTEM)
        assert reply.status_code == 500
        assert reply.json()["request_id"]
        assert CANARY not in reply.text
