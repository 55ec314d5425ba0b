# SPDX-License-Identifier: EUPL-1.2
"""Deciding: one pure call, per field, failing closed.

``Decider.decide`` is called by the gateway before anything is fetched and again by the holding
connector with what only the holder knows; ``narrow`` makes sure that the second answer can only
take away.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import date
from typing import Final

from policies.catalogue import Catalogue
from policies.decision import Decision, FieldDecision, overall_of
from policies.engine.base import Answer, RuleEngine
from policies.engine.embedded import EmbeddedEngine
from policies.errors import EngineFailed, InputInvalid, PolicyUnavailable, UnknownCode
from policies.model import DecisionInput, FieldId, Outcome, ReasonCode, RuleId

MEMO_SIZE: Final = 4096
"""Distinct inputs that are remembered; an input is below 2 kB and holds codes only."""

_OPENNESS: Final[dict[Outcome, int]] = {Outcome.ALLOW_MIN: 2, Outcome.HOLD_HUMAN: 1}
"""How much a field is open; every refusal, also NEUTRAL, is 0."""


class Decider:
    """Decides with one engine and one catalogue; safe to share between threads."""

    def __init__(
        self, engine: RuleEngine, catalogue: Catalogue, *, memo_size: int = MEMO_SIZE
    ) -> None:
        self._engine = engine
        self._catalogue = catalogue
        self._memo: OrderedDict[tuple[str, bytes], Decision] = OrderedDict()
        self._memo_size = memo_size
        self._lock = threading.Lock()

    @property
    def engine_name(self) -> str:
        """Name and version of the engine, for the log."""
        return self._engine.name

    @property
    def bundle_digest(self) -> str:
        """SHA-256 in hex of the rule bundle."""
        return self._engine.bundle_digest

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue whose codes the decisions use."""
        return self._catalogue

    def decide(self, inp: DecisionInput) -> Decision:
        """Return the decision for this input.

        Equal inputs have equal decisions, so they are remembered per bundle.

        Raises:
            InputInvalid: the input holds something no engine may see.
            PolicyUnavailable: no decision could be taken; answer 503 and release nothing.
        """
        source = inp.canonical()
        key = (self._engine.bundle_digest, source)
        with self._lock:
            remembered = self._memo.get(key)
            if remembered is not None:
                self._memo.move_to_end(key)
                return remembered
        decision = self._decide(inp, source)
        with self._lock:
            self._memo[key] = decision
            while len(self._memo) > self._memo_size:
                self._memo.popitem(last=False)
        return decision

    def _decide(self, inp: DecisionInput, source: bytes) -> Decision:
        try:
            answers = self._engine.evaluate(source)
        except (InputInvalid, PolicyUnavailable):
            raise
        except Exception as error:
            raise PolicyUnavailable("the rule engine failed") from error
        if [answer["field"] for answer in answers] != list(inp.fields):
            raise EngineFailed("other_fields_than_asked")
        fields = tuple(self._field(answer) for answer in answers)
        overall, rule = summary(fields, self._catalogue)
        return Decision(
            fields=fields,
            overall=overall,
            rule=rule,
            bundle=self._engine.bundle_digest,
            input_digest=inp.digest(),
            retention=self._catalogue.rule(rule).retention,
        )

    def _field(self, answer: Answer) -> FieldDecision:
        """Check that the engine speaks in codes of the catalogue, and add the norms."""
        try:
            rule = self._catalogue.rule(answer["rule"])
            reasons = tuple(self._catalogue.reason(code).code for code in answer["reasons"])
            outcome = Outcome(answer["outcome"])
        except (UnknownCode, ValueError):
            raise EngineFailed("unknown_code") from None
        if outcome in _OPENNESS and answer["field"] not in rule.fields:
            raise EngineFailed("rule_does_not_list_field")
        return FieldDecision(
            field=FieldId(answer["field"]),
            outcome=outcome,
            rule=rule.id,
            norms=rule.norms,
            reason=ReasonCode(answer["reason"]),
            reasons=reasons,
        )


def load_decider() -> Decider:
    """Return a decider over the shipped catalogue and bundle.

    Raises:
        CatalogueInvalid: a data file is broken.
        BundleInvalid: the compiled rules do not load.
    """
    return Decider(EmbeddedEngine.load(), Catalogue.load())


def summary(fields: tuple[FieldDecision, ...], catalogue: Catalogue) -> tuple[Outcome, RuleId]:
    """Return the overall outcome and the rule behind it.

    When several rules gave it, the one that speaks earliest in the evaluation order is named.
    """
    overall = overall_of(f.outcome for f in fields)
    rules = {f.rule for f in fields if f.outcome is overall}
    return overall, min(rules, key=lambda r: (catalogue.rule(r).step, r))


def narrow(theirs: Decision, ours: Decision, catalogue: Catalogue | None = None) -> Decision:
    """Return ``theirs`` cut down by ``ours``; never wider than either, field by field.

    A field is released only if both release it, and held only if neither refuses it.
    Where both are equally closed the word of ``theirs`` stands, because the asker has seen it.
    A field that only one of the two names is not in the result.

    Raises:
        InputInvalid: the two have no field in common.
    """
    fields = []
    for their in theirs.fields:
        our = ours.field(their.field)
        if our is not None:
            fields.append(our if _openness(our) < _openness(their) else their)
    if not fields:
        raise InputInvalid("no_common_field")
    catalogue = catalogue or Catalogue.load()
    overall, rule = summary(tuple(fields), catalogue)
    return Decision(
        fields=tuple(fields),
        overall=overall,
        rule=rule,
        bundle=ours.bundle,
        input_digest=ours.input_digest,
        retention=catalogue.rule(rule).retention,
    )


def is_wider(candidate: Decision, reference: Decision) -> bool:
    """Say whether ``candidate`` opens any field more than ``reference`` does."""
    for field in candidate.fields:
        known = reference.field(field.field)
        if _openness(field) > (0 if known is None else _openness(known)):
            return True
    return False


def rules_of_the_day(catalogue: Catalogue, day: date) -> tuple[RuleId, ...]:
    """Return the rules that are outside their dates on ``day``, for ``DecisionInput.lapsed``.

    Time enters a decision only here, as a list that changes at most once a day.
    """
    return tuple(
        sorted(
            rule.id
            for rule in catalogue.rules.values()
            if not rule.valid_from <= day <= rule.valid_to
        )
    )


def _openness(field: FieldDecision) -> int:
    return _OPENNESS.get(field.outcome, 0)
