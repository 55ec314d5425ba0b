# SPDX-License-Identifier: EUPL-1.2
"""Rules that differ from the shipped ones in one place, and decisions to ask them again."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from gateway.archive import open_archive
from gateway.kept import KeptDecisions
from gateway.shadow import Shadow
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
from policies.shadow_counts import ShadowReport, reports
from policies.stored import StoredDecision
from tests.support.middle import Gate, Middle
from tests.support.offices import ISSUER, ORIGIN
from tests.support.releases import changed
from tests.support.scenes import RECORDS, link_person_one, no_pause

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


def kept(gate: Gate) -> KeptDecisions:
    """What counts the decisions of a running gateway."""
    found = gate.app.state.parts.core.log._kept
    assert isinstance(found, KeptDecisions)
    return found


async def written(gate: Gate) -> list[StoredDecision]:
    """Every decision that a gateway has kept, after it was told to write."""
    await asyncio.to_thread(kept(gate).flush)
    return stored_in(gate.middle)


def stored_in(middle: Middle) -> list[StoredDecision]:
    """Every decision in a gateway's database."""
    archive = open_archive(settings_file(middle))
    try:
        return [StoredDecision.from_row(row) for row in archive.rows(None)]
    finally:
        archive.close()


def settings_file(middle: Middle) -> Path:
    """The settings of a test's gateway as the file that an operator has."""
    file = middle.folder / "lotse.toml"
    file.write_text(
        "\n".join(
            (
                'profile = "demo"',
                f'issuer = "{ISSUER}"',
                f'database_url = "{middle.database_url}"',
                'keyring_file = "unused"',
                'passphrase_file = "unused"',
                'registry_root_file = "root.jwk"',
                'agency_list_file = "agencies.json"',
                f'log_origin = "{ORIGIN}"',
                *_policy_table(middle.more_settings.get("policy")),
            )
        ),
        encoding="utf-8",
    )
    return file


def _policy_table(policy: dict[str, Any] | None) -> list[str]:
    if policy is None:
        return []
    lines = ["[policy]", f'directory = "{policy["directory"]}"']
    for key in policy["keys"]:
        lines += ["[[policy.keys]]", *(f'{name} = "{value}"' for name, value in key.items())]
    return lines


@asynccontextmanager
async def shadowed(
    folder: Path, open_candidate: Callable[[], Decider], **stock: Any
) -> AsyncIterator[Gate]:
    """A gateway with a candidate in its shadow, and person one linked."""
    middle = Middle.build(folder)
    middle.more_settings["shadow"] = {"candidate_file": str(folder / "candidate.tar.gz")}
    middle.holder.records.update(RECORDS)
    async with middle.running(**no_pause(stock), shadow=open_candidate) as gate:
        await link_person_one(gate)
        yield gate


async def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something that happens in a thread has happened."""
    for _ in range(int(seconds / 0.02)):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen in time")


def shadow_of(gate: Gate) -> Shadow:
    """The shadow of a running gateway."""
    found = kept(gate)._shadow
    assert isinstance(found, Shadow)
    return found


async def compared(gate: Gate, times: int) -> ShadowReport:
    """What the shadow has counted, once it has seen so many decisions."""

    def reported() -> list[ShadowReport]:
        kept(gate).flush()
        archive = open_archive(settings_file(gate.middle))
        try:
            return reports(archive.shadow_rows())[0]
        finally:
            archive.close()

    found: list[ShadowReport] = []

    def enough() -> bool:
        found[:] = reported()
        return sum(one.report.decisions for one in found) >= times

    await until(enough)
    return found[0]
