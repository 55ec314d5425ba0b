# SPDX-License-Identifier: EUPL-1.2
"""A gateway among agencies of every kind, and the reviewed cases asked of it over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.permission_model import PermissionType, Template, TemplateId
from keys import messages
from keys.agencylist import Agreement
from keys.model import AgencyId
from policies.catalogue import Catalogue
from policies.errors import PolicyError
from policies.golden_cases import GoldenCase, golden_cases
from policies.model import PERMISSION_TYPES, SENDER_TRIGGERS, DecisionInput
from tests.support.middle import DAY, Gate, Middle
from tests.support.scenes import entries, let_go, no_pause, pick_up

CATALOGUE = Catalogue.load()
KINDS = {f"{kind.lower()}.{number}": kind for kind in CATALOGUE.agencies for number in (1, 2)}
"""Two agencies of every kind: some rules are about two of one kind."""
NOTICE = "Ja?"
LOOKS_AGAIN = 11
"""After so many seconds the gateway has seen a new agency list."""


@dataclass(frozen=True)
class Question:
    """A reviewed case, and what it asks."""

    case: GoldenCase
    facts: DecisionInput

    @property
    def pushed(self) -> bool:
        """The holder starts."""
        return self.facts.trigger in SENDER_TRIGGERS

    @property
    def holder(self) -> AgencyId:
        """The agency that holds the facts."""
        return AgencyId(f"{self.facts.from_kind.lower()}.1")

    @property
    def recipient(self) -> AgencyId:
        """The agency that would get them; never the same one."""
        return AgencyId(f"{self.facts.to_kind.lower()}.2")

    @property
    def issuer(self) -> AgencyId:
        """The agency that starts."""
        return self.holder if self.pushed else self.recipient

    @property
    def other(self) -> AgencyId:
        """The one it speaks to."""
        return self.recipient if self.pushed else self.holder

    @property
    def expected(self) -> Mapping[str, Mapping[str, str]]:
        """Outcome, rule and reason per field."""
        said = self.case.expected
        assert isinstance(said, dict)
        fields: Any = said["fields"]
        return fields  # type: ignore[no-any-return]  # a golden file, read strictly elsewhere

    def can_be_asked(self) -> bool:
        """Say whether agencies and persons can bring it about; the rest is the holder's alone."""
        facts = self.facts
        kind = facts.from_kind if self.pushed else facts.to_kind
        try:
            CATALOGUE.validate_declared(facts.trigger, facts.declared, kind=kind)
        except PolicyError:
            return False
        states = {getattr(facts.permission, name).state for name in PERMISSION_TYPES}
        holder = facts.holder
        # The head of an agency releases for it: that a clerk has not cannot be brought about.
        head_alone = holder.released_by_head and not holder.released_by_source
        reasons = {said["reason"] for said in self.expected.values()}
        for_head = {CATALOGUE.rule(said["rule"]).release for said in self.expected.values()}
        return (
            facts.agreement.in_force
            and (not head_alone or for_head == {"head"})
            and not facts.lapsed
            and "block_unknown" not in reasons  # the gateway always says that it knows of none
            and not (holder.info_block or holder.secret_203 or holder.entrusted_65)
            and states <= {"none", "in_force", "withdrawn"}
        )

    def agreement(self, now: int) -> Agreement:
        """What the two agencies have agreed in this case."""
        said = self.facts.agreement
        return Agreement(
            id="agreed",
            source=self.holder,
            recipient=self.recipient,
            purposes=(self.facts.purpose,),
            undertaking_78=said.undertaking_78,
            approval_79=said.approval_79,
            pilot_agreed=said.pilot_agreed,
            state_law_basis=said.state_law_basis,
            recipient_abroad=said.recipient_abroad,
            valid_from=now - DAY,
            valid_until=now + 300 * DAY,
        )


def chosen(each: int) -> list[Question]:
    """Of every rule, up to `each` cases of each sort that can be asked over HTTP."""
    seen: dict[tuple[str, str], int] = {}
    found = []
    for case in golden_cases():
        question = Question(case, case.question(CATALOGUE))
        key = (case.about, case.shows)
        if case.about not in CATALOGUE.rules or case.shows == "other":
            continue
        if seen.get(key, 0) < each and question.can_be_asked():
            seen[key] = seen.get(key, 0) + 1
            found.append(question)
    return found


def rounds(questions: Iterable[Question]) -> list[list[Question]]:
    """Put together what one agency list can serve: one agreement per direction and purpose."""
    made: list[tuple[dict[object, object], list[Question]]] = []
    for one in questions:
        key = (one.holder, one.recipient, one.facts.purpose)
        for agreed, together in made:
            if agreed.setdefault(key, one.facts.agreement) == one.facts.agreement:
                together.append(one)
                break
        else:
            made.append(({key: one.facts.agreement}, [one]))
    return [together for _, together in made]


