# SPDX-License-Identifier: EUPL-1.2
"""The codes a decision is made of: identifiers, triggers, permission states, outcomes."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal, NewType, TypeAlias

Kind = NewType("Kind", str)
"""Kind of an agency, ``ABH``; an instance such as ``abh.hannover`` is not known here."""
FieldId = NewType("FieldId", str)
PurposeId = NewType("PurposeId", str)
RuleId = NewType("RuleId", str)
ReasonCode = NewType("ReasonCode", str)
NormId = NewType("NormId", str)
ConditionId = NewType("ConditionId", str)
"""A condition that a rule names and Rego defines, ``decision_named``."""
ObligationId = NewType("ObligationId", str)
"""What goes with a release, ``destroy_irrelevant``."""

Trigger = Literal["on_request", "automated", "subject_choice", "push", "spontaneous", "batch"]
"""What set the transfer off; ``push``, ``spontaneous`` and ``batch`` start at the holder."""
TRIGGERS: Final[frozenset[str]] = frozenset(
    {"on_request", "automated", "subject_choice", "push", "spontaneous", "batch"}
)
SENDER_TRIGGERS: Final[frozenset[str]] = frozenset({"push", "spontaneous", "batch"})

PermissionState = Literal["none", "in_force", "expired", "withdrawn", "used"]
PERMISSION_STATES: Final[frozenset[str]] = frozenset(
    {"none", "in_force", "expired", "withdrawn", "used"}
)
PERMISSION_TYPES: Final[tuple[str, ...]] = (
    "consent",
    "explicit_consent",
    "release_203",
    "release_65",
    "mandate",
    "choice",
)

Release = Literal["none", "source", "head"]
"""Whether a person at the source releases each case, and who."""

Declared: TypeAlias = bool | int | str
"""Value of a declared code."""


class Outcome(StrEnum):
    """What happens to one field."""

    ALLOW_MIN = "ALLOW_MIN"
    """Released, because a rule lists exactly this field."""
    HOLD_HUMAN = "HOLD_HUMAN"
    """Lawful, but a clerk of the source releases each case."""
    NEED_CONSENT = "NEED_CONSENT"
    NEED_RELEASE_203 = "NEED_RELEASE_203"
    """Release from secrecy (§ 203 StGB), also used for § 65 SGB VIII."""
    NEED_CHOICE = "NEED_CHOICE"
    NEED_EXPLICIT_A9 = "NEED_EXPLICIT_A9"
    REDIRECT_AZR = "REDIRECT_AZR"
    REDIRECT_SUBJECT = "REDIRECT_SUBJECT"
    DENY = "DENY"
    NEUTRAL = "NEUTRAL"
    """Withheld so that the answer cannot be told from "no such person" (promise P5)."""
    OUT_OF_SCOPE = "OUT_OF_SCOPE"


OVERALL_ORDER: Final[tuple[Outcome, ...]] = (
    Outcome.ALLOW_MIN,
    Outcome.HOLD_HUMAN,
    Outcome.NEED_CONSENT,
    Outcome.NEED_RELEASE_203,
    Outcome.NEED_EXPLICIT_A9,
    Outcome.NEED_CHOICE,
    Outcome.REDIRECT_AZR,
    Outcome.REDIRECT_SUBJECT,
    Outcome.NEUTRAL,
    Outcome.OUT_OF_SCOPE,
    Outcome.DENY,
)
"""The overall outcome is the first of these that any field has.

What is sent comes before what waits, then what the person can allow, then the other lawful way;
a plain refusal is said for the whole only when it is true of every field.
"""

NEEDS: Final[frozenset[Outcome]] = frozenset(
    {
        Outcome.NEED_CONSENT,
        Outcome.NEED_RELEASE_203,
        Outcome.NEED_EXPLICIT_A9,
        Outcome.NEED_CHOICE,
    }
)
"""Outcomes that ask for an act of the person."""
