# SPDX-License-Identifier: EUPL-1.2
"""What an OPA server answered, believed only where it is exactly what was asked for.

The body has two members: ``result`` and ``provenance``.
A body without ``result`` is an undefined decision, which OPA answers with status 200.
``provenance`` names the version of OPA and the revision of every bundle that it evaluates; the
revision is the digest of the bundle, so an older, newer or foreign rule set shows at each answer.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from policies.engine.base import Answer, read_result
from policies.errors import EngineFailed

MIN_VERSION: Final = (1, 21, 3)
"""Older ones accept an unsigned bundle in spite of their configuration (GHSA-g2pf-6v5v-qcc8)."""

_VERSION: Final = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})")
_PROVENANCE: Final = frozenset(
    {"version", "build_commit", "build_timestamp", "build_hostname", "bundles"}
)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who answered, by which rules."""

    version: str
    bundles: tuple[tuple[str, str], ...]
    """Name and revision of every bundle."""

    def check(self, bundle: str, revision: str) -> None:
        """Return if exactly the expected rule set answered.

        Raises:
            EngineFailed: ``no_bundle``, ``other_bundle`` or ``other_revision``.
        """
        if not self.bundles:
            raise EngineFailed("no_bundle")
        if len(self.bundles) != 1 or self.bundles[0][0] != bundle:
            raise EngineFailed("other_bundle")
        if self.bundles[0][1] != revision:
            raise EngineFailed("other_revision")


def read_body(raw: bytes) -> dict[str, Any]:
    """Read the body of an answer as JSON that cannot be read in two ways.

    Raises:
        EngineFailed: ``not_json``, ``duplicate_key``, ``not_an_object`` or ``extra_member``.
    """
    try:
        body = json.loads(
            raw.decode("utf-8"),  # given bytes, the reader would guess, and take UTF-16 too
            object_pairs_hook=_unique,
            parse_constant=_no_number,
            parse_float=_no_number,
        )
    except EngineFailed:
        raise
    except (ValueError, RecursionError):
        raise EngineFailed("not_json") from None
    if not isinstance(body, dict):
        raise EngineFailed("not_an_object")
    if not body.keys() <= {"result", "provenance"}:
        raise EngineFailed("extra_member")
    return body


def read_provenance(body: dict[str, Any]) -> Provenance:
    """Take the provenance out of a body.

    Raises:
        EngineFailed: ``no_provenance``, or ``old_engine`` for an OPA that must not be used.
    """
    match body.get("provenance"):
        case {"version": str() as version, **rest} if rest.keys() <= _PROVENANCE:
            bundles = rest.get("bundles", {})
        case _:
            raise EngineFailed("no_provenance")
    found = _VERSION.fullmatch(version)
    if found is None or tuple(int(part) for part in found.groups()) < MIN_VERSION:
        raise EngineFailed("old_engine")
    if not isinstance(bundles, dict):
        raise EngineFailed("no_provenance")
    return Provenance(version, tuple((name, _revision(bundles[name])) for name in sorted(bundles)))


def read_answers(body: dict[str, Any]) -> list[Answer]:
    """Take the decision out of a body.

    Raises:
        EngineFailed: ``undefined`` or ``malformed``.
    """
    if "result" not in body:
        raise EngineFailed("undefined")
    return read_result(json.dumps([{"result": body["result"]}]).encode())


def _revision(bundle: object) -> str:
    match bundle:
        case {"revision": str() as revision, **rest} if not rest:
            return revision
        case _:
            raise EngineFailed("no_provenance")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise EngineFailed("duplicate_key")
    return members


def _no_number(_text: str) -> NoReturn:
    raise EngineFailed("not_json")
