# SPDX-License-Identifier: EUPL-1.2
"""Strict JSON and base64url."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import MalformedError, StrictJsonError
from keys.strict_json import MAX_INTEGER, JsonValue, b64u, dumps, loads, unb64u

CHARACTERS = st.characters(exclude_categories=["Cs"])
JSON_VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(CHARACTERS),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(CHARACTERS), inner, max_size=4)
    ),
    max_leaves=12,
)


def read(data: bytes, max_depth: int = 12) -> JsonValue:
    return loads(data, max_bytes=1_000_000, max_depth=max_depth)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'{"a":1,"a":1}', "duplicate_key"),
        (b'{"a":{"b":1,"b":2}}', "duplicate_key"),
        (b'{"a":1,"\\u0061":2}', "duplicate_key"),
        (b"NaN", "not_finite"),
        (b"[Infinity]", "not_finite"),
        (b"[-Infinity]", "not_finite"),
        (b"1e999", "not_finite"),
        (b"[-1e999]", "not_finite"),
        (b"9007199254740992", "big_integer"),
        (b"-9007199254740992", "big_integer"),
        (b"1" * 5000, "big_integer"),
        (b'"\\ud800"', "lone_surrogate"),
        (b'{"\\uDFFF":1}', "lone_surrogate"),
        (b'["\\udc00\\ud800"]', "lone_surrogate"),
        (b"[" * 13 + b"]" * 13, "too_deep"),
        (b"[" * 100_000 + b"]" * 100_000, "too_deep"),
        (b'{"a":' * 100_000, "too_deep"),
        (b"\xef\xbb\xbf{}", "not_utf8"),
        ("{}".encode("utf-16"), "not_utf8"),
        ("{}".encode("utf-16-be"), "not_utf8"),
        ("{}".encode("utf-32-le"), "not_utf8"),
        (b'"\xff"', "not_utf8"),
        (b'"\xed\xa0\x80"', "not_utf8"),
        (b'"\xc0\xaf"', "not_utf8"),
        (b"", "not_json"),
        (b"{}{}", "not_json"),
        (b"{} x", "not_json"),
        (b"[1,]", "not_json"),
        (b"{'a':1}", "not_json"),
        (b'"\n"', "not_json"),
        (b'"a\x00"', "not_utf8"),
        (b'"abcdef\x00"', "not_json"),
        (b"01", "not_json"),
        (b"+1", "not_json"),
        (b"// x\n1", "not_json"),
        ("\u0661".encode(), "not_json"),
        (b"nan", "not_json"),
        (b"{" + b" " * 1_000_000 + b"}", "too_large"),
    ],
)
def test_what_two_programs_could_read_in_two_ways_is_refused(data: bytes, code: str) -> None:
    """Each trap of Python's JSON reader is refused, with its own code."""
    with pytest.raises(StrictJsonError) as refused:
        read(data)
    assert refused.value.code == code


def test_a_document_may_be_as_deep_as_allowed_and_no_deeper() -> None:
    """The depth limit counts containers, also when there are many beside each other."""
    assert read(b"[[[],[],[],[]]]", max_depth=3) == [[[], [], [], []]]
    with pytest.raises(StrictJsonError, match="too_deep"):
        read(b"[[[],[],[[]],[]]]", max_depth=3)


def test_a_surrogate_pair_is_a_character() -> None:
    """Only halves are refused; an escaped pair is the character it stands for."""
    assert read(b'"\\ud83d\\ude00"') == "\U0001f600"


@given(JSON_VALUES)
def test_what_is_written_is_read_again(value: JsonValue) -> None:
    """Everything that can be written is read as the same value."""
    assert read(dumps(value), max_depth=40) == value


@given(JSON_VALUES)
def test_a_value_has_one_spelling(value: JsonValue) -> None:
    """Order of members and spelling in the source do not show in what is written."""
    spaced = json.dumps(value, indent=2).encode()
    assert dumps(read(spaced, max_depth=40)) == dumps(value)
    assert dumps(value).isascii()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No input causes any other error."""
    try:
        value = read(data)
    except StrictJsonError:
        return
    assert read(dumps(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {"\udfff": 1}, [object()]])
def test_nothing_is_written_that_would_not_be_read(value: JsonValue) -> None:
    """Writing refuses what reading would refuse."""
    with pytest.raises(StrictJsonError):
        dumps(value)


@given(st.binary(max_size=100))
def test_base64url_is_read_as_it_was_written(data: bytes) -> None:
    """Every byte string survives, without padding."""
    assert unb64u(b64u(data)) == data
    assert "=" not in b64u(data)


@pytest.mark.parametrize(
    "text", ["AB", "AAB", "A", "AA==", "A+", "A/", "A A", "AA\n", "ÄA", "AAAAA"]
)
def test_other_spellings_of_base64url_are_refused(text: str) -> None:
    """Left-over bits, padding, the other alphabet and white space are refused."""
    with pytest.raises(MalformedError, match="base64url"):
        unb64u(text)
