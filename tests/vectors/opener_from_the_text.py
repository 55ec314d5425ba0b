# SPDX-License-Identifier: EUPL-1.2
"""A second program for GFE1-P256, written from docs/gfe1.md alone; nothing of Lotse is imported.

It reads as the page does, from notation to opening, and is as short as it can be: for comparing,
not for use. Its keys are the invented ones of ``gfe1.json``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import utils as dss
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = Path(__file__).parent
GOLDEN: dict[str, Any] = json.loads((HERE / "gfe1.json").read_bytes())

P256 = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SIGNING = ec.derive_private_key(int(GOLDEN["secrets"]["source_signing_scalar"], 16), P256)
KEM = ec.derive_private_key(int(GOLDEN["secrets"]["recipient_kem_scalar"], 16), P256)
SIGNING_KIDS = {"abh.hannover#sig-1": SIGNING.public_key()}
KEM_KIDS = {"jobcenter.hannover#kem-1": KEM}
NOW: int = GOLDEN["context"]["iat"]


class Refused(Exception):
    """One of the codes of the page."""


def need(code: str, ok: object) -> None:
    if not ok:
        raise Refused(code)


def pae(*parts: bytes | str | int) -> bytes:
    out = len(parts).to_bytes(8, "little")
    for part in parts:
        data = part.to_bytes(8, "big", signed=True) if isinstance(part, int) else part
        data = data.encode() if isinstance(data, str) else data
        out += len(data).to_bytes(8, "little") + data
    return out


def expand(prk: bytes, info: bytes, length: int) -> bytes:
    out, block, count = b"", b"", 0
    while len(out) < length:
        count += 1
        block = hmac.digest(prk, block + info + bytes([count]), "sha256")
        out += block
    return out[:length]


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64u(text: object, code: str = "base64url") -> bytes:
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise Refused(code)
    ends = {0: "", 2: "AQgw", 3: "AEIMQUYcgkosw048"}
    need(code, len(text) % 4 in ends)
    need(code, len(text) % 4 == 0 or text[-1] in ends[len(text) % 4])
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def whole(digits: str) -> int:
    need("big_integer", len(digits) < 18 and abs(int(digits)) < 2**53)
    return int(digits)


def fraction(digits: str) -> float:
    need("not_finite", abs(float(digits)) < float("inf"))
    return float(digits)


def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    need("duplicate_key", len(dict(pairs)) == len(pairs))
    return dict(pairs)


def depth(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(depth, value.values() if isinstance(value, dict) else value), default=0)


def read_json(data: bytes, size: int, deep: int) -> Any:
    need("too_large", len(data) <= size)
    need("not_utf8", not data.startswith(b"\xef\xbb\xbf") and b"\0" not in data[:4])
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=members,
            parse_int=whole,
            parse_float=fraction,
            parse_constant=lambda _: need("not_finite", ok=False),
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError:
        raise Refused("not_utf8") from None
    except UnicodeEncodeError:
        raise Refused("lone_surrogate") from None
    except json.JSONDecodeError:
        raise Refused("not_json") from None
    need("too_deep", depth(value) <= deep)
    return value


def read_jws(token: str) -> tuple[str, Any]:
    need("jws_too_large", len(token) <= 131_072)
    need("jws_form", token.isascii() and token.count(".") == 2 and token.index(".") <= 512)
    head, body, tail = token.split(".")
    header = read_json(unb64u(head), 512, 1)
    need("jws_header", isinstance(header, dict) and header.keys() == {"alg", "kid", "typ"})
    need("jws_header", header["alg"] == "ES256" and isinstance(header["kid"], str))
    need("jws_typ", header["typ"] == "gfe1+jws")
    need("kid", header["kid"] in SIGNING_KIDS)
    payload, signature = unb64u(body), unb64u(tail)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    need("signature", len(signature) == 64 and s <= ORDER // 2)
    try:
        SIGNING_KIDS[header["kid"]].verify(
            dss.encode_dss_signature(r, s), f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256())
        )
    except InvalidSignature:
        raise Refused("signature") from None
    return header["kid"], read_json(payload, 131_072, 12)


IDENTIFIER = r"[a-z0-9][a-z0-9._-]{0,63}"
TEXTS = dict.fromkeys(("src", "rcp", "pur", "cat"), IDENTIFIER) | {
    "ste": "GFE1-P256",
    "dec": r"[0-7][0-9A-HJKMNP-TV-Z]{25}",
    "sub": r"[\x00-\x7f]{1,64}",
    "rkid": IDENTIFIER + r"#[a-z]{2,12}-[1-9][0-9]{0,5}",
}
SIZES = {"mid": 16, "dth": 32, "ek": 113, "cm": 32}
EXPECTED: dict[str, Any] = GOLDEN["context"]
CONTEXT = {
    "src": "source",
    "rcp": "recipient",
    "dec": "exchange",
    "pur": "purpose",
    "cat": "catalogue",
    "sub": "subject",
}


def read_manifest(token: str, now: int) -> dict[str, Any]:
    kid, claims = read_jws(token)
    names = {"v", "iat", "exp", "dg"} | TEXTS.keys() | SIZES.keys()
    need("members", isinstance(claims, dict) and claims.keys() == names)
    need("v", type(claims["v"]) is int and claims["v"] == 1)
    for name, form in TEXTS.items():
        need(name, isinstance(claims[name], str) and re.fullmatch(form, claims[name]))
    for name, size in SIZES.items():
        claims[name] = unb64u(claims[name], name)
        need(name, len(claims[name]) == size)
    for name in ("iat", "exp"):
        need(name, type(claims[name]) is int and 0 <= claims[name] <= 253_402_300_799)
    digests = claims["dg"]
    need("dg", isinstance(digests, list) and 0 < len(digests) <= 512)
    need("dg", all(len(unb64u(one, "dg")) == 32 for one in digests))
    need("dg", digests == sorted(set(digests)))
    need("kid", kid.split("#")[0] == claims["src"])
    need("rkid", claims["rkid"].split("#")[0] == claims["rcp"])
    for name, code in CONTEXT.items():
        need(code, claims[name] == EXPECTED[name])
    need("decision_token_hash", claims["dth"].hex() == EXPECTED["dth"])
    need("lifetime", 0 < claims["exp"] - claims["iat"] <= 604_800)
    need("not_yet_valid", claims["iat"] <= now + 60)
    need("expired", now < claims["exp"])
    return dict(claims)


def digest(name: str, c: bytes) -> str:
    return b64u(hashlib.sha256(pae("gfe1/dg", name, c)).digest())


def verify(envelope: Any, now: int) -> tuple[dict[str, Any], dict[str, bytes]]:
    need("members", isinstance(envelope, dict) and envelope.keys() == {"m", "f"})
    need("f", isinstance(envelope["f"], list) and len(envelope["f"]) <= 512)
    found: list[tuple[str, bytes]] = []
    for item in envelope["f"]:
        need("members", isinstance(item, dict) and item.keys() == {"n", "c"})
        need("n", isinstance(item["n"], str) and re.fullmatch(IDENTIFIER, item["n"]))
        found.append((item["n"], unb64u(item["c"], "c")))
    need("m", isinstance(envelope["m"], str))
    claims = read_manifest(envelope["m"], now)
    need("duplicate_item", len(dict(found)) == len(found))
    need("item_digest", all(digest(*item) in claims["dg"] for item in found))
    return claims, dict(found)


def ctx_hash(claims: dict[str, Any]) -> bytes:
    order = ("ste", "mid", "src", "rcp", "dec", "dth", "pur", "sub", "cat", "iat", "exp")
    return hashlib.sha256(pae("gfe1/ctx", *(claims[name] for name in order))).digest()


def hpke_open(key: ec.EllipticCurvePrivateKey, sealed: bytes, info: bytes) -> bytes:
    def extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")

    def labeled(suite: bytes, prk: bytes, label: bytes, info: bytes, n: int) -> bytes:
        return expand(prk, n.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, n)

    enc, kem, hpke = sealed[:65], b"KEM\x00\x10", b"HPKE\x00\x10\x00\x01\x00\x02"
    dh = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(P256, enc))
    own = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = labeled(kem, extract(kem, b"", b"eae_prk", dh), b"shared_secret", enc + own, 32)
    schedule = b"\0" + extract(hpke, b"", b"psk_id_hash", b"")
    schedule += extract(hpke, b"", b"info_hash", info)
    secret = extract(hpke, shared, b"secret", b"")
    aes = AESGCM(labeled(hpke, secret, b"key", schedule, 32))
    return aes.decrypt(labeled(hpke, secret, b"base_nonce", schedule, 12), sealed[65:], b"")


def field_cipher(cek: bytes, bound: bytes, name: str) -> tuple[bytes, bytes, bytes]:
    material = expand(cek, pae("gfe1/fk", bound, name), 44)
    return material[:32], material[32:], pae("gfe1/field", bound, name)


def read_plaintext(plaintext: bytes) -> Any:
    data = plaintext.rstrip(b"\0")
    need("open", data[-1:] == b"\x80")
    value = read_json(data[1:-1], 65_536, 6)
    tags = {bool: b"b", int: b"d", float: b"d", str: b"s", list: b"a", dict: b"o"}
    need("open", tags.get(type(value), b"n") == data[:1])
    return value


def open_all(envelope: Any, now: int = NOW) -> dict[str, Any]:
    claims, found = verify(envelope, now)
    need("kid", claims["rkid"] in KEM_KIDS)
    bound, values = ctx_hash(claims), {}
    try:
        info = pae("gfe1/cek", bound, claims["rkid"])
        cek = hpke_open(KEM_KIDS[claims["rkid"]], claims["ek"], info)
        need("open", len(cek) == 32)
        need("open", hmac.compare_digest(expand(cek, pae("gfe1/commit", bound), 32), claims["cm"]))
        for name, c in found.items():
            fk, nonce, aad = field_cipher(cek, bound, name)
            values[name] = read_plaintext(AESGCM(fk).decrypt(nonce, c, aad))
    except (InvalidTag, ValueError, Refused):
        raise Refused("open") from None
    return values
