# SPDX-License-Identifier: EUPL-1.2
"""The recorded cases of the rules (``policies/golden``), asked in a town of real connectors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import policies
from audit.verify import verify_receipt
from deploy.demo.cast import JC, MBE, MEMBERS
from deploy.demo.office import Person, Told
from keys.model import AgencyId
from policies.catalogue import Catalogue
from policies.decision import FieldDecision
from policies.model import FieldId, Outcome, ReasonCode, RuleId

if TYPE_CHECKING:
    from adapters.connector.settings import Settings
    from policies.explain import Language
    from tests.support.town_life import Life

KINDS = {member.id: member.kind for member in MEMBERS if member.id != "jc.celle"}
AGENCY = {kind: agency for agency, kind in KINDS.items()}
TEMPLATES = {
    "mandate": "procedure-state-mandate",
    "release_203": "papers-for-right-to-stay",
    "consent": "benefit-state-to-counselling",
    "choice": "fetch-residence-proof",
}
PERSONS = {
    ("ABH", "JC"): "nasrin",
    ("JC", "ABH"): "tewolde",
    ("MELDE", "JC"): "nasrin",
    ("SCHULE", "ABH"): "tewolde",
}
"""Who is asked about between two kinds of agencies; everywhere else it is mariam."""


@dataclass(frozen=True)
class Case:
    """A recorded case."""

    id: str
    input: Mapping[str, Any]
    expected: Mapping[str, Any]


@cache
def cases() -> Mapping[str, Case]:
    """Every recorded case by its id."""
    folder = Path(policies.__file__).parent / "golden"
    found = [
        Case(one["id"], one["input"], one["expected"]["fields"])
        for file in sorted(folder.glob("*.json"))
        for one in json.loads(file.read_text(encoding="utf-8"))["cases"]
    ]
    return {one.id: one for one in found}


def decided(field: str, said: Mapping[str, Any]) -> FieldDecision:
    """Make the decision that a recorded case expects for one field."""
    reasons = tuple(ReasonCode(code) for code in said["reasons"])
    norms = Catalogue.load().rule(said["rule"]).norms
    return FieldDecision(
        FieldId(field), Outcome(said["outcome"]), RuleId(said["rule"]), norms, reasons[0], reasons
    )


@dataclass
class Answered:
    """One case and what the local systems were told."""

    case: Case
    holder: AgencyId
    told: Told
    later: Told | None
    """What arrived after a clerk's release, or for a push at its recipient."""
    leaves: Sequence[Mapping[str, Any]]
    """The log entries that the asker's receipts prove, in the newest answer."""


def permitted(life: Life, case: Case) -> None:
    """Bring the person's permissions into the state that the case begins with."""
    given = {
        kind: fact for kind, fact in case.input["permission"].items() if fact["state"] != "none"
    }
    if not given:
        return
    source, recipient = AGENCY[case.input["from_kind"]], AGENCY[case.input["to_kind"]]
    code = life.office(MBE).link_code("mariam")
    person = Person(life.ports.url("person>gateway"), code)
    try:
        person.withdraw_everything()
        for kind, fact in given.items():
            permission = person.give(TEMPLATES[kind], source, recipient, fact["fields"])
            if fact["state"] == "withdrawn":
                person.withdraw(permission)
    finally:
        person.close()


def ask(life: Life, case: Case) -> Answered:
    """Ask, or deliver, what the case says; a held one is released, a push is picked up."""
    source, recipient = AGENCY[case.input["from_kind"]], AGENCY[case.input["to_kind"]]
    person = PERSONS.get((case.input["from_kind"], case.input["to_kind"]), "mariam")
    purpose, fields = case.input["purpose"], case.input["fields"]
    declared, trigger = case.input["declared"], case.input["trigger"]
    if trigger == "on_request":
        told = life.office(recipient).ask(person, source, purpose, fields, declared=declared)
        later: Callable[[], Told | None] = lambda: life.office(recipient).look(told.id)  # noqa: E731 - one of two
    else:
        person = "dragana" if source == JC else person
        told = life.office(source).deliver(
            person, recipient, purpose, fields, trigger=trigger, declared=declared
        )
        later = lambda: life.office(recipient).delivered(told.exchange)  # noqa: E731 - one of two
    if told.outcome == "held":
        life.office(source).release(told.exchange)
    arrived = later() if told.outcome in {"held", "waiting"} else None
    vkey = life.place.log_key.read_text().strip()
    receipts = (told if arrived is None else arrived).receipts
    leaves = [verify_receipt(Path(path).read_text(), vkey).leaf for path in receipts]
    return Answered(case, source, told, arrived, leaves)


def speaking(language: Language) -> Callable[[Settings], Settings]:
    """Connectors that explain in this language."""

    def change(settings: Settings) -> Settings:
        agency = settings.agency.model_copy(update={"language": language})
        return settings.model_copy(update={"agency": agency})

    return change


async def at_once(_seconds: float) -> None:
    """No answer is on its way out while a permission is withdrawn here."""
    await asyncio.sleep(0)
