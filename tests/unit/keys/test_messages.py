# SPDX-License-Identifier: EUPL-1.2
"""The signed messages."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import ContextMismatch, MalformedError, NotInForce, SignatureInvalid, UnknownKey
from keys.jws import sign_jws
from keys.messages import (
    HELD_SECONDS,
    read_decision,
    read_order,
    read_release,
    read_statement,
    sign_decision,
    sign_order,
    sign_release,
    sign_statement,
    subject_commitment,
    unverified_statement,
)
from keys.model import BlindIndex
from keys.providers.base import KeyUse
from keys.strict_json import b64u, dumps, loads, unb64u
from tests.unit.keys.letters import decision, order, release, statement
from tests.unit.keys.parties import (
    ASKER,
    HOLDER,
    NOW,
    OTHER,
    Parties,
    verify_key,
)

ISSUER = "https://gateway.example"


def payload_of(token: str) -> dict[str, object]:
    value = loads(unb64u(token.split(".")[1]), max_bytes=100_000)
    assert isinstance(value, dict)
    return dict(value)


def test_each_message_is_read_as_it_was_written(parties: Parties) -> None:
    """Writing and reading are inverse for each kind of message."""
    asker, gateway = verify_key(parties.asker), verify_key(parties.gateway, KeyUse.ORDER)
    made = statement(parties)
    token = sign_statement(made, parties.asker.signer(KeyUse.SIG))
    assert read_statement(token, key=asker, now=NOW) == made
    decided = sign_decision(decision(), parties.gateway.signer(KeyUse.ORDER))
    assert read_decision(decided, key=gateway, now=NOW) == decision()
    ordered = sign_order(order(parties), parties.gateway.signer(KeyUse.ORDER))
    assert read_order(ordered, key=gateway, now=NOW) == order(parties)
    released = sign_release(release(), parties.holder.signer(KeyUse.SIG))
    assert read_release(released, key=verify_key(parties.holder), now=NOW) == release()


def test_a_push_is_started_by_the_source(parties: Parties) -> None:
    """For a delivery the issuer is the agency that holds the facts."""
    made = statement(parties, direction="push", issuer=HOLDER)
    token = sign_statement(made, parties.holder.signer(KeyUse.SIG))
    assert read_statement(token, key=verify_key(parties.holder), now=NOW).other == ASKER
    assert statement(parties).other == HOLDER


def test_no_message_can_be_read_as_another(parties: Parties) -> None:
    """A decision is not an order, even though the same key signs both."""
    gateway = verify_key(parties.gateway, KeyUse.ORDER)
    decided = sign_decision(decision(), parties.gateway.signer(KeyUse.ORDER))
    with pytest.raises(MalformedError, match="jws_typ"):
        read_order(decided, key=gateway, now=NOW)
    with pytest.raises(MalformedError, match="jws_typ"):
        read_statement(decided, key=gateway, now=NOW)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"issuer": OTHER}, ContextMismatch),
        ({"issuer": HOLDER}, ContextMismatch),
        ({"direction": "push"}, ContextMismatch),
        ({"recipient": OTHER}, ContextMismatch),
        ({"source": ASKER}, ContextMismatch),
        ({"recipient_kid": "mbe.hannover#kem-1"}, ContextMismatch),
        ({"direction": "both"}, MalformedError),
        ({"fields": ()}, MalformedError),
        ({"fields": ("Birth",)}, MalformedError),
        ({"declared": {"months": 1.5}}, MalformedError),
        ({"declared": {"free": "x" * 65}}, MalformedError),
        ({"declared": {"a b": True}}, MalformedError),
        ({"nonce": bytes(15)}, MalformedError),
        ({"subject": bytes(31)}, MalformedError),
        ({"detail": "AB" * 32}, MalformedError),
        ({"expires_at": NOW + 301}, NotInForce),
        ({"expires_at": NOW}, NotInForce),
        ({"issued_at": NOW + 61, "expires_at": NOW + 100}, NotInForce),
        ({"issued_at": NOW - 300, "expires_at": NOW}, NotInForce),
    ],
)
def test_a_statement_that_does_not_hold_together_is_refused(
    parties: Parties, changes: dict[str, object], error: type[Exception]
) -> None:
    """The starter signs for itself, in its form, and for five minutes at most."""
    token = sign_statement(statement(parties, **changes), parties.asker.signer(KeyUse.SIG))
    with pytest.raises(error):
        read_statement(token, key=verify_key(parties.asker), now=NOW)


def test_nobody_speaks_for_another(parties: Parties) -> None:
    """A well-signed statement in another agency's name is refused, whatever key finder is used."""
    token = sign_statement(statement(parties), parties.other.signer(KeyUse.SIG))
    with pytest.raises(ContextMismatch, match="iss"):
        read_statement(token, key=verify_key(parties.other), now=NOW)
    with pytest.raises(UnknownKey):
        read_statement(token, key=verify_key(parties.asker), now=NOW)


