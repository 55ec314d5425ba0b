# SPDX-License-Identifier: EUPL-1.2
"""The shapes of a decision in one place: what goes in, what comes out, the codes in between."""

from policies.codes import (
    OVERALL_ORDER,
    PERMISSION_STATES,
    PERMISSION_TYPES,
    SENDER_TRIGGERS,
    TRIGGERS,
    Declared,
    FieldId,
    Kind,
    NormId,
    Outcome,
    PermissionState,
    PurposeId,
    ReasonCode,
    RuleId,
    Trigger,
)
from policies.decision import Decision, FieldDecision, overall_of
from policies.inputs import (
    AgreementFacts,
    DecisionInput,
    HolderFacts,
    PermissionFact,
    PermissionFacts,
    canonical,
)

__all__ = [
    "OVERALL_ORDER",
    "PERMISSION_STATES",
    "PERMISSION_TYPES",
    "SENDER_TRIGGERS",
    "TRIGGERS",
    "AgreementFacts",
    "Decision",
    "DecisionInput",
    "Declared",
    "FieldDecision",
    "FieldId",
    "HolderFacts",
    "Kind",
    "NormId",
    "Outcome",
    "PermissionFact",
    "PermissionFacts",
    "PermissionState",
    "PurposeId",
    "ReasonCode",
    "RuleId",
    "Trigger",
    "canonical",
    "overall_of",
]