def any_templates() -> dict[TemplateId, Template]:
    """A template for each type and purpose: what may be asked of a person is tested elsewhere."""
    made = {}
    for kind in PermissionType:
        for purpose in CATALOGUE.purposes:
            name = TemplateId(f"{kind.value}-{purpose}")
            made[name] = Template(
                id=name,
                version=1,
                type=kind,
                mode="retrieve" if kind is PermissionType.CHOICE else None,
                purpose=purpose,
                from_kinds=frozenset(CATALOGUE.agencies),
                to_kinds=frozenset(CATALOGUE.agencies),
                fields=frozenset(CATALOGUE.fields),
                special_fields=frozenset(),
                legal_basis="invented",
                max_days=30,
                single_use=False,
                retention_at_recipient="invented",
                alternative={"de": "-"},
                consequence={"de": "-"},
                notices={"de": NOTICE},
                status="draft",
                approvals=(),
                digest="0" * 64,
            )
    return made


@asynccontextmanager
async def every_kind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gate]:
    """A gateway with all kinds around it and no agreement yet."""
    monkeypatch.setattr("gateway.app.load_templates", any_templates)
    middle = Middle.build(folder, kinds=KINDS)
    async with middle.running(**no_pause({})) as gate:
        yield gate


def agree(gate: Gate, questions: Iterable[Question]) -> None:
    """Sign a list with exactly the agreements of these cases."""
    middle = gate.middle
    now = middle.clock()
    agreed = {(one.holder, one.recipient, one.facts.purpose): one for one in questions}
    middle.agreements = [one.agreement(now) for one in agreed.values()]
    middle.publish()
    middle.clock.advance(LOOKS_AGAIN)
    gate.forget_tokens()


@dataclass
class Came:
    """What came of a question."""

    answer: dict[str, Any]
    """The newest answer that the gateway gave to the side that started, or released."""
    leaves: list[dict[str, Any]]
    """The exchange's log entries, oldest first."""
    delivered: dict[str, Any] = field(default_factory=dict)
    """What the recipient of a push, or of something released, picked up."""


async def ask(gate: Gate, question: Question, number: str) -> Came:
    """Ask over HTTP as the case says, for a file that nobody else asks about."""
    facts = question.facts
    await _permit(gate, question, number)
    start = gate.deliver if question.pushed else gate.ask
    reply = await start(
        question.issuer,
        question.other,
        number,
        facts.purpose,
        facts.fields,
        trigger=facts.trigger,
        declared=facts.declared,
    )
    assert reply.is_success, (question.case.id, reply.text[:200])
    answer = reply.json()
    exchange = answer["exchange"]
    if (
        answer["status"] == "held"
        and facts.holder.released_by_source | facts.holder.released_by_head
    ):
        released = await let_go(
            gate, question.holder, exchange, number, by_head=facts.holder.released_by_head
        )
        still_held = "HOLD_HUMAN" in {said["outcome"] for said in question.expected.values()}
        assert released.is_success is not still_held, (question.case.id, released.text[:200])
        answer = answer if still_held else released.json()
    delivered = {}
    if answer["status"] == "ordered":
        handed = await gate.hand_in(question.holder, exchange, answer["order"])
        assert handed.is_success, (question.case.id, handed.text[:200])
        delivered = (await pick_up(gate, exchange, question.recipient)).json()
    return Came(answer, entries(gate.middle, exchange), delivered)


def decided(gate: Gate, answer: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Outcome, rule and shown reason per field, from the signed decision."""
    token = messages.read_decision(
        answer["decision"], key=gate.middle.gateway_key, now=gate.middle.clock()
    )
    return {
        one.field: {"outcome": one.outcome, "rule": one.rule, "reason": one.reason}
        for one in token.fields
    }


async def _permit(gate: Gate, question: Question, number: str) -> None:
    facts = question.facts
    stated = {name: getattr(facts.permission, name) for name in PERMISSION_TYPES}
    if all(fact.state == "none" for fact in stated.values()):
        return
    token = await gate.person(question.issuer, number)
    for name, fact in stated.items():
        if fact.state == "none":
            continue
        body = {
            "template": f"{name}-{facts.purpose}",
            "from_agency": question.holder,
            "to_agency": question.recipient,
            "fields": list(fact.fields or facts.fields),
            "valid_days": 30,
            "language": "de",
            "notice_sha256": _shown(name, facts.purpose),
            "preview_confirmed": name == "choice" and facts.permission.retrieval_confirmed,
        }
        headers = {"Authorization": f"Bearer {token}"}
        given = await gate.client.post("/v1/permissions", json=body, headers=headers)
        assert given.status_code == 201, (question.case.id, given.text)
        if fact.state == "withdrawn":
            await gate.withdraw(token, given.json()["id"])


def _shown(kind: str, purpose: str) -> str:
    digest = any_templates()[TemplateId(f"{kind}-{purpose}")].notice_digest("de")
    assert digest is not None
    return digest
