# SPDX-License-Identifier: EUPL-1.2
"""Step 3: everything the decision may know, gathered once, with time reduced to booleans.

Whether a link exists is not a fact for the decision (promise P5): an unknown person simply has no
permission. The caller's codes come from its signed statement; agreement and permission facts come
from the gateway; what only the holder knows stays at its default until the holder decides again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway import permissions
from gateway.errors import UnknownAgency
from keys.pseudonyms import decoy_reference
from policies.model import AgreementFacts, DecisionInput, HolderFacts, Kind, PermissionFacts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from gateway.links import Links, Subject
    from gateway.permission_model import PermissionId
    from gateway.rules import RulesNow
    from gateway.statements import Asked
    from keys.agencies import AgencyList
    from keys.model import AgencyId
    from policies.catalogue import Catalogue

NOTHING_TOLD: Final = HolderFacts()
"""No block and no tag is known here, and nobody has released anything."""


@dataclass(frozen=True, slots=True)
class AboutPerson:
    """What the sealed rows give for one exchange, the same shape for a stranger."""

    standing: permissions.Standing
    holder_reference: bytes
    """The holder's own sealed reference, or a decoy of the same shape."""
    recipient_reference: bytes
    """The recipient's own when the holder started (push); nothing in a pull, which needs none."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """The decision's input and what later steps need, which the decision may not see."""

    facts: DecisionInput
    rules: RulesNow
    """The facts were gathered for these; deciding by others would mix two."""
    asks_person: bool
    """A rule of this exchange can rest on an act of the person."""
    relied_on: tuple[PermissionId, ...]
    holder_reference: bytes
    recipient_reference: bytes


def kind_of(agencies: AgencyList, agency: AgencyId) -> Kind:
    """Give an agency's kind, as the rules know it.

    Raises:
        UnknownAgency: it is not on the list.
    """
    listed = agencies.agency(agency)
    if listed is None:
        raise UnknownAgency
    return Kind(listed.kind)


def agreement_facts(
    agencies: AgencyList, holder: AgencyId, recipient: AgencyId, purpose: str, now: int
) -> AgreementFacts:
    """Reduce the agreement between two instances to booleans; no agreement: nothing holds."""
    agreement = agencies.agreement(holder, recipient, purpose, now)
    if agreement is None:
        return AgreementFacts()
    return AgreementFacts(
        in_force=True,
        undertaking_78=agreement.undertaking_78,
        approval_79=agreement.approval_79,
        pilot_agreed=agreement.pilot_agreed,
        state_law_basis=agreement.state_law_basis,
        recipient_abroad=agreement.recipient_abroad,
    )


def check_codes(catalogue: Catalogue, purpose: str, fields: Iterable[str]) -> None:
    """Return if purpose and fields are codes of the catalogue, and not words of the caller's own.

    Raises:
        UnknownCode: one of them is not.
    """
    catalogue.purpose(purpose)
    for name in fields:
        catalogue.field(name)


def about_person(
    connection: Connection,
    links: Links,
    agencies: AgencyList,
    asked: Asked,
    *,
    teller: AgencyId,
    subject: Subject,
    now: int,
) -> AboutPerson:
    """Look up person, permissions and references; `teller` is the agency that sent `subject`."""
    person = links.person_of(connection, teller, subject)
    standing = permissions.standing(
        connection,
        links.consent_index(person),
        asked.holder,
        asked.recipient,
        asked.purpose,
        now=now,
    )

    def reference(agency: AgencyId) -> bytes:
        decoy = decoy_reference(agency, agencies.kem_key(agency))
        return links.reference_for(connection, person, agency, decoy)

    pushed = asked.body.direction == "push"
    return AboutPerson(
        standing, reference(asked.holder), reference(asked.recipient) if pushed else b""
    )


def decision_input(
    asked: Asked,
    agencies: AgencyList,
    rules: RulesNow,
    person: AboutPerson,
    *,
    now: int,
    holder: HolderFacts = NOTHING_TOLD,
) -> Gathered:
    """Put the facts together for one decision.

    `holder` is what the holder itself has told: whether a person there released it.

    Raises:
        DeclaredInvalid: the caller declared a code that its side may not assert.
        UnknownCode: purpose or a field are not in the catalogue; free words never reach the log.
    """
    catalogue = rules.catalogue
    check_codes(catalogue, asked.purpose, asked.fields)
    catalogue.validate_declared(asked.trigger, asked.declared, kind=kind_of(agencies, asked.issuer))
    from_kind, to_kind = kind_of(agencies, asked.holder), kind_of(agencies, asked.recipient)
    # What the person once allowed is nobody's business where the law alone decides (promise P5);
    # where a rule may do with it or without it, step 4 finds out.
    matters = rules.days.asks_person(from_kind, to_kind, asked.purpose, asked.trigger)
    facts = DecisionInput(
        from_kind=from_kind,
        to_kind=to_kind,
        purpose=asked.purpose,
        trigger=asked.trigger,
        fields=asked.fields,
        declared=asked.declared,
        agreement=agreement_facts(agencies, asked.holder, asked.recipient, asked.purpose, now),
        permission=person.standing.facts if matters else PermissionFacts(),
        holder=holder,
        lapsed=rules.days.lapsed(now),
    )
    return Gathered(
        facts,
        rules,
        matters,
        person.standing.relied_on,
        person.holder_reference,
        person.recipient_reference,
    )
