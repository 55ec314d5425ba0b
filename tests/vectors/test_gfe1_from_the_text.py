# SPDX-License-Identifier: EUPL-1.2
"""docs/gfe1.md is enough: a program written from it opens the vectors and refuses changed ones."""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import utils as dss
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors import opener_from_the_text as text
from tests.vectors.opener_from_the_text import GOLDEN, NOW, ORDER, Refused, b64u, open_all, unb64u

PAGE = (Path(__file__).parents[2] / "docs" / "gfe1.md").read_text(encoding="utf-8")
SAMPLE: dict[str, Any] = GOLDEN["sample"]["envelope"]
CEK = bytes.fromhex(GOLDEN["secrets"]["cek"])
BOUND = bytes.fromhex(GOLDEN["ctx_hash"])
HEAD, BODY, TAIL = (unb64u(part) for part in SAMPLE["m"].split("."))


def signed(head: bytes = HEAD, body: bytes = BODY) -> str:
    """A token that the source itself signs, with whatever it says."""
    signing_input = f"{b64u(head)}.{b64u(body)}"
    r, s = dss.decode_dss_signature(
        text.SIGNING.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))
    )
    s = min(s, ORDER - s)
    return f"{signing_input}.{b64u(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def with_claims(**changes: Any) -> dict[str, Any]:
    """The sample under a manifest with other members, well signed."""
    return SAMPLE | {"m": signed(body=json.dumps(json.loads(BODY) | changes).encode())}


def with_header(**changes: Any) -> dict[str, Any]:
    """The sample under a manifest with another header, well signed."""
    return SAMPLE | {"m": signed(head=json.dumps(json.loads(HEAD) | changes).encode())}


def with_item(at: int, **changes: str) -> dict[str, Any]:
    """The sample with one changed item."""
    changed = copy.deepcopy(SAMPLE)
    changed["f"][at] |= changes
    return changed


def flipped(data: bytes) -> bytes:
    """The same bytes with another last bit."""
    return data[:-1] + bytes([data[-1] ^ 1])


def with_token(head: bytes = HEAD, body: bytes = BODY, tail: bytes = TAIL) -> dict[str, Any]:
    """The sample under a token that was put together from these parts."""
    return SAMPLE | {"m": ".".join(map(b64u, (head, body, tail)))}


def resealed(plaintext: bytes) -> dict[str, Any]:
    """One field, sealed properly by the source, of any content."""
    fk, nonce, aad = text.field_cipher(CEK, BOUND, "phone")
    c = AESGCM(fk).encrypt(nonce, plaintext, aad)
    changed = with_claims(dg=[text.digest("phone", c)])
    return changed | {"f": [{"n": "phone", "c": b64u(c)}]}


def twin() -> dict[str, Any]:
    """The sample under the other signature that fits."""
    s = ORDER - int.from_bytes(TAIL[32:], "big")
    return with_token(tail=TAIL[:32] + s.to_bytes(32, "big"))


CLAIMS = json.loads(BODY)
ITEMS = SAMPLE["f"]
REPEATED = BODY[:-1] + b',"v":1}'

