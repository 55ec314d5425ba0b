# SPDX-License-Identifier: EUPL-1.2
"""P10 through real systems: every asked field comes back with its rule, norm, reason and sentence.

The questions are reviewed cases of the rules (``policies/golden``), asked in a town of real
connectors; what the local system reads is compared with what the case expects, field by field.
All rules of the catalogue, by the gateway alone: ``test_every_rule_over_http.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pytest

from adapters.simulated.people import number
from deploy.demo.cast import ABH, FLOWS, JC, MBE, MELDE, MEMBER
from deploy.demo.office import Person, Told
from keys.model import AgencyId
from policies.catalogue import Catalogue
from policies.decision import FieldDecision
from policies.explain import explain, explain_code
from policies.model import TRIGGERS, NormId, Outcome
from tests.support.recorded_cases import (
    PLAYED,
    Answered,
    ask,
    at_once,
    cases,
    decided,
    permitted,
    speaking,
)

if TYPE_CHECKING:
    from policies.explain import Language
    from tests.support.town import Town

pytestmark = pytest.mark.timeout(90)

LANGUAGES: tuple[Language, ...] = ("de", "en")
ASKED_BELOW = {"R03", "R41", "R52"}
"""They need a choice, a blocked person, and an agency without a connector."""
NOT_IN_TOWN = {"R64", "R69"}
"""No source in town tags what goes by statute, and nobody in town is abroad."""


@dataclass
class Matrix:
    """All answers in one language."""

    language: Language
    answers: Mapping[str, Answered]


@pytest.fixture(scope="module", params=LANGUAGES)
def matrix(request: pytest.FixtureRequest, town: Town) -> Matrix:
    """Ask everything once, one case after the other, in one language."""
    language: Language = request.param
    with town.awake(settings=speaking(language), stock={"pause": at_once}) as life:
        answers = {}
        for name in PLAYED:
            case = cases()[name]
            permitted(life, case)
            if name == "U07.second":
                ask(life, case)
            answers[name] = ask(life, case)
    return Matrix(language, answers)


# --- what must hold of every field ------------------------------------------------------------------


def check_released(answered: Answered, told: Told, field: str) -> None:
    """Provenance, and a receipt whose entry names field and rule."""
    case = answered.case
    provenance = told.body["fields"][field]["provenance"]
    rule = case.expected[field]["rule"]
    assert provenance["rule"] == rule
    assert provenance["norm"] == list(Catalogue.load().rule(rule).norms)
    assert provenance["norm"]
    assert provenance["from"] == answered.holder
    assert provenance["exchange"] == told.exchange
    released = [leaf for leaf in answered.leaves if leaf["kind"] == "disclose"]
    assert [field in leaf["fields"] and rule in leaf["rules"] for leaf in released] == [True]


def check_withheld(matrix: Matrix, expected: FieldDecision, said: Mapping[str, Any]) -> None:
    """Rule, norms, reason, and the clerk's sentence in the connector's language."""
    assert (said["outcome"], said["rule"], said["reason"]) == (
        expected.outcome.value,
        expected.rule,
        expected.reason,
    )
    assert said["norms"] == list(expected.norms)
    assert said["norms"]
    sentence = explain(expected, "clerk", matrix.language)
    assert (said["sentence"], said["next_step"]) == (sentence.text, sentence.next_step)
    assert said["sentence"]
    assert said["next_step"]


def check_silent(matrix: Matrix, said: Mapping[str, Any]) -> None:
    """Exactly the one fixed reason, no rule, no norm."""
    sentence = explain_code("no_data", "clerk", matrix.language)
    assert said == {
        "field": said["field"],
        "outcome": "NEUTRAL",
        "rule": None,
        "norms": [],
        "reason": "no_data",
        "reasons": ["no_data"],
        "sentence": sentence.text,
        "next_step": sentence.next_step,
    }


@pytest.mark.parametrize("name", PLAYED)
def test_every_asked_field_has_its_reason(matrix: Matrix, name: str) -> None:
    """Released with provenance, withheld with a reason, waiting with a reason, or silent: nothing else."""
    answered = matrix.answers[name]
    told = answered.told
    waiting = {item["field"]: item for item in told.body["pending"]}
    sent = set(told.values) | set(told.withheld) | set(waiting)
    pushed = told.outcome == "waiting"
    for field, said in answered.case.expected.items():
        outcome = Outcome(said["outcome"])
        if outcome is Outcome.ALLOW_MIN:
            arrived = answered.later if pushed else told
            assert arrived is not None
            check_released(answered, arrived, field)
        elif outcome is Outcome.HOLD_HUMAN:
            check_withheld(matrix, decided(field, said), waiting[field])
        elif outcome is Outcome.NEUTRAL:
            check_silent(matrix, told.withheld[field])
        else:
            check_withheld(matrix, decided(field, said), told.withheld[field])
    allowed = {
        name for name, said in answered.case.expected.items() if said["outcome"] == "ALLOW_MIN"
    }
    assert sent | (allowed if pushed else set()) == set(answered.case.facts.fields)


@pytest.mark.parametrize(
    ("asked", "released"), [("U03.gateway", "U03.holder_after"), ("U11.s18a", "U11.s18a_holder")]
)
def test_what_a_clerk_released_has_its_reason(matrix: Matrix, asked: str, released: str) -> None:
    """After the release every field has a rule again, and none is left waiting."""
    before = matrix.answers[asked]
    later = before.later
    assert later is not None
    assert later.body["pending"] == []
    answered = Answered(cases()[released], before.holder, later, None, before.leaves)
    for field, said in answered.case.expected.items():
        if said["outcome"] == "ALLOW_MIN":
            check_released(answered, later, field)
        else:
            check_withheld(matrix, decided(field, said), later.withheld[field])


def test_every_rule_between_the_agencies_of_the_town_was_asked(matrix: Matrix) -> None:
    """Whatever rule speaks of two of them and of what they agreed about decides at least one field."""
    used = {said["rule"] for one in matrix.answers.values() for said in one.case.expected.values()}
    spoken = {
        rule.id
        for rule in Catalogue.load().rules.values()
        for flow in FLOWS
        for purpose in flow.purposes
        for trigger in TRIGGERS
        if rule.speaks_of(MEMBER[flow.source].kind, MEMBER[flow.recipient].kind, purpose, trigger)
    }
    assert used | ASKED_BELOW | NOT_IN_TOWN == spoken
    assert not used & NOT_IN_TOWN


def test_a_choice_and_its_absence_have_reasons(town: Town) -> None:
    """R03: without the person's choice a reason and the way to it, with it the fields."""
    fields = ["permit_type", "residence_status"]
    with town.awake(stock={"pause": at_once}) as life:
        body = {
            "holding": ABH,
            "trigger": "subject_choice",
            **life.office(JC)._start("nasrin", "P04", fields, {"procedure_electronic": True}),
        }
        before = Told(life.office(JC)._call("POST", "/enquiries", body))
        person = Person(life.ports.url("person>gateway"), life.office(JC).link_code("nasrin"))
        person.give("fetch-residence-proof", ABH, JC, fields)
        person.close()
        after = Told(life.office(JC)._call("POST", "/enquiries", body))
    for field in fields:
        said = before.withheld[field]
        assert (said["outcome"], said["rule"], said["reason"]) == (
            "NEED_CHOICE",
            "R03",
            "choice_missing",
        )
        assert said["norms"]
        assert said["sentence"]
        assert said["next_step"]
    assert after.rules == dict.fromkeys(fields, "R03")


