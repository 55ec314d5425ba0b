# SPDX-License-Identifier: EUPL-1.2
"""Building, reading and asking the agency list; the attacks are in tests/attacks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keys.agencies import LIST_LIFETIME_SECONDS
from keys.errors import MalformedError, NotInForce, UnknownKey
from keys.keylist import Agency, Agreement, ListedKey, RegistryRoot, verify_agency_list
from keys.model import AgencyId, Kid
from keys.providers.base import KeyUse
from keys.suites import MLKEM1024_P384
from tests.unit.keys.parties import (
    ASKER,
    DAY,
    HOLDER,
    NOW,
    OTHER,
    Parties,
    agreement,
    first,
    keyring,
    listed,
)


def test_a_list_is_read_as_it_was_built(parties: Parties) -> None:
    """Every entry comes back, with issuer, log key, serial and expiry."""
    found = parties.agency_list()
    assert found.agencies == parties.agencies()
    assert found.agreements == (agreement(),)
    assert (found.serial, found.issued_at, found.expires_at) == (7, NOW, NOW + DAY)
    assert found.issuer == "https://gateway.example"
    assert found.log_vkey.startswith("gateway.example")
    assert len(found.digest) == 64


def test_keys_are_found_by_owner_use_and_name(parties: Parties) -> None:
    """Each lookup gives the key of that agency and use."""
    found = parties.agency_list()
    sig, auth = first(parties.holder, KeyUse.SIG), first(parties.holder, KeyUse.AUTH)
    order = first(parties.gateway, KeyUse.ORDER)
    assert found.signing_key(HOLDER, sig).jwk == parties.holder.public_jwk(sig)
    assert found.auth_key(HOLDER, auth).jwk == parties.holder.public_jwk(auth)
    assert found.gateway_key("order", order).jwk == parties.gateway.public_jwk(order)
    assert found.kem_key(ASKER).kid == first(parties.asker, KeyUse.KEM)
    assert found.audit_key(ASKER).kid == first(parties.asker, KeyUse.AUDIT)
    agency = found.agency(HOLDER)
    assert agency is not None
    assert agency.kind == "ABH"
    assert found.agency(AgencyId("abh.goslar")) is None


def test_a_key_is_not_found_under_another_owner_or_use(parties: Parties) -> None:
    """A signing key does not authenticate, an agency's key is not the gateway's."""
    found = parties.agency_list()
    sig = first(parties.holder, KeyUse.SIG)
    with pytest.raises(UnknownKey):
        found.signing_key(ASKER, sig)
    with pytest.raises(UnknownKey):
        found.auth_key(HOLDER, sig)
    for use in ("sig", "token", ""):
        with pytest.raises(UnknownKey):
            found.gateway_key(use, sig)
    with pytest.raises(UnknownKey):
        found.signing_key(AgencyId(""), first(parties.gateway, KeyUse.ORDER))
    with pytest.raises(UnknownKey):
        found.kem_key(AgencyId("abh.goslar"))


def test_the_newest_active_key_is_sealed_to() -> None:
    """A higher number wins, in whatever order; accept-only keys are never sealed to."""
    parties = Parties()
    for _ in range(10):
        parties.holder.new_key(KeyUse.KEM, NOW)
    entry = listed(parties.holder, "ABH")
    assert found_kem(parties, entry) == "abh.hannover#kem-11"
    retired = tuple(
        replace(key, state="accept-only") if key.kid.endswith("#kem-11") else key
        for key in entry.keys
    )
    assert found_kem(parties, replace(entry, keys=retired)) == "abh.hannover#kem-10"
    none = tuple(
        replace(key, state="accept-only") if key.use == "kem" else key for key in entry.keys
    )
    with pytest.raises(UnknownKey):
        found_kem(parties, replace(entry, keys=none))


def found_kem(parties: Parties, entry: Agency) -> Kid:
    """Which key of the holder would be sealed to if this were its entry."""
    payload = parties.payload(agencies=(entry,), agreements=())
    found = verify_agency_list(
        parties.document(payload), root_jwk=parties.root_jwk, now=NOW, min_serial=0
    )
    return found.kem_key(HOLDER).kid


def test_a_hybrid_key_can_be_listed() -> None:
    """An agency with a hybrid key is sealed to with the hybrid suite."""
    parties = Parties(asker=keyring(ASKER, KeyUse.SIG, KeyUse.AUTH))
    parties.asker.new_key(KeyUse.KEM, NOW, suite=MLKEM1024_P384)
    assert parties.agency_list().kem_key(ASKER).suite == MLKEM1024_P384


def test_an_agreement_is_for_one_direction_purpose_and_time(parties: Parties) -> None:
    """The other direction, another purpose and another day have no agreement."""
    found = parties.agency_list()
    in_force = found.agreement(HOLDER, ASKER, "P04", NOW)
    assert in_force == agreement()
    assert found.agreement(HOLDER, ASKER, "P04", NOW - DAY) is not None
    assert found.agreement(ASKER, HOLDER, "P04", NOW) is None
    assert found.agreement(HOLDER, OTHER, "P04", NOW) is None
    assert found.agreement(HOLDER, ASKER, "P05", NOW) is None
    assert found.agreement(HOLDER, ASKER, "P04", NOW + DAY) is None
    assert found.agreement(HOLDER, ASKER, "P04", NOW - DAY - 1) is None


def other_key(kid: str, use: str) -> ListedKey:
    """A key of its own, under any name."""
    ring = keyring(OTHER, KeyUse.SIG)
    return ListedKey(Kid(kid), use, ring.public_jwk(first(ring, KeyUse.SIG)))


@pytest.mark.parametrize(
    "key",
    [
        other_key("jobcenter.hannover#sig-1", "sig"),
        other_key("abh.hannover#sig-2", "kem"),
        other_key("abh.hannover#order-1", "order"),
        other_key("abh.hannover#sig-1", "sig"),
        replace(other_key("abh.hannover#sig-2", "sig"), state="revoked"),
        replace(other_key("abh.hannover#sig-2", "sig"), jwk={"kty": "EC"}),
        replace(other_key("abh.hannover#kem-2", "kem"), jwk={"kty": "AKP", "alg": "x", "pub": ""}),
    ],
)
def test_a_list_with_a_key_that_does_not_fit_is_not_built(parties: Parties, key: ListedKey) -> None:
    """Another owner's name, another use, a repeated name, an unknown state, a broken key."""
    entry = parties.agencies()[0]
    entry = replace(entry, keys=(*entry.keys, key))
    with pytest.raises(MalformedError):
        parties.payload(agencies=(entry,), agreements=())


