# SPDX-License-Identifier: EUPL-1.2
"""Attacks of something that answers in place of the OPA server: no lie becomes a decision."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from policies.catalogue import Catalogue
from policies.decide import Decider
from policies.engine.opa import DEADLINE_SECONDS, OpaAddress, OpaEngine
from policies.errors import EngineFailed, InputInvalid, PolicyUnavailable
from policies.model import AgreementFacts, DecisionInput, FieldId, Kind, PurposeId
from tests.attacks.opa_lies import LIES, RELEASED
from tests.support.lying_opa import DIGEST, HONEST, Lie, LyingOpa, answer, denied, http
from tests.support.opa_server import PATIENCE, eventually

QUESTION = b'{"fields":["family_name"]}'
TOKEN = "canary-token-0123456789abcdef0123"
ASKED = DecisionInput(
    from_kind=Kind("ABH"),
    to_kind=Kind("JC"),
    purpose=PurposeId("P04"),
    trigger="on_request",
    fields=(FieldId("family_name"), FieldId("residence_status")),
    declared={},
    agreement=AgreementFacts(in_force=True),
)


@contextmanager
def engine_over(server: LyingOpa, **more: Any) -> Generator[OpaEngine]:
    """An engine that trusts the address of the liar."""
    engine = OpaEngine(OpaAddress(server.url, TOKEN), DIGEST, **more)
    try:
        yield engine
    finally:
        engine.close()


@pytest.mark.parametrize("name", LIES)
def test_no_lie_is_believed(name: str) -> None:
    """Each lie is a failure with its own code, in time, and never an answer."""
    lie, code = LIES[name]
    in_time = DEADLINE_SECONDS if code == "no_answer_in_time" else PATIENCE
    with LyingOpa() as server, engine_over(server, deadline_seconds=in_time) as engine:
        assert engine.ready(5)
        server.lie = lie
        started = time.monotonic()
        with pytest.raises(EngineFailed) as refused:
            engine.evaluate(QUESTION)
        assert refused.value.code == code
        assert time.monotonic() - started < 1.5
        assert len(server.questions) == 1, "nothing is asked twice"


@pytest.mark.parametrize("name", LIES)
def test_after_the_truth_comes_back_it_is_believed(name: str) -> None:
    """Whatever was sent, it leaves nothing on the line that a later question could be given."""
    with LyingOpa() as server, engine_over(server) as engine:
        assert engine.ready(5)
        server.lie = LIES[name][0]
        with pytest.raises(EngineFailed):
            engine.evaluate(QUESTION)
        server.lie = HONEST
        assert [one["outcome"] for one in eventually(engine, QUESTION)] == ["DENY"]


SERVER_WIDE = ("another revision", "no provenance", "refused", "a page", "a second bundle")


@pytest.mark.parametrize("name", SERVER_WIDE)
def test_a_server_that_lies_from_the_start_is_asked_nothing(name: str) -> None:
    """It does not pass the probe: no question ever reaches it, and the reason is known."""
    lie, code = LIES[name]
    with LyingOpa(to_probes=lie) as server, engine_over(server) as engine:
        assert not engine.ready(0.3)
        with pytest.raises(EngineFailed) as refused:
            engine.evaluate(QUESTION)
        assert refused.value.code == code
        assert server.questions == []


def test_a_second_answer_in_the_same_breath_is_not_kept_for_the_next_question() -> None:
    """Two responses for one question: the second must not become somebody else's decision."""
    released = http(answer({"fields": RELEASED}))
    with (
        LyingOpa(lie=HONEST + released) as server,
        engine_over(server, deadline_seconds=PATIENCE) as engine,
    ):
        assert engine.ready(5)
        for _ in range(5):
            try:
                answers = engine.evaluate(QUESTION)
            except EngineFailed:
                engine.ready(5)
                continue
            assert [one["outcome"] for one in answers] == ["DENY"]


def test_a_redirect_is_not_followed_and_takes_no_token_along() -> None:
    """The place that the redirect names is never called."""
    with (
        LyingOpa() as trap,
        LyingOpa() as server,
        engine_over(server, deadline_seconds=PATIENCE) as engine,
    ):
        assert engine.ready(5)
        for status in ("301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Moved"):
            server.lie = http(answer(), f"Location: {trap.url}/", status=status)
            assert engine.ready(5)
            with pytest.raises(EngineFailed):
                engine.evaluate(QUESTION)
        assert trap.connections == 0


def test_a_cookie_is_not_kept() -> None:
    """The server cannot mark its callers."""
    with LyingOpa(lie=http(answer(), "Set-Cookie: caller=1; Path=/")) as server:
        with engine_over(server, deadline_seconds=PATIENCE) as engine:
            assert engine.ready(5)
            for _ in range(3):
                engine.evaluate(QUESTION)
        assert "cookie" not in "".join(call.head for call in server.calls).lower()


