# SPDX-License-Identifier: EUPL-1.2
"""``.signatures.json``: the part of a release that makes a real OPA refuse a changed one.

Format: https://www.openpolicyagent.org/docs/latest/management-bundles/#signature-format
A token lists every file with its hash; OPA wants exactly these files. JSON files that OPA
itself reads are hashed in a sorted form, all others as bytes.
OPA looks at neither time nor sequence: an old release stays good for it. Lotse's own statement
is what stops that, and the engine compares the revision that OPA reports.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Final, Protocol

from policies.release.layout import MANIFEST, SIGNATURES

SIGNATURE_TYP: Final = "lotse-opa-bundle+jws"

_STRUCTURED: Final = frozenset({"data.json", MANIFEST})
_LINE_ENDS: Final = ((chr(0x2028), "\\u2028"), (chr(0x2029), "\\u2029"))
"""The two characters that Go's JSON writer escapes and Python's does not."""


class ReleaseSigner(Protocol):
    """Signs with the release key; ES256, compact JWS with ``alg``, ``kid`` and ``typ``."""

    @property
    def kid(self) -> str:
        """Name of the key."""
        ...

    def sign(self, payload: bytes, *, typ: str) -> str:
        """Return the token over exactly these bytes."""
        ...


def opa_signatures(files: Mapping[str, bytes], signer: ReleaseSigner) -> bytes:
    """Return ``.signatures.json`` for these files."""
    token = signer.sign(signed_files(files, signer.kid), typ=SIGNATURE_TYP)
    return _dumps({"signatures": [token]}).encode("utf-8")


def signed_files(files: Mapping[str, bytes], kid: str) -> bytes:
    """Return what OPA's signature must cover: every file with its hash."""
    listed = [
        {"name": name, "algorithm": "SHA-256", "hash": file_hash(name, files[name])}
        for name in sorted(files)
        if name != SIGNATURES
    ]
    return _dumps({"files": listed, "keyid": kid}).encode("utf-8")


def file_hash(name: str, content: bytes) -> str:
    """Return what OPA computes for one file, in hex."""
    if name in _STRUCTURED:
        text = _dumps(json.loads(content))
        for character, escaped in _LINE_ENDS:
            text = text.replace(character, escaped)
        content = text.encode("utf-8")
    return hashlib.sha256(content).hexdigest()


def _dumps(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
