# SPDX-License-Identifier: EUPL-1.2
"""A web service that lies, breaks or is slow, and what must not leave through it."""

from __future__ import annotations

import gzip
import logging
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from typing_extensions import override

from adapters.errors import SourceBroken, SourceError, SourceUnavailable
from adapters.simulated import mapping_path
from adapters.sources.base import SourceAdapter
from adapters.sources.build import build_source
from adapters.sources.rest import MAX_ANSWER_BYTES
from keys.model import FileNumber

BASE = "https://jc.example"
NUMBER = FileNumber("23702BG0418773")
ASKED = frozenset({"benefit_granted", "net_income"})
TOKEN = "token-Zq83-very-secret"
FIND = f"{BASE}/api/v1/faelle"
CASE = f"{BASE}/api/v1/faelle/F-1"


def _build(directory: Path, **more: object) -> SourceAdapter:
    (directory / "token").write_text(TOKEN, encoding="utf-8")
    settings = {"type": "rest", "url": BASE, "token_file": "token", "timeout_seconds": 1.0}
    mapping = str(mapping_path("jc.hannover"))
    return build_source({**settings, "mapping": mapping, **more}, base=directory)


@pytest.fixture
async def source(tmp_path: Path) -> AsyncGenerator[SourceAdapter]:
    """The job centre's mapping against a service that a test plays."""
    adapter = _build(tmp_path)
    yield adapter
    await adapter.close()


@pytest.fixture
def service() -> Any:
    """A service that answers well until a test says otherwise; an unexpected call fails the test."""
    with respx.mock(assert_all_called=False) as router:
        router.get(FIND).respond(json={"treffer": [{"id": "F-1"}]})
        router.get(f"{CASE}/leistung").respond(json={"bewilligt": True})
        router.get(f"{CASE}/einkommen").respond(json={"netto": ["431.16"]})
        yield router


async def test_the_played_service_answers_well(
    source: SourceAdapter, service: respx.MockRouter
) -> None:
    """Without an attack there is an answer, so the refusals below mean something."""
    record = await source.read(NUMBER, ASKED)
    assert record.values == {"benefit_granted": True, "net_income": ["431.16"]}
    for call in service.calls:
        assert call.request.headers["Authorization"] == f"Bearer {TOKEN}"


async def test_only_the_resources_of_the_asked_fields_are_fetched(
    source: SourceAdapter, service: respx.MockRouter
) -> None:
    """Income is not even requested when only the grant is asked for."""
    await source.read(NUMBER, frozenset({"benefit_granted"}))
    paths = [call.request.url.path for call in service.calls]
    assert paths == ["/api/v1/faelle", "/api/v1/faelle/F-1/leistung"]


async def test_unknown_and_doubled_persons_cause_the_same_requests(
    source: SourceAdapter, service: respx.MockRouter
) -> None:
    """As many requests as for a known person, for a key that nobody has (promise P5)."""
    service.get(url__regex=rf"{FIND}/[0-9a-f]{{16}}/(leistung|einkommen)").respond(404)
    for found in ([], [{"id": "F-1"}, {"id": "F-2"}]):
        service.get(FIND).respond(json={"treffer": found})
        before = len(service.calls)
        record = await source.read(NUMBER, ASKED)
        assert record.values == dict.fromkeys(ASKED)
        assert len(service.calls) - before == 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("url", [FIND, f"{CASE}/leistung"])
async def test_redirects_are_refused(
    source: SourceAdapter, service: respx.MockRouter, url: str, status: int
) -> None:
    """A redirect would carry the bearer token and the file number to another machine."""
    trap = service.get("https://trap.example/").respond(json={})
    service.get(url).respond(status, headers={"Location": "https://trap.example/"})
    with pytest.raises(SourceBroken, match="redirect"):
        await source.read(NUMBER, ASKED)
    assert not trap.called


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, SourceBroken),
        (401, SourceBroken),
        (403, SourceBroken),
        (204, SourceBroken),
        (206, SourceBroken),
        (429, SourceUnavailable),
        (500, SourceUnavailable),
        (503, SourceUnavailable),
    ],
)
async def test_other_statuses_are_not_answers(
    source: SourceAdapter, service: respx.MockRouter, status: int, error: type[SourceError]
) -> None:
    """Only 200 is an answer and only 404 means "none"; the body of an error is not looked at."""
    service.get(f"{CASE}/leistung").respond(status, json={"bewilligt": True})
    with pytest.raises(error):
        await source.read(NUMBER, ASKED)


@pytest.mark.parametrize(
    "failure",
    [httpx.ConnectError("no"), httpx.ReadTimeout("late"), httpx.ConnectTimeout("late")],
    ids=lambda failure: type(failure).__name__,
)
async def test_a_service_that_cannot_be_reached(
    source: SourceAdapter, service: respx.MockRouter, failure: httpx.HTTPError
) -> None:
    """Down or slow is told apart from "no such person"."""
    service.get(FIND).mock(side_effect=failure)
    with pytest.raises(SourceUnavailable):
        await source.facts(NUMBER)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'"bewilligt"',
        b'{"bewilligt": true, "bewilligt": false}',
        b'{"bewilligt": NaN}',
        b'{"bewilligt": 1}',
        b'{"bewilligt": "true"}',
        b'{"bewilligt": {"x": true}}',
        b'{"bewilligt": [true]}',
        b'{"x": "\\ud800"}',
        b'{"x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"x": 12345678901234567890}',
        '{"bewilligt": true}'.encode("utf-16"),
        b"\xff\xfe",
        b'[{"bewilligt": true}, {"bewilligt": false}]',
        b"[[]]",
    ],
)
async def test_hostile_json(source: SourceAdapter, service: respx.MockRouter, body: bytes) -> None:
    """Everything that is not exactly what the mapping says stops the answer."""
    headers = {"Content-Type": "application/json"}
    service.get(f"{CASE}/leistung").respond(200, content=body, headers=headers)
    with pytest.raises(SourceBroken, match=r"jc\.hannover\.toml"):
        await source.read(NUMBER, frozenset({"benefit_granted"}))


