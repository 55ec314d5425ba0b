# SPDX-License-Identifier: EUPL-1.2
"""GFE1 against its golden vector, and against a second reading of its definition."""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.envelope import Envelope
from tests.vectors import make_gfe1

GOLDEN: dict[str, Any] = json.loads(make_gfe1.PATH.read_bytes())
CEK = bytes.fromhex(GOLDEN["secrets"]["cek"])
BOUND = bytes.fromhex(GOLDEN["ctx_hash"])


# A second reading of the definition, with nothing from keys/: only hashes, HMAC and AES-GCM.


def pae(*parts: bytes) -> bytes:
    joined = b"".join(struct.pack("<Q", len(part)) + part for part in parts)
    return struct.pack("<Q", len(parts)) + joined


def expand(info: bytes, length: int) -> bytes:
    """HKDF-Expand (RFC 5869, 2.3)."""
    out, block, count = b"", b"", 0
    while len(out) < length:
        count += 1
        block = hmac.digest(CEK, block + info + bytes([count]), "sha256")
        out += block
    return out[:length]


def expected_ctx_hash() -> bytes:
    ctx = GOLDEN["context"]
    return hashlib.sha256(
        pae(
            b"gfe1/ctx",
            GOLDEN["suite"].encode(),
            bytes.fromhex(ctx["mid"]),
            ctx["src"].encode(),
            ctx["rcp"].encode(),
            ctx["dec"].encode(),
            bytes.fromhex(ctx["dth"]),
            ctx["pur"].encode(),
            ctx["sub"].encode(),
            ctx["cat"].encode(),
            struct.pack(">q", ctx["iat"]),
            struct.pack(">q", ctx["exp"]),
        )
    ).digest()


TYPE_TAGS = {type(None): "n", bool: "b", int: "d", str: "s", list: "a", dict: "o"}


def expected_ciphertext(name: str) -> bytes:
    value, bucket = GOLDEN["values"][name], GOLDEN["pad_bytes"][name]
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    plaintext = (TYPE_TAGS[type(value)] + text).encode() + b"\x80"
    plaintext += bytes(-len(plaintext) % bucket)
    material = expand(pae(b"gfe1/fk", BOUND, name.encode()), 44)
    aad = pae(b"gfe1/field", BOUND, name.encode())
    return AESGCM(material[:32]).encrypt(material[32:], plaintext, aad)


def test_the_context_hash_follows_the_definition() -> None:
    """Computed a second time from the written definition."""
    assert expected_ctx_hash() == BOUND


def test_the_commitment_follows_the_definition() -> None:
    """Computed a second time from the written definition."""
    assert expand(pae(b"gfe1/commit", BOUND), 32).hex() == GOLDEN["commitment"]


@pytest.mark.parametrize("name", sorted(GOLDEN["values"]))
def test_every_field_follows_the_definition(name: str) -> None:
    """Key, nonce, plaintext, padding, associated data and digest, computed a second time."""
    item = GOLDEN["items"][name]
    ciphertext = expected_ciphertext(name)
    assert ciphertext.hex() == item["ciphertext"]
    assert hashlib.sha256(pae(b"gfe1/dg", name.encode(), ciphertext)).hexdigest() == item["digest"]


def test_the_sample_opens_with_the_published_keys() -> None:
    """The stored envelope verifies and opens to the stored values."""
    env = Envelope.from_wire(GOLDEN["sample"]["envelope"])
    assert make_gfe1.opened(env) == GOLDEN["values"]


def test_the_generator_gives_the_same_file_again() -> None:
    """Sealing again with the same content key changes nothing but the two random parts."""
    again = json.loads(json.dumps(make_gfe1.document(make_gfe1.sealed_again())))
    assert again["sample"] != GOLDEN["sample"]
    assert again | {"sample": None} == GOLDEN | {"sample": None}


def test_the_generator_keeps_a_sample_that_is_still_valid() -> None:
    """Running the generator on the committed file writes the committed file."""
    kept = make_gfe1.kept_sample(GOLDEN)
    assert kept is not None
    assert make_gfe1.document(kept) == GOLDEN
    assert make_gfe1.kept_sample({}) is None
