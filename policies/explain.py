# SPDX-License-Identifier: EUPL-1.2
"""One sentence a human understands, per field and audience (promise P10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from policies.catalogue import Catalogue
from policies.decision import FieldDecision
from policies.errors import UnknownCode

Audience = Literal["clerk", "applicant", "dpo"]
Language = Literal["de", "en"]

NO_DATA: Final = "no_data"
"""The one reason an asking agency sees wherever promise P5 demands silence."""

_RULE: Final = {"de": "Regel", "en": "Rule"}


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

    A clerk also reads the norms, a data protection officer also the rule and every reason; an
    applicant reads neither.

    Raises:
        UnknownCode: reason, rule or norm is not in the catalogue, or no such audience.
    """
    catalogue = catalogue or Catalogue.load()
    if audience not in {"clerk", "applicant", "dpo"}:
        raise UnknownCode("audience")
    advice = catalogue.reason(decision_field.reason).for_(audience)
    text = advice.text.in_(lang)
    norms = "; ".join(catalogue.norm(norm).cite_in(lang) for norm in decision_field.norms)
    match audience:
        case "clerk":
            text = f"{text} ({norms})"
        case "dpo":
            others = (catalogue.reason(code).dpo for code in decision_field.reasons[1:])
            sentences = " ".join([text, *(other.text.in_(lang) for other in others)])
            text = f"{sentences} {_RULE[lang]} {decision_field.rule}: {norms}."
        case "applicant":
            pass
    return Sentence(text=text, next_step=advice.next_step.in_(lang), draft=advice.draft)


def explain_code(
    code: str, audience: Audience, lang: Language, *, catalogue: Catalogue | None = None
) -> Sentence:
    """Explain a bare reason code, such as ``no_data``, without rule and norms.

    Raises:
        UnknownCode: the code is not in the catalogue.
    """
    advice = (catalogue or Catalogue.load()).reason(code).for_(audience)
    return Sentence(advice.text.in_(lang), advice.next_step.in_(lang), advice.draft)
