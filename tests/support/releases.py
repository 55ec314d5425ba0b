# SPDX-License-Identifier: EUPL-1.2
"""A release desk for tests: keys that sign rule releases, and releases made from the shipped rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.jws import sign_jws
from keys.model import Kid
from keys.providers.software import SoftwareSigner
from policies.bundle import Bundle
from policies.release.layout import SIGNATURES, lay_out
from policies.release.opa import opa_signatures

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class SigningKey:
    """A release key in memory."""

    kid: str = "policy#release-1"
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def sign(self, payload: bytes, *, typ: str) -> str:
        """The token over these bytes."""
        return sign_jws(payload, typ=typ, signer=SoftwareSigner(Kid(self.kid), self.key))

    @property
    def pem(self) -> bytes:
        """The public half, as OPA reads it."""
        public = self.key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def shipped_golden() -> dict[str, bytes]:
    """The golden files of the package, by name."""
    folder = resources.files("policies") / "golden"
    return {f.name: f.read_bytes() for f in folder.iterdir() if f.name.endswith(".json")}


def signed_files(
    key: SigningKey, *, bundle: Bundle | None = None, golden: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """All files of a release, with OPA's signature."""
    files = lay_out(bundle or Bundle.load(), shipped_golden() if golden is None else golden)
    return files | {SIGNATURES: opa_signatures(files, key)}
