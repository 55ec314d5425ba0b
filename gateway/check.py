# SPDX-License-Identifier: EUPL-1.2
"""The rules' answer without any person: what a clerk may look up before asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import StatementRefused, UnknownAgency
from gateway.facts import agreement_facts, check_codes, kind_of
from gateway.statements import TRIGGERS
from keys.model import AgencyId
from policies.model import (
    SENDER_TRIGGERS,
    DecisionInput,
    FieldId,
    HolderFacts,
    PermissionFacts,
    PurposeId,
)

if TYPE_CHECKING:
    from gateway.api.bodies import CheckBody
    from gateway.caller import Caller
    from gateway.exchange import Core
    from policies.decision import Decision


async def check_rules(core: Core, caller: Caller, body: CheckBody) -> Decision:
    """Decide on codes alone: no permission, nothing known about any person.

    Raises:
        UnknownAgency: the other side is not on the list.
        StatementRefused: the trigger is not on the closed list.
        PolicyUnavailable: the rules cannot be evaluated.
        UnknownCode: purpose or a field are not in the catalogue.
    """
    agencies = core.agencies.current()
    other = agencies.agency(AgencyId(body.other))
    if other is None:
        raise UnknownAgency
    pull = body.direction == "pull"
    holder, recipient = (other.id, caller.agency) if pull else (caller.agency, other.id)
    trigger = TRIGGERS.get(body.trigger)
    if trigger is None or (trigger in SENDER_TRIGGERS) is pull:
        raise StatementRefused("trigger")
    rules = core.rules.now()
    check_codes(rules.catalogue, body.purpose, body.fields)
    rules.catalogue.validate_declared(trigger, body.declared, kind=caller.kind)
    now = core.clock()
    facts = DecisionInput(
        from_kind=kind_of(agencies, holder),
        to_kind=kind_of(agencies, recipient),
        purpose=PurposeId(body.purpose),
        trigger=trigger,
        fields=tuple(FieldId(name) for name in body.fields),
        declared=body.declared,
        agreement=agreement_facts(agencies, holder, recipient, body.purpose, now),
        permission=PermissionFacts(),
        holder=HolderFacts(),
        lapsed=rules.days.lapsed(now),
    )
    return await rules.decide(facts)