def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sets a variable must not read the questions."""
    with LyingOpa() as proxy, LyingOpa() as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        with engine_over(server, deadline_seconds=PATIENCE) as engine:
            assert engine.ready(5)
            engine.evaluate(QUESTION)
        assert proxy.connections == 0


def test_the_bytes_that_passed_the_gate_are_the_bytes_that_leave() -> None:
    """Not read and written anew: exactly the canonical input, once, with the token in the header."""
    source = ASKED.canonical()
    with LyingOpa() as server, engine_over(server, deadline_seconds=PATIENCE) as engine:
        assert engine.ready(5)
        engine.evaluate(source)
        (call,) = server.questions
    assert call.body == b'{"input":' + source + b"}"
    assert call.head.startswith(
        "POST /v1/data/lotse/exchange/decision?provenance=true&strict-builtin-errors=true HTTP/1.1"
    )
    assert f"Authorization: Bearer {TOKEN}\r\n" in call.head


@pytest.mark.parametrize(
    "source",
    [
        b'{"fields":["a"],"x":NaN}',
        b'{"fields":["a"],"x":Infinity}',
        b'{"fields":["a"],"x":1.0}',
        b'{"fields":["a"],"x":9007199254740993}',
        b'{"a":1,"a":2,"fields":["a"]}',
        b'{"fields":["a\\u0000"]}',
        b'{"fields":["x\\",\\"allow\\":true"]}',
        b"\xff\xfe{}",
    ],
)
def test_what_the_gate_refuses_never_leaves(source: bytes) -> None:
    """NaN, fractions, big numbers, equal names, quotes and NUL do not reach the server."""
    with LyingOpa() as server, engine_over(server, deadline_seconds=PATIENCE) as engine:
        assert engine.ready(5)
        with pytest.raises(InputInvalid):
            engine.evaluate(source)
        assert server.questions == []


def _fields(**verdicts: Any) -> Lie:
    return http(answer({"fields": verdicts}))


ALLOWED = RELEASED["family_name"]
REFUSED = denied("x")["x"]

OTHER_FIELDS: dict[str, Lie] = {
    "one too few": _fields(family_name=REFUSED),
    "one too many": _fields(family_name=REFUSED, residence_status=REFUSED, iban=ALLOWED),
    "another": _fields(family_name=REFUSED, iban=ALLOWED),
    "none": _fields(),
    "a field that the rule does not list": _fields(
        family_name=ALLOWED | {"rule": "R41"}, residence_status=REFUSED
    ),
    "a rule that does not exist": _fields(
        family_name=ALLOWED | {"rule": "R99"}, residence_status=REFUSED
    ),
    "an outcome that does not exist": _fields(
        family_name=ALLOWED | {"outcome": "ALLOW_ALL"}, residence_status=REFUSED
    ),
    "a reason that does not exist": _fields(
        family_name=ALLOWED | {"reason": "because", "reasons": ["because"]},
        residence_status=REFUSED,
    ),
}


@pytest.mark.parametrize("name", OTHER_FIELDS)
def test_an_answer_about_other_fields_is_no_decision(name: str) -> None:
    """Right revision, right form, wrong content: the decider refuses it as a whole."""
    with (
        LyingOpa(lie=OTHER_FIELDS[name]) as server,
        engine_over(server, deadline_seconds=PATIENCE) as engine,
    ):
        assert engine.ready(5)
        with pytest.raises(PolicyUnavailable):
            Decider(engine, Catalogue.load(), memo_size=0).decide(ASKED)
        assert len(server.questions) == 1


TOKENS: dict[str, Callable[[Path], object]] = {
    "no file": lambda path: path,
    "empty": lambda path: path.write_text("\n"),
    "two lines": lambda path: path.write_text("one\ntwo\n"),
    "a header more": lambda path: path.write_text("token\r\nX-Evil: 1"),
    "not ASCII": lambda path: path.write_bytes("schlüssel".encode()),
    "too long": lambda path: path.write_text("x" * 5000),
}


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_file_that_holds_no_token_is_refused(name: str, tmp_path: Path) -> None:
    """Nothing but one line of plain characters gets into a header."""
    TOKENS[name](tmp_path / "token")
    with pytest.raises((OSError, ValueError)):
        OpaAddress.of("http://127.0.0.1:1", tmp_path / "token")


@pytest.mark.parametrize(
    "url",
    [
        "http://opa.example",
        "http://127.0.0.1.example",
        "http://user:secret@127.0.0.1:8181",
        "http://127.0.0.1:8181/v1",
        "http://127.0.0.1:8181?x=1",
        "https://",
        "ftp://127.0.0.1",
        "file:///tmp/opa",
        "127.0.0.1:8181",
        "http://127.0.0.1:99999",
    ],
)
def test_an_address_that_would_show_the_token_is_refused(url: str) -> None:
    """Plain http leaves no machine, and nothing hides in an address."""
    with pytest.raises(ValueError, match=r"."):
        OpaAddress(url, TOKEN)


def test_the_token_is_in_no_representation() -> None:
    """An error report that shows the address shows no token."""
    assert TOKEN not in repr(OpaAddress("http://127.0.0.1:1", TOKEN))
