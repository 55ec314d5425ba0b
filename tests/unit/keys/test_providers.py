# SPDX-License-Identifier: EUPL-1.2
"""What every key provider promises, whatever its keys lie in."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from keys.errors import MalformedError, OpenFailed, UnknownKey
from keys.jws import VerifyKey, sign_jws, verify_jws
from keys.model import Kid
from keys.providers.base import KeyProvider, KeyUse
from keys.providers.file import FileKeyring, InsecureTestCost
from keys.providers.memory import InsecureMemoryKeyring
from keys.strict_json import unb64u
from keys.suites import MLKEM1024_P384, RecipientKey
from tests.unit.keys.parties import HOLDER, NOW

PASSPHRASE = "invented passphrase"


@pytest.fixture(params=["file", "memory"])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> KeyProvider:
    """Each provider there is; all keep the same promises."""
    if request.param == "file":
        return FileKeyring.create(tmp_path / "k", PASSPHRASE, HOLDER, cost=InsecureTestCost())
    return InsecureMemoryKeyring(HOLDER)


def test_a_signer_signs_what_its_public_key_verifies(provider: KeyProvider) -> None:
    """Signing and public halves belong together, for every signing use."""
    for use in (KeyUse.SIG, KeyUse.AUTH, KeyUse.ORDER, KeyUse.TOKEN, KeyUse.ROOT, KeyUse.LIST):
        kid = provider.new_key(use, NOW)
        assert kid == f"{HOLDER}#{use.value}-1"
        token = sign_jws(b"x", typ="t", signer=provider.signer(use))
        key = VerifyKey(kid, provider.public_jwk(kid))
        assert verify_jws(token, typ="t", key=key, max_bytes=1_000).payload == b"x"


def test_the_log_signs_with_ed25519(provider: KeyProvider) -> None:
    """The log's signature verifies under the raw public key, which is also the JWK's."""
    kid = provider.new_key(KeyUse.LOG, NOW)
    signer = provider.log_signer()
    Ed25519PublicKey.from_public_bytes(signer.public_bytes()).verify(signer.sign(b"x"), b"x")
    assert provider.public_jwk(kid)["x"]
    assert unb64u(provider.public_jwk(kid)["x"]) == signer.public_bytes()


def test_the_newest_active_key_signs_and_all_keys_open(provider: KeyProvider) -> None:
    """A new key takes over at once, and what was sealed to the old one still opens."""
    old = provider.new_key(KeyUse.KEM, NOW)
    sealed = RecipientKey(old, provider.public_jwk(old)).seal(b"secret", b"info")
    new = provider.new_key(KeyUse.KEM, NOW + 1)
    assert provider.kids(KeyUse.KEM) == (new, old)
    opener = provider.opener(KeyUse.KEM)
    assert opener.kids() == (new, old)
    assert opener.open(old, opener.suite_of(old), sealed, b"info") == b"secret"
    provider.new_key(KeyUse.SIG, NOW)
    second = provider.new_key(KeyUse.SIG, NOW)
    assert provider.signer(KeyUse.SIG).kid == second


@pytest.mark.parametrize("change", ["kid", "suite", "info", "sealed", "short", "empty"])
def test_an_opener_fails_in_one_way(provider: KeyProvider, change: str) -> None:
    """Another key, suite, info or byte: the error does not say which."""
    kid = provider.new_key(KeyUse.KEM, NOW)
    sealed = RecipientKey(kid, provider.public_jwk(kid)).seal(b"secret", b"info")
    other = provider.new_key(KeyUse.KEM, NOW)
    opener = provider.opener(KeyUse.KEM)
    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
    with pytest.raises(OpenFailed) as refused:
        opener.open(
            other if change == "kid" else kid,
            MLKEM1024_P384 if change == "suite" else opener.suite_of(kid),
            {"sealed": flipped, "short": sealed[:60], "empty": b""}.get(change, sealed),
            b"other" if change == "info" else b"info",
        )
    assert refused.value.code == "open"


def test_wrapping_is_bound_to_its_context_and_survives_rotation(provider: KeyProvider) -> None:
    """What was wrapped unwraps under its context only, also after a new key."""
    provider.new_key(KeyUse.WRAP, NOW)
    wrapped = provider.wrap_key().wrap(b"data key", b"row 1")
    provider.new_key(KeyUse.WRAP, NOW)
    wrapper = provider.wrap_key()
    assert wrapper.unwrap(wrapped, b"row 1") == b"data key"
    assert wrapper.wrap(b"data key", b"row 1") != wrapped
    for damaged in (wrapped[:-1], wrapped[:20], b"", b"\x01\xff"):
        with pytest.raises(OpenFailed):
            wrapper.unwrap(damaged, b"row 1")
    with pytest.raises(OpenFailed):
        wrapper.unwrap(wrapped, b"row 2")
    stranger = InsecureMemoryKeyring("gateway")
    stranger.new_key(KeyUse.WRAP, NOW)
    with pytest.raises(OpenFailed):
        stranger.wrap_key().unwrap(wrapped, b"row 1")


def test_a_key_serves_one_use(provider: KeyProvider) -> None:
    """No handle of another kind comes out of a use, and nothing comes out of nothing."""
    with pytest.raises(UnknownKey, match="no_active_key"):
        provider.signer(KeyUse.SIG)
    for use in KeyUse:
        provider.new_key(use, NOW)
    for use in (KeyUse.KEM, KeyUse.INDEX, KeyUse.LOG):
        with pytest.raises(UnknownKey, match="use"):
            provider.signer(use)
    with pytest.raises(UnknownKey, match="use"):
        provider.opener(KeyUse.SIG)
    with pytest.raises(UnknownKey, match="use"):
        provider.hmac_key(KeyUse.WRAP)
    with pytest.raises(UnknownKey, match="no_public_half"):
        provider.public_jwk(provider.kids(KeyUse.INDEX)[0])
    with pytest.raises(UnknownKey, match="kid"):
        provider.public_jwk(Kid("abh.hannover#sig-99"))


@pytest.mark.parametrize(
    "change", [{"alg": "other"}, {"pub": "AA"}, {"x": "AA"}, {"kty": "EC"}, {"pub": "A" * 2220}]
)
def test_a_hybrid_key_is_read_strictly(change: dict[str, str]) -> None:
    """Another algorithm, length, member or kind, or a point off the curve, is refused."""
    ring = InsecureMemoryKeyring(HOLDER)
    kid = ring.new_key(KeyUse.KEM, NOW, suite=MLKEM1024_P384)
    assert RecipientKey(kid, ring.public_jwk(kid)).suite == MLKEM1024_P384
    with pytest.raises(MalformedError, match="jwk"):
        RecipientKey(kid, dict(ring.public_jwk(kid)) | change)
