# SPDX-License-Identifier: EUPL-1.2
"""What the local system gets: plain values with provenance, and for every other field a reason.

A field that travelled as a sealed null is told with one fixed sentence, whatever the rule or the
true reason was (promise P5). What does not depend on the person is told openly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.connector.checks import Check
from adapters.connector.errors import CheckFailed
from keys.envelope import open_
from keys.errors import KeysError
from policies.decision import FieldDecision
from policies.errors import PolicyError
from policies.explain import NO_DATA, Language, explain, explain_code
from policies.model import FieldId, NormId, Outcome, ReasonCode, RuleId

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from adapters.connector.answers import CheckedAnswer, WithheldBody
    from keys.strict_json import JsonLike, JsonValue
    from keys.suites import KemOpener


def open_values(answer: CheckedAnswer, opener: KemOpener) -> dict[str, JsonValue]:
    """Open what arrived; None stands for "no data".

    Raises:
        CheckFailed: ENVELOPE: it verifies and still does not open.
    """
    if answer.manifest is None:
        return {}
    try:
        return open_(answer.manifest, opener=opener)
    except KeysError:
        raise CheckFailed(Check.ENVELOPE) from None


def result(
    answer: CheckedAnswer,
    values: dict[str, JsonValue],
    *,
    received_at: int,
    receipts: Sequence[str],
    lang: Language,
) -> dict[str, JsonLike]:
    """Put the answer together for the local system."""
    decided = {str(one.field): one for one in answer.decision.theirs.fields}
    fields: dict[str, JsonLike] = {
        name: {
            "value": value,
            "provenance": {
                "from": answer.statement.source,
                "rule": decided[name].rule,
                "norm": list(decided[name].norms),
                "exchange": answer.exchange,
                "received_at": received_at,
            },
        }
        for name, value in values.items()
        if value is not None
    }
    return {
        "exchange": answer.exchange,
        "outcome": answer.status,
        "fields": fields,
        "withheld": list(_withheld(answer, values, lang)),
        "held": [str(one.field) for one in answer.decision.theirs.held],
        "pending": [_told(one, lang) for one in answer.decision.theirs.held],
        "log_index": answer.body.log_index,
        "receipts": list(receipts),
    }


def nothing_came(names: Iterable[str], lang: Language) -> list[JsonLike]:
    """Tell of fields that nobody released in time: the same as of any sealed null."""
    return [no_data(name, lang) for name in sorted(names)]


def no_data(name: str, lang: Language) -> dict[str, JsonLike]:
    """Give the fixed answer for one field: no rule, no norm, one sentence."""
    sentence = explain_code(NO_DATA, "clerk", lang)
    return {
        "field": name,
        "outcome": Outcome.NEUTRAL.value,
        "rule": None,
        "norms": [],
        "reason": NO_DATA,
        "reasons": [NO_DATA],
        "sentence": sentence.text,
        "next_step": sentence.next_step,
    }


def _withheld(
    answer: CheckedAnswer, values: dict[str, JsonValue], lang: Language
) -> Iterable[JsonLike]:
    refused = [_told(one, lang) for one in answer.decision.theirs.withheld]
    ended = [_told(_as_decision(one), lang) for one in answer.withdrawn.values()]
    silent = [no_data(name, lang) for name, value in values.items() if value is None]
    return sorted([*refused, *ended, *silent], key=lambda one: str(one["field"]))


def _as_decision(told: WithheldBody) -> FieldDecision:
    try:
        outcome = Outcome(told.outcome)
    except ValueError:
        raise CheckFailed(Check.SHAPE) from None
    return FieldDecision(
        FieldId(told.field),
        outcome,
        RuleId(told.rule),
        tuple(NormId(norm) for norm in told.norms),
        ReasonCode(told.reason),
    )


def _told(one: FieldDecision, lang: Language) -> dict[str, JsonLike]:
    try:
        sentence = explain(one, "clerk", lang)
    except PolicyError:
        raise CheckFailed(Check.RULES_DIFFER) from None
    return {
        "field": str(one.field),
        "outcome": one.outcome.value,
        "rule": str(one.rule),
        "norms": list(one.norms),
        "reason": str(one.reason),
        "reasons": [str(reason) for reason in one.reasons],
        "sentence": sentence.text,
        "next_step": sentence.next_step,
    }
