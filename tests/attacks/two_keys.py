# SPDX-License-Identifier: EUPL-1.2
"""Makes an AES-GCM ciphertext that two keys accept: the cipher does not commit to its key.

Grubbs, Lu, Ristenpart: Message Franking via Committing Authenticated Encryption (CRYPTO 2017).
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def gf_mul(x: int, y: int) -> int:
    """Multiply in GCM's field, bits reflected (NIST SP 800-38D, 6.3)."""
    product = 0
    for i in range(127, -1, -1):
        if y >> i & 1:
            product ^= x
        x = x >> 1 ^ (0xE1 << 120 if x & 1 else 0)
    return product


def gf_inverse(x: int) -> int:
    """X to the power of 2**128 - 2."""
    result, power = 1 << 127, x
    for _ in range(127):
        power = gf_mul(power, power)
        result = gf_mul(result, power)
    return result


def aes_block(key: bytes, block: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - one block of GCM
    return encryptor.update(block) + encryptor.finalize()


def ghash_parts(key: bytes, nonce: bytes, aad: bytes, blocks: list[bytes]) -> tuple[int, list[int]]:
    """The tag without any ciphertext, and the factor with which each ciphertext block enters it."""
    h = int.from_bytes(aes_block(key, bytes(16)), "big")
    padded = aad + bytes(-len(aad) % 16)
    data = [padded[i : i + 16] for i in range(0, len(padded), 16)]
    total = len(data) + len(blocks) + 1
    powers = [h]
    while len(powers) < total:
        powers.append(gf_mul(powers[-1], h))
    lengths = (len(aad) * 8).to_bytes(8, "big") + (len(blocks) * 128).to_bytes(8, "big")
    fixed = int.from_bytes(aes_block(key, nonce + b"\x00\x00\x00\x01"), "big")
    fixed ^= gf_mul(int.from_bytes(lengths, "big"), powers[0])
    for i, block in enumerate(data):
        fixed ^= gf_mul(int.from_bytes(block, "big"), powers[total - 1 - i])
    return fixed, [powers[len(blocks) - i] for i in range(len(blocks))]


def two_key_ciphertext(
    one: tuple[bytes, bytes], two: tuple[bytes, bytes], aad: bytes, plaintext: bytes
) -> bytes:
    """A ciphertext with one tag that both (key, nonce) accept; the first opens to ``plaintext``.

    The tags are linear in the ciphertext blocks, so one free block is enough to make them equal.
    """
    (key1, nonce1), (key2, nonce2) = one, two
    stream = b"".join(
        aes_block(key1, nonce1 + i.to_bytes(4, "big")) for i in range(2, 2 + len(plaintext) // 16)
    )
    cipher = bytes(a ^ b for a, b in zip(plaintext, stream, strict=True))
    blocks = [cipher[i : i + 16] for i in range(0, len(cipher), 16)] + [bytes(16)]
    fixed1, factors1 = ghash_parts(key1, nonce1, aad, blocks)
    fixed2, factors2 = ghash_parts(key2, nonce2, aad, blocks)
    difference = fixed1 ^ fixed2
    for block, f1, f2 in zip(blocks, factors1, factors2, strict=True):
        difference ^= gf_mul(int.from_bytes(block, "big"), f1 ^ f2)
    last = gf_mul(difference, gf_inverse(factors1[-1] ^ factors2[-1]))
    blocks[-1] = last.to_bytes(16, "big")
    tag = fixed1
    for block, factor in zip(blocks, factors1, strict=True):
        tag ^= gf_mul(int.from_bytes(block, "big"), factor)
    return b"".join(blocks) + tag.to_bytes(16, "big")
