# SPDX-License-Identifier: EUPL-1.2
"""The answer to one evaluation: yes only if the rules release every field that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from policies.answer import answer, obligations
from policies.explain import explain
from policies.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.authzen.mapping import Direction
    from keys.strict_json import JsonValue
    from policies.catalogue import Catalogue
    from policies.decide import Decider
    from policies.explain import Audience, Language
    from policies.model import Decision, FieldDecision
    from policies.records import Text
    from policies.rules import Obligation

OBLIGATION_TYPE: Final = "custom"
"""No registered type fits (AuthZEN Profile for Obligations, draft 1): who does not know ours must
take the answer for a no."""

_PATHS: Final[dict[Direction, str]] = {"pull": "/v1/exchanges", "push": "/v1/deliveries"}

_TAGS: Final[tuple[tuple[str, Language], ...]] = (
    ("de", "de"),
    ("de-simple", "plain"),
    ("en", "en"),
)
"""Language tags of BCP 47; ``simple`` is the registered variant for simplified language."""

_ASK: Final = {
    "de": "Diese Antwort gibt nichts frei: den Austausch über Lotse stellen; dort wird für den "
    "Einzelfall neu entschieden und protokolliert.",
    "en": "This answer releases nothing: ask through the exchange; there the single case is "
    "decided anew and recorded.",
}


def decision_json(
    decision: Decision, decider: Decider, direction: Direction, issuer: str
) -> dict[str, JsonValue]:
    """Give ``decision`` and what stands beside it in ``context``.

    Outcome, fields and policy are those of ``lotse policy decide``. The outcome of the whole is
    the first of its list that any field has, so it may be ALLOW_MIN beside a no.
    """
    catalogue = decider.catalogue
    permitted = all(field.outcome is Outcome.ALLOW_MIN for field in decision.fields)
    said = answer(decision, decider)
    # What a denial waits for is no duty yet: nothing has been sent that it could be about.
    duties = [_ask(direction, issuer), *_duties(decision, catalogue)] if permitted else []
    context: dict[str, JsonValue] = {
        "outcome": said["outcome"],
        "fields": said["fields"],
        "policy": said["policy"],
        "obligations": duties,
        "release": False,
        "reason_admin": _told(decision, "dpo", catalogue, permitted=permitted),
        "reason_user": _told(decision, "clerk", catalogue, permitted=permitted),
    }
    return {"decision": permitted, "context": context}


def _ask(direction: Direction, issuer: str) -> JsonValue:
    return {
        "id": "ask_through_exchange",
        "type": OBLIGATION_TYPE,
        "properties": {
            "code": "ask_through_exchange",
            **_ASK,
            "endpoint": issuer + _PATHS[direction],
        },
    }


def _duties(decision: Decision, catalogue: Catalogue) -> Iterable[JsonValue]:
    for duty in obligations(decision, catalogue):
        yield {"id": duty.id, "type": OBLIGATION_TYPE, "properties": _duty(duty)}


def _duty(duty: Obligation) -> JsonValue:
    return {"code": duty.id, **duty.text.to_json(), "norm": duty.norm}


def _told(
    decision: Decision, audience: Audience, catalogue: Catalogue, *, permitted: bool
) -> JsonValue:
    """Say why, by language; beside a no, only what stands in the way."""
    speaking = [
        field for field in decision.fields if permitted or field.outcome is not Outcome.ALLOW_MIN
    ]
    return {tag: _sentences(speaking, audience, lang, catalogue) for tag, lang in _TAGS}


def _sentences(
    fields: Iterable[FieldDecision], audience: Audience, lang: Language, catalogue: Catalogue
) -> str:
    """Give each sentence once, with the fields it is about in front of it."""
    about: dict[str, list[str]] = {}
    for field in fields:
        sentence = explain(field, audience, lang, catalogue=catalogue)
        label = _label(catalogue.field(field.field).label, lang)
        about.setdefault(f"{sentence.text} {sentence.next_step}".strip(), []).append(label)
    return " ".join(f"{', '.join(labels)}: {text}" for text, labels in about.items())


def _label(label: Text, lang: Language) -> str:
    return label.en if lang == "en" else label.de
