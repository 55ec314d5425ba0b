# SPDX-License-Identifier: EUPL-1.2
"""Bad input on every route with a body: a problem, never an accident, no echo, nothing written.

Every case carries a canary; it may not come back in body or headers, and not reach the operating
log, the database or the evidence.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

from tests.support.bad_input import CANARY, TARGETS, inputs
from tests.support.middle import JC
from tests.support.signing_in import bearer

MEBIBYTE = 1_048_576


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
    """Every raw case on every route: 400 before any route sees it."""
    async with inputs(tmp_path) as made:
        for target in TARGETS:
            for name, raw in RAW.items():
                made.check(await made.send(target, raw), (target, name), {400})


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
