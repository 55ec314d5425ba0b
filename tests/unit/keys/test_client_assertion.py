# SPDX-License-Identifier: EUPL-1.2
"""How an agency proves who it is."""

from __future__ import annotations

import pytest

from keys.errors import ContextMismatch, MalformedError, NotInForce, UnknownKey
from keys.jws import sign_jws
from keys.messages import client_assertion, read_client_assertion
from keys.providers.base import KeyUse
from keys.strict_json import dumps, loads, unb64u
from tests.unit.keys.parties import ASKER, NOW, OTHER, Parties, verify_key

ISSUER = "https://gateway.example"


def payload_of(token: str) -> dict[str, object]:
    value = loads(unb64u(token.split(".")[1]), max_bytes=100_000)
    assert isinstance(value, dict)
    return dict(value)


def test_a_client_assertion_is_for_one_issuer_and_a_minute(parties: Parties) -> None:
    """RFC 10070: the only audience is the issuer identifier; and it does not live long."""
    signer = parties.asker.signer(KeyUse.AUTH)
    key = verify_key(parties.asker, KeyUse.AUTH)
    token = client_assertion(ASKER, ISSUER, signer, NOW, "anRpLWp0aS1qdGktanRp")
    assert payload_of(token)["aud"] == ISSUER
    checked = read_client_assertion(token, key=key, issuer=ISSUER, now=NOW)
    assert (checked.agency, checked.token_id) == (ASKER, "anRpLWp0aS1qdGktanRp")
    with pytest.raises(ContextMismatch, match="aud"):
        read_client_assertion(token, key=key, issuer=ISSUER + "/oauth/token", now=NOW)
    with pytest.raises(NotInForce, match="expired"):
        read_client_assertion(token, key=key, issuer=ISSUER, now=NOW + 60)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"aud": [ISSUER]}, MalformedError),
        ({"aud": [ISSUER, "https://other.example"]}, MalformedError),
        ({"sub": OTHER}, ContextMismatch),
        ({"iss": OTHER, "sub": OTHER}, ContextMismatch),
        ({"exp": NOW + 61}, NotInForce),
        ({"exp": 4_102_444_800}, NotInForce),
        ({"jti": ""}, MalformedError),
        ({"nbf": NOW}, MalformedError),
    ],
)
def test_other_client_assertions_are_refused(
    parties: Parties, change: dict[str, object], error: type[Exception]
) -> None:
    """Lists as audience, long lives and other subjects are refused."""
    signer = parties.asker.signer(KeyUse.AUTH)
    token = client_assertion(ASKER, ISSUER, signer, NOW, "anRpLWp0aS1qdGktanRp")
    changed = sign_jws(
        dumps(payload_of(token) | change),  # type: ignore[arg-type]  # JSON that was just read
        typ="client-authentication+jwt",
        signer=signer,
    )
    with pytest.raises(error):
        read_client_assertion(
            changed, key=verify_key(parties.asker, KeyUse.AUTH), issuer=ISSUER, now=NOW
        )


def test_an_assertion_of_another_key_is_refused(parties: Parties) -> None:
    """Signing with the statement key does not authenticate."""
    token = client_assertion(ASKER, ISSUER, parties.asker.signer(KeyUse.SIG), NOW, "x" * 16)
    with pytest.raises(UnknownKey):
        read_client_assertion(
            token,
            key=lambda kid: parties.agency_list().auth_key(ASKER, kid),
            issuer=ISSUER,
            now=NOW,
        )
