# SPDX-License-Identifier: EUPL-1.2
"""Checks the shape of single values of a mapping file; `adapters.fieldmap` checks what they mean together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from adapters.errors import MappingError

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


def identifier(name: str, place: str) -> None:
    """Check the form of a category or field name.

    Raises:
        MappingError: it has other characters, or is too long.
    """
    if not _NAME.fullmatch(name):
        raise MappingError(f"{place}: names are lower case letters, digits and underscores")


def known(table: Mapping[str, object], allowed: frozenset[str], place: str) -> None:
    """Check that a table has no key but these.

    Raises:
        MappingError: it has.
    """
    if unknown := table.keys() - allowed:
        raise MappingError(f"{place}: unknown key {', '.join(sorted(unknown))}")


def text(value: object, place: str, key: str) -> str:
    """Check that a value is a text.

    Raises:
        MappingError: it is not.
    """
    if not isinstance(value, str):
        raise MappingError(f"{place}: {key} must be a text")
    return value


def texts(table: Mapping[str, object], allowed: frozenset[str], place: str) -> Mapping[str, str]:
    """Check that a table has only these keys and only texts.

    Raises:
        MappingError: it has others.
    """
    known(table, allowed, place)
    return {key: text(value, place, key) for key, value in table.items()}


def text_set(value: object, place: str) -> frozenset[str]:
    """Check that a value is a list of texts.

    Raises:
        MappingError: it is not.
    """
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise MappingError(f"{place}: a list of texts is expected")
    return frozenset(value)


def text_table(value: object, place: str) -> Mapping[str, str]:
    """Check that a value is a table of texts.

    Raises:
        MappingError: it is not.
    """
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise MappingError(f"{place}: a table of texts is expected")
    return value
