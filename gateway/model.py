# SPDX-License-Identifier: EUPL-1.2
"""What goes into and comes out of the core: values only, no I/O.

A refusal is a value like a release. Exceptions are accidents and stand in ``gateway.errors``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.links import Subject
    from keys.envelope import Envelope
    from keys.model import ExchangeId
    from keys.strict_json import JsonValue
    from policies.decision import Decision, FieldDecision


class State(StrEnum):
    """Where an exchange stands. Only the log's writer changes it, in the entry's transaction."""

    ORDERED = "ordered"
    """The intent is on record; the holder has, or is about to get, its order."""
    HELD = "held"
    """A clerk of the holder decides; no data rests anywhere."""
    WAITING = "waiting"
    """Sealed fields wait in the recipient's mailbox."""
    ANSWERED = "answered"
    REFUSED = "refused"
    ABORTED = "aborted"
    EXPIRED = "expired"


OPEN_STATES = frozenset({State.ORDERED, State.HELD, State.WAITING})


@dataclass(frozen=True, slots=True)
class Enquiry:
    """The body of an exchange as it came in; nothing of it is verified yet."""

    unverified_statement: str
    subject: Subject
    detail: bytes
    """Sealed by the caller to its own controller; unreadable here."""


@dataclass(frozen=True, slots=True)
class HolderAnswer:
    """What a holding connector sends back for an order; not verified yet."""

    unverified_envelope: Envelope | None
    """None: the order rests with a clerk."""
    detail: bytes


@dataclass(frozen=True, slots=True)
class Withheld:
    """A field that was not released, with everything a reader may know about why (P10)."""

    field: str
    outcome: str
    rule: str
    norms: tuple[str, ...]
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, JsonValue]:
        """Give the wire form."""
        return {
            "field": self.field,
            "outcome": self.outcome,
            "rule": self.rule,
            "norms": list(self.norms),
            "reason": self.reasons[0] if self.reasons else "no_rule",
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of an exchange, or where it rests, as the caller gets it."""

    exchange: ExchangeId
    state: State
    decision_token: str
    withheld: tuple[Withheld, ...]
    receipts: tuple[str, ...]
    log_index: int
    envelope: Envelope | None = None
    order: str | None = None
    """For a holder that started or released: the order to carry out."""
    statement: str | None = None
    reference: bytes | None = None
    """For a recipient of a push: its own sealed reference, or a decoy."""


def withheld_fields(decision: Decision) -> tuple[Withheld, ...]:
    """List what the rules refuse; neutral fields travel as sealed nulls and are not in it."""
    return tuple(
        Withheld(one.field, one.outcome.value, one.rule, one.norms, one.reasons)
        for one in decision.withheld
    )


def names(*groups: Iterable[FieldDecision]) -> frozenset[str]:
    """Give the field names of groups of a decision."""
    return frozenset(one.field for group in groups for one in group)
