# SPDX-License-Identifier: EUPL-1.2
"""One key has one spelling: its thumbprint is read aloud and pinned."""

from __future__ import annotations

import pytest

from keys.errors import MalformedError
from keys.jwk import parse_p256
from keys.providers.base import KeyUse
from keys.providers.memory import InsecureMemoryKeyring
from keys.strict_json import b64u, unb64u
from keys.suites import MLKEM1024_P384, parse_kem_key


def test_coordinates_of_other_lengths_are_refused() -> None:
    """The same 64 bytes cut elsewhere are no second spelling of a key."""
    keyring = InsecureMemoryKeyring("abh.hannover")
    jwk = dict(keyring.public_jwk(keyring.new_key(KeyUse.SIG, 0)))
    point = unb64u(jwk["x"]) + unb64u(jwk["y"])
    parse_p256(jwk)
    with pytest.raises(MalformedError):
        parse_p256({**jwk, "x": b64u(point[:31]), "y": b64u(point[31:])})


def test_a_compressed_point_is_refused() -> None:
    """A hybrid key whose P-384 point is compressed would have a second thumbprint."""
    keyring = InsecureMemoryKeyring("abh.hannover")
    jwk = dict(keyring.public_jwk(keyring.new_key(KeyUse.KEM, 0, suite=MLKEM1024_P384)))
    pub = unb64u(jwk["pub"])
    point = pub[-97:]
    compressed = bytes([2 + (point[-1] & 1)]) + point[1:49]
    parse_kem_key(jwk)
    with pytest.raises(MalformedError):
        parse_kem_key({**jwk, "pub": b64u(pub[:-97] + compressed)})
