# SPDX-License-Identifier: EUPL-1.2
"""Does one answer open more than another? The question behind every comparison of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from policies.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policies.engine.base import Answer

OPENNESS: Final[Mapping[str, int]] = {Outcome.ALLOW_MIN: 2, Outcome.HOLD_HUMAN: 1}
"""How much a field is open; every refusal, also NEUTRAL, is 0."""


def openness(answers: Iterable[Answer]) -> dict[str, int]:
    """Return how much each field is open."""
    return {answer["field"]: OPENNESS.get(answer["outcome"], 0) for answer in answers}


def opened(before: Iterable[Answer], after: Iterable[Answer]) -> tuple[str, ...]:
    """Return the fields that are more open afterwards; a field that was not asked was closed."""
    known = openness(before)
    return tuple(f for f, now in openness(after).items() if now > known.get(f, 0))
