# SPDX-License-Identifier: EUPL-1.2
"""The cases that are asked for a route: nothing stated, everything stated, released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from policies.codes import PERMISSION_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policies.catalogue import Catalogue
    from policies.rules import Rule
    from policies.strict import JsonValue


class Route(NamedTuple):
    """Who has it, who would get it, for what, and what sets it off."""

    from_kind: str
    to_kind: str
    purpose: str
    trigger: str


_RECIPIENT: Final = "recipient"
"""Stands for the kind of the recipient."""

STATED: Final[Mapping[str, Mapping[str, Mapping[str, JsonValue]]]] = {
    "azr_unqueried": {},
    "azr_checked": {"declared": {"azr_checked": True}},
    "azr_reason_named": {"declared": {"reason_code": "azr_pending"}},
    "azr_insufficient": {"declared": {"azr_insufficient": True}},
    "procedure_electronic": {"declared": {"procedure_electronic": True}},
    "retrieval_confirmed": {},
    "single_subject": {"declared": {"subject_count": 1}},
    "decision_named": {"declared": {"decision": "extension"}},
    "benefit_azr_stated": {"declared": {"benefit_in_azr": False}},
    "benefit_not_in_azr": {"declared": {"benefit_in_azr": False}},
    "section_covered": {"declared": {"title_section": 3}},
    "automated_pull_approved": {"agreement": {"approval_79": True}},
    "pension_no_unknown": {"declared": {"pension_no_known": False}},
    "basic_identity_included": {"declared": {"basic_identity_included": True}},
    "kinds_differ": {},
    "ba_decision_only": {"declared": {"content": "granted"}},
    "undertaking_78": {"agreement": {"recipient_undertaking_78": True}},
    "initiated_by_client": {"declared": {"initiated_by": "client"}},
    "aggregate": {"declared": {"granularity": "aggregate"}},
    "cell_size_5": {"declared": {"cell_size": 5}},
    "not_aggregate": {"declared": {"granularity": "person"}},
    "participant_obliged": {"declared": {"participant_obliged": True}},
    "not_obliged": {"declared": {"participant_obliged": False}},
    "to_obliging_body": {"declared": {"obliging_body": _RECIPIENT}},
    "course_procedure_listed": {"declared": {"procedure": "extension"}},
    "clerk_authorised": {"declared": {"clerk_authorised": True}},
    "first_grant": {"declared": {"procedure": "first_grant"}},
    "not_104c": {"declared": {"current_title": "60a"}},
    "sender_is_abh": {},
    "sender_may_use_customer_number": {},
    "no_settlement_permit": {"declared": {"settlement_permit": False}},
    "no_info_block": {"holder": {"info_block": False}},
    "xauslaender_unavailable_or_pilot": {"agreement": {"pilot_agreed": True}},
    "counselling_release": {},
    "counselling_consent": {},
    "sender_is_person": {},
    "sender_not_youth_office": {},
    "uploaded_by_subject": {"declared": {"uploaded_by_subject": True}},
    "title_reportable": {"declared": {"title": "60c"}},
    "training_ended_early": {"declared": {"event": "training_ended_early"}},
    "state_law_basis": {"agreement": {"state_law_basis": True}},
    "expulsion_ground": {"declared": {"expulsion_ground_present": True}},
    "recipient_not_foreigners_authority": {},
    "result_only": {"declared": {"content": "result_only"}},
    "naturalisation_pending": {"declared": {"naturalisation_pending": True}},
    "recipient_abroad": {"agreement": {"recipient_abroad": True}},
    "subject_authenticated": {"declared": {"subject_authenticated": True}},
    "officer_role": {"declared": {"role": "dpo"}},
    "event_of_own_agency": {"declared": {"event_party": "own_agency"}},
}
"""What a case states so that a condition is met; nothing where kinds or permissions meet it."""

_PERMITTED: Final[Mapping[str, str]] = {
    "counselling_consent": "consent",
    "counselling_release": "release_203",
    "retrieval_confirmed": "choice",
}
"""Conditions that a permission of the person meets."""

SECRECY_RULE: Final = "R64"
"""Speaks where content came under secrecy and the person has not released it."""
BLOCK_RULE: Final = "R41"
"""Speaks where the holder finds an information block."""


def bare_case(route: Route, fields: Iterable[str], catalogue: Catalogue) -> JsonValue:
    """Return the case in which nothing is stated, allowed or released; the block not looked at."""
    return _case(route, list(fields), catalogue)


def complete_case(
    rule: Rule,
    route: Route,
    fields: Iterable[str],
    catalogue: Catalogue,
    *,
    released: bool = False,
) -> JsonValue:
    """Return the case in which everything that the rule asks for is stated and allowed.

    A rule that only refuses asks for nothing; there the case is the one it was made for, with
    every permission that a person can give and every release, to show that they change nothing.
    ``released``: the clerk or the head of the source has released it as well.
    """
    names = list(fields)
    case = _case(route, names, catalogue)
    parts: dict[str, dict[str, JsonValue]] = {"declared": {}, "agreement": {}, "holder": {}}
    for condition in rule.named_conditions:
        for part, facts in STATED[condition].items():
            parts[part].update(facts)
    for name, value in parts["declared"].items():
        if value == _RECIPIENT:
            parts["declared"][name] = route.to_kind
    parts["holder"].setdefault("info_block", rule.id == BLOCK_RULE)
    if rule.id == SECRECY_RULE:
        parts["holder"]["provenance"] = dict.fromkeys(names, "secret_203")
    if released or not rule.grounds:
        parts["holder"] |= {"released_by_source": True, "released_by_head": True}
    allowed: list[JsonValue] = [
        _permission(name, route, names) for name in _asked_of_the_person(rule)
    ]
    stated: dict[str, JsonValue] = dict(parts.items())
    return {**case, **stated, "permissions": allowed}


def _asked_of_the_person(rule: Rule) -> list[str]:
    if not rule.grounds:
        return [t for t in PERMISSION_TYPES if (rule.id, t) != (SECRECY_RULE, "release_203")]
    covered = {name for ground in rule.grounds for name in ground.covers}
    met = {_PERMITTED[c] for c in rule.named_conditions if c in _PERMITTED}
    return [name for name in PERMISSION_TYPES if name in covered | met]


def _case(route: Route, fields: list[str], catalogue: Catalogue) -> dict[str, JsonValue]:
    """Return the question itself, asked on the day of the catalogue."""
    return {
        "from": route.from_kind,
        "to": route.to_kind,
        "purpose": route.purpose,
        "trigger": route.trigger,
        "fields": [*fields],
        "at": f"{catalogue.as_of.isoformat()}T12:00:00Z",
    }


def _permission(name: str, route: Route, fields: list[str]) -> dict[str, JsonValue]:
    kinds: dict[str, JsonValue] = {"from": route.from_kind, "to": route.to_kind}
    permission: dict[str, JsonValue] = {
        "type": name,
        "valid": True,
        **kinds,
        "purpose": route.purpose,
        "fields": [*fields],
    }
    if name == "choice":
        permission |= {"mode": "retrieve", "preview_confirmed": True}
    return permission
