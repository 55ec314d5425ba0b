# SPDX-License-Identifier: EUPL-1.2
"""Attacks by silence: leaving out a fact or a permission in order to get more."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from policies.case import read_case
from policies.catalogue import Catalogue
from policies.decide import is_wider, load_decider
from policies.golden_cases import REVIEWED_AT, GoldenCase
from policies.model import DecisionInput
from tests.contract.rule_engines import golden_cases

CATALOGUE = Catalogue.load()
DECIDER = load_decider()


def _poorer(document: Any) -> Iterator[tuple[str, Any]]:
    """The case without one permission, one fact of one, or one stated fact; each for itself."""
    for part in ("declared", "agreement", "holder"):
        for name in document.get(part, {}):
            less = copy.deepcopy(document)
            del less[part][name]
            yield f"{part}.{name}", less
    for number, permission in enumerate(document.get("permissions", [])):
        less = copy.deepcopy(document)
        del less["permissions"][number]
        yield f"permissions[{number}]", less
        for name in permission.keys() - {"type"}:
            less = copy.deepcopy(document)
            del less["permissions"][number][name]
            yield f"permissions.{name}", less


HARMLESS_WHEN_LEFT_OUT = {
    "agreement.in_force": "in force unless stated otherwise: a case is about the rules",
    "agreement.recipient_abroad": "a recipient is in Germany unless stated otherwise (R69)",
    "holder.info_block": "that a block exists is the fact; what nobody looked at is not neutral",
    "holder.provenance": "a tag binds the content it stands on; without it the content is the holder's",
    "permissions.used": "a permission is unused until it was used",
    "permissions.revoked_at": "a permission stands until it is withdrawn",
    "permissions.expires_at": "a permission without an end has none",
    "permissions.given_by": "whoever is not named is the person herself",
    "permissions.recipient": "a second name for `to`; one of the two must be there",
}
"""Facts whose absence is the normal state; leaving them out may open what they closed, and why."""


@pytest.mark.parametrize("about", sorted({case.about for case in golden_cases()}))
def test_leaving_out_a_fact_or_a_permission_to_get_more(about: str) -> None:
    """No golden case opens further without something that it states, but for the normal states."""
    widened = set()
    for case in (case for case in golden_cases() if case.about == about):
        before = DECIDER.decide(case.question(CATALOGUE))
        for left_out, document in _poorer(case.document):
            after = DECIDER.decide(_question(document))
            if is_wider(after, before):
                widened.add(left_out)
    assert widened <= HARMLESS_WHEN_LEFT_OUT.keys()


def test_every_exception_above_is_needed() -> None:
    """An exception that no golden case needs hides something, or is not covered; both are wrong."""
    needed = {left_out for case in golden_cases() for left_out in _widening(case)}
    assert needed == HARMLESS_WHEN_LEFT_OUT.keys()


def _widening(case: GoldenCase) -> Iterator[str]:
    before = DECIDER.decide(case.question(CATALOGUE))
    for left_out, document in _poorer(case.document):
        suspect = left_out in HARMLESS_WHEN_LEFT_OUT
        if suspect and is_wider(DECIDER.decide(_question(document)), before):
            yield left_out


def _question(document: Any) -> DecisionInput:
    return read_case(document, CATALOGUE, now=REVIEWED_AT).question
