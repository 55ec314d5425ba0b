# SPDX-License-Identifier: EUPL-1.2
"""The middleware that refuses ambiguous bodies."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.asgi import Headers, Message, Receive, Scope, Send, StrictBodyMiddleware

JSON = (b"content-type", b"application/json")
FORM = (b"content-type", b"application/x-www-form-urlencoded")
LIMIT = 1_000


@dataclass
class Application:
    """Keeps what reached it."""

    bodies: list[bytes] = field(default_factory=list)
    after: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with 200 once the body is read."""
        if scope["type"] != "http":
            self.after.append(scope["type"])
            return
        message = await receive()
        assert message["type"] == "http.request"
        assert not message.get("more_body")
        self.bodies.append(message["body"])
        self.after.append((await receive())["type"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})


def reject(status: int, code: str) -> tuple[int, Headers, bytes]:
    return status, [(b"content-type", b"application/problem+json")], code.encode()


@dataclass
class Answer:
    """What a client saw."""

    status: int | None = None
    body: bytes = b""
    headers: Headers = field(default_factory=list)
    reads: int = 0


async def ask(
    application: Application,
    *chunks: bytes,
    headers: Headers | None = None,
    method: str = "POST",
    path: str = "/v1/exchanges",
    leaves: bool = False,
) -> Answer:
    """Send a request in these chunks and collect the answer."""
    answer = Answer()
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": leaves or i < len(chunks) - 1}
        for i, chunk in enumerate(chunks)
    ]

    async def receive() -> Message:
        answer.reads += 1
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], message["headers"]
        else:
            answer.body += message["body"]

    middleware = StrictBodyMiddleware(
        application, max_bytes=LIMIT, reject=reject, form_paths={"/oauth/token"}
    )
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [JSON] if headers is None else headers,
    }
    await middleware(scope, receive, send)
    return answer


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_good_body_arrives_byte_for_byte(method: str) -> None:
    """The application reads the identical bytes, and sees the client leave afterwards."""
    application = Application()
    answer = await ask(application, b'{ "b" : 1,', b' "a":2 }', method=method)
    assert (answer.status, application.bodies) == (200, [b'{ "b" : 1, "a":2 }'])
    assert application.after == ["http.disconnect"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"a":1,"a":2}', b"duplicate_key"),
        (b'{"a":NaN}', b"not_finite"),
        (b'{"a":"\\ud800"}', b"lone_surrogate"),
        (b"[" * 500 + b"]" * 400, b"not_json"),
        (b"[" * 400 + b"]" * 400, b"too_deep"),
        ('{"a":1}'.encode("utf-16"), b"not_utf8"),
        (b'{"a":12345678901234567890}', b"big_integer"),
        (b"x", b"not_json"),
    ],
)
async def test_an_ambiguous_body_is_refused_before_the_application(
    body: bytes, code: bytes
) -> None:
    """400 with the code; the application never sees the request."""
    application = Application()
    answer = await ask(application, body)
    assert (answer.status, answer.body, application.bodies) == (400, code, [])


@pytest.mark.anyio
async def test_a_body_that_is_announced_too_large_is_not_read() -> None:
    """413 from the header alone, without reading a byte, and the connection is closed."""
    application = Application()
    length = (b"content-length", b"%d" % (LIMIT + 1))
    answer = await ask(application, b"[]", headers=[JSON, length])
    assert (answer.status, answer.body, answer.reads) == (413, b"too_large", 0)
    assert (b"connection", b"close") in answer.headers
    assert application.bodies == []


@pytest.mark.anyio
async def test_a_chunked_body_is_counted() -> None:
    """Without an announced length the bytes are counted, and reading stops at the limit."""
    application = Application()
    answer = await ask(application, *([b" " * 300] * 10))
    assert (answer.status, application.bodies) == (413, [])
    assert answer.reads == 4
    exactly = await ask(application, b"[" + b" " * (LIMIT - 2), b"]")
    assert exactly.status == 200


