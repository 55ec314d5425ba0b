# SPDX-License-Identifier: EUPL-1.2
"""Step 2, second half: what a caller signed must fit who it is and what it sent.

The caller's side of an exchange comes from its credential (promise P6): a statement in which
another agency speaks is refused, whoever sends it.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import StatementRefused, UnknownAgency
from keys import messages
from keys.errors import KeysError
from keys.manifest import ENVELOPE_LIFETIME_SECONDS
from keys.model import kid_owner
from policies.model import SENDER_TRIGGERS, FieldId, HolderFacts, PurposeId, Trigger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.caller import Caller
    from gateway.model import Enquiry
    from keys.agencies import AgencyList
    from keys.messages import Statement
    from keys.model import AgencyId, ExchangeId, Kid


TRIGGERS: dict[str, Trigger] = {
    "on_request": "on_request",
    "automated": "automated",
    "subject_choice": "subject_choice",
    "push": "push",
    "spontaneous": "spontaneous",
    "batch": "batch",
}
"""Closed list of triggers of the catalogue."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A verified statement together with the bytes that were signed."""

    token: str
    body: Statement
    digest: bytes
    """SHA-256 of the token's ASCII bytes: what log and decision refer to."""
    purpose: PurposeId
    trigger: Trigger
    fields: tuple[FieldId, ...]

    @property
    def holder(self) -> AgencyId:
        """The agency that holds the facts."""
        return self.body.source

    @property
    def recipient(self) -> AgencyId:
        """The agency that will read them."""
        return self.body.recipient

    @property
    def issuer(self) -> AgencyId:
        """The agency that started."""
        return self.body.issuer

    @property
    def recipient_kid(self) -> Kid:
        """The key the fields are sealed to."""
        return self.body.recipient_kid

    @property
    def declared(self) -> Mapping[str, bool | int | str]:
        """What the issuer declared, in closed codes."""
        return self.body.declared


def read_statement(
    enquiry: Enquiry, caller: Caller, agencies: AgencyList, *, direction: str, now: int
) -> Asked:
    """Verify a caller's statement and give it.

    Raises:
        StatementRefused: wrong signature, time, sender, side, recipient key, person or detail.
        UnknownAgency: the other side is not on the list.
    """
    try:
        statement = messages.read_statement(
            enquiry.unverified_statement,
            key=lambda kid: agencies.signing_key(caller.agency, kid),
            now=now,
        )
    except KeysError as error:
        raise StatementRefused("signature_or_form") from error
    if statement.issuer != caller.agency:
        raise StatementRefused("sender")
    if statement.direction != direction:
        raise StatementRefused("direction")
    if agencies.agency(statement.other) is None:
        raise UnknownAgency
    if statement.recipient_kid != agencies.kem_key(statement.recipient).kid:
        raise StatementRefused("recipient_key")
    _check_attached(statement.subject, statement.detail, statement.nonce, enquiry)
    return _asked(enquiry.unverified_statement, statement)


WAITED_SECONDS = messages.HELD_SECONDS + ENVELOPE_LIFETIME_SECONDS
"""A released result may be fetched this long after its statement: held first, then in a mailbox."""


def read_stored_statement(token: str, agencies: AgencyList, now: int) -> Asked:
    """Read again a statement that was verified when it came in and has lawfully waited since."""
    statement = messages.read_statement(
        token,
        key=lambda kid: agencies.signing_key(kid_owner(kid), kid),
        now=now,
        grace_seconds=WAITED_SECONDS,
    )
    return _asked(token, statement)


def read_statement_to_close(token: str) -> Asked:
    """Read a stored statement to end its exchange, also when its signer's key is gone by now."""
    return _asked(token, messages.unverified_statement(token))


def _asked(token: str, statement: Statement) -> Asked:
    trigger = TRIGGERS.get(statement.trigger)
    if trigger is None or (trigger in SENDER_TRIGGERS) is not (statement.direction == "push"):
        raise StatementRefused("trigger")
    return Asked(
        token,
        statement,
        hashlib.sha256(token.encode("ascii")).digest(),
        PurposeId(statement.purpose),
        trigger,
        tuple(FieldId(name) for name in statement.fields),
    )


def check_release(
    enquiry: Enquiry,
    caller: Caller,
    exchange: ExchangeId,
    asked: Asked,
    agencies: AgencyList,
    *,
    now: int,
) -> HolderFacts:
    """Verify that the holder itself releases exactly this held order; say who did.

    The head of an agency releases for it as well; a clerk never releases as the head.

    Raises:
        StatementRefused: anything that does not fit.
    """
    try:
        release = messages.read_release(
            enquiry.unverified_statement,
            key=lambda kid: agencies.signing_key(caller.agency, kid),
            now=now,
        )
    except KeysError as error:
        raise StatementRefused("signature_or_form") from error
    if release.issuer != caller.agency or asked.holder != caller.agency:
        raise StatementRefused("sender")
    if release.exchange != exchange or release.statement != asked.digest:
        raise StatementRefused("other_exchange")
    _check_attached(release.subject, release.detail, release.nonce, enquiry)
    return HolderFacts(released_by_source=True, released_by_head=release.by_head)


def _check_attached(subject: bytes, detail: str, nonce: bytes, enquiry: Enquiry) -> None:
    commitment = messages.subject_commitment(nonce, enquiry.subject.index)
    if not hmac.compare_digest(subject, commitment):
        raise StatementRefused("subject")
    digest = hashlib.sha256(enquiry.detail).hexdigest()
    if not hmac.compare_digest(detail, digest):
        raise StatementRefused("detail")
