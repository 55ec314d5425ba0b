# SPDX-License-Identifier: EUPL-1.2
"""A release desk for tests: keys that sign rule releases, and releases made from the shipped rules."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.jwk import p256_jwk
from keys.jws import sign_jws
from keys.model import Kid
from keys.providers.software import SoftwareSigner
from keys.releases import ReleaseKeys
from policies.bundle import DOCUMENT_FILE, Bundle
from policies.catalogue import Catalogue
from policies.document import document_bytes
from policies.errors import ReleaseRefused
from policies.release.activate import activate
from policies.release.layout import SIGNATURES, lay_out
from policies.release.make import Release, Terms, deny_all, make_release, shipped_golden
from policies.release.opa import opa_signatures
from policies.release.statement import STATEMENT_TYP
from policies.release.store import ReleaseStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keys.jwk import PublicJwk

NOW = 1_795_338_000
"""2026-11-22, a moment at which every release made here is valid unless it says otherwise."""
DAY = 86_400
FIRST_KEY = "policy#release-1"

PINNED: dict[str, Any] = {
    "directory": "policy",
    "keys": [
        {
            "kid": FIRST_KEY,
            "kty": "EC",
            "crv": "P-256",
            "x": "WtPptNxagzllGPZC6IiX2d3ZYFTVoSbSrk2K6IxIvaI",
            "y": "Yik89lyx8WHjp6aY9RysAB2cIHd3HkVnNBMX-AwSYjo",
        }
    ],
}
"""A table [policy] for settings that are only read; nobody holds the private half."""


@dataclass(frozen=True)
class SigningKey:
    """A release key in memory."""

    kid: str = FIRST_KEY
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def sign(self, payload: bytes, *, typ: str) -> str:
        """The token over these bytes."""
        return sign_jws(payload, typ=typ, signer=SoftwareSigner(Kid(self.kid), self.key))

    @property
    def jwk(self) -> PublicJwk:
        """The public half."""
        return p256_jwk(self.key.public_key())

    @property
    def pinned(self) -> dict[str, str]:
        """The key as it stands in a table [policy]."""
        return {"kid": self.kid, **self.jwk}

    @property
    def pem(self) -> bytes:
        """The public half, as OPA reads it."""
        public = self.key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def verifier(self) -> ReleaseKeys:
        """What a machine has that pins this key."""
        return ReleaseKeys([(self.kid, self.jwk)])


@cache
def few_golden() -> dict[str, bytes]:
    """Some of the shipped cases: enough for a self-test, quick enough for many."""
    return {name: content for name, content in shipped_golden().items() if name in FEW}


FEW = {"U04.json", "R41.json"}


def signed_files(
    key: SigningKey, *, bundle: Bundle | None = None, golden: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """All files of a release, with OPA's signature."""
    files = lay_out(bundle or Bundle.load(), shipped_golden() if golden is None else golden)
    return files | {SIGNATURES: opa_signatures(files, key)}


def changed(edit: Callable[[dict[str, Any]], None], bundle: Bundle | None = None) -> Bundle:
    """The shipped bundle with another ``rules.json``, and the engines' data derived from it."""
    files = dict((bundle or Bundle.load()).files)
    rules = json.loads(files["data/rules.json"])
    edit(rules)
    files["data/rules.json"] = json.dumps(rules, ensure_ascii=False).encode()
    documents = {
        path.removeprefix("data/"): json.loads(content)
        for path, content in files.items()
        if path.startswith("data/")
    }
    files[DOCUMENT_FILE] = document_bytes(Catalogue.from_documents(documents))
    return Bundle.of(files)


def next_version(version: str) -> Bundle:
    """The shipped rules under another version of the catalogue."""

    def edit(rules: dict[str, Any]) -> None:
        rules["version"] = version

    return changed(edit)


def without_field(rule: str, name: str, version: str = "2027.1.0") -> Bundle:
    """The shipped rules with one field less in one rule."""

    def edit(rules: dict[str, Any]) -> None:
        rules["version"] = version
        found = next(row for row in rules["rules"] if row["id"] == rule)
        found["fields"].remove(name)

    return changed(edit)


@dataclass
class ReleaseHouse:
    """A release desk and the folder from which its files are fetched."""

    folder: Path
    key: SigningKey = field(default_factory=SigningKey)

    def make(
        self,
        sequence: int,
        bundle: Bundle | None = None,
        *,
        golden: Mapping[str, bytes] | None = None,
        valid_from: int = NOW - DAY,
        valid_until: int = NOW + 30 * DAY,
        oldest: int | None = None,
        emergency: bool = False,
    ) -> Release:
        """Sign a release; the shipped rules unless others are given."""
        terms = Terms(sequence, valid_from, valid_until, oldest, emergency)
        chosen = bundle or Bundle.load()
        if emergency:
            return make_release(deny_all(chosen), {}, terms, self.key)
        return make_release(chosen, few_golden() if golden is None else golden, terms, self.key)

    def vouch(self, made: Release, file: bytes, **members: Any) -> Release:
        """Sign other bytes, or other terms, with the genuine key: a mistake or a bribe at the desk."""
        statement = replace(
            made.statement, **{"release": hashlib.sha256(file).hexdigest(), **members}
        )
        token = self.key.sign(statement.to_bytes(), typ=STATEMENT_TYP)
        return Release(file, token.encode("ascii"), statement)

    def lay(self, release: Release, name: str = "release") -> Path:
        """Write a release and its statement where somebody may fetch them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{name}.tar.gz"
        file.write_bytes(release.file)
        (self.folder / f"{name}.jws").write_bytes(release.token)
        return file


def check_refused(store: ReleaseStore, file: Path, code: str, now: int = NOW) -> None:
    """Offer a release; it is refused for this reason, which waits to be put on record."""
    with pytest.raises(ReleaseRefused, match=f"^release refused: {code}$"):
        activate(store, file, now)
    [(path, refusal)] = store.refusals()
    assert refusal.code == code
    path.unlink()
