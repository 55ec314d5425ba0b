# SPDX-License-Identifier: EUPL-1.2
"""Does a bundle keep to the part of Rego that every engine reads alike?

The same checks stand in the tests of the shipped rules. They stand here too because a release
comes from outside: a rule that asks for the time, or data that stands where a rule stands, would
decide one thing in one engine and another in the next.
"""

from __future__ import annotations

import json
import re
from typing import Final

from policies.bundle import Bundle
from policies.errors import ReleaseRefused

FORBIDDEN: Final = re.compile(
    r"\b(?:time\.|http\.|net\.|opa\.|rego\.|rand\.|crypto\.|io\.jwt|json\.|graph|walk\(|print\(|"
    r"sprintf\(|concat\(|format_int\(|lower\(|upper\(|replace\(|split\(|substring\(|trim|"
    r"strings\.|regex\.|glob\.|to_number\(|base64|urlquery|hex\.|yaml\.|uuid\.|semver\.|trace\(|with )"
)
"""Clock, network, environment, case folding, string building, override of the input."""

_PACKAGE: Final = re.compile(r"^package ([a-z0-9_.]+)$", re.MULTILINE)
_SAFE_NOT: Final = "\nimport future.keywords.not\n"
_IMPORT: Final = re.compile(r"^import ([A-Za-z0-9_.]+)", re.MULTILINE)
_DATA_ROOTS: Final = {"catalogue"}


def check_profile(bundle: Bundle) -> None:
    """Return if the rules use no forbidden function and the data stand beside them.

    Raises:
        ReleaseRefused: ``builtin``, ``negation``, ``package`` or ``data_root``.
    """
    for path, content in bundle.files.items():
        if path.endswith(".rego"):
            _check_rules(path, content)
    try:
        document = json.loads(bundle.document)
    except (ValueError, RecursionError):
        raise ReleaseRefused("data_root") from None
    if not isinstance(document, dict) or set(document) != _DATA_ROOTS:
        raise ReleaseRefused("data_root")


def _check_rules(path: str, content: bytes) -> None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ReleaseRefused("package") from None
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    if FORBIDDEN.search(code) is not None:
        raise ReleaseRefused("builtin")
    if _SAFE_NOT not in text or not text.endswith("\n"):
        raise ReleaseRefused("negation")
    expected = path.removeprefix("rego/").rpartition("/")[0].replace("/", ".")
    if _PACKAGE.findall(code) != [expected]:
        raise ReleaseRefused("package")
    if any(not name.startswith("future.keywords.") for name in _IMPORT.findall(code)):
        raise ReleaseRefused("package")
