# SPDX-License-Identifier: EUPL-1.2
"""One exchange at the simulated gateway, and the places where it may be lied about."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from audit import entry as audit_entry
from keys.agencylist import Agreement
from keys.jws import Signer, token_hash
from keys.messages import DecidedField, DecisionToken, Order, Statement
from keys.model import ExchangeId
from policies.decision import Decision
from policies.model import (
    AgreementFacts,
    DecisionInput,
    FieldId,
    HolderFacts,
    Kind,
    PermissionFacts,
    PurposeId,
)


def _same(value: Any) -> Any:
    return value


@dataclass
class Lies:
    """Where the gateway may say something else than the truth; each hook gets the truth."""

    decision: Callable[[DecisionToken], DecisionToken] = _same
    order: Callable[[Order], Order] = _same
    order_token: Callable[[str], str] = _same
    entry: Callable[[audit_entry.Entry], audit_entry.Entry] = _same
    answer: Callable[[dict[str, Any]], dict[str, Any]] = _same
    proof: Callable[[list[str]], list[str]] = _same
    order_signer: Signer | None = None


@dataclass
class Exchange:
    """What the simulator remembers of one exchange."""

    id: ExchangeId
    statement_token: str
    statement: Statement
    decision: Decision
    token: str
    receipts: list[str]
    index: int
    status: str
    person: str | None
    result: dict[str, Any] | None = None
    details: list[str] = field(default_factory=list)


def facts_for(
    said: Statement,
    kinds: Mapping[str, str],
    agreement: Agreement | None,
    permission: PermissionFacts,
    holder: HolderFacts,
) -> DecisionInput:
    """Put a decision's facts together as the gateway does."""
    return DecisionInput(
        from_kind=Kind(kinds[said.source]),
        to_kind=Kind(kinds[said.recipient]),
        purpose=PurposeId(said.purpose),
        trigger=said.trigger,  # type: ignore[arg-type]  # the connector checked it
        fields=tuple(FieldId(name) for name in said.fields),
        declared=said.declared,
        agreement=AgreementFacts()
        if agreement is None
        else AgreementFacts(
            in_force=True,
            undertaking_78=agreement.undertaking_78,
            approval_79=agreement.approval_79,
            pilot_agreed=agreement.pilot_agreed,
            state_law_basis=agreement.state_law_basis,
            recipient_abroad=agreement.recipient_abroad,
        ),
        permission=permission,
        holder=holder,
    )


def token_for(
    exchange: Exchange, facts: DecisionInput, decision: Decision, catalogue: str, now: int
) -> DecisionToken:
    """Make the decision token's content."""
    said = exchange.statement
    return DecisionToken(
        exchange=exchange.id,
        statement=token_hash(exchange.statement_token),
        source=said.source,
        recipient=said.recipient,
        purpose=said.purpose,
        trigger=said.trigger,
        fields=tuple(
            DecidedField(one.field, one.outcome.value, one.rule, one.norms, one.reasons)
            for one in decision.fields
        ),
        input=facts.to_json(),
        input_digest=facts.digest(),
        bundle=decision.bundle,
        catalogue=catalogue,
        subject=secrets.token_bytes(16),
        issued_at=now,
        expires_at=now + (28 * 86_400 if decision.held else 60),
    )


def widened(token: DecisionToken, *names: str) -> DecisionToken:
    """Say that these fields are released, whatever the rules say."""
    return replace(
        token,
        fields=tuple(
            replace(one, outcome="ALLOW_MIN") if one.field in names else one for one in token.fields
        ),
    )