def test_a_held_statement_is_believed_for_28_days(parties: Parties) -> None:
    """An expired statement is refused from its issuer, and believed in an order that waited."""
    token = sign_statement(statement(parties), parties.asker.signer(KeyUse.SIG))
    key = verify_key(parties.asker)
    late = NOW + 20 * 86_400
    with pytest.raises(NotInForce, match="expired"):
        read_statement(token, key=key, now=late)
    waited = read_statement(token, key=key, now=late, grace_seconds=HELD_SECONDS)
    assert waited == statement(parties)
    with pytest.raises(NotInForce, match="expired"):
        read_statement(token, key=key, now=NOW + 29 * 86_400, grace_seconds=HELD_SECONDS)


def test_fields_are_sorted_when_signed_and_must_be_sorted_when_read(parties: Parties) -> None:
    """The writer sorts; a reader accepts no second spelling of the same request."""
    made = statement(parties, fields=("residence_status", "birth_date", "birth_date"))
    token = sign_statement(made, parties.asker.signer(KeyUse.SIG))
    assert payload_of(token)["fields"] == ["birth_date", "residence_status"]
    content = payload_of(token) | {"fields": ["residence_status", "birth_date"]}
    forged = sign_jws(
        dumps(content),  # type: ignore[arg-type]  # JSON that was just read
        typ="lotse-statement+jws",
        signer=parties.asker.signer(KeyUse.SIG),
    )
    with pytest.raises(MalformedError, match="fields"):
        read_statement(forged, key=verify_key(parties.asker), now=NOW)


@pytest.mark.parametrize(
    "change", [{"v": 2}, {"v": True}, {"extra": 1}, {"iat": True}, {"iat": 1.0}]
)
def test_unknown_members_and_wrong_types_are_refused(
    parties: Parties, change: dict[str, object]
) -> None:
    """Exactly the agreed members, each of its type; true is not 1."""
    signer = parties.asker.signer(KeyUse.SIG)
    content = payload_of(sign_statement(statement(parties), signer)) | change
    token = sign_jws(dumps(content), typ="lotse-statement+jws", signer=signer)  # type: ignore[arg-type]  # JSON that was just read
    with pytest.raises(MalformedError):
        read_statement(token, key=verify_key(parties.asker), now=NOW)


def test_a_missing_member_is_refused(parties: Parties) -> None:
    """Nothing has a default."""
    signer = parties.asker.signer(KeyUse.SIG)
    content = payload_of(sign_statement(statement(parties), signer))
    for name in content:
        less = {key: value for key, value in content.items() if key != name}
        token = sign_jws(dumps(less), typ="lotse-statement+jws", signer=signer)  # type: ignore[arg-type]  # JSON that was just read
        with pytest.raises(MalformedError, match="members"):
            read_statement(token, key=verify_key(parties.asker), now=NOW)


