# SPDX-License-Identifier: EUPL-1.2
"""The matrix as CSV: one row for each rule, field and group of routes that are answered alike.

Lists are separated by blanks; a changed field list, route or condition changes few lines.
"""

from __future__ import annotations

import csv
import io
from itertools import product
from typing import TYPE_CHECKING, Final

from policies.matrix import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policies.catalogue import Catalogue
    from policies.matrix.rows import Row
    from policies.rules import Rule

MATRIX_FILE: Final = "MATRIX.csv"
"""The table in German, kept in the repository so that a review sees what a change of law changes."""

COLUMNS: Final = (
    "rule",
    "from",
    "to",
    "purpose",
    "trigger",
    "field",
    "nothing_stated",
    "nothing_stated_rule",
    "nothing_stated_reason",
    "everything_stated",
    "everything_stated_rule",
    "everything_stated_reason",
    "after_release",
    "released_by",
    "mode",
    "applies_when",
    "needs",
    "permissions",
    "norms",
    "obligations",
    "retention",
    "valid_to",
    "verification",
    "head_of_unit",
    "dpo_opinion",
    "title",
)

ROUTE_COLUMNS: Final = (
    *COLUMNS[:6],
    "nothing_stated",
    "everything_stated",
    "after_release",
    "head_of_unit",
    "dpo_opinion",
)

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula."""


def csv_bytes(rows: Iterable[Row], catalogue: Catalogue, lang: str = "de") -> bytes:
    """Return the table, sorted as given, in UTF-8 with one line per row."""
    return _table([COLUMNS, *(_cells(row, catalogue, lang) for row in rows)])


def routes_bytes(rows: Iterable[Row]) -> bytes:
    """Return every route and field as a line of its own, for the filters of a spreadsheet."""
    lines: list[tuple[str, ...]] = []
    for row in rows:
        outcomes = [verdict.outcome for verdict in row.verdicts.all]
        signed = (row.rule.sign_off.head_of_unit, row.rule.sign_off.dpo_opinion)
        routes = product(*row.route, row.fields)
        lines += [(row.rule.id, *route, *outcomes, *signed) for route in routes]
    return _table([ROUTE_COLUMNS, *sorted(lines)])


def _table(lines: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(map(harmless, line) for line in lines)
    return text.getvalue().encode()


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula, on one line."""
    line = " ".join(cell.split())
    return f"'{line}" if line.startswith(_FORMULA) else line


def _cells(row: Row, catalogue: Catalogue, lang: str) -> tuple[str, ...]:
    rule, field = row.rule, row.fields[0]
    bare, complete, released = row.verdicts.all
    return (
        rule.id,
        " ".join(row.from_kinds),
        " ".join(row.to_kinds),
        " ".join(row.purposes),
        " ".join(row.triggers),
        " ".join(row.fields),
        *bare,
        *complete,
        released.outcome,
        sentences.RELEASED_BY[rule.release].in_(lang),
        rule.mode,
        " ".join(sentences.applies_when(rule, catalogue, lang)),
        " ".join(sentences.needs(rule, field, catalogue, lang)),
        sentences.permissions(rule, catalogue, lang),
        *_rule_cells(rule, catalogue, lang),
    )


def _rule_cells(rule: Rule, catalogue: Catalogue, lang: str) -> tuple[str, ...]:
    duties = (catalogue.obligations[name].text.in_(lang) for name in rule.obligations)
    return (
        "; ".join(catalogue.norm(norm).cite_in(lang) for norm in rule.norms),
        " ".join(duties),
        rule.retention,
        rule.valid_to.isoformat(),
        rule.verification,
        rule.sign_off.head_of_unit or sentences.NOT_SIGNED.in_(lang),
        rule.sign_off.dpo_opinion or sentences.NO_OPINION.in_(lang),
        rule.title.in_(lang),
    )
