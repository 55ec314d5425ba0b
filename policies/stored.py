# SPDX-License-Identifier: EUPL-1.2
"""A decision as it is kept for looking back: what the rules saw and said, a day, and how often.

Equal questions of one day are one record with a number, so that there is no row per exchange.
No agency instance, no time of day, no exchange and no person is in it, and nothing that could
name one across two days: what a permission covers beyond the question is left out, and large
numbers, which a caller could use as a mark, are cut.
Neither changes what the rules say, which a test shows for every engine.
"""

from __future__ import annotations

import calendar
import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from policies.engine import gate
from policies.errors import InputInvalid
from policies.inputs import DecisionInput, canonical
from policies.model import PERMISSION_TYPES
from policies.strict import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policies.decision import Decision
    from policies.engine.base import Answer
    from policies.strict import JsonValue

LARGEST: Final = 100
"""Declared numbers are kept up to here; the largest that any rule compares with is 5."""
MAX_TIMES: Final = 2**53
MAX_RESULT_BYTES: Final = 65_536

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_ENGINE: Final = re.compile(r"[A-Za-z0-9._-]{1,40}/[A-Za-z0-9._-]{1,40}")
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_DOMAIN: Final = b"lotse/stored-decision/v1\n"


@dataclass(frozen=True, slots=True, order=True)
class FieldResult:
    """What was said about one field, in codes; norms follow from the rule."""

    field: str
    outcome: str
    rule: str
    reasons: tuple[str, ...]

    @property
    def reason(self) -> str:
        """The first reason."""
        return self.reasons[0]


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """All decisions of one day that had this question, this answer, these rules and this engine."""

    day: dt.date
    """In UTC."""
    source: bytes
    """The question in its canonical form: the very bytes that an engine reads again."""
    result: tuple[FieldResult, ...]
    """One per asked field, sorted by field."""
    bundle: str
    """Digest of the rules and data that decided."""
    engine: str
    """Name and version of what evaluated them."""
    times: int

    @classmethod
    def of(
        cls, question: DecisionInput, decision: Decision, *, engine: str, day: dt.date, times: int
    ) -> StoredDecision:
        """Make the record of decisions that were just taken."""
        result = tuple(
            FieldResult(one.field, one.outcome.value, one.rule, tuple(one.reasons))
            for one in decision.fields
        )
        return cls(day, keepable(question).canonical(), result, decision.bundle, engine, times)

    @property
    def key(self) -> str:
        """SHA-256 in hex over everything but the number: names the record, and shows an edit."""
        parts = (self.day.isoformat(), self.bundle, self.engine, _written(self.result))
        head = "\n".join(parts).encode("ascii")
        return hashlib.sha256(b"\n".join((_DOMAIN, head, self.source))).hexdigest()

    @property
    def question(self) -> DecisionInput:
        """The question, for rules that see it with another day's eyes.

        Raises:
            InputInvalid: it was asked of a version of Lotse that knew other facts.
        """
        return DecisionInput.from_json(json.loads(self.source))

    @property
    def route(self) -> tuple[str, str, str]:
        """From kind, to kind, purpose."""
        asked = json.loads(self.source)
        return (str(asked["from_kind"]), str(asked["to_kind"]), str(asked["purpose"]))

    def to_row(self) -> dict[str, str | int]:
        """Return the record by column."""
        return {
            "key": self.key,
            "day": self.day.isoformat(),
            "bundle": self.bundle,
            "engine": self.engine,
            "question": self.source.decode("ascii"),
            "result": _written(self.result),
            "times": self.times,
        }

    @classmethod
    def from_row(cls, unverified_row: Mapping[str, Any]) -> StoredDecision:
        """Read a record back, from a store that somebody may have edited.

        Raises:
            InputInvalid: it is not a record that ``to_row`` wrote; nothing of it is repeated.
        """
        row = Reader.of(dict(unverified_row))
        key, source, result = row.text("key"), row.text("question"), row.text("result")
        found = cls(
            _day(row.text("day")),
            _ascii(source),
            _results(result),
            _matching(row.text("bundle"), _DIGEST),
            _matching(row.text("engine"), _ENGINE),
            row.number("times"),
        )
        row.done()
        gate.check(found.source)
        if not 1 <= found.times <= MAX_TIMES:
            raise InputInvalid("times")
        _check_question(found)
        if found.key != key:
            raise InputInvalid("key")
        return found


def keepable(question: DecisionInput) -> DecisionInput:
    """Return the question without what only tells one person's case from another's."""
    asked = frozenset(question.fields)
    permission = question.permission
    cut = {
        name: replace(known, fields=tuple(asked.intersection(known.fields)))
        for name in PERMISSION_TYPES
        if not asked.issuperset((known := getattr(permission, name)).fields)
    }
    declared = {name: _kept(value) for name, value in question.declared.items()}
    return replace(question, declared=declared, permission=replace(permission, **cut))


def results_of(answers: Iterable[Answer]) -> tuple[FieldResult, ...]:
    """Return an engine's answers as they are kept."""
    return tuple(
        FieldResult(one["field"], one["outcome"], one["rule"], tuple(one["reasons"]))
        for one in answers
    )


def _kept(value: bool | int | str) -> bool | int | str:  # noqa: FBT001 - a declared code is of any of these types
    return min(value, LARGEST) if type(value) is int else value


def _written(result: Iterable[FieldResult]) -> str:
    fields: dict[str, JsonValue] = {
        one.field: {"outcome": one.outcome, "rule": one.rule, "reasons": list(one.reasons)}
        for one in result
    }
    return canonical(fields).decode("ascii")


def _results(unverified: str) -> tuple[FieldResult, ...]:
    if len(unverified) > MAX_RESULT_BYTES:
        raise InputInvalid("too_large")
    try:
        document: JsonValue = json.loads(unverified)
        fields = Reader.of(document)
        found = tuple(_result(name, fields.obj(name)) for name in sorted(fields.names))
        if _written(found) != unverified:
            raise InputInvalid("not_canonical")
    except (ValueError, RecursionError):
        raise InputInvalid("not_json") from None
    return found


def _result(field: str, row: Reader) -> FieldResult:
    reasons = row.texts("reasons")
    one = FieldResult(field, row.text("outcome"), row.text("rule"), reasons)
    row.done()
    if not reasons:
        raise InputInvalid("reasons")
    for code in (one.field, one.outcome, one.rule, *reasons):
        _matching(code, _CODE)
    return one


def _check_question(stored: StoredDecision) -> None:
    """See that question and answer belong together, and that a report can name the route."""
    asked = Reader.of(json.loads(stored.source))
    for name in ("from_kind", "to_kind", "purpose"):
        asked.text(name)
    if sorted(asked.texts("fields")) != [one.field for one in stored.result]:
        raise InputInvalid("fields")


def _matching(text: str, form: re.Pattern[str]) -> str:
    if form.fullmatch(text) is None:
        raise InputInvalid("form")
    return text


def _ascii(text: str) -> bytes:
    if not text.isascii():
        raise InputInvalid("string")
    return text.encode("ascii")


def _day(text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise InputInvalid("day") from None
    if day.isoformat() != text:
        raise InputInvalid("day")
    return day


def first_day_kept(today: dt.date, months: int) -> dt.date:
    """Return the day before which records are erased: the same day, so many months ago."""
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(today.day, last))
