# SPDX-License-Identifier: EUPL-1.2
"""The reviewed cases of the rules (``policies/golden``), asked in a town of real connectors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.verify import verify_receipt
from deploy.demo.cast import JC, MBE, MEMBERS
from deploy.demo.office import Person, Told
from keys.model import AgencyId
from policies.catalogue import Catalogue
from policies.decision import FieldDecision
from policies.golden_cases import golden_cases
from policies.model import SENDER_TRIGGERS, FieldId, Outcome, ReasonCode, RuleId

if TYPE_CHECKING:
    from adapters.connector.settings import Settings
    from policies.explain import Language
    from policies.model import DecisionInput
    from tests.support.town_life import Life

KINDS = {member.id: member.kind for member in MEMBERS if member.id != "jc.celle"}
AGENCY = {kind: agency for agency, kind in KINDS.items()}
TEMPLATES = {
    "mandate": "procedure-state-mandate",
    "release_203": "papers-for-right-to-stay",
    "consent": "benefit-state-to-counselling",
    "choice": "fetch-residence-proof",
}
PLAYED = [
    "U01.asked",
    "U01.silent",
    "U01.beside",
    "U02.asked",
    "U02.identifier",
    "U02.no_reason",
    "U03.gateway",
    "U04.asked",
    "U04.no_azr_statement",
    "U05.neither",
    "U06.gateway",
    "U11.s25b",
    "U11.s18a",
    "U11.in_azr",
    "U14.gateway",
    "R08.applies",
    "R18.none",
    "R68.beside_report",
    "U05.mandate",
    "U05.narrow",
    "U05.withdrawn",
    "U07.first",
    "U07.second",
    "U15.before",
    "U15.after",
]
"""Cases that can be asked in the town; those with permissions come last and clear up before."""
PERSONS = {
    ("ABH", "JC"): "nasrin",
    ("JC", "ABH"): "tewolde",
    ("MELDE", "JC"): "nasrin",
    ("SCHULE", "ABH"): "tewolde",
}
"""Who is asked about between two kinds of agencies; everywhere else it is mariam."""


@dataclass(frozen=True)
class Case:
    """A reviewed case."""

    id: str
    facts: DecisionInput
    permissions: Sequence[Mapping[str, Any]]
    """As the case writes them down."""
    expected: Mapping[str, Any]


@cache
def cases() -> Mapping[str, Case]:
    """Every reviewed case by its id."""
    catalogue = Catalogue.load()
    found = {}
    for one in golden_cases():
        document: Any = one.document
        expected: Any = one.expected
        found[one.id] = Case(
            one.id,
            one.question(catalogue),
            document.get("permissions", []),
            expected["fields"],
        )
    return found


def decided(field: str, said: Mapping[str, Any]) -> FieldDecision:
    """Make the decision that a case expects for one field."""
    norms = Catalogue.load().rule(said["rule"]).norms
    return FieldDecision(
        FieldId(field),
        Outcome(said["outcome"]),
        RuleId(said["rule"]),
        norms,
        ReasonCode(said["reason"]),
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
    if not case.permissions:
        return
    facts = case.facts
    source, recipient = AGENCY[facts.from_kind], AGENCY[facts.to_kind]
    code = life.office(MBE).link_code("mariam")
    person = Person(life.ports.url("person>gateway"), code)
    try:
        person.withdraw_everything()
        for one in case.permissions:
            permission = person.give(TEMPLATES[one["type"]], source, recipient, one["fields"])
            if "revoked_at" in one:
                person.withdraw(permission)
    finally:
        person.close()


def ask(life: Life, case: Case) -> Answered:
    """Ask, or deliver, what the case says; a held one is released, a push is picked up."""
    facts = case.facts
    source, recipient = AGENCY[facts.from_kind], AGENCY[facts.to_kind]
    person = PERSONS.get((facts.from_kind, facts.to_kind), "mariam")
    purpose, fields, declared = facts.purpose, facts.fields, dict(facts.declared)
    if facts.trigger not in SENDER_TRIGGERS:
        told = life.office(recipient).ask(person, source, purpose, fields, declared=declared)
        later: Callable[[], Told | None] = lambda: life.office(recipient).look(told.id)  # noqa: E731 - one of two
    else:
        person = "dragana" if source == JC else person
        told = life.office(source).deliver(
            person, recipient, purpose, fields, trigger=facts.trigger, declared=declared
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