@pytest.mark.anyio
@pytest.mark.parametrize("value", [b"", b"-1", b"1e3", b"0x10", b"+5", b" 5", b"9" * 13])
async def test_an_impossible_length_is_refused(value: bytes) -> None:
    """A length that is not a plain number is refused."""
    answer = await ask(Application(), b"[]", headers=[JSON, (b"content-length", value)])
    assert (answer.status, answer.body) == (400, b"content_length")


@pytest.mark.anyio
async def test_two_lengths_are_refused() -> None:
    """Two lengths are how requests are smuggled (RFC 9112, 6.3)."""
    twice = [(b"content-length", b"2"), (b"Content-Length", b"2")]
    answer = await ask(Application(), b"[]", headers=[JSON, *twice])
    assert (answer.status, answer.body) == (400, b"content_length")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"content-type", b"text/plain")],
        [(b"content-type", b"application/jsonp")],
        [(b"content-type", b"application/json; charset=utf-16")],
        [(b"content-type", b"application/problem+json")],
        [FORM],
        [JSON, JSON],
        [JSON, (b"content-encoding", b"gzip")],
    ],
)
async def test_another_content_type_is_refused(headers: Headers) -> None:
    """415 for anything but JSON in UTF-8, once, uncompressed."""
    application = Application()
    answer = await ask(application, b"{}", headers=headers)
    assert (answer.status, answer.body, application.bodies) == (415, b"content_type", [])


@pytest.mark.anyio
@pytest.mark.parametrize(
    "value",
    [b"application/json", b"Application/JSON", b"application/json; charset=UTF-8"],
)
async def test_spellings_of_the_json_type_are_accepted(value: bytes) -> None:
    """Upper case and a named UTF-8 are the same type (RFC 9110, 8.3.1)."""
    answer = await ask(Application(), b"{}", headers=[(b"Content-Type", value)])
    assert answer.status == 200


@pytest.mark.anyio
async def test_a_form_is_taken_where_it_is_agreed_and_nowhere_else() -> None:
    """The token endpoint takes a form and no JSON; the others the other way round."""
    application = Application()
    form = await ask(application, b"grant_type=x", headers=[FORM], path="/oauth/token")
    assert (form.status, application.bodies) == (200, [b"grant_type=x"])
    assert (await ask(application, b"{}", path="/oauth/token")).status == 415
    assert (await ask(application, b"a=b", headers=[FORM], path="/v1/exchanges")).status == 415
    long = [b"x" * 600] * 2
    assert (await ask(application, *long, headers=[FORM], path="/oauth/token")).status == 413


@pytest.mark.anyio
async def test_no_body_needs_no_type() -> None:
    """An empty body passes whatever the headers say."""
    application = Application()
    assert (await ask(application, b"", headers=[], method="DELETE")).status == 200
    assert application.bodies == [b""]


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_methods_without_a_body_pass_untouched(method: str) -> None:
    """Nothing is read ahead for them."""
    application = Application()
    assert (await ask(application, b"not json", headers=[], method=method)).status == 200


@pytest.mark.anyio
async def test_a_client_that_leaves_gets_no_answer() -> None:
    """Half a body is never handed on."""
    application = Application()
    answer = await ask(application, b"[1,", leaves=True)
    assert (answer.status, application.bodies) == (None, [])


@pytest.mark.anyio
async def test_other_connections_pass() -> None:
    """Start-up and shutdown messages reach the application."""
    application = Application()
    middleware = StrictBodyMiddleware(application, reject=reject)

    async def nothing() -> Message:
        return {}

    async def drop(_: Message) -> None:
        return None

    await middleware({"type": "lifespan"}, nothing, drop)
    assert application.after == ["lifespan"]


@pytest.mark.anyio
@given(body=st.binary(max_size=60))
async def test_any_body_is_handed_on_or_refused(body: bytes) -> None:
    """No body makes the middleware fail; what passes is unchanged."""
    application = Application()
    answer = await ask(application, body)
    if answer.status == 200:
        assert application.bodies == [body]
    else:
        assert answer.status == 400
        assert application.bodies == []
