# SPDX-License-Identifier: EUPL-1.2
"""Writes settings files: the few kinds of value that the demo's TOML needs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Value: TypeAlias = "str | int | bool | Sequence[Mapping[str, str]] | Mapping[str, Value]"

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def dumps(table: Mapping[str, Value], heading: str = "") -> str:
    """Write a table; nested tables get a heading, lists of tables a double one."""
    lines = [f"{_key(name)} = {_plain(value)}" for name, value in table.items() if _is_plain(value)]
    for name, value in table.items():
        path = f"{heading}.{_key(name)}" if heading else _key(name)
        if isinstance(value, Mapping):
            lines += ["", f"[{path}]", dumps(value, path).rstrip("\n")]
        elif not isinstance(value, str | int):
            for item in value:
                item_lines = [f"{_key(key)} = {_plain(text)}" for key, text in item.items()]
                lines += ["", f"[[{path}]]", *item_lines]
    return "\n".join(lines) + "\n"


def _is_plain(value: Value) -> bool:
    return isinstance(value, str | int)


def _plain(value: Value) -> str:
    # A JSON string is a TOML basic string, and so are its whole numbers and booleans.
    return json.dumps(value, ensure_ascii=True)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)