@pytest.mark.parametrize(
    "netto",
    [[True], [{"betrag": 1}], [["1.0"]], ["1e5"], ["NaN"], [1e300], ["1"] * 101],
)
async def test_wrong_types_in_a_list(
    source: SourceAdapter, service: respx.MockRouter, netto: object
) -> None:
    """A list of amounts holds amounts, and not more of them than a person can have."""
    service.get(f"{CASE}/einkommen").respond(json={"netto": netto})
    with pytest.raises(SourceBroken, match=r"\[field\.net_income\]"):
        await source.read(NUMBER, frozenset({"net_income"}))


@pytest.mark.parametrize(
    "key",
    [
        "../../admin",
        "F-1/../F-2",
        "F-1?x=1",
        "//trap.example",
        "",
        " ",
        "F" * 65,
        None,
        True,
        {},
        1.5,
    ],
)
async def test_a_hostile_key_cannot_choose_the_address(
    source: SourceAdapter, service: respx.MockRouter, key: object
) -> None:
    """A service that was taken over must not steer the connector to other addresses."""
    service.get(FIND).respond(json={"treffer": [{"id": key}]})
    with pytest.raises(SourceBroken, match="key"):
        await source.read(NUMBER, ASKED)
    assert len(service.calls) == 1


@pytest.mark.parametrize(
    "number", ["../x", "a&bgNummer=b", "a#b", "a%00", "a/b?c", "ä ö", "x\r\nHost: trap", "'--"]
)
async def test_a_file_number_stays_one_query_value(
    source: SourceAdapter, service: respx.MockRouter, number: str
) -> None:
    """Whatever it holds, it never changes path, other parameters or headers."""
    service.get(url__regex=rf"{FIND}/[0-9a-f]{{16}}/leistung").respond(404)
    service.get(FIND).respond(json={"treffer": []})
    await source.read(FileNumber(number), frozenset({"benefit_granted"}))
    sent = service.calls[0].request.url
    assert (sent.host, sent.path) == ("jc.example", "/api/v1/faelle")
    values = sent.params.get_list("bgNummer")
    assert len(sent.params) == len(values) == 1
    assert values == [number] or "\r" in number


@pytest.mark.parametrize("length", [True, False])
async def test_an_oversize_answer_is_cut_off(
    source: SourceAdapter, service: respx.MockRouter, *, length: bool
) -> None:
    """With and without a stated length, reading stops at the limit."""
    read = 0

    async def endless() -> AsyncGenerator[bytes]:
        nonlocal read
        while read < 50 * MAX_ANSWER_BYTES:
            read += 65_536
            yield b" " * 65_536

    headers = {"Content-Type": "application/json"}
    if length:
        headers["Content-Length"] = str(50 * MAX_ANSWER_BYTES)
    service.get(FIND).mock(
        return_value=httpx.Response(200, headers=headers, stream=_Stream(endless))
    )
    with pytest.raises(SourceBroken, match="larger"):
        await source.facts(NUMBER)
    assert read <= MAX_ANSWER_BYTES + 2 * 65_536


class _Stream(httpx.AsyncByteStream):
    def __init__(self, pieces: Callable[[], AsyncGenerator[bytes]]) -> None:
        self._pieces = pieces

    @override
    async def __aiter__(self) -> AsyncGenerator[bytes]:
        async for piece in self._pieces():
            yield piece


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {"Content-Type": "text/html"},
        {"Content-Type": "application/json-seq"},
        {},
    ],
)
async def test_other_encodings_are_refused(
    source: SourceAdapter, service: respx.MockRouter, headers: dict[str, str]
) -> None:
    """No compression bombs and no guessing of content types."""
    body = gzip.compress(b" " * 10_000_000) if "Content-Encoding" in headers else b'{"treffer": []}'
    service.get(FIND).mock(return_value=httpx.Response(200, content=body, headers=headers))
    with pytest.raises(SourceBroken, match="plain application/json"):
        await source.facts(NUMBER)


async def test_neither_token_nor_file_number_in_logs_and_errors(
    source: SourceAdapter, service: respx.MockRouter, caplog: pytest.LogCaptureFixture
) -> None:
    """The HTTP library would log addresses with file numbers; an error would be logged by somebody."""
    with caplog.at_level(logging.INFO):
        await source.read(NUMBER, ASKED)
        service.get(FIND).respond(500, json={"fehler": NUMBER})
        with pytest.raises(SourceUnavailable) as raised:
            await source.facts(NUMBER)
    for text in (caplog.text, str(raised.value), repr(source), repr(vars(source))):
        assert NUMBER not in text
        assert TOKEN not in text
