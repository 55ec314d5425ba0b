# SPDX-License-Identifier: EUPL-1.2
"""What a decision says: one answer per field and one for the whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from policies.codes import OVERALL_ORDER, FieldId, NormId, Outcome, ReasonCode, RuleId
from policies.errors import InputInvalid
from policies.strict import JsonValue, Reader


@dataclass(frozen=True, slots=True)
class FieldDecision:
    """The answer for one field, with the rule, its norms and the reason (promise P10)."""

    field: FieldId
    outcome: Outcome
    rule: RuleId
    norms: tuple[NormId, ...]
    reason: ReasonCode
    """The first reason; the one that is shown."""
    reasons: tuple[ReasonCode, ...] = ()
    """All reasons, most important first; never empty, begins with ``reason``."""

    def __post_init__(self) -> None:
        """Fill ``reasons`` when only the primary reason was given."""
        if not self.reasons:
            object.__setattr__(self, "reasons", (self.reason,))

    def to_json(self) -> dict[str, JsonValue]:
        """Return the long form used in answers: field, outcome, rule, norms, reason, reasons."""
        return {
            "field": self.field,
            "outcome": self.outcome.value,
            "rule": self.rule,
            "norms": list(self.norms),
            "reason": self.reason,
            "reasons": list(self.reasons),
        }

    @classmethod
    def from_json(cls, unverified_value: JsonValue) -> FieldDecision:
        """Read the long form.

        Raises:
            InputInvalid: not exactly the members of ``to_json``.
        """
        reader = Reader.of(unverified_value)
        result = cls(
            field=FieldId(reader.text("field")),
            outcome=_outcome(reader.text("outcome")),
            rule=RuleId(reader.text("rule")),
            norms=tuple(NormId(n) for n in reader.texts("norms")),
            reason=ReasonCode(reader.text("reason")),
            reasons=tuple(ReasonCode(r) for r in reader.texts("reasons")),
        )
        reader.done()
        if result.reasons[0] != result.reason:
            raise InputInvalid("reasons_disagree")
        return result


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision about one exchange."""

    fields: tuple[FieldDecision, ...]
    """One per asked field, sorted by field."""
    overall: Outcome
    rule: RuleId
    """The rule behind ``overall``; the earliest of the evaluation order when several are."""
    bundle: str
    """SHA-256 in hex of the rules and data that decided."""
    input_digest: str
    """SHA-256 in hex of the canonical input."""
    retention: str
    """Retention class of the log details, from ``rule``."""

    @property
    def released(self) -> tuple[FieldDecision, ...]:
        """Fields that may be sent now."""
        return self._having(Outcome.ALLOW_MIN)

    @property
    def held(self) -> tuple[FieldDecision, ...]:
        """Fields that wait for a clerk of the source."""
        return self._having(Outcome.HOLD_HUMAN)

    @property
    def neutral(self) -> tuple[FieldDecision, ...]:
        """Fields that are ordered and answered with a sealed null."""
        return self._having(Outcome.NEUTRAL)

    @property
    def withheld(self) -> tuple[FieldDecision, ...]:
        """Fields that are openly refused: neither released, held nor neutral."""
        silent = (Outcome.ALLOW_MIN, Outcome.HOLD_HUMAN, Outcome.NEUTRAL)
        return tuple(f for f in self.fields if f.outcome not in silent)

    @property
    def released_names(self) -> frozenset[FieldId]:
        """Names of the released fields."""
        return frozenset(f.field for f in self.released)

    @property
    def rules(self) -> tuple[RuleId, ...]:
        """Every rule that decided a field, sorted."""
        return tuple(sorted({f.rule for f in self.fields}))

    @property
    def reasons(self) -> tuple[ReasonCode, ...]:
        """Every reason that was given, sorted."""
        return tuple(sorted({r for f in self.fields for r in f.reasons}))

    def field(self, name: str) -> FieldDecision | None:
        """Return the answer for one field, or None when it was not asked."""
        return next((f for f in self.fields if f.field == name), None)

    def _having(self, outcome: Outcome) -> tuple[FieldDecision, ...]:
        return tuple(f for f in self.fields if f.outcome is outcome)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the decision as plain JSON."""
        return {
            "fields": [f.to_json() for f in self.fields],
            "overall": self.overall.value,
            "rule": self.rule,
            "bundle": self.bundle,
            "input_digest": self.input_digest,
            "retention": self.retention,
        }

    @classmethod
    def from_json(cls, unverified_value: JsonValue) -> Decision:
        """Read a decision that came over the wire or from disk.

        Raises:
            InputInvalid: unknown members, wrong types, or parts that contradict each other.
        """
        reader = Reader.of(unverified_value)
        fields = tuple(FieldDecision.from_json(f) for f in reader.items("fields"))
        result = cls(
            fields=fields,
            overall=_outcome(reader.text("overall")),
            rule=RuleId(reader.text("rule")),
            bundle=reader.text("bundle"),
            input_digest=reader.text("input_digest"),
            retention=reader.text("retention"),
        )
        reader.done()
        names = [f.field for f in fields]
        if not names or names != sorted(set(names)):
            raise InputInvalid("fields_not_sorted")
        if result.overall is not overall_of(f.outcome for f in fields):
            raise InputInvalid("overall_disagrees")
        return result


def overall_of(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the first outcome of ``OVERALL_ORDER`` that occurs; DENY for nothing at all."""
    present = set(outcomes)
    return next((o for o in OVERALL_ORDER if o in present), Outcome.DENY)


def _outcome(value: str) -> Outcome:
    try:
        return Outcome(value)
    except ValueError:
        raise InputInvalid("unknown_outcome") from None
