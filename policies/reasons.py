# SPDX-License-Identifier: EUPL-1.2
"""A reason code and what clerks, applicants and officers read about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from policies.errors import CatalogueInvalid, UnknownCode
from policies.model import ReasonCode
from policies.strict import JsonValue, Reader

AUDIENCES: Final = ("clerk", "applicant", "dpo")


@dataclass(frozen=True, slots=True)
class Wording:
    """The same thing said in German, in plain German and in English."""

    de: str
    plain: str
    """Short sentences, no norms, no terms of the trade; for readers who still learn German."""
    en: str

    def to_json(self) -> dict[str, JsonValue]:
        """Return ``{"de", "plain", "en"}``."""
        return {"de": self.de, "plain": self.plain, "en": self.en}

    def in_(self, lang: str) -> str:
        """Return the words in ``de``, ``plain`` or ``en``.

        Raises:
            UnknownCode: no such language; nobody is given another one instead.
        """
        match lang:
            case "de":
                return self.de
            case "plain":
                return self.plain
            case "en":
                return self.en
            case _:
                raise UnknownCode("language")


@dataclass(frozen=True, slots=True)
class Advice:
    """What one audience reads: what happened and what to do next."""

    text: Wording
    next_step: Wording
    draft: bool


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason code and its sentences."""

    code: ReasonCode
    rank: int
    """Position in the file; the lowest rank is shown first when several reasons apply."""
    clerk: Advice
    applicant: Advice
    dpo: Advice

    def for_(self, audience: str) -> Advice:
        """Return the advice for ``clerk``, ``applicant`` or ``dpo``.

        Raises:
            UnknownCode: no such audience.
        """
        match audience:
            case "clerk":
                return self.clerk
            case "applicant":
                return self.applicant
            case "dpo":
                return self.dpo
            case _:
                raise UnknownCode("audience")

    def to_json(self) -> dict[str, JsonValue]:
        """Return the public form."""
        faces: dict[str, JsonValue] = {}
        for name in AUDIENCES:
            advice = self.for_(name)
            faces[name] = {
                "text": advice.text.to_json(),
                "next": advice.next_step.to_json(),
                "draft": advice.draft,
            }
        return {"code": self.code, **faces}


def read_advice(row: Reader, *, draft: bool) -> Advice:
    """Read what one audience reads.

    Raises:
        CatalogueInvalid: a text that nobody has signed off does not say so.
        InputInvalid: not exactly the expected members.
    """
    if draft and not row.flag("draft"):
        raise CatalogueInvalid("reasons.json: texts for applicants are drafts until signed off")
    text, next_step = _wording(row.obj("text")), _wording(row.obj("next"))
    row.done()
    return Advice(text=text, next_step=next_step, draft=draft)


def _wording(row: Reader) -> Wording:
    result = Wording(de=row.text("de"), plain=row.text("plain"), en=row.text("en"))
    row.done()
    return result
