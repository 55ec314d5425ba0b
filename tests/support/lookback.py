# SPDX-License-Identifier: EUPL-1.2
"""Rules that differ from the shipped ones in one place, and decisions to ask them again."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

from policies.bundle import Bundle
from policies.candidate import Candidate
from policies.catalogue import Catalogue
from policies.decide import Decider
from policies.engine.embedded import EmbeddedEngine
from policies.model import (
    AgreementFacts,
    DecisionInput,
    FieldId,
    Kind,
    PurposeId,
    Trigger,
)
from policies.release.verify import catalogue_of
from policies.stored import StoredDecision
from tests.support.releases import changed

DAY = dt.date(2026, 11, 22)


@cache
def today() -> Decider:
    """The shipped rules."""
    return Decider(EmbeddedEngine.load(), Catalogue.load())


@cache
def widened() -> Bundle:
    """R02 lists one field more: the job centre gets the AZR number."""
    return with_rule("R02", lambda rule: rule["fields"].append("azr_number"))


@cache
def narrowed() -> Bundle:
    """R02 lists one field less: the job centre no longer gets the residence status."""
    return with_rule("R02", lambda rule: rule["fields"].remove("residence_status"))


def with_rule(name: str, edit: Any) -> Bundle:
    """The shipped rules with one rule edited, and the engines' data derived from it."""

    def edit_rules(rules: dict[str, Any]) -> None:
        edit(next(rule for rule in rules["rules"] if rule["id"] == name))

    return changed(edit_rules)


@cache
def decider_of(bundle_digest: str) -> Decider:
    """What decides by one of the bundles above."""
    bundle = {one.digest: one for one in (Bundle.load(), widened(), narrowed())}[bundle_digest]
    return Decider(EmbeddedEngine(bundle), catalogue_of(bundle))


def candidate(bundle: Bundle) -> Candidate:
    """A candidate that nobody signed."""
    return Candidate(bundle, catalogue_of(bundle), "unsigned")


def statutory(*fields: str, trigger: Trigger = "on_request") -> DecisionInput:
    """What a job centre asks the foreigners' authority under R02."""
    return DecisionInput(
        from_kind=Kind("ABH"),
        to_kind=Kind("JC"),
        purpose=PurposeId("P04"),
        trigger=trigger,
        fields=tuple(FieldId(field) for field in fields),
        declared={"azr_checked": True, "reason_code": "azr_pending"},
        agreement=AgreementFacts(in_force=True),
    )


def stored(
    question: DecisionInput, *, times: int = 1, day: dt.date = DAY, by: Decider | None = None
) -> StoredDecision:
    """A question that was really decided, as it is kept."""
    decider = by or today()
    decision = decider.decide(question)
    return StoredDecision.of(question, decision, engine=decider.engine_name, day=day, times=times)
