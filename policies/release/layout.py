# SPDX-License-Identifier: EUPL-1.2
"""Where the files of a bundle stand in a release, so that OPA loads it as one of its own.

OPA reads ``.manifest``, ``data.json``, ``policy.wasm`` and every ``.rego``; the reviewed data files
under ``data/`` and the cases of the self-test under ``golden/`` are ours, OPA only verifies them.
The manifest's revision is the bundle's digest: what OPA reports as provenance is what both sides
of an exchange compare.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from policies.bundle import DOCUMENT_FILE, WASM_FILE, Bundle
from policies.catalogue import DATA_FILES
from policies.errors import BundleInvalid, ReleaseRefused

MANIFEST: Final = ".manifest"
SIGNATURES: Final = ".signatures.json"
ROOTS: Final = ("catalogue", "lotse")
"""What the bundle owns in OPA: the data document, and the package of the rules."""

_OPA_DOCUMENT: Final = "data.json"
_OPA_WASM: Final = "policy.wasm"
_RULES: Final = re.compile(r"lotse/(?:[a-z0-9_]+/)*[a-z0-9_]+\.rego")
_GOLDEN: Final = re.compile(r"golden/[A-Za-z0-9_]+\.json")
_OPA_NAMES: Final = frozenset({"golden/data.json", "golden/patch.json"})
"""Names to which OPA gives a meaning wherever they stand."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a release file holds, read but not believed."""

    bundle: Bundle
    golden: Mapping[str, bytes]
    """Cases of the self-test, by file name."""
    files: Mapping[str, bytes]
    """All of it, by name in the release."""


def lay_out(bundle: Bundle, golden: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a release, without OPA's signatures.

    Raises:
        ReleaseRefused: ``member``: a file has no place in a release.
    """
    files = {_to_release(path): content for path, content in bundle.files.items()}
    files |= {f"golden/{name}": content for name, content in golden.items()}
    files[MANIFEST] = manifest(bundle.digest)
    _check_names(files)
    return files


def read_layout(files: Mapping[str, bytes]) -> Contents:
    """Take a release apart again.

    Raises:
        ReleaseRefused: ``member``, ``files``: not the files that this version of Lotse needs;
            ``manifest``: it names another digest, other roots or anything else.
    """
    _check_names(files)
    inside = {
        _to_bundle(name): content
        for name, content in files.items()
        if name not in {MANIFEST, SIGNATURES} and not name.startswith("golden/")
    }
    try:
        bundle = Bundle.of(inside)
    except BundleInvalid:
        raise ReleaseRefused("files") from None
    if {name for name in inside if name.startswith("data/")} != {f"data/{n}" for n in DATA_FILES}:
        raise ReleaseRefused("files")
    if files.get(MANIFEST) != manifest(bundle.digest):
        raise ReleaseRefused("manifest")
    golden = {
        name.removeprefix("golden/"): content
        for name, content in files.items()
        if name.startswith("golden/")
    }
    return Contents(bundle, golden, dict(files))


def manifest(digest: str) -> bytes:
    """Return OPA's manifest; ``rego_version`` 1 keeps OPA from reading the old syntax."""
    document = {"revision": digest, "rego_version": 1, "roots": list(ROOTS)}
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


def _to_release(path: str) -> str:
    special = {WASM_FILE: _OPA_WASM, DOCUMENT_FILE: _OPA_DOCUMENT}
    return special.get(path, path.removeprefix("rego/"))


def _to_bundle(name: str) -> str:
    special = {_OPA_WASM: WASM_FILE, _OPA_DOCUMENT: DOCUMENT_FILE}
    return special.get(name, name if name.startswith("data/") else f"rego/{name}")


def _check_names(files: Mapping[str, bytes]) -> None:
    known = {MANIFEST, SIGNATURES, _OPA_DOCUMENT, _OPA_WASM} | {f"data/{n}" for n in DATA_FILES}
    for name in files:
        rule = _RULES.fullmatch(name) is not None and not name.endswith("_test.rego")
        golden = _GOLDEN.fullmatch(name) is not None and name not in _OPA_NAMES
        if name not in known and not rule and not golden:
            raise ReleaseRefused("member")