def test_errors_name_the_member_and_not_its_value(parties: Parties) -> None:
    """What was sent never stands in an error."""
    token = sign_statement(
        statement(parties, purpose="secret name!"), parties.asker.signer(KeyUse.SIG)
    )
    with pytest.raises(MalformedError) as refused:
        read_statement(token, key=verify_key(parties.asker), now=NOW)
    assert str(refused.value) == "purpose"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"fields": (decision().fields[0],) * 2}, MalformedError),
        ({"subject": bytes(15)}, MalformedError),
        ({"statement": bytes(31)}, MalformedError),
        ({"bundle": "x"}, MalformedError),
        ({"exchange": "x"}, MalformedError),
        ({"expires_at": NOW + HELD_SECONDS + 1}, NotInForce),
        ({"issued_at": NOW - 2, "expires_at": NOW - 1}, NotInForce),
    ],
)
def test_a_decision_that_does_not_hold_together_is_refused(
    parties: Parties, changes: dict[str, object], error: type[Exception]
) -> None:
    """Each field once, every member in its form, and in force."""
    token = sign_decision(decision(**changes), parties.gateway.signer(KeyUse.ORDER))
    with pytest.raises(error):
        read_decision(token, key=verify_key(parties.gateway, KeyUse.ORDER), now=NOW)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"reference": bytes(144)}, MalformedError),
        ({"reference": b""}, MalformedError),
        ({"order": "short"}, MalformedError),
        ({"receipt": ""}, MalformedError),
        ({"recipient_kid": "x"}, MalformedError),
        ({"expires_at": NOW + HELD_SECONDS + 1}, NotInForce),
        ({"issued_at": NOW - 301, "expires_at": NOW - 1}, NotInForce),
    ],
)
def test_an_order_that_does_not_hold_together_is_refused(
    parties: Parties, changes: dict[str, object], error: type[Exception]
) -> None:
    """An order without a receipt, or with a reference of another size, is refused."""
    token = sign_order(order(parties, **changes), parties.gateway.signer(KeyUse.ORDER))
    with pytest.raises(error):
        read_order(token, key=verify_key(parties.gateway, KeyUse.ORDER), now=NOW)


def test_only_the_holder_releases(parties: Parties) -> None:
    """A release in the holder's name with another agency's key is refused."""
    token = sign_release(release(), parties.asker.signer(KeyUse.SIG))
    with pytest.raises(ContextMismatch, match="iss"):
        read_release(token, key=verify_key(parties.asker), now=NOW)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32))
def test_the_subject_differs_in_every_exchange(nonce: bytes, index: bytes) -> None:
    """With another nonce the same person has another commitment."""
    other = hashlib.sha256(nonce).digest()[:16]
    made = subject_commitment(nonce, BlindIndex(index))
    assert made == subject_commitment(nonce, BlindIndex(index))
    assert made != subject_commitment(other, BlindIndex(index))


def test_a_changed_statement_is_refused(parties: Parties) -> None:
    """One changed character in the payload breaks the signature."""
    head, payload, signature = sign_statement(
        statement(parties), parties.asker.signer(KeyUse.SIG)
    ).split(".")
    changed = payload[:40] + ("A" if payload[40] != "A" else "B") + payload[41:]
    with pytest.raises(SignatureInvalid):
        read_statement(f"{head}.{changed}.{signature}", key=verify_key(parties.asker), now=NOW)


def test_a_statement_can_be_read_unbelieved_to_end_it(parties: Parties) -> None:
    """Its form is still checked; its signature and time are not, and the name says so."""
    made = statement(parties, issued_at=NOW - 10**6, expires_at=NOW - 10**6 + 300)
    token = sign_statement(made, parties.asker.signer(KeyUse.SIG))
    assert unverified_statement(token) == made
    for other in ("", "a.b.c", token.split(".")[0] + "." + b64u(b"{}") + ".AA"):
        with pytest.raises(MalformedError):
            unverified_statement(other)
