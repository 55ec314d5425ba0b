# SPDX-License-Identifier: EUPL-1.2
"""Attacks on the agency list: whoever can change it can read everything."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from keys.agencies import AgencyList
from keys.agencylist import write_list
from keys.errors import (
    KeysError,
    MalformedError,
    NotInForce,
    RollbackDetected,
    SignatureInvalid,
    StrictJsonError,
    UnknownKey,
)
from keys.jws import sign_jws
from keys.keylist import certify_list_key, sign_agency_list, verify_agency_list
from keys.providers.base import KeyUse
from keys.providers.memory import InsecureMemoryKeyring
from keys.strict_json import b64u, dumps, loads, unb64u
from tests.unit.keys.parties import (
    ASKER,
    DAY,
    NOW,
    Parties,
    agreement,
    first,
    gateway_entry,
    keyring,
)

PARTIES = Parties()
DOCUMENT = PARTIES.document()
LIST_TYP = "lotse-agencies+jws"
CERT_TYP = "lotse-listkey+jws"


def verify(document: bytes, *, now: int = NOW, min_serial: int = 0) -> AgencyList:
    return verify_agency_list(document, root_jwk=PARTIES.root_jwk, now=now, min_serial=min_serial)


def part(name: str) -> str:
    return str(json.loads(DOCUMENT)[name])


def with_parts(**changes: str) -> bytes:
    return dumps({"cert": part("cert"), "list": part("list")} | changes)


def payload_with_gateways_key() -> bytes:
    """The list as the gateway would like it: the asker's KEM key is the gateway's own."""
    mitm = keyring(ASKER, KeyUse.KEM)
    holder, asker, other = PARTIES.agencies()
    keys = tuple(
        replace(key, jwk=mitm.public_jwk(first(mitm, KeyUse.KEM))) if key.use == "kem" else key
        for key in asker.keys
    )
    return PARTIES.payload(agencies=(holder, replace(asker, keys=keys), other))


def test_the_honest_list_is_accepted() -> None:
    """Without an attack the list verifies; so the refusals below are due to the attacks."""
    assert verify(DOCUMENT).kem_key(ASKER).kid == first(PARTIES.asker, KeyUse.KEM)


def test_gateway_swaps_a_recipients_key_under_the_old_signature() -> None:
    """The signature covers every key."""
    head, _, signature = part("list").split(".")
    forged = f"{head}.{b64u(payload_with_gateways_key())}.{signature}"
    with pytest.raises(SignatureInvalid):
        verify(with_parts(list=forged))


@pytest.mark.parametrize("use", [KeyUse.ORDER, KeyUse.TOKEN])
def test_gateway_signs_the_list_with_its_own_key(use: KeyUse) -> None:
    """The gateway's keys sign no list, by name and by use."""
    token = sign_jws(payload_with_gateways_key(), typ=LIST_TYP, signer=PARTIES.gateway.signer(use))
    with pytest.raises(UnknownKey):
        verify(with_parts(list=token))


def test_gateway_signs_with_a_key_that_is_named_like_the_list_key() -> None:
    """The name of the list key proves nothing."""
    impostor = keyring("registry", KeyUse.LIST)
    token = sign_jws(payload_with_gateways_key(), typ=LIST_TYP, signer=impostor.signer(KeyUse.LIST))
    with pytest.raises(SignatureInvalid):
        verify(with_parts(list=token))


def test_gateway_brings_its_own_root_and_certificate() -> None:
    """A whole chain of its own does not verify under the pinned root."""
    impostor = keyring("registry", KeyUse.ROOT, KeyUse.LIST)
    document = chain(impostor, payload_with_gateways_key())
    with pytest.raises(SignatureInvalid):
        verify(document)
    own_root = impostor.public_jwk(first(impostor, KeyUse.ROOT))
    assert verify_agency_list(document, root_jwk=own_root, now=NOW, min_serial=0).serial == 7


def chain(registry: InsecureMemoryKeyring, payload: bytes) -> bytes:
    """A document under this registry's root."""
    certificate = certify_list_key(
        registry.public_jwk(first(registry, KeyUse.LIST)),
        issued_at=NOW,
        expires_at=NOW + DAY,
        root=registry.signer(KeyUse.ROOT),
    )
    return sign_agency_list(payload, signer=registry.signer(KeyUse.LIST), certificate=certificate)


def test_certificate_of_another_root_beside_the_genuine_list() -> None:
    """A certificate from elsewhere does not carry the list."""
    other = Parties()
    with pytest.raises(SignatureInvalid):
        verify(with_parts(cert=other.certificate()))


def test_list_key_certifies_itself() -> None:
    """Only the root certifies; the list key cannot prolong its own life."""
    token = certify_list_key(
        PARTIES.registry.public_jwk(first(PARTIES.registry, KeyUse.LIST)),
        issued_at=NOW,
        expires_at=NOW + 365 * DAY,
        root=PARTIES.registry.signer(KeyUse.LIST),
    )
    with pytest.raises(UnknownKey):
        verify(with_parts(cert=token))


def test_root_signs_a_list_directly() -> None:
    """The root's key is not a list key: both tokens have their own type and key."""
    token = sign_jws(PARTIES.payload(), typ=LIST_TYP, signer=PARTIES.registry.signer(KeyUse.ROOT))
    with pytest.raises(UnknownKey):
        verify(with_parts(list=token))


def test_certificate_and_list_change_places() -> None:
    """Neither can be read as the other."""
    with pytest.raises(KeysError):
        verify(dumps({"cert": part("list"), "list": part("cert")}))


def test_an_older_list_is_served_again() -> None:
    """A list with a lower serial brings a withdrawn key back and is refused; the same one is not."""
    assert verify(DOCUMENT, min_serial=7).serial == 7
    with pytest.raises(RollbackDetected, match="serial"):
        verify(DOCUMENT, min_serial=8)


