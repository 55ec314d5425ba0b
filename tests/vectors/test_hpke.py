# SPDX-License-Identifier: EUPL-1.2
"""Our two HPKE suites against published vectors; each JSON file names its publisher."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric import ec, mlkem
from cryptography.hazmat.primitives.hpke import MLKEM1024P384PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.suites import HPKE, MLKEM1024_P384, P256

HERE = Path(__file__).parent
FILES = {P256: "hpke_p256.json", MLKEM1024_P384: "hpke_mlkem1024_p384.json"}


def vector(suite: str) -> dict[str, Any]:
    document = json.loads((HERE / FILES[suite]).read_bytes())
    assert document["publisher"]
    found: dict[str, Any] = document["vector"]
    return found


def private_key(suite: str) -> ec.EllipticCurvePrivateKey | MLKEM1024P384PrivateKey:
    secret = bytes.fromhex(vector(suite)["skRm"])
    if suite == P256:
        return ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())
    # draft-irtf-cfrg-concrete-hybrid-kems: SHAKE256 expands the seed to both private keys.
    expanded = hashlib.shake_256(secret).digest(64 + 48)
    return MLKEM1024P384PrivateKey(
        mlkem.MLKEM1024PrivateKey.from_seed_bytes(expanded[:64]),
        ec.derive_private_key(int.from_bytes(expanded[64:], "big"), ec.SECP384R1()),
    )


def parts(suite: str) -> tuple[bytes, bytes, bytes, bytes]:
    """Sealed bytes, info, associated data and plaintext of the first encryption."""
    found = vector(suite)
    first = found["encryption"]
    return (
        bytes.fromhex(found["enc"] + first["ct"]),
        bytes.fromhex(found["info"]),
        bytes.fromhex(first["aad"]),
        bytes.fromhex(first["pt"]),
    )


@pytest.mark.parametrize("suite", FILES)
def test_published_ciphertexts_open(suite: str) -> None:
    """The suite object that the product uses opens the published single-shot ciphertext.

    The vectors use associated data, which the library's public interface leaves out, so its
    inner function is called; everything else is the same code.
    """
    sealed, info, aad, plaintext = parts(suite)
    opened = openssl.hpke._decrypt_with_aad(HPKE[suite], sealed, private_key(suite), info, aad)
    assert opened == plaintext


@pytest.mark.parametrize("suite", FILES)
@pytest.mark.parametrize("change", ["sealed", "info", "aad"])
def test_a_changed_vector_does_not_open(suite: str, change: str) -> None:
    """So the test above can fail."""
    sealed, info, aad, _ = parts(suite)
    with pytest.raises(InvalidTag):
        openssl.hpke._decrypt_with_aad(
            HPKE[suite],
            sealed[:-1] + bytes([sealed[-1] ^ (change == "sealed")]),
            private_key(suite),
            info + b"x" * (change == "info"),
            aad + b"x" * (change == "aad"),
        )


def test_the_private_key_of_the_vector_gives_its_public_key() -> None:
    """The keys are read from the vectors as their publisher means them."""
    key = private_key(P256)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert point.hex() == vector(P256)["pkRm"]
