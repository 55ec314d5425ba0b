# SPDX-License-Identifier: EUPL-1.2
"""A holder behind the order transport: it verifies nothing and can be told to lie."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.model import HolderAnswer
from gateway.orders import Order
from keys import messages, pseudonyms
from keys.context import ExchangeContext
from keys.envelope import seal
from keys.providers.base import KeyUse
from keys.strict_json import JsonValue
from policies.catalogue import Catalogue
from tests.support.offices import DAY

if TYPE_CHECKING:
    from tests.support.middle import Middle


@dataclass
class SimulatedHolder:
    """Carries out orders from a dictionary; `twist` may change what it answers."""

    middle: Middle
    records: dict[str, dict[str, JsonValue]] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    twist: Callable[[HolderAnswer], HolderAnswer] = lambda answer: answer
    extra_fields: tuple[str, ...] = ()
    failure: Exception | None = None

    async def deliver(self, order: Order) -> HolderAnswer:
        """Answer as a holding connector would, without its checks."""
        self.orders.append(order)
        if self.failure is not None:
            raise self.failure
        return self.twist(self.carry_out(order.token))

    def carry_out(self, token: str, *, refuse: bool = False) -> HolderAnswer:
        """Open the reference, seal what was decided, and nulls for the rest."""
        middle = self.middle
        now = middle.clock()
        keys = {kid: middle.gateway_key(kid) for kid in middle.keys.kids(KeyUse.ORDER)}
        order = messages.read_order(token, key=lambda kid: keys[kid], now=now)
        decision = messages.read_decision(order.decision, key=lambda kid: keys[kid], now=now)
        office = middle.offices[order.holder]
        detail = office.detail(order.exchange, role="holder")
        outcomes = {one.field: one.outcome for one in decision.fields}
        if "HOLD_HUMAN" in outcomes.values():
            return HolderAnswer(None, detail)
        number = pseudonyms.open_reference(
            order.reference, order.holder, office.keys.opener(KeyUse.KEM)
        )
        record = self.records.get(number or "", {})
        values: dict[str, JsonValue] = {
            name: record.get(name) if outcome == "ALLOW_MIN" and not refuse else None
            for name, outcome in outcomes.items()
            if outcome in {"ALLOW_MIN", "NEUTRAL"}
        }
        values.update(dict.fromkeys(self.extra_fields, "undecided"))
        context = ExchangeContext(
            source=order.holder,
            recipient=decision.recipient,
            exchange=order.exchange,
            decision_token_hash=hashlib.sha256(order.decision.encode()).digest(),
            purpose=decision.purpose.lower(),
            subject=decision.subject_handle,
            catalogue=decision.catalogue,
            issued_at=now,
            expires_at=now + 3 * DAY,
            message_id=secrets.token_bytes(16),
        )
        envelope = seal(
            context,
            values,
            pad_bytes=Catalogue.load().pad_bytes,
            recipient=middle.offices[decision.recipient].recipient_key(KeyUse.KEM),
            signer=office.keys.signer(KeyUse.SIG),
        )
        return HolderAnswer(envelope, detail)
