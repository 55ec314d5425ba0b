# SPDX-License-Identifier: EUPL-1.2
"""Every failure is one row of one table: told in two languages, with nothing of what was sent."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from adapters.connector.problems import TABLE as CONNECTOR_TABLE
from audit.errors import LogUnavailable
from gateway import errors
from gateway.problem_types import _ROWS, TABLE, ProblemType
from gateway.problems import (
    Problem,
    RequestFacts,
    body_reject,
    problem_body,
    problem_of,
    problem_response,
)
from keys.errors import MalformedError, NotInForce
from policies.errors import DeclaredInvalid, EngineFailed
from tests.support.tree import ROOT

PAGES = ROOT / "docs" / "problems"
SENTENCE_ENDS = re.compile(r"(?<=[.!?]) (?=[A-ZÄÖÜ])")
CONNECTOR_CODES = {row.code for row in CONNECTOR_TABLE}
CANARY = "Zoë Canary 29.02.1984"


def test_no_code_stands_twice() -> None:
    """The table is a function from code to type."""
    assert len(_ROWS) == len(TABLE)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in TABLE)


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_every_type_says_three_things_in_two_languages(row: ProblemType) -> None:
    """What happened, what it means, what to do: three sentences at least, each language its own."""
    assert 400 <= row.status < 600
    assert row.title != row.title_de
    for text in (row.detail, row.detail_de):
        assert len(SENTENCE_ENDS.split(text)) >= 3, text
        assert "{" not in text, "a gap could be filled with what was sent"


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_every_type_has_a_page_that_says_the_same(row: ProblemType) -> None:
    """The page behind ``type`` has title, status and both texts, one sentence per line."""
    page = (PAGES / f"{row.code}.md").read_text(encoding="utf-8")
    lines = page.splitlines()
    assert lines[0] == f"# {row.title}"
    assert f"## {row.title_de}" in lines
    assert f"- type: `/problems/{row.code}`" in lines
    assert f"- status: {row.status}" in lines
    for text in (row.detail, row.detail_de):
        assert set(SENTENCE_ENDS.split(text)) <= set(lines)


def test_there_is_no_page_without_a_type() -> None:
    """A page of a type that is gone would promise something."""
    assert {page.stem for page in PAGES.glob("*.md")} == set(TABLE) | CONNECTOR_CODES


def test_a_body_has_the_members_of_rfc_9457() -> None:
    """Fixed texts, the request id, and only the optional members that were given."""
    facts = RequestFacts(request_id="ab" * 12, german=False)
    row = TABLE["holder-rejected"]
    problem = Problem(
        "holder-rejected", reason="envelope", exchange="01ARZ3NDEKTSV4RRFFQ69G5FAV", log_index=7
    )
    assert json.loads(problem_body(problem, facts)) == {
        "type": "/problems/holder-rejected",
        "title": row.title,
        "status": 502,
        "detail": row.detail,
        "request_id": "ab" * 12,
        "reason": "envelope",
        "exchange": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "log_index": 7,
    }


@pytest.mark.parametrize(
    "members",
    [
        {"code": "no-such-problem"},
        {"reason": CANARY},
        {"reason": "a\n"},
        {"reason": ""},
        {"reason": "x" * 65},
        {"locations": ("body.purpose", CANARY)},
        {"exchange": "01ARZ3NDEKTSV4RRFFQ69G5FAV\n"},
        {"exchange": CANARY},
        {"oauth_error": CANARY},
    ],
)
def test_a_problem_cannot_carry_free_text(members: dict[str, Any]) -> None:
    """Whoever tries to put a value into a problem gets an exception and not a leak."""
    with pytest.raises(ValueError, match=r"not|closed"):
        Problem(**{"code": "invalid-request", **members})


def test_a_401_says_how_to_sign_in() -> None:
    """RFC 9110 15.5.2 demands WWW-Authenticate."""
    assert problem_response(Problem("not-authenticated")).headers["www-authenticate"] == "Bearer"
    assert "www-authenticate" not in problem_response(Problem("forbidden")).headers


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (413, "too_large", "body-too-large"),
        (415, "content_type", "unsupported-media-type"),
        (400, "duplicate_key", "duplicate-key"),
        (400, "not_finite", "malformed-json"),
        (400, "content_length", "invalid-request"),
    ],
)
def test_a_rejected_body_becomes_a_problem(status: int, code: str, expected: str) -> None:
    """What the body check says is told as a row of the table."""
    got_status, headers, body = body_reject(status, code)
    assert got_status == status == TABLE[expected].status
    assert json.loads(body)["type"] == f"/problems/{expected}"
    assert (b"content-type", b"application/problem+json") in headers


def _leaves(base: type[Exception]) -> list[type[Exception]]:
    below = base.__subclasses__()
    return [base] if not below else [leaf for child in below for leaf in _leaves(child)]


def _made(kind: type[Exception]) -> Exception:
    try:
        return kind()
    except TypeError:
        return kind("some_check")


def test_every_accident_of_the_core_has_a_row() -> None:
    """A new error of the gateway's core cannot be forgotten at the edge."""
    leaves = _leaves(errors.GatewayError)
    core = [kind for kind in leaves if kind.__module__ == errors.__name__]
    assert len(core) >= 12
    assert [kind for kind in core if problem_of(_made(kind)) is None] == []


def test_library_accidents_have_rows() -> None:
    """No decision and no log are told as such; everything unknown is not told at all."""
    assert getattr(problem_of(EngineFailed("trap")), "code", None) == "policy-unavailable"
    assert getattr(problem_of(LogUnavailable()), "code", None) == "log-unavailable"
    assert getattr(problem_of(MalformedError("base64url")), "code", None) == "invalid-request"
    assert getattr(problem_of(NotInForce("expired")), "code", None) == "agency-list-expired"
    assert problem_of(RuntimeError(CANARY)) is None


def test_only_our_own_reasons_are_repeated() -> None:
    """A holder's own code is not repeated; neither is a reason that is no closed code."""
    own = problem_of(errors.StatementRefused("sender"))
    foreign = problem_of(errors.HolderRefused("their_code"))
    odd = problem_of(DeclaredInvalid(CANARY))
    assert own is not None
    assert own.reason == "sender"
    assert foreign is not None
    assert foreign.reason is None
    assert odd is not None
    assert odd.reason is None
