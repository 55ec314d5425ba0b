# SPDX-License-Identifier: EUPL-1.2
"""The permissions of a case, reduced to what a decision may see.

A permission counts only for the route it names: sender, recipient and purpose must be those of the
case. Several of one type add up; one that is not in force adds nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from policies.inputs import PermissionFact, PermissionFacts
from policies.model import PERMISSION_TYPES, FieldId, PermissionState

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from policies.case_reading import Place
    from policies.catalogue import Catalogue

ALSO_CALLED: Final = {
    "explicit_a9": "explicit_consent",
    "entrusted_65": "release_65",
    "entrusted_consent": "release_65",
    "mandate_chain": "mandate",
}
"""Other names of a type, as the law text's list of artefacts has them."""

_NAMES: Final = (
    "type",
    "valid",
    "from",
    "to",
    "recipient",
    "purpose",
    "fields",
    "items",
    "single_use",
    "used",
    "mode",
    "preview_confirmed",
    "given_at",
    "expires_at",
    "revoked_at",
    "given_by",
)
MODES: Final = ("retrieve", "upload")
GIVERS: Final = ("representative", "self", "self_15plus")

_OF_AGE: Final = frozenset({"P01", "P02"})
"""Purposes of residence law, where capacity begins at 18 (AufenthG § 80, AsylG § 12)."""

_BEST_KNOWN: Final[tuple[PermissionState, ...]] = (
    "in_force",
    "used",
    "withdrawn",
    "expired",
    "none",
)
"""Which state is told when several permissions of a type do not cover a field."""


def permission_facts(
    places: Iterable[Place], route: tuple[str, str, str], at: dt.datetime, catalogue: Catalogue
) -> PermissionFacts:
    """Return the six facts for a route (sender, recipient, purpose) at an instant.

    Raises:
        CaseInvalid: a permission names something that the catalogue does not know.
    """
    found: dict[str, list[PermissionFact]] = {name: [] for name in PERMISSION_TYPES}
    confirmed = False
    for place in places:
        place.only(_NAMES)
        name = place.code("type", (*PERMISSION_TYPES, *ALSO_CALLED))
        name = ALSO_CALLED.get(name, name)
        fact = _fact(place, route, at, catalogue)
        found[name].append(fact)
        chosen = place.code_or_none("mode", MODES) == "retrieve"
        previewed = place.flag("preview_confirmed") is True
        in_force = fact.state == "in_force"
        confirmed = confirmed or (name == "choice" and in_force and chosen and previewed)
    facts = {name: _together(several) for name, several in found.items()}
    return PermissionFacts(**facts, retrieval_confirmed=confirmed)


def _fact(
    place: Place, route: tuple[str, str, str], at: dt.datetime, catalogue: Catalogue
) -> PermissionFact:
    named = {*place.codes("fields", catalogue.fields), *place.codes("items", catalogue.fields)}
    fields = tuple(FieldId(name) for name in named)
    return PermissionFact(_state(place, route, at, catalogue), fields)


def _state(
    place: Place, route: tuple[str, str, str], at: dt.datetime, catalogue: Catalogue
) -> PermissionState:
    """Say what the permission is worth here; every name is checked, also where it is not needed."""
    # A release from secrecy calls its recipient so; who says both must mean one.
    to = {place.code_or_none(name, catalogue.agencies) for name in ("to", "recipient")} - {None}
    here = (
        place.code_or_none("from", catalogue.agencies) == route[0],
        to == {route[1]},
        place.code_or_none("purpose", catalogue.purposes) == route[2],
        _may_give(place.code_or_none("given_by", GIVERS), place, route[2]),
    )
    given, expires, revoked = (
        place.instant(name) for name in ("given_at", "expires_at", "revoked_at")
    )
    # A release from secrecy serves once, whatever its text says (R21).
    single = place.flag("single_use") is not False or place.value("type") == "release_203"
    used = place.flag("used") is True
    valid = place.flag("valid") is True
    if not all(here) or (given is not None and given > at):
        return "none"
    if revoked is not None and revoked <= at:
        return "withdrawn"
    if used and single:
        return "used"
    if expires is not None and expires <= at:
        return "expired"
    return "in_force" if valid else "none"


def _may_give(giver: str | None, place: Place, purpose: str) -> bool:
    """Say whether this person can give this permission."""
    name = str(place.value("type"))
    match giver:
        case "self_15plus":
            return purpose not in _OF_AGE or name not in {"choice", "mandate", "mandate_chain"}
        case "representative":
            # Who entrusted something releases it in person (SGB VIII § 65 I 1 Nr. 1).
            return ALSO_CALLED.get(name, name) != "release_65"
        case _:
            return True


def _together(facts: list[PermissionFact]) -> PermissionFact:
    states = {fact.state for fact in facts}
    state: PermissionState = next((known for known in _BEST_KNOWN if known in states), "none")
    fields = [field for fact in facts if fact.state == "in_force" for field in fact.fields]
    return PermissionFact(state, tuple(fields))
