# SPDX-License-Identifier: EUPL-1.2
"""Every field's answer in words: what happened, why, and the lawful other way (promise P10).

The words stand in ``policies/data/reasons.json``, one set for each reason code; nothing here knows
a person, and what an asking agency is told where promise P5 demands silence is ``NO_DATA`` alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from policies.catalogue import Catalogue
from policies.decision import FieldDecision
from policies.model import Outcome
from policies.reasons import Wording

Audience = Literal["clerk", "applicant", "dpo"]
Language = Literal["de", "plain", "en"]
"""``plain`` is plain German: short sentences, no norms."""

LANGUAGES: Final[tuple[Language, ...]] = ("de", "plain", "en")
NO_DATA: Final = "no_data"
"""The one reason an asking agency sees wherever promise P5 demands silence."""

_RULE: Final = Wording("Regel", "Regel", "Rule")
_NOT_SIGNED_OFF: Final = Wording(
    "Die Regel ist nicht freigezeichnet.",
    "Diese Regel hat noch niemand unterschrieben.",
    "The rule is not signed off.",
)
_OUTCOMES: Final[dict[Outcome, Wording]] = {
    Outcome.ALLOW_MIN: Wording("erlaubt", "Ja", "allowed"),
    Outcome.HOLD_HUMAN: Wording(
        "wartet auf Freigabe", "Ein Mensch entscheidet", "waits for release"
    ),
    Outcome.NEED_CONSENT: Wording(
        "Einwilligung nötig", "Nur mit Erlaubnis der Person", "needs consent"
    ),
    Outcome.NEED_RELEASE_203: Wording(
        "Freigabe der Person nötig", "Nur mit Freigabe der Person", "needs the person's release"
    ),
    Outcome.NEED_EXPLICIT_A9: Wording(
        "ausdrückliche Einwilligung nötig",
        "Nur mit eigenem Ja der Person",
        "needs explicit consent",
    ),
    Outcome.NEED_CHOICE: Wording(
        "Wahl der Person nötig", "Die Person muss wählen", "needs the person's choice"
    ),
    Outcome.REDIRECT_AZR: Wording(
        "selbst im AZR abfragen", "Selbst im AZR suchen", "query the AZR yourself"
    ),
    Outcome.REDIRECT_SUBJECT: Wording("die Person fragen", "Die Person fragen", "ask the person"),
    Outcome.NEUTRAL: Wording("keine Mitteilung", "Keine Auskunft", "nothing told"),
    Outcome.OUT_OF_SCOPE: Wording("hier nicht angeboten", "Gibt es hier nicht", "not offered here"),
    Outcome.DENY: Wording("abgelehnt", "Nein", "refused"),
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """What happened and what to do next."""

    text: str
    next_step: str
    draft: bool
    """True for texts that nobody has signed off yet; a page must mark them so."""


def explain(
    decision_field: FieldDecision,
    audience: Audience,
    lang: Language,
    *,
    catalogue: Catalogue | None = None,
) -> Sentence:
    """Explain one field's answer.

    A clerk also reads the norms, a data protection officer every reason, the rule, its norms and
    whether nobody has signed it off; an applicant reads none of this, and plain German no norms.

    Raises:
        UnknownCode: reason, rule or norm is not in the catalogue, or no such audience or language.
    """
    catalogue = catalogue or Catalogue.load()
    advice = catalogue.reason(decision_field.reason).for_(audience)
    text = advice.text.in_(lang)
    match audience:
        case "clerk":
            norms = _norms(decision_field, lang, catalogue)
            text = f"{text} ({norms})" if norms else text
        case "dpo":
            text = " ".join(_for_officer(decision_field, lang, catalogue))
        case "applicant":
            pass
    return Sentence(text=text, next_step=advice.next_step.in_(lang), draft=advice.draft)


def explain_code(
    code: str, audience: Audience, lang: Language, *, catalogue: Catalogue | None = None
) -> Sentence:
    """Explain a bare reason code, such as ``no_data``, without rule and norms.

    Raises:
        UnknownCode: the code is not in the catalogue, or no such audience or language.
    """
    advice = (catalogue or Catalogue.load()).reason(code).for_(audience)
    return Sentence(advice.text.in_(lang), advice.next_step.in_(lang), advice.draft)


def outcome_words(outcome: Outcome, lang: Language) -> str:
    """Return two or three words for an outcome, for the column of a table."""
    return _OUTCOMES[outcome].in_(lang)


def why(
    decision_field: FieldDecision,
    audience: Audience,
    lang: Language,
    *,
    catalogue: Catalogue | None = None,
) -> str:
    """Return every reason of a field in words; rule and norms have columns of their own.

    Raises:
        UnknownCode: a reason is not in the catalogue, or no such audience or language.
    """
    reasons = map((catalogue or Catalogue.load()).reason, decision_field.reasons)
    return _once(reason.for_(audience).text.in_(lang) for reason in reasons)


def what_you_can_do(
    decision_field: FieldDecision,
    audience: Audience,
    lang: Language,
    *,
    catalogue: Catalogue | None = None,
) -> str:
    """Return the next step for every reason, so that mending one does not only uncover the next.

    Raises:
        UnknownCode: a reason is not in the catalogue, or no such audience or language.
    """
    reasons = map((catalogue or Catalogue.load()).reason, decision_field.reasons)
    return _once(reason.for_(audience).next_step.in_(lang) for reason in reasons)


def _for_officer(
    decision_field: FieldDecision, lang: Language, catalogue: Catalogue
) -> Iterable[str]:
    yield why(decision_field, "dpo", lang, catalogue=catalogue)
    rule = catalogue.rule(decision_field.rule)
    norms = _norms(decision_field, lang, catalogue)
    named = f"{_RULE.in_(lang)} {rule.id}"
    yield f"{named}: {norms}." if norms else f"{named}."
    if not rule.signed_off:
        yield _NOT_SIGNED_OFF.in_(lang)


def _norms(decision_field: FieldDecision, lang: Language, catalogue: Catalogue) -> str:
    """Return the norms as cited in this language; none in plain German."""
    if lang == "plain":
        return ""
    return "; ".join(catalogue.norm(norm).cite_in(lang) for norm in decision_field.norms)


def _once(sentences: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(sentences))
