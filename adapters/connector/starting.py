# SPDX-License-Identifier: EUPL-1.2
"""Step 1: what an agency says and signs itself when it asks, or delivers of its own motion."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from adapters.connector import details
from adapters.connector.errors import ProblemError
from adapters.connector.problems import AGENCY_LIST, NOT_IN_CATALOGUE
from keys.errors import KeysError
from keys.jws import token_hash
from keys.messages import Statement, sign_statement, subject_commitment
from keys.model import AgencyId, FileNumber
from keys.pseudonyms import blind_index, normalise_file_number, unlock_value
from keys.strict_json import b64u, dumps
from policies.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.connector.details import Actor
    from adapters.connector.office import Office
    from keys.keylist import AgencyList
    from keys.strict_json import JsonLike

LIFE_SECONDS: Final = 240
"""Life of a statement; the limit is 300 (keys.messages), the rest is for clocks."""
NONCE_BYTES: Final = 16
SINGLE_CASE: Final = "single_subject"
"""Condition of the rules that answer about one person only (R04)."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the local system wants: an enquiry (pull) or a delivery (push)."""

    direction: Literal["pull", "push"]
    other: AgencyId
    purpose: str
    trigger: str
    fields: tuple[str, ...]
    declared: Mapping[str, bool | int | str]
    file_number: str = field(repr=False)
    actor: Actor

    def to_bytes(self) -> bytes:
        """Write it down for the draft; stays at this agency."""
        return dumps(
            {
                "direction": self.direction,
                "other": self.other,
                "purpose": self.purpose,
                "trigger": self.trigger,
                "fields": list(self.fields),
                "declared": dict(self.declared),
                "file_number": self.file_number,
                "unit": self.actor.unit,
                "clerk": self.actor.clerk,
                "case_ref": self.actor.case_ref,
            }
        )


@dataclass(frozen=True, slots=True)
class Started:
    """A signed statement and the body that carries it."""

    statement: str
    statement_hash: bytes
    body: Mapping[str, JsonLike] = field(repr=False)


def check_codes(wish: Wish, office: Office, agencies: AgencyList) -> FileNumber:
    """Check every code before anything is signed; give the file number in its one form.

    Raises:
        ProblemError: NOT_IN_CATALOGUE, naming the member.
    """
    other, me = agencies.agency(wish.other), agencies.agency(office.me)
    if me is None:
        raise ProblemError(AGENCY_LIST)
    if other is None or wish.other == office.me:
        raise ProblemError(NOT_IN_CATALOGUE, places=("agency",))
    catalogue = office.catalogue
    if wish.purpose not in catalogue.purposes:
        raise ProblemError(NOT_IN_CATALOGUE, places=("purpose",))
    if not all(name in catalogue.fields for name in wish.fields):
        raise ProblemError(NOT_IN_CATALOGUE, places=("fields",))
    try:
        catalogue.validate_declared(wish.trigger, wish.declared, kind=me.kind)
    except PolicyError:
        raise ProblemError(NOT_IN_CATALOGUE, places=("declared",)) from None
    try:
        return normalise_file_number(wish.file_number)
    except KeysError:
        raise ProblemError(NOT_IN_CATALOGUE, places=("file_number",)) from None


def stated(wish: Wish, office: Office, agencies: AgencyList) -> Mapping[str, bool | int | str]:
    """Give what the agency declares, and of how many persons it asks where a rule wants that said.

    The local system need not say so: an enquiry is about the one file it names.
    """
    declared = dict(wish.declared)
    holder, me = agencies.agency(wish.other), agencies.agency(office.me)
    if wish.direction == "pull" and holder is not None and me is not None:
        wanted = any(
            SINGLE_CASE in rule.named_conditions
            and rule.speaks_of(holder.kind, me.kind, wish.purpose, wish.trigger)
            for rule in office.catalogue.rules.values()
        )
        if wanted:
            declared.setdefault("subject_count", 1)
    return declared


def start(
    wish: Wish, file_number: FileNumber, office: Office, agencies: AgencyList, *, now: int
) -> Started:
    """Derive index and unlock value, seal the own detail, sign the statement.

    Raises:
        ProblemError: AGENCY_LIST: a key that is needed is not in the list.
    """
    pull = wish.direction == "pull"
    source, recipient = (wish.other, office.me) if pull else (office.me, wish.other)
    try:
        audit_key, recipient_key = agencies.audit_key(office.me), agencies.kem_key(recipient)
    except KeysError as error:
        raise ProblemError(AGENCY_LIST) from error
    declared = stated(wish, office, agencies)
    detail = details.seal(
        details.asking_detail(
            role="asker" if pull else "sender",
            file_number=file_number,
            actor=wish.actor,
            purpose=wish.purpose,
            fields=wish.fields,
            declared=declared,
            at=now,
        ),
        agency=office.me,
        corr=details.BEFORE_EXCHANGE,
        audit_key=audit_key,
        fields=len(wish.fields),
    )
    nonce = office.randomness(NONCE_BYTES)
    index = blind_index(office.keys.index, office.me, file_number)
    unlock = unlock_value(office.keys.index, office.me, file_number)
    statement = sign_statement(
        Statement(
            issuer=office.me,
            direction=wish.direction,
            source=source,
            recipient=recipient,
            purpose=wish.purpose,
            trigger=wish.trigger,
            fields=wish.fields,
            declared=declared,
            recipient_kid=recipient_key.kid,
            nonce=nonce,
            subject=subject_commitment(nonce, index),
            detail=hashlib.sha256(detail).hexdigest(),
            issued_at=now,
            expires_at=now + LIFE_SECONDS,
        ),
        office.keys.sig,
    )
    return Started(
        statement=statement,
        statement_hash=token_hash(statement),
        body={
            "statement": statement,
            "subject": {"index": b64u(index), "unlock": b64u(unlock)},
            "detail": b64u(detail),
        },
    )
