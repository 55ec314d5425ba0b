# SPDX-License-Identifier: EUPL-1.2
"""Every reference in the catalogue leads somewhere, and every rule hangs together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from policies.errors import CatalogueInvalid
from policies.model import TRIGGERS, Outcome, RuleId
from policies.rules import OPEN_STEP

if TYPE_CHECKING:
    from policies.catalogue import Catalogue
    from policies.rules import Rule

_PAD_BUCKET: Final = 32
"""Sealed values are padded to multiples of this many bytes (docs/gfe1.md)."""

DEFAULT_RULE: Final = RuleId("R73")


def check_references(catalogue: Catalogue) -> None:
    """Return if the data files agree with each other.

    Raises:
        CatalogueInvalid: a reference leads nowhere, or a rule contradicts itself.
    """
    for rule in catalogue.rules.values():
        _check_codes(rule, catalogue)
        _check_shape(rule, catalogue)
    for condition in catalogue.conditions.values():
        if condition.reason not in catalogue.reasons:
            raise CatalogueInvalid(f"conditions.json: {condition.id} gives an unknown reason")
    named = {name for rule in catalogue.rules.values() for name in rule.named_conditions}
    if named != set(catalogue.conditions):
        raise CatalogueInvalid("conditions.json: a condition is used by no rule, or not defined")
    cited = [(f"declared.json: {d.id}", d.norm) for d in catalogue.declared.values()]
    cited += [(f"obligations.json: {o.id}", o.norm) for o in catalogue.obligations.values()]
    for where, norm in cited:
        if norm not in catalogue.norms:
            raise CatalogueInvalid(f"{where} refers to an unknown norm")
    for field in catalogue.fields.values():
        if field.pad_bytes < _PAD_BUCKET or field.pad_bytes % _PAD_BUCKET:
            raise CatalogueInvalid(f"fields.json: {field.id} has an impossible pad_bytes")
    default = catalogue.rules.get(DEFAULT_RULE)
    if default is None or default.outcome is not Outcome.DENY:
        raise CatalogueInvalid("rules.json: the default rule R73 must deny")


def _check_codes(rule: Rule, catalogue: Catalogue) -> None:
    grounds = rule.grounds
    known = (
        (rule.from_kinds, set(catalogue.agencies) | {"*"}),
        (rule.to_kinds, set(catalogue.agencies) | {"*"}),
        (rule.purposes, set(catalogue.purposes) | {"*"}),
        (rule.triggers, TRIGGERS | {"*"}),
        (rule.fields, set(catalogue.fields)),
        (rule.norms, set(catalogue.norms)),
        (rule.obligations, set(catalogue.obligations)),
        (rule.named_conditions, set(catalogue.conditions)),
        (tuple(rule.field_needs), set(rule.fields)),
        ((rule.retention,), set(catalogue.retention)),
        ([g.reason for g in grounds], set(catalogue.reasons)),
        (filter(None, [rule.refused_reason]), set(catalogue.reasons)),
    )
    for used, allowed in known:
        if not set(used) <= allowed:
            raise CatalogueInvalid(f"rules.json: {rule.id} refers to an unknown code")


def _check_shape(rule: Rule, catalogue: Catalogue) -> None:
    """A rule that only refuses has no ground; a prohibition never releases."""
    if not rule.valid_from <= catalogue.as_of <= rule.valid_to:
        raise CatalogueInvalid(f"rules.json: {rule.id} is outside its dates at as_of")
    refuses = rule.step < OPEN_STEP or rule.outcome is Outcome.REDIRECT_AZR
    if bool(rule.refused_reason) != (refuses or rule.id == DEFAULT_RULE):
        raise CatalogueInvalid(f"rules.json: {rule.id} refuses without a reason, or never does")
    if bool(rule.grounds) != (rule.step >= OPEN_STEP and rule.id != DEFAULT_RULE):
        raise CatalogueInvalid(f"rules.json: {rule.id} has grounds at a step that cannot release")
    if rule.mode == "prohibited" and rule.grounds:
        raise CatalogueInvalid(f"rules.json: {rule.id} is prohibited and has grounds")
    if (rule.release != "none") != (rule.outcome is Outcome.HOLD_HUMAN):
        raise CatalogueInvalid(f"rules.json: {rule.id} holds for nobody, or releases what is held")
