# SPDX-License-Identifier: EUPL-1.2
"""Making a release: at the release desk, with the release key, never on a machine that decides."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from policies.bundle import DOCUMENT_FILE, Bundle
from policies.catalogue import Catalogue
from policies.document import document_bytes
from policies.engine.embedded import EmbeddedEngine
from policies.errors import CatalogueInvalid, ReleaseRefused
from policies.release.archive import pack, unpack
from policies.release.layout import SIGNATURES, lay_out, read_layout
from policies.release.opa import ReleaseSigner, opa_signatures
from policies.release.place import Desk
from policies.release.selftest import self_tested
from policies.release.statement import STATEMENT_TYP, Statement
from policies.release.verify import (
    catalogue_of,
    denies_all,
    law_version_of,
    opa_signed,
    verify,
)

_RULES_FILE = "data/rules.json"
_CONDITIONS_FILE = "data/conditions.json"


@dataclass(frozen=True, slots=True)
class Release:
    """A release file and its detached, signed statement."""

    file: bytes
    token: bytes
    statement: Statement


@dataclass(frozen=True, slots=True)
class Terms:
    """What the release desk decides about a release."""

    sequence: int
    valid_from: int
    valid_until: int
    oldest: int | None = None
    """See ``Statement``; left out: the one before may still count."""
    emergency: bool = False


def make_release(
    bundle: Bundle, golden: Mapping[str, bytes], terms: Terms, signer: ReleaseSigner
) -> Release:
    """Pack and sign. The files alone decide the content; only the signatures differ next time.

    Raises:
        ReleaseRefused: the bundle contradicts itself, or the terms do.
    """
    catalogue = catalogue_of(bundle)
    if terms.emergency and not denies_all(catalogue):
        raise ReleaseRefused("emergency")
    files = lay_out(bundle, golden)
    file = pack(files | {SIGNATURES: opa_signatures(files, signer)})
    statement = Statement(
        sequence=terms.sequence,
        oldest=max(1, terms.sequence - 1) if terms.oldest is None else terms.oldest,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        release=hashlib.sha256(file).hexdigest(),
        bundle=bundle.digest,
        catalogue=catalogue.version,
        law_version=law_version_of(catalogue),
        emergency=terms.emergency,
    )
    if not statement.is_sound:
        raise ReleaseRefused("statement")
    token = signer.sign(statement.to_bytes(), typ=STATEMENT_TYP)
    return Release(file, token.encode("ascii") + b"\n", statement)


def deny_all(bundle: Bundle) -> Bundle:
    """Return the bundle with no field left in any rule: what no rule lists is denied.

    Rego, module and the rules' names stay as they are: the emergency release takes the same way
    through the engines, and every code that they speak is still known.

    Raises:
        ReleaseRefused: ``catalogue``: the rest cannot stand without the fields.
    """
    files = dict(bundle.files)
    rules, conditions = json.loads(files[_RULES_FILE]), json.loads(files[_CONDITIONS_FILE])
    named: set[str] = set()
    for rule in rules["rules"]:
        rule |= {"fields": [], "field_needs": {}}
        named.update(rule["when"], rule["needs"], *(one["needs"] for one in rule["grounds"]))
    # A condition that no rule names would be refused as a mistake.
    conditions["conditions"] = [one for one in conditions["conditions"] if one["id"] in named]
    for path, changed in ((_RULES_FILE, rules), (_CONDITIONS_FILE, conditions)):
        files[path] = (json.dumps(changed, indent=1, ensure_ascii=False) + "\n").encode("utf-8")
    documents = {
        path.removeprefix("data/"): json.loads(content)
        for path, content in files.items()
        if path.startswith("data/")
    }
    try:
        files[DOCUMENT_FILE] = document_bytes(Catalogue.from_documents(documents))
    except CatalogueInvalid:
        raise ReleaseRefused("catalogue") from None
    return Bundle.of(files)


def content_of(unverified_release: bytes, desk: Desk) -> tuple[Bundle, dict[str, bytes]]:
    """Return bundle and cases of an earlier release that this desk signed for OPA.

    Raises:
        ReleaseRefused: ``opa_signature``: another key did; or see ``unpack`` and ``read_layout``.
    """
    contents = read_layout(unpack(unverified_release))
    if not any(opa_signed(contents.files, kid, desk.verifier) for kid in desk.verifier.kids):
        raise ReleaseRefused("opa_signature")
    return contents.bundle, dict(contents.golden)


def prove(release: Release, desk: Desk) -> None:
    """Verify and try a release that was just made, as every machine will.

    Raises:
        ReleaseRefused: it would be refused.
    """
    verified = verify(release.file, release.token, desk.verifier)
    self_tested(verified, EmbeddedEngine(verified.bundle))


def shipped_golden() -> dict[str, bytes]:
    """Return the golden cases of this package, by file name: the self-test of a release."""
    folder = resources.files("policies") / "golden"
    return {f.name: f.read_bytes() for f in folder.iterdir() if f.name.endswith(".json")}