def test_the_school_has_its_reason(town: Town) -> None:
    """R52: the school is exempt; nobody is asked, and the clerk reads why."""
    with town.awake() as life:
        told = life.office(ABH).ask("tewolde", AgencyId("schule.ost"), "P02", ["school_attendance"])
        said = told.withheld["school_attendance"]
        expected = decided("school_attendance", cases()["U09.asked"].expected["school_attendance"])
        check_withheld(Matrix("de", {}), expected, said)
        assert not [one for one in life.tap.messages if one.route.startswith("gateway>")]


# --- where P5 demands silence -----------------------------------------------------------------------

ADDRESS = ("address_postcode_town", "address_street")


def test_the_true_reason_stands_at_the_holder(town: Town) -> None:
    """Blocked, secret, empty and unknown: one reason outside, the true one under the holder's key."""
    with town.awake() as life:
        asked = {
            "blocked": (MELDE, life.office(JC).ask("leyla", MELDE, "P04", ADDRESS)),
            "unknown": (MELDE, life.office(JC).ask("zofia", MELDE, "P04", ADDRESS)),
            "empty": (MELDE, life.office(JC).ask("kwabena", MELDE, "P04", ADDRESS)),
            "secret": (MBE, life.office(ABH).ask("mariam", MBE, "P02", ("counselling_notes",))),
        }
        found = {name: life.detail(holder, told.exchange) for name, (holder, told) in asked.items()}
    for _, told in asked.values():
        for said in told.withheld.values():
            check_silent(Matrix("de", {}), said)
        assert told.values == {}
    truth = {
        name: (detail["found"], {(one["o"], one["r"], one["c"]) for one in detail["fields"]})
        for name, detail in found.items()
    }
    assert truth == {
        "blocked": (True, {("NEUTRAL", "R41", "block_neutral")}),
        "unknown": (False, {("ALLOW_MIN", "R40", "statute")}),
        "empty": (True, {("ALLOW_MIN", "R40", "statute")}),
        "secret": (True, {("NEUTRAL", "R20", "secret_203")}),
    }
    assert found["blocked"]["file_number"] == number("leyla", MELDE)
    assert found["secret"]["fields_read"] == []


# --- who reads it -----------------------------------------------------------------------------------


def every_decision() -> Iterator[FieldDecision]:
    """Each decision that any reviewed case expects, once."""
    seen: set[tuple[str, str, str]] = set()
    for case in cases().values():
        for field, said in case.expected.items():
            key = (said["outcome"], said["rule"], said["reason"])
            if key not in seen:
                seen.add(key)
                yield decided(field, said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_clerk_applicant_and_officer_each_read_a_sentence(language: Language) -> None:
    """Every outcome of every rule has a sentence for each; applicants read drafts without norms."""
    norms = Catalogue.load().norms
    for one in every_decision():
        cited = [norms[NormId(norm)].cite_in(language) for norm in one.norms]
        clerk, applicant, officer = (
            explain(one, audience, language) for audience in ("clerk", "applicant", "dpo")
        )
        for sentence in (clerk, applicant, officer):
            assert len(sentence.text.split()) > 2
            assert sentence.next_step or one.outcome is Outcome.ALLOW_MIN
            assert "{" not in sentence.text + sentence.next_step
        assert applicant.draft
        assert not any(cite in applicant.text for cite in cited)
        assert all(cite in clerk.text and cite in officer.text for cite in cited)
        assert str(one.rule) in officer.text
        assert clerk.text != applicant.text


def test_german_and_english_differ() -> None:
    """No sentence was left in the other language."""
    audiences: tuple[Literal["clerk", "applicant", "dpo"], ...] = ("clerk", "applicant", "dpo")
    for one in every_decision():
        for audience in audiences:
            german, english = (explain(one, audience, language) for language in LANGUAGES)
            assert german.text != english.text
