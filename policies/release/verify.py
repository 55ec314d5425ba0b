# SPDX-License-Identifier: EUPL-1.2
"""From bytes that somebody brought to the one thing that an engine accepts from a release.

Order matters: the signature first, then the digest of the file, and only then is anything
unpacked. What comes after is for a release that was signed but is not what it says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from typing import Final

from policies.bundle import Bundle
from policies.catalogue import Catalogue
from policies.document import document_bytes
from policies.errors import PolicyError, ReleaseRefused
from policies.release.archive import unpack
from policies.release.layout import SIGNATURES, read_layout
from policies.release.opa import SIGNATURE_TYP, signed_files
from policies.release.profile import check_profile
from policies.release.statement import ReleaseVerifier, Statement, read_statement, token_digest

_MAKER: Final = object()


@dataclass(frozen=True, slots=True)
class VerifiedBundle:
    """Rules, data and cases of a release whose signatures and content hold. Only ``verify`` makes one.

    Whether it may follow what is in force, and whether its time has come, is for the store.
    """

    statement: Statement
    kid: str
    """Name of the release key that signed."""
    token_digest: str
    """SHA-256 of the signed statement: names this release and no other."""
    bundle: Bundle
    catalogue: Catalogue
    golden: Mapping[str, bytes]
    made_by: InitVar[object]

    def __post_init__(self, made_by: object) -> None:
        """Refuse to be made elsewhere.

        Raises:
            TypeError: a programming mistake.
        """
        if made_by is not _MAKER:
            message = "a VerifiedBundle is only made by verify"
            raise TypeError(message)


def verify(
    unverified_release: bytes, unverified_token: bytes, verifier: ReleaseVerifier
) -> VerifiedBundle:
    """Verify a release file against its signed statement and the pinned keys.

    Raises:
        ReleaseRefused: ``signature``: no pinned key signed the statement; ``statement``;
            ``digest``: it is about another file; any code of ``archive`` and ``layout``;
            ``opa_signature``: OPA would not accept the same file; ``catalogue``: the data
            contradict each other or the statement; ``document``: the engines' data are not what
            the reviewed files give; any code of ``profile``; ``emergency``: it allows something.
    """
    statement, kid = read_statement(unverified_token, verifier)
    if hashlib.sha256(unverified_release).hexdigest() != statement.release:
        raise ReleaseRefused("digest")
    contents = read_layout(unpack(unverified_release))
    if contents.bundle.digest != statement.bundle:
        raise ReleaseRefused("digest")
    if not opa_signed(contents.files, kid, verifier):
        raise ReleaseRefused("opa_signature")
    catalogue = _catalogue(contents.bundle, statement)
    check_profile(contents.bundle)
    if statement.emergency and not denies_all(catalogue):
        raise ReleaseRefused("emergency")
    return VerifiedBundle(
        statement,
        kid,
        token_digest(unverified_token),
        contents.bundle,
        catalogue,
        contents.golden,
        _MAKER,
    )


def catalogue_of(bundle: Bundle) -> Catalogue:
    """Read the catalogue of a bundle.

    Raises:
        ReleaseRefused: ``catalogue`` or ``document``.
    """
    prefix = "data/"
    try:
        catalogue = Catalogue.from_documents(
            {
                path.removeprefix(prefix): json.loads(content)
                for path, content in bundle.files.items()
                if path.startswith(prefix)
            }
        )
        derived = document_bytes(catalogue)
    except (PolicyError, ValueError, RecursionError, KeyError):
        raise ReleaseRefused("catalogue") from None
    if derived != bundle.document:
        raise ReleaseRefused("document")
    return catalogue


def denies_all(catalogue: Catalogue) -> bool:
    """Say whether nothing can be released by these rules, whatever an engine answers.

    ``Decider`` takes no release from an engine for a field that the named rule does not list.
    """
    return not any(rule.fields for rule in catalogue.rules.values())


def law_version_of(catalogue: Catalogue) -> str:
    """Return the state of the law that the catalogue was written from."""
    return catalogue.as_of.isoformat()


def _catalogue(bundle: Bundle, statement: Statement) -> Catalogue:
    catalogue = catalogue_of(bundle)
    if (catalogue.version, law_version_of(catalogue)) != (
        statement.catalogue,
        statement.law_version,
    ):
        raise ReleaseRefused("catalogue")
    return catalogue


def opa_signed(files: Mapping[str, bytes], kid: str, verifier: ReleaseVerifier) -> bool:
    """Say whether this key signed exactly these files in the form that OPA checks.

    What we accept and what OPA accepts must be the same release.
    """
    try:
        document = json.loads(files[SIGNATURES])
    except (KeyError, ValueError, RecursionError):
        return False
    match document:
        case {"signatures": [str() as token], **rest} if not rest:
            return verifier.payload(token, typ=SIGNATURE_TYP) == (signed_files(files, kid), kid)
        case _:
            return False
