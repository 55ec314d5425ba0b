# SPDX-License-Identifier: EUPL-1.2
"""Conversions: every type, its edges, and what is refused."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import SourceBroken
from adapters.sources.latin import is_latin_name
from adapters.sources.mapping import FieldSpec, ValueType
from adapters.sources.values import MAX_ELEMENTS, convert
from keys.strict_json import JsonValue, dumps


def _spec(kind: str, **more: object) -> FieldSpec:
    spec = FieldSpec("x", "m.toml:1 [field.x]", "c", ("v",), ValueType(kind))
    changed = {name: getattr(spec, name) for name in FieldSpec.__slots__}
    return FieldSpec(**{**changed, **more})


def _one(kind: str, value: object, **more: object) -> JsonValue:
    return convert(_spec(kind, **more), [{"v": value}])


BOOL: Mapping[str, object] = {"true": frozenset({"J", "1"}), "false": frozenset({"N", "0"})}
CODE: Mapping[str, object] = {"list_urn": "urn:x", "list_version": "2"}
GERMAN: Mapping[str, object] = {"format": "DD.MM.YYYY"}
PLAIN: Mapping[str, object] = {"format": "YYYYMMDD"}


@pytest.mark.parametrize(
    ("kind", "more", "native", "expected"),
    [
        ("text", {}, "  Bad Münder ", "Bad Münder"),
        ("text", {}, 30179, "30179"),
        ("text", {}, "zwei\nZeilen", "zwei\nZeilen"),
        ("name", {}, "Nguye\u0302\u0303n", "Nguyễn"),
        ("name", {}, "O’Brien-Ó Súilleabháin", "O’Brien-Ó Súilleabháin"),
        ("name", {}, "M\u0302o", "M\u0302o"),
        ("mononym", {"mononym": frozenset({"-"})}, "-", True),
        ("mononym", {"mononym": frozenset({"-"})}, "Leyla", False),
        ("date", {}, "1990-03-14", "1990-03-14"),
        ("date", {}, date(1990, 3, 14), "1990-03-14"),
        ("date", {}, datetime(1990, 3, 14, 23, 59, tzinfo=UTC), "1990-03-14"),
        ("date", GERMAN, "29.02.2024", "2024-02-29"),
        ("partial_date", {}, "1990", {"year": 1990, "month": None, "day": None}),
        ("partial_date", {}, "1990-03", {"year": 1990, "month": 3, "day": None}),
        ("partial_date", {}, "1990-03-00", {"year": 1990, "month": 3, "day": None}),
        ("partial_date", GERMAN, "00.00.1987", {"year": 1987, "month": None, "day": None}),
        ("partial_date", GERMAN, "00.00.0000", {"year": None, "month": None, "day": None}),
        ("partial_date", GERMAN, "01.01.1991", {"year": 1991, "month": 1, "day": 1}),
        ("partial_date", PLAIN, "19870000", {"year": 1987, "month": None, "day": None}),
        ("partial_date", PLAIN, "19870300", {"year": 1987, "month": 3, "day": None}),
        ("bool", BOOL, "J", True),
        ("bool", BOOL, 0, False),
        ("bool", {}, True, True),
        ("integer", {}, "007", 7),
        ("integer", {}, -3, -3),
        ("decimal", {}, Decimal("1387.40"), "1387.40"),
        ("decimal", {}, 12.5, "12.5"),
        ("decimal", {}, "12,5", "12.5"),
        ("decimal", {}, 30, "30"),
        ("decimal", {}, "-0.01", "-0.01"),
        ("enum", {"values": {"P": "under_review"}}, "P", "under_review"),
        ("code", CODE, "25B", {"code": "25B", "list_urn": "urn:x", "list_version": "2"}),
        ("code", CODE, 997, {"code": "997", "list_urn": "urn:x", "list_version": "2"}),
        ("texts", {}, ["a", None, "b"], ["a", "b"]),
        ("texts", {}, [], []),
        ("decimals", {}, ["1.5", 2], ["1.5", "2"]),
        ("text", {}, None, None),
        ("text", {}, "", None),
        ("text", {}, "   ", None),
        ("date", {"null": frozenset({"9999-12-31"})}, "9999-12-31", None),
    ],
)
def test_values_that_fit(
    kind: str, more: dict[str, object], native: object, expected: JsonValue
) -> None:
    """Each native form becomes the one form of the catalogue."""
    assert _one(kind, native, **more) == expected


@pytest.mark.parametrize(
    ("kind", "more", "native"),
    [
        ("text", {}, 1.5),
        ("text", {}, True),
        ("text", {}, b"bytes"),
        ("text", {}, ["a"]),
        ("text", {"max_length": 3}, "abcd"),
        ("text", {}, "a\x00b"),
        ("text", {}, "a\u2028b"),
        ("text", {}, "a\ud800b"),
        ("name", {}, "Müller 2"),
        ("name", {}, "Иванов"),
        ("name", {}, "a\nb"),
        ("date", {}, "1990"),
        ("date", {}, "1990-03"),
        ("date", {}, "1990-02-30"),
        ("date", {}, "14.03.1990"),
        ("date", {}, "1990-03-14T00:00:00"),
        ("date", {}, "１９９０-03-14"),
        ("date", {}, 19900314),
        ("partial_date", GERMAN, "14.00.1990"),
        ("partial_date", GERMAN, "14.03.0000"),
        ("partial_date", GERMAN, "00.13.1990"),
        ("partial_date", GERMAN, "1.1.1990"),
        ("bool", BOOL, "j"),
        ("bool", BOOL, 2),
        ("bool", {}, 55),
        ("bool", {}, "wahr"),
        ("integer", {}, 1.0),
        ("integer", {}, True),
        ("integer", {}, 2**53),
        ("integer", {}, "٣"),
        ("decimal", {}, "1.387,43"),
        ("decimal", {}, "1,387,430"),
        ("decimal", {}, "1e3"),
        ("decimal", {}, float("nan")),
        ("decimal", {}, Decimal("Infinity")),
        ("decimal", {}, True),
        ("decimal", {}, "12 "[:1] + "\n5"),
        ("enum", {"values": {"P": "under_review"}}, "p"),
        ("code", CODE, "25 B"),
        ("code", CODE, "x" * 41),
        ("code", {**CODE, "values": {"A": "1"}}, "B"),
        ("codes", CODE, ["A", {"code": "B"}]),
        ("texts", {}, ["x"] * (MAX_ELEMENTS + 1)),
    ],
)
def test_values_that_do_not_fit(kind: str, more: dict[str, object], native: object) -> None:
    """Nothing is guessed; the message names the place and not the value."""
    with pytest.raises(SourceBroken) as raised:
        _one(kind, native, **more)
    assert str(raised.value).startswith("m.toml:1 [field.x]: ")
    assert str(native) not in str(raised.value)


def test_several_columns_are_joined() -> None:
    """Street and house number become one text; missing parts leave no gap."""
    spec = _spec("text", columns=("street", "number"))
    assert convert(spec, [{"street": "Ihmeufer", "number": "4b"}]) == "Ihmeufer 4b"
    assert convert(spec, [{"street": "Ihmeufer", "number": None}]) == "Ihmeufer"
    assert convert(spec, [{"street": None, "number": ""}]) is None


def test_rows_of_a_list() -> None:
    """One element per row; no row at all is "nothing recorded", not "none"."""
    spec = _spec("codes", **CODE)
    assert convert(spec, [{"v": "122"}, {"v": None}, {"v": "170"}]) == [
        {"code": "122", "list_urn": "urn:x", "list_version": "2"},
        {"code": "170", "list_urn": "urn:x", "list_version": "2"},
    ]
    assert convert(spec, []) is None
    assert convert(spec, [{"v": None}]) is None


def test_two_rows_where_one_may_stand() -> None:
    """The adapter does not choose."""
    with pytest.raises(SourceBroken, match="several rows"):
        convert(_spec("text"), [{"v": "a"}, {"v": "a"}])


def test_periods_are_ordered_and_checked() -> None:
    """Stays come by beginning; an open end is null; an impossible one stops the answer."""
    spec = _spec("periods", columns=("s", "a", "b"), **CODE)
    rows: list[Mapping[str, object]] = [
        {"s": "AE", "a": date(2026, 11, 21), "b": None},
        {"s": "DU", "a": "2021-11-19", "b": "2026-11-20"},
        {"s": None, "a": None, "b": None},
    ]
    assert convert(spec, rows) == [
        {
            "status": {"code": "DU", "list_urn": "urn:x", "list_version": "2"},
            "from": "2021-11-19",
            "to": "2026-11-20",
        },
        {
            "status": {"code": "AE", "list_urn": "urn:x", "list_version": "2"},
            "from": "2026-11-21",
            "to": None,
        },
    ]
    wrong_rows: list[Mapping[str, object]] = [
        {"s": "DU", "a": "2026-01-02", "b": "2026-01-01"},
        {"s": None, "a": "2026-01-02", "b": None},
        {"s": "DU", "a": None, "b": "2026-01-01"},
    ]
    for wrong in wrong_rows:
        with pytest.raises(SourceBroken):
            convert(spec, [wrong])


@given(st.dates())
def test_every_date_survives_every_format(day: date) -> None:
    """Whatever way a system writes a day, the same day arrives."""
    written = {
        "YYYY-MM-DD": day.isoformat(),
        "DD.MM.YYYY": f"{day.day:02}.{day.month:02}.{day.year:04}",
        "YYYYMMDD": day.isoformat().replace("-", ""),
    }
    for form, text in written.items():
        assert _one("date", text, format=form) == day.isoformat()


_native = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(ValueType)), _native)
def test_any_native_value_converts_or_is_refused(kind: ValueType, native: object) -> None:
    """No other exception ever comes out, and what comes out is JSON that can be sealed."""
    columns = ("v", "v", "v") if kind is ValueType.PERIODS else ("v",)
    more = {**BOOL, **CODE, "columns": columns, "mononym": frozenset({"-"})}
    try:
        value = _one(kind, native, **more)
    except SourceBroken:
        return
    dumps(value)
    assert native is not None or value is None


@pytest.mark.parametrize(
    "name",
    [
        "Hadžiahmetović-Đurđević",
        "Karagözoğlu-Yıldırım",
        "Nguyễn",
        "Łukasz",
        "Þórður",
        "Straße",
        "Ə",
    ],
)
def test_names_of_the_norm(name: str) -> None:
    """Letters of DIN 91379 data type A are accepted, in NFC only."""
    assert is_latin_name(name)
    decomposed = unicodedata.normalize("NFD", name)
    assert is_latin_name(decomposed) is (decomposed == name)


@pytest.mark.parametrize(
    "name", ["", "Müller1", "名", "a\u200db", "\u0308a", "a\u202eb", "Ѕmith", "a_b", "a\tb"]
)
def test_what_is_no_name(name: str) -> None:
    """Digits, other scripts, invisible characters and a diacritic without a letter are refused."""
    assert not is_latin_name(name)
