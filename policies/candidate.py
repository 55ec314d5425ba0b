# SPDX-License-Identifier: EUPL-1.2
"""Rules that are tried out: a release file, a folder with the rules' source, or what ships.

A candidate may be unsigned, because it is only asked, and what it says releases nothing. It is no
``VerifiedBundle`` and there is no way from here to one: only ``policies.release.verify`` makes
those, from the signature on, and nothing else can be put in force.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from policies.bundle import DOCUMENT_FILE, REGO_FOLDER, WASM_FILE, Bundle
from policies.catalogue import DATA_FILES, Catalogue
from policies.document import document_bytes
from policies.errors import BundleInvalid, PolicyError, ReleaseRefused
from policies.release.archive import MAX_FILE_BYTES, MAX_RELEASE_BYTES, unpack
from policies.release.disk import read_bounded
from policies.release.layout import read_layout
from policies.release.profile import check_profile
from policies.release.statement import MAX_TOKEN_BYTES
from policies.release.store import FILE_END, STATEMENT_END
from policies.release.verify import catalogue_of, verify

if TYPE_CHECKING:
    from pathlib import Path

    from policies.release.statement import ReleaseVerifier
    from policies.strict import JsonValue

SHIPPED: Final = "shipped"
"""Names the rules of this installation where a file is asked for."""

Standing = Literal["shipped", "signed", "unsigned"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Rules that may be asked, and that nothing may rest on."""

    bundle: Bundle
    catalogue: Catalogue
    standing: Standing
    """``signed``: a pinned key vouches for exactly this file; it says nothing about its dates."""

    @property
    def digest(self) -> str:
        """Digest of the rules and data."""
        return self.bundle.digest


def read_candidate(path: Path, verifier: ReleaseVerifier | None = None) -> Candidate:
    """Read a release file, a folder, or ``shipped``.

    A statement that lies beside a release file must be good where keys are pinned: a file that
    claims to be signed and is not is an attack, or was damaged.

    Raises:
        ReleaseRefused: not rules that this version can evaluate; ``code`` says why.
    """
    if str(path) == SHIPPED:
        return Candidate(Bundle.load(), Catalogue.load(), "shipped")
    if path.is_dir():
        return _of_folder(path)
    if verifier is not None and _statement_of(path).exists():
        return read_signed_candidate(path, verifier)
    return _checked(read_layout(unpack(read_bounded(path, MAX_RELEASE_BYTES))).bundle)


def read_signed_candidate(path: Path, verifier: ReleaseVerifier) -> Candidate:
    """Read a release file that a pinned key vouches for: for a process that serves others.

    Raises:
        ReleaseRefused: ``code`` says why; ``unreadable``: file or statement are not there.
    """
    file = read_bounded(path, MAX_RELEASE_BYTES)
    token = read_bounded(_statement_of(path), MAX_TOKEN_BYTES)
    verified = verify(file, token, verifier)
    return Candidate(verified.bundle, verified.catalogue, "signed")


def read_rules(path: Path) -> Bundle:
    """Read rules of the past, to ask them again. Their digest names them, so nobody need vouch.

    Raises:
        ReleaseRefused: not a release file, or one of another version of Lotse.
    """
    return read_layout(unpack(read_bounded(path, MAX_RELEASE_BYTES))).bundle


def _statement_of(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(FILE_END) + STATEMENT_END)


def _checked(bundle: Bundle) -> Candidate:
    catalogue = catalogue_of(bundle)
    check_profile(bundle)
    return Candidate(bundle, catalogue, "unsigned")


def _of_folder(folder: Path) -> Candidate:
    """Read a checkout's ``policies`` folder; the engines' data are derived from the reviewed files.

    The compiled module is taken as it lies there: compile it after a change of the Rego text.
    """
    files = {f"data/{name}": _read(folder / "data" / name) for name in DATA_FILES}
    files[WASM_FILE] = _read(folder / WASM_FILE)
    texts = sorted((folder / REGO_FOLDER).glob("*.rego"))
    files |= {
        f"{REGO_FOLDER}/{text.name}": _read(text)
        for text in texts
        if not text.name.endswith("_test.rego")
    }
    try:
        documents: dict[str, JsonValue] = {
            name: json.loads(files[f"data/{name}"]) for name in DATA_FILES
        }
        files[DOCUMENT_FILE] = document_bytes(Catalogue.from_documents(documents))
        bundle = Bundle.of(files)
    except BundleInvalid:
        raise ReleaseRefused("files") from None
    except (PolicyError, ValueError, RecursionError, KeyError):
        raise ReleaseRefused("catalogue") from None
    return _checked(bundle)


def _read(path: Path) -> bytes:
    return read_bounded(path, MAX_FILE_BYTES)
