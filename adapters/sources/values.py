# SPDX-License-Identifier: EUPL-1.2
"""Turns native values into catalogue values, one function per type of the mapping.

Native values are what a database driver, a JSON reader or a CSV reader gives.
Catalogue values are plain JSON:

=================  =====================================================================
type               value
=================  =====================================================================
text, name         text in Unicode NFC; a name only with characters of DIN 91379 data type A
mononym            true when the given-name column holds the mark for "has one name only"
date               ``"1990-03-14"``
partial_date       ``{"year": 1990, "month": 3, "day": 14}``, null for each unknown part
bool, integer      as in JSON
decimal            text, for example ``"1387.43"``: amounts never pass through binary fractions
enum               text from the closed list of the mapping
code               ``{"code", "list_urn", "list_version"}``
codes              list of codes
texts, decimals    list of texts
periods            list of ``{"status": code, "from": date, "to": date or null}``, by beginning
=================  =====================================================================

A value that does not fit is never guessed or cut: `SourceBroken` names the line of the mapping and what was expected,
never the value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from adapters.errors import SourceBroken
from adapters.sources.latin import is_latin_name
from adapters.sources.mapping import LIST_TYPES, FieldSpec, ValueType
from keys.strict_json import MAX_INTEGER, JsonValue

Row = Mapping[str, object]
"""One native row: column -> native value."""

MAX_ELEMENTS: Final = 100
"""More elements than this in one field of one person is a wrong mapping, not a person."""

_CODE: Final = re.compile(r"[A-Za-z0-9._-]{1,40}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,6})?")
_INTEGER: Final = re.compile(r"-?[0-9]{1,15}")
_DATES: Final[Mapping[str, re.Pattern[str]]] = {
    "YYYY-MM-DD": re.compile(r"(?P<y>[0-9]{4})(?:-(?P<m>[0-9]{2})(?:-(?P<d>[0-9]{2}))?)?"),
    "DD.MM.YYYY": re.compile(r"(?P<d>[0-9]{2})\.(?P<m>[0-9]{2})\.(?P<y>[0-9]{4})"),
    "YYYYMMDD": re.compile(r"(?P<y>[0-9]{4})(?:(?P<m>[0-9]{2})(?:(?P<d>[0-9]{2}))?)?"),
}
# Line breaks and tabs belong to documents; every other control character is a sign of broken data.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def convert(spec: FieldSpec, rows: Sequence[Row]) -> JsonValue:
    """Convert the rows of one person into the value of one field; None when nothing is recorded.

    Raises:
        SourceBroken: a value does not fit the type, or several rows stand where one may stand.
    """
    if spec.type is ValueType.PERIODS:
        return _periods(spec, rows)
    if spec.type in LIST_TYPES:
        return _elements(spec, rows)
    if len(rows) > 1:
        raise _broken(spec, "several rows; name the newest, or make the type a list")
    if not rows:
        return None
    if len(spec.columns) > 1:
        parts = [
            _text(spec, value)
            for column in spec.columns
            if (value := native(spec, rows[0], column)) is not None
        ]
        return " ".join(parts) or None
    value = native(spec, rows[0], spec.columns[0])
    return None if value is None else _single(spec, value)


def native(spec: FieldSpec, row: Row, column: str) -> object:
    """Look up a native value; empty text and the texts listed under ``null`` are None."""
    value = row.get(column)
    if isinstance(value, str) and (not value.strip() or value.strip() in spec.null):
        return None
    return value


def _single(spec: FieldSpec, value: object) -> JsonValue:  # noqa: C901 - one case per type
    match spec.type:
        case ValueType.TEXT:
            return _text(spec, value)
        case ValueType.NAME:
            return _name(spec, value)
        case ValueType.MONONYM:
            return _text(spec, value) in spec.mononym
        case ValueType.DATE:
            return _date(spec, value)
        case ValueType.PARTIAL_DATE:
            year, month, day = _parts(spec, value)
            return {"year": year, "month": month, "day": day}
        case ValueType.BOOL:
            return _bool(spec, value)
        case ValueType.INTEGER:
            return _integer(spec, value)
        case ValueType.DECIMAL | ValueType.DECIMALS:
            return _decimal(spec, value)
        case ValueType.ENUM:
            return _listed(spec, value)
        case ValueType.CODE | ValueType.CODES | ValueType.PERIODS:
            return _code(spec, value)
        case ValueType.TEXTS:
            return _text(spec, value)


def _elements(spec: FieldSpec, rows: Sequence[Row]) -> JsonValue:
    found: list[JsonValue] = []
    recorded = False
    for row in rows:
        value = native(spec, row, spec.columns[0])
        if isinstance(value, list):
            # An empty list says "none", which is more than saying nothing.
            recorded = True
            found += [_single(spec, item) for item in value if item is not None]
        elif value is not None:
            found.append(_single(spec, value))
    if len(found) > MAX_ELEMENTS:
        raise _broken(spec, f"more than {MAX_ELEMENTS} elements")
    return found if found or recorded else None


def _periods(spec: FieldSpec, rows: Sequence[Row]) -> JsonValue:
    status, begin, end = spec.columns
    if len(rows) > MAX_ELEMENTS:
        raise _broken(spec, f"more than {MAX_ELEMENTS} elements")
    periods: list[tuple[str, JsonValue]] = []
    for row in rows:
        kind, start, stop = (native(spec, row, column) for column in (status, begin, end))
        if kind is None and start is None and stop is None:
            continue
        if kind is None or start is None:
            raise _broken(spec, "a period needs a status and a beginning")
        first = _date(spec, start)
        last = None if stop is None else _date(spec, stop)
        if last is not None and last < first:
            raise _broken(spec, "a period ends before it begins")
        periods.append((first, {"status": _code(spec, kind), "from": first, "to": last}))
    return [period for _, period in sorted(periods, key=lambda pair: pair[0])] or None


def _text(spec: FieldSpec, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise _broken(spec, "not a text")
    text = unicodedata.normalize("NFC", value.strip())
    if len(text) > spec.max_length:
        raise _broken(spec, f"longer than {spec.max_length} characters")
    if _CONTROL.search(text):
        raise _broken(spec, "control characters")
    return text


def _name(spec: FieldSpec, value: object) -> str:
    text = _text(spec, value)
    if not is_latin_name(text):
        raise _broken(spec, "characters outside DIN 91379 data type A")
    return text


def _parts(spec: FieldSpec, value: object) -> tuple[int | None, int | None, int | None]:
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value.year, value.month, value.day
    found = _DATES[spec.format].fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise _broken(spec, f"not a date written {spec.format}")
    # 00 and 0000 stand for "unknown" (DSAusländer 004.07).
    year, month, day = (int(found[part] or 0) or None for part in ("y", "m", "d"))
    if (day is not None and month is None) or (month is not None and year is None):
        raise _broken(spec, "a day without a month, or a month without a year")
    try:
        date(year or 1, month or 1, day or 1)
    except ValueError as error:
        raise _broken(spec, "no such day") from error
    return year, month, day


def _date(spec: FieldSpec, value: object) -> str:
    year, month, day = _parts(spec, value)
    if year is None or month is None or day is None:
        raise _broken(spec, "a whole date is needed")
    return date(year, month, day).isoformat()


def _bool(spec: FieldSpec, value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str | int):
        text = str(value).strip()
        if text in spec.true:
            return True
        if text in spec.false:
            return False
    raise _broken(spec, "neither a text of true nor of false")


def _integer(spec: FieldSpec, value: object) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_INTEGER:
        return value
    raise _broken(spec, "not a whole number")


def _decimal(spec: FieldSpec, value: object) -> str:
    if isinstance(value, Decimal):
        text = format(value, "f") if value.is_finite() else ""
    elif isinstance(value, int | float | str) and not isinstance(value, bool):
        text = str(value).strip()
        # German systems write a decimal comma; grouping points are refused because 1.387 is ambiguous.
        text = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
    else:
        text = ""
    if not _DECIMAL.fullmatch(text):
        raise _broken(spec, "not a decimal number")
    return text


def _listed(spec: FieldSpec, value: object) -> str:
    text = _text(spec, value)
    if text not in spec.values:
        raise _broken(spec, "not in the closed list of values")
    return spec.values[text]


def _code(spec: FieldSpec, value: object) -> JsonValue:
    code = _listed(spec, value) if spec.values else _text(spec, value)
    if not _CODE.fullmatch(code):
        raise _broken(spec, "not a code")
    return {"code": code, "list_urn": spec.list_urn, "list_version": spec.list_version}


def _broken(spec: FieldSpec, what: str) -> SourceBroken:
    return SourceBroken(f"{spec.place}: {what}")
