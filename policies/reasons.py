# SPDX-License-Identifier: EUPL-1.2
"""A reason code and what clerks, applicants and officers read about it."""

from __future__ import annotations

from dataclasses import dataclass

from policies.model import ReasonCode
from policies.records import Text
from policies.strict import JsonValue


@dataclass(frozen=True, slots=True)
class Advice:
    """What one audience reads: what happened and what to do next."""

    text: Text
    next_step: Text
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
        """Return the advice for ``clerk``, ``applicant`` or ``dpo``."""
        match audience:
            case "clerk":
                return self.clerk
            case "applicant":
                return self.applicant
            case _:
                return self.dpo

    def to_json(self) -> dict[str, JsonValue]:
        """Return the public form."""
        faces: dict[str, JsonValue] = {}
        for name in ("clerk", "applicant", "dpo"):
            advice = self.for_(name)
            faces[name] = {
                "text": advice.text.to_json(),
                "next": advice.next_step.to_json(),
                "draft": advice.draft,
            }
        return {"code": self.code, **faces}
