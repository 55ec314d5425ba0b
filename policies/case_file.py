# SPDX-License-Identifier: EUPL-1.2
"""A file with one case or many, and why it cannot be read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from policies.case_reading import shown
from policies.errors import TextInvalid
from policies.strict_json import MAX_DEPTH, MAX_INTEGER, read_json

if TYPE_CHECKING:
    from policies.strict import JsonValue

MAX_FILE_BYTES: Final = 32 * 1024 * 1024
"""Some 50,000 cases; more are better decided in several files."""

_PROBLEMS: Final = {
    "too_large": f"it is larger than {MAX_FILE_BYTES // (1024 * 1024)} MiB; divide it",
    "not_utf8": "it is not UTF-8 without a byte order mark; save it as that",
    "not_json": "it is not JSON",
    "duplicate_key": "a name stands twice in one object; leave one out",
    "not_finite": "NaN and Infinity are no numbers in JSON",
    "big_integer": f"a number is larger than {MAX_INTEGER}; no code is",
    "lone_surrogate": "an escape \\ud800 to \\udfff stands alone, which is no character",
    "too_deep": f"it is nested deeper than {MAX_DEPTH} levels; no case is",
}


class CaseFileUnreadable(Exception):
    """The file cannot be read; the message says which, why, and what to do."""


def read_case_file(name: str) -> JsonValue:
    """Read a file, or standard input for ``-``, as strict JSON.

    Raises:
        CaseFileUnreadable: it is not there, or not JSON that can be read in one way only.
    """
    said = "standard input" if name == "-" else shown(name)
    try:
        return read_json(_bytes(name), max_bytes=MAX_FILE_BYTES)
    except OSError as error:
        raise CaseFileUnreadable(f"{said} cannot be read: {error.strerror}") from None
    except ValueError:  # a NUL in the name
        raise CaseFileUnreadable(f"{said} cannot be read: no file has such a name") from None
    except TextInvalid as error:
        where = f", line {error.line}" if error.line else ""
        which = f" ('{shown(error.name)}')" if error.name is not None else ""
        problem = f"{said}{where}: {_PROBLEMS[error.code]}{which}"
        raise CaseFileUnreadable(problem) from None


def _bytes(name: str) -> bytes:
    """Read one byte more than is allowed, so that what is too large is seen and not kept."""
    if name == "-":
        return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)
