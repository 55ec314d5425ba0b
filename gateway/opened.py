# SPDX-License-Identifier: EUPL-1.2
"""An exchange that is on record, and what its guard found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model import Answer, State, Withheld

if TYPE_CHECKING:
    from audit.proof import Receipt
    from gateway.orders import DecisionToken
    from gateway.permission_model import PermissionId
    from gateway.statements import Asked
    from keys.envelope import Envelope
    from keys.model import ExchangeId
    from policies.decision import Decision


@dataclass(frozen=True, slots=True)
class Opened:
    """An exchange whose intent (or refusal) is on record."""

    exchange: ExchangeId
    asked: Asked
    decision: DecisionToken
    catalogue: str
    state: State
    order_id: str
    relied_on: tuple[PermissionId, ...]
    receipts: tuple[Receipt, ...]

    @property
    def receipt(self) -> Receipt:
        """Proof that the newest intent is in the log: without it there is no order."""
        return self.receipts[-1]

    def answer(
        self,
        withheld: tuple[Withheld, ...],
        *,
        envelope: Envelope | None = None,
        order: str | None = None,
        statement: str | None = None,
        reference: bytes | None = None,
    ) -> Answer:
        """Say where the exchange stands, with what the caller may have now."""
        return Answer(
            exchange=self.exchange,
            state=self.state,
            decision_token=self.decision.token,
            withheld=withheld,
            receipts=tuple(receipt.to_text() for receipt in self.receipts),
            log_index=self.receipt.index,
            envelope=envelope,
            order=order,
            statement=statement,
            reference=reference,
        )


class Verdict:
    """What the guard found, told across the log's thread."""

    __slots__ = ("ended", "state")

    def __init__(self) -> None:
        """Start as refused: only a guard that ran can change it."""
        self.ended: str | None = "unknown"
        self.state = State.REFUSED


def state_after(decision: Decision) -> State:
    """Say where a decision leaves an exchange; a single held field holds it all."""
    if decision.held:
        return State.HELD
    if decision.released or decision.neutral:
        return State.ORDERED
    return State.REFUSED