def test_one_key_cannot_serve_two_names(parties: Parties) -> None:
    """The same key for two uses or two agencies would blur what a signature means."""
    holder, asker, other = parties.agencies()
    sig = next(key for key in holder.keys if key.use == "sig")
    doubled = replace(
        holder, keys=(*holder.keys, replace(sig, kid=Kid(f"{HOLDER}#auth-2"), use="auth"))
    )
    with pytest.raises(MalformedError, match="jwk"):
        parties.payload(agencies=(doubled, asker, other))
    stolen = replace(asker, keys=(*asker.keys, replace(sig, kid=Kid(f"{ASKER}#sig-2"))))
    with pytest.raises(MalformedError, match="jwk"):
        parties.payload(agencies=(holder, stolen, other))


@pytest.mark.parametrize(
    "changes",
    [
        {"source": AgencyId("abh.goslar")},
        {"recipient": AgencyId("abh.goslar")},
        {"purposes": ("P 4",)},
        {"valid_from": -1},
        {"undertaking_78": 1},
        {"pilot_agreed": 0},
        {"state_law_basis": None},
        {"recipient_abroad": "no"},
    ],
)
def test_an_agreement_that_does_not_fit_is_refused(
    parties: Parties, changes: dict[str, object]
) -> None:
    """Unknown agencies and wrong types are refused."""
    made: Agreement = replace(agreement(), **changes)  # type: ignore[arg-type]  # the callers name real members
    with pytest.raises(MalformedError):
        parties.payload(agreements=(made,))


def test_an_agency_is_listed_once(parties: Parties) -> None:
    """A second entry for one agency is refused."""
    holder = parties.agencies()[0]
    with pytest.raises(MalformedError, match="agencies"):
        parties.payload(agencies=(holder, replace(holder, keys=())), agreements=())


def test_an_agency_is_not_named_like_the_gateway() -> None:
    """An agency could otherwise hold keys that look like the gateway's."""
    parties = Parties()
    impostor = Agency(AgencyId("gateway"), "ABH", "invented", ())
    with pytest.raises(MalformedError, match="gateway"):
        parties.payload(agencies=(impostor,), agreements=())


@pytest.mark.parametrize("serial", [0, -1])
def test_serials_start_at_one(parties: Parties, serial: int) -> None:
    """Zero stands for: nothing accepted yet."""
    with pytest.raises(MalformedError, match="serial"):
        parties.payload(serial=serial)


def test_a_list_lives_for_a_week_at_most(parties: Parties) -> None:
    """A longer life is refused when building."""
    parties.payload(expires_at=NOW + LIST_LIFETIME_SECONDS)
    with pytest.raises(NotInForce, match="lifetime"):
        parties.payload(expires_at=NOW + LIST_LIFETIME_SECONDS + 1)


def test_a_list_goes_stale(parties: Parties) -> None:
    """What was verified once is asked again before each use."""
    found = parties.agency_list()
    found.check_fresh(NOW + DAY - 1)
    with pytest.raises(NotInForce, match="expired"):
        found.check_fresh(NOW + DAY)


def test_the_root_is_named_by_its_fingerprint(parties: Parties) -> None:
    """43 characters that differ for every key and are the same for everyone."""
    other = Parties()
    mine = RegistryRoot.fingerprint(parties.root_jwk)
    assert len(mine) == 43
    assert mine == RegistryRoot.fingerprint(dict(reversed(list(parties.root_jwk.items()))))
    assert mine != RegistryRoot.fingerprint(other.root_jwk)
