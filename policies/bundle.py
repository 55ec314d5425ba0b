# SPDX-License-Identifier: EUPL-1.2
"""The bundle: Rego, data and compiled module as one thing with one digest.

Both sides of an exchange evaluate the same bundle; its digest stands in every decision, in the
decision token and in the log.
Tests and golden cases are not part of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from policies.catalogue import DATA_FILES
from policies.errors import BundleInvalid

WASM_FILE: Final = "rego/exchange.wasm"
DOCUMENT_FILE: Final = "rego/data.json"
REGO_FOLDER: Final = "rego/lotse/exchange"
_DOMAIN: Final = b"lotse/policy-bundle/v1\n"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files of one rule set, keyed by path below the package."""

    files: Mapping[str, bytes]
    digest: str

    @classmethod
    def load(cls) -> Bundle:
        """Return the bundle that ships with this package; read once per process.

        Raises:
            BundleInvalid: a file is missing.
        """
        return _load()

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> Bundle:
        """Make a bundle of these files.

        Raises:
            BundleInvalid: the module or the data document is missing.
        """
        if WASM_FILE not in files or DOCUMENT_FILE not in files:
            raise BundleInvalid("compiled rules or data document missing")
        return cls(files=dict(files), digest=digest_of(files))

    @property
    def wasm(self) -> bytes:
        """The compiled rules."""
        return self.files[WASM_FILE]

    @property
    def document(self) -> bytes:
        """The data document of the engines."""
        return self.files[DOCUMENT_FILE]


def digest_of(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 in hex over path, size and content digest of every file, by path."""
    outer = hashlib.sha256(_DOMAIN)
    for path in sorted(files):
        content = files[path]
        line = f"{path} {len(content)} {hashlib.sha256(content).hexdigest()}\n"
        outer.update(line.encode("ascii"))
    return outer.hexdigest()


@cache
def _load() -> Bundle:
    root = resources.files("policies")
    try:
        files = {f"data/{name}": (root / "data" / name).read_bytes() for name in DATA_FILES}
        files[WASM_FILE] = (root / WASM_FILE).read_bytes()
        files[DOCUMENT_FILE] = (root / DOCUMENT_FILE).read_bytes()
        files |= {f"{REGO_FOLDER}/{f.name}": f.read_bytes() for f in _rules(root / REGO_FOLDER)}
    except OSError:
        raise BundleInvalid("a file of the bundle is missing") from None
    return Bundle.of(files)


def _rules(folder: Traversable) -> list[Traversable]:
    """Return the rule files, without their tests."""
    return [
        f
        for f in folder.iterdir()
        if f.name.endswith(".rego") and not f.name.endswith("_test.rego")
    ]