TAMPERED: Mapping[str, tuple[str, Callable[[], Any]]] = {
    # what anybody on the way can do
    "another member": ("members", lambda: SAMPLE | {"x": 1}),
    "no items": ("members", lambda: {"m": SAMPLE["m"]}),
    "a name with a capital": ("n", lambda: with_item(0, n="Birth_date")),
    "base64url with unused bits": ("c", lambda: with_item(1, c="AB")),
    "a changed ciphertext": (
        "item_digest",
        lambda: with_item(2, c=b64u(flipped(unb64u(ITEMS[2]["c"])))),
    ),
    "a renamed field": ("item_digest", lambda: with_item(0, n="death_date")),
    "two names swapped": (
        "item_digest",
        lambda: SAMPLE | {"f": [{"n": "phone", "c": ITEMS[1]["c"]}]},
    ),
    "an added field": ("item_digest", lambda: SAMPLE | {"f": [*ITEMS, {"n": "x", "c": "AAAA"}]}),
    "a field twice": ("duplicate_item", lambda: SAMPLE | {"f": [*ITEMS, ITEMS[0]]}),
    "a fourth part": ("jws_form", lambda: SAMPLE | {"m": SAMPLE["m"] + "."}),
    "too large": ("jws_too_large", lambda: SAMPLE | {"m": SAMPLE["m"] + "A" * 131_072}),
    "no signature": ("signature", lambda: with_token(tail=b"")),
    "a changed signature": ("signature", lambda: with_token(tail=flipped(TAIL))),
    "the twin of the signature": ("signature", twin),
    "a changed manifest": (
        "signature",
        lambda: with_token(body=BODY.replace(b"1800000900", b"1800009900")),
    ),
    # what only the source could sign
    "alg none": ("jws_header", lambda: with_header(alg="none")),
    "a key in the header": ("jws_header", lambda: with_header(jwk="x")),
    "a header too deep": ("too_deep", lambda: with_header(jwk={})),
    "another type": ("jws_typ", lambda: with_header(typ="jwt")),
    "an unknown key": ("kid", lambda: with_header(kid="abh.hannover#sig-2")),
    "a repeated name": ("duplicate_key", lambda: SAMPLE | {"m": signed(body=REPEATED)}),
    "a byte order mark": ("not_utf8", lambda: SAMPLE | {"m": signed(body=b"\xef\xbb\xbf{}")}),
    "a huge number": ("big_integer", lambda: with_claims(exp=2**53)),
    "a member too many": ("members", lambda: with_claims(nbf=NOW)),
    "version true": ("v", lambda: with_claims(v=True)),
    "version 1.0": ("v", lambda: with_claims(v=1.0)),
    "another suite": ("ste", lambda: with_claims(ste="GFE1-NONE")),
    "a short sealed key": ("ek", lambda: with_claims(ek=CLAIMS["ek"][:-3])),
    "digests not sorted": ("dg", lambda: with_claims(dg=CLAIMS["dg"][::-1])),
    "a digest twice": ("dg", lambda: with_claims(dg=[CLAIMS["dg"][0], *CLAIMS["dg"]])),
    "no digests": ("dg", lambda: with_claims(dg=[])),
    "another source": ("kid", lambda: with_claims(src="abh.celle")),
    "a key of another agency": ("rkid", lambda: with_claims(rkid="abh.celle#kem-1")),
    "another recipient": (
        "recipient",
        lambda: with_claims(rcp="abh.celle", rkid="abh.celle#kem-1"),
    ),
    "another exchange": ("exchange", lambda: with_claims(dec="01JD0000000000000000000001")),
    "another purpose": ("purpose", lambda: with_claims(pur="p05")),
    "another catalogue": ("catalogue", lambda: with_claims(cat="2026.11.2")),
    "another person": ("subject", lambda: with_claims(sub="x")),
    "another decision": ("decision_token_hash", lambda: with_claims(dth=b64u(bytes(32)))),
    "too long a life": ("lifetime", lambda: with_claims(exp=NOW + 604_801)),
    "no life": ("lifetime", lambda: with_claims(exp=NOW)),
    "another key of the recipient": (
        "kid",
        lambda: with_claims(rkid="jobcenter.hannover#kem-2"),
    ),
    # what shows only when it is opened
    "another message id": ("open", lambda: with_claims(mid=b64u(bytes(16)))),
    "another time": ("open", lambda: with_claims(iat=NOW - 1)),
    "another sealed key": ("open", lambda: with_claims(ek=b64u(flipped(unb64u(CLAIMS["ek"]))))),
    "another commitment": ("open", lambda: with_claims(cm=b64u(bytes(32)))),
    "a wrong type tag": ("open", lambda: resealed(b"strue\x80")),
    "no padding": ("open", lambda: resealed(b"btrue")),
    "no value": ("open", lambda: resealed(b"n\x80")),
    "a value too deep": ("open", lambda: resealed(b"a" + b"[" * 7 + b"]" * 7 + b"\x80")),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_changed_envelope_is_refused(what: str) -> None:
    """The page's rules catch each change, with the error that the page names."""
    code, change = TAMPERED[what]
    with pytest.raises(Refused) as refused:
        open_all(change())
    assert str(refused.value) == code


@pytest.mark.parametrize(("now", "code"), [(NOW + 900, "expired"), (NOW - 61, "not_yet_valid")])
def test_an_envelope_has_its_time(now: int, code: str) -> None:
    """Expiry has no leeway, the source's clock may run 60 seconds ahead."""
    assert open_all(SAMPLE, NOW + 899) == open_all(SAMPLE, NOW - 60) == GOLDEN["values"]
    with pytest.raises(Refused, match=f"^{code}$"):
        open_all(SAMPLE, now)


def test_the_vector_opens() -> None:
    """The stored envelope opens to the stored values, and so do the ways of changing nothing."""
    assert open_all(SAMPLE) == GOLDEN["values"]
    assert open_all(with_claims()) == open_all(with_header()) == GOLDEN["values"]
    assert open_all(SAMPLE | {"f": ITEMS[::-1]}) == GOLDEN["values"]
    assert open_all(resealed(b"btrue\x80")) == {"phone": True}


@pytest.mark.parametrize("name", sorted(GOLDEN["values"]))
def test_each_field_opens_alone_and_can_be_missing(name: str) -> None:
    """Removing fields leaves the rest as it was."""
    alone = [item for item in ITEMS if item["n"] == name]
    rest = [item for item in ITEMS if item["n"] != name]
    assert open_all(SAMPLE | {"f": alone}) == {name: GOLDEN["values"][name]}
    assert open_all(SAMPLE | {"f": rest}).keys() == GOLDEN["values"].keys() - {name}


@pytest.mark.parametrize("name", sorted(GOLDEN["items"]))
def test_each_listed_ciphertext_opens_with_the_content_key(name: str) -> None:
    """Ciphertexts and digests of the vector file are those of the page; the bucket is filled."""
    ciphertext = bytes.fromhex(GOLDEN["items"][name]["ciphertext"])
    fk, nonce, aad = text.field_cipher(CEK, BOUND, name)
    plaintext = AESGCM(fk).decrypt(nonce, ciphertext, aad)
    assert text.read_plaintext(plaintext) == GOLDEN["values"][name]
    assert len(plaintext) == GOLDEN["pad_bytes"][name]
    assert unb64u(text.digest(name, ciphertext)).hex() == GOLDEN["items"][name]["digest"]


def test_the_numbers_on_the_page_are_right() -> None:
    """The example of PAE and every row of the last table, computed by the page's own rules."""
    claims, found = text.verify(SAMPLE, NOW)
    bound, name = text.ctx_hash(claims), "work_permitted"
    fk, nonce, aad = text.field_cipher(CEK, bound, name)
    rows = {
        "`ctx_hash`": bound,
        '`PAE("gfe1/fk", ctx_hash, field)`': text.pae("gfe1/fk", bound, name),
        "`fk`": fk,
        "`nonce`": nonce,
        "plaintext": AESGCM(fk).decrypt(nonce, found[name], aad),
        "ciphertext": found[name],
        "digest": unb64u(text.digest(name, found[name])),
        "`cm`": text.expand(CEK, text.pae("gfe1/commit", bound), 32),
    }
    missing = [what for what, data in rows.items() if f"\n| {what} | `{data.hex()}` |" not in PAGE]
    assert missing == []
    assert text.pae("gfe1", "ß", 1).hex() in PAGE.replace(" ", "")
    assert f"\nn = {ORDER:x}\n" in PAGE


def test_the_program_stands_on_its_own() -> None:
    """It imports the standard library and cryptography's primitives, no HPKE and nothing of ours."""
    tree = ast.parse(Path(text.__file__).read_bytes())
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {
        one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names
    }
    foreign = {str(name) for name in names if str(name).startswith("cryptography")}
    assert {name.split(".")[0] for name in map(str, names - foreign)} <= {
        *("__future__", "base64", "hashlib", "hmac", "json", "pathlib", "re", "typing")
    }
    assert not any("hpke" in name or "hkdf" in name for name in foreign)