def test_an_expired_list_is_kept_in_use() -> None:
    """Without a fresh list nothing goes on: withdrawing a key works within the list's life."""
    with pytest.raises(NotInForce, match="expired"):
        verify(DOCUMENT, now=NOW + DAY)
    with pytest.raises(NotInForce, match="not_yet_valid"):
        verify(DOCUMENT, now=NOW - 61)


def signed_list(**changes: int) -> bytes:
    """A list that its own builder would not make, signed by the genuine list key."""
    times = {"serial": 7, "issued_at": NOW, "expires_at": NOW + DAY} | changes
    payload = dumps(
        write_list(
            serial=times["serial"],
            issued_at=times["issued_at"],
            expires_at=times["expires_at"],
            gateway=gateway_entry(PARTIES.gateway),
            agencies=PARTIES.agencies(),
            agreements=(agreement(),),
        )
    )
    return PARTIES.document(payload)


def test_a_list_that_never_expires() -> None:
    """A list key cannot make a list for longer than a week."""
    with pytest.raises(NotInForce, match="lifetime"):
        verify(signed_list(expires_at=NOW + 8 * DAY))
    with pytest.raises(NotInForce, match="lifetime"):
        verify(signed_list(expires_at=NOW))


@pytest.mark.parametrize(
    ("issued_at", "expires_at", "code"),
    [
        (NOW - 2 * DAY, NOW, "expired"),
        (NOW + 61, NOW + DAY, "not_yet_valid"),
        (NOW, NOW + 401 * DAY, "lifetime"),
    ],
)
def test_a_certificate_outside_its_time(issued_at: int, expires_at: int, code: str) -> None:
    """A list key that was certified for last year, or for ever, signs nothing now."""
    certificate = PARTIES.certificate(issued_at=issued_at, expires_at=expires_at)
    with pytest.raises(NotInForce, match=code):
        verify(with_parts(cert=certificate))


def changed_list(change: Callable[[dict[str, object]], object]) -> bytes:
    """The genuine list with a change, signed by the genuine list key."""
    content = loads(unb64u(part("list").split(".")[1]), max_bytes=1_000_000)
    assert isinstance(content, dict)
    change(content)  # type: ignore[arg-type]  # JSON that was just read
    return PARTIES.document(dumps(content))


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(extra=1),
        lambda c: c.pop("agreements"),
        lambda c: c.update(v=1),
        lambda c: c.update(v=3),
        lambda c: c.update(serial=0),
        lambda c: c.update(serial=True),
        lambda c: c["agencies"].append(c["agencies"][0]),
        lambda c: c["agencies"][0].update(id="ABH"),
        lambda c: c["agencies"][0].update(kind="abh"),
        lambda c: c["agencies"][0]["keys"][0].update(use="kem"),
        lambda c: c["agencies"][0]["keys"][0].update(kid="jobcenter.hannover#sig-2"),
        lambda c: c["agencies"][0]["keys"][0].update(state="any"),
        lambda c: c["agencies"][0]["keys"][0]["jwk"].update(d="AA"),
        lambda c: c["agencies"][0]["keys"][0].update(jwk=c["agencies"][1]["keys"][0]["jwk"]),
        lambda c: c["gateway"]["keys"][0].update(kid="abh.hannover#order-1"),
        lambda c: c["gateway"]["keys"][0].update(use="sig"),
        lambda c: c["gateway"].update(issuer=""),
        lambda c: c["agreements"][0].update(undertaking_78="true"),
        lambda c: c["agreements"][0].pop("pilot_agreed"),
        lambda c: c["agreements"][0].pop("state_law_basis"),
        lambda c: c["agreements"][0].pop("recipient_abroad"),
        lambda c: c["agreements"][0].update(recipient_abroad=0),
        lambda c: c["agreements"][0].update(purposes="P04"),
    ],
)
def test_a_list_that_contradicts_itself_although_signed(
    change: Callable[[dict[str, object]], object],
) -> None:
    """Doubled agencies, borrowed keys and names, and wrong types are refused from anyone."""
    with pytest.raises(MalformedError):
        verify(changed_list(change))


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"cert":"a","list":"b","x":1}',
        b'{"cert":"a","cert":"b","list":"c"}',
        b'{"cert":1,"list":2}',
        b'{"cert":"a.b.c","list":"d.e.f"}',
        b"\xff",
    ],
)
def test_garbage_instead_of_a_list(document: bytes) -> None:
    """Any bytes give an error with a code, and no other exception."""
    with pytest.raises(MalformedError) as refused:
        verify(document)
    assert refused.value.code


def test_a_huge_document_is_refused_unread() -> None:
    """Size is checked before anything is parsed."""
    with pytest.raises(StrictJsonError, match="too_large"):
        verify(b"[" * (8 * 1_048_576 + 1))


def test_a_root_that_is_not_a_key_is_refused() -> None:
    """A missing or misspelt pin never means: trust anyone."""
    for root in ({}, {"kty": "EC"}, dict(PARTIES.root_jwk) | {"x": "AA"}):
        with pytest.raises(MalformedError, match="jwk"):
            verify_agency_list(DOCUMENT, root_jwk=root, now=NOW, min_serial=0)


def test_the_type_of_the_certificate_counts() -> None:
    """Something else that the root has signed does not pass for a certificate."""
    payload = unb64u(part("cert").split(".")[1])
    token = sign_jws(payload, typ=CERT_TYP + "x", signer=PARTIES.registry.signer(KeyUse.ROOT))
    with pytest.raises(MalformedError, match="jws_typ"):
        verify(with_parts(cert=token))
