# SPDX-License-Identifier: EUPL-1.2
"""Cuts rows out of JSON documents and tables, for sources that have no query language of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.errors import SourceBroken
from adapters.sources.mapped import Wanted
from adapters.sources.values import Row


def member(document: object, path: str, place: str) -> object:
    """Follow a dotted path into a JSON document; None where a member is missing.

    Raises:
        SourceBroken: something on the way is not an object.
    """
    for name in path.split(".") if path else ():
        if document is None:
            return None
        if not isinstance(document, dict):
            raise SourceBroken(f"{place}: an object was expected on the way to {path}")
        document = document.get(name)
    return document


def objects(document: object, path: str, place: str) -> Sequence[Mapping[str, object]]:
    """The objects at a dotted path: none, one, or a list.

    Raises:
        SourceBroken: something else stands there.
    """
    found = member(document, path, place)
    items: list[object] = found if isinstance(found, list) else [] if found is None else [found]
    rows = [item for item in items if isinstance(item, dict)]
    if len(rows) != len(items):
        raise SourceBroken(f"{place}: an object or a list of objects was expected")
    return rows


def cut(found: Sequence[Mapping[str, object]], wanted: Wanted) -> list[Row]:
    """Keep the rows that count and, of them, only the wanted columns.

    ``newest`` compares as text, which is right for ISO dates.

    Raises:
        SourceBroken: a column cannot be reached.
    """
    category = wanted.category
    rows = [
        row
        for row in found
        if all(str(member(row, column, category.place)) == text for column, text in category.only)
    ]
    if category.newest is not None and rows:
        newest = category.newest
        rows = [max(rows, key=lambda row: str(member(row, newest, category.place) or ""))]
    return [
        {column: member(row, column, category.place) for column in wanted.columns} for row in rows
    ]
