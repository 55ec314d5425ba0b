# SPDX-License-Identifier: EUPL-1.2
"""Attack: somebody who sees every message, the log and the database asks whom they were about.

Real connectors, real gateway, real systems. Linked, unlinked, blocked and empty persons are asked
about from exactly the same past; then everything is compared, place by place. That the comparison
can see anything is proven in ``test_silence_planted_leaks``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from adapters.simulated.people import number
from deploy.demo.cast import ABH, JC, MBE, MELDE
from deploy.demo.office import Person, Told
from keys.model import AgencyId
from tests.support.recorded_cases import at_once
from tests.support.silence import (
    BLOCKED,
    EMPTY,
    LINKED,
    UNLINKED,
    Run,
    Table,
    ask_register,
    leaks,
    observe,
    run,
)

if TYPE_CHECKING:
    from tests.support.town import Town
    from tests.support.town_life import Life

pytestmark = pytest.mark.timeout(60)

CONSENT, PAPERS = "benefit-state-to-counselling", "papers-for-right-to-stay"
PERMITTED = {CONSENT: ("benefit_granted", "procedure_state"), PAPERS: ("language_level",)}
BENEFITS = ("benefit_begin", "benefit_end", "benefit_granted")
PENDING = {"decision": "grant_25b", "azr_insufficient": True}
REPORT = ("benefit_begin", "benefit_type", "birth_date", "family_name", "given_names")


@pytest.fixture(scope="module")
def register(town: Town) -> Mapping[str, Run]:
    """The same question about the four persons, each from the same past."""
    runs = {}
    for person in (LINKED, UNLINKED, BLOCKED, EMPTY):
        with town.awake() as life:
            runs[person] = run(life, ask_register(life, person))
    return runs


def test_file_numbers_are_equally_long() -> None:
    """What is compared below could otherwise differ for the asker's own reason."""
    assert len({len(number(person, JC)) for person in (LINKED, UNLINKED, BLOCKED, EMPTY)}) == 1
    assert len({len(number(person, ABH)) for person in ("tewolde", "oleksandr")}) == 1


@pytest.mark.parametrize("person", [LINKED, BLOCKED, EMPTY])
def test_nothing_tells_a_known_person_from_a_stranger(
    register: Mapping[str, Run], person: str
) -> None:
    """Attack: read messages, signed parts, sizes, log and tables of two exchanges; no difference."""
    assert leaks(register[UNLINKED].table, register[person].table) == []


def test_the_comparison_reads_everything(register: Mapping[str, Run]) -> None:
    """The table behind it has the statement, decision, order, envelope, receipts, log and store."""
    table = register[LINKED].table
    wanted = [
        "1 jc.hannover>gateway request line",
        "3 jc.hannover>gateway request body.statement payload.purpose",
        "4 gateway>melde.hannover request body.order payload.decision payload.fields[0].r",
        "4 gateway>melde.hannover request body.order payload.receipt line 1 leaf.kind",
        "4 gateway>melde.hannover request body.order payload.ref length",
        "5 gateway>melde.hannover answer body.envelope.f[1].c length",
        "6 jc.hannover>gateway answer body.receipts[1] line 1 leaf.outcome",
        "6 jc.hannover>gateway answer header names",
        "log entry 1 disclose detail of melde.hannover size",
        "table exchange rows",
        "table audit_detail row 0",
    ]
    assert [place for place in wanted if place not in table] == []
    assert len(table) > 900


def test_the_person_is_answered_all_the_same(register: Mapping[str, Run]) -> None:
    """Silence is not emptiness: the linked person's address did arrive, the others' did not."""
    assert register[LINKED].told.values["address_street"] == "Quellmoorstieg 17"
    assert [register[person].told.values for person in (UNLINKED, BLOCKED, EMPTY)] == [{}, {}, {}]


def test_the_asker_reads_the_same_words(register: Mapping[str, Run]) -> None:
    """Unlinked, blocked and empty: the local answer is equal word for word."""
    assert register[UNLINKED].local == register[BLOCKED].local == register[EMPTY].local
    said = register[UNLINKED].told.withheld
    assert {item["reason"] for item in said.values()} == {"no_data"}
    assert {item["rule"] for item in said.values()} == {None}


@pytest.mark.parametrize(
    ("asker", "question", "stranger"),
    [
        (ABH, (MBE, "P02", ("counselling_fact", "counselling_notes")), "tewolde"),
        (MBE, (ABH, "P03", ("missing_documents", "procedure_state")), "oleksandr"),
        (MBE, (JC, "P03", ("benefit_granted", "procedure_state")), "oleksandr"),
    ],
)
def test_secrets_and_missing_permissions_tell_nothing(
    town: Town, asker: AgencyId, question: tuple[AgencyId, str, tuple[str, ...]], stranger: str
) -> None:
    """Attack: ask for secrets (R20), or without mandate and consent (R22, R18): who is a client?"""
    runs = []
    for person in ("mariam", stranger):
        with town.awake() as life:
            runs.append(run(life, life.office(asker).ask(person, *question)))
    assert leaks(runs[0].table, runs[1].table) == []
    assert runs[0].local == runs[1].local


def permit(life: Life, person: str, template: str, source: AgencyId, to: AgencyId) -> None:
    """A client of the counselling allows it, for the fields of `PERMITTED`."""
    signed_in = Person(life.ports.url("person>gateway"), life.office(MBE).link_code(person))
    signed_in.give(template, source, to, PERMITTED[template])
    signed_in.close()
    life.tap.messages.clear()


def with_consent(life: Life, person: str) -> Told:
    """The counselling asks the job centre with the client's consent (R18)."""
    permit(life, person, CONSENT, JC, MBE)
    return life.office(MBE).ask(person, JC, "P03", PERMITTED[CONSENT])


def with_release(life: Life, person: str) -> Told:
    """The counselling sends papers that the client released (R21); they are picked up."""
    permit(life, person, PAPERS, MBE, ABH)
    declared = {"initiated_by": "client"}
    told = life.office(MBE).deliver(person, ABH, "P02", PERMITTED[PAPERS], declared=declared)
    assert life.office(ABH).delivered(told.exchange) is not None
    return told


@pytest.mark.parametrize("act", [with_consent, with_release])
def test_a_permission_tells_nothing_about_the_other_agency(
    town: Town, act: Callable[[Life, str], Told]
) -> None:
    """Attack: with the person's own yes, learn whether the other agency has a file."""
    runs = []
    for person in ("mariam", "oleksandr"):
        with town.awake(stock={"pause": at_once}) as life:
            runs.append(run(life, act(life, person)))
    # The sign-in code before made the stranger a row of their own; the exchange adds none.
    told = leaks(runs[0].table, runs[1].table)
    assert [one for one in told if not one.startswith("table link_")] == []


# --- what a clerk decides -----------------------------------------------------------------------


@dataclass
class Settled:
    """One held request: at once, after the clerk, after the asker looked."""

    asked: Run
    settled: Table
    looked: Run


def settle(life: Life, exchange: str, choice: str) -> None:
    """The job centre's clerk decides."""
    office = life.office(JC)
    waiting = office._call("GET", "/held", role="clerk")["held"]
    (held,) = [item["id"] for item in waiting if item["exchange"] == exchange]
    body = {"clerk": "Torsten-Eike Wobbelmann", "reason_code": "not_necessary"}
    office._call("POST", f"/held/{held}/{choice}", body, role="clerk")


@pytest.fixture(scope="module")
def held(town: Town) -> Mapping[str, Settled]:
    """The foreigners' authority asks for benefits (R04); the clerk of the job centre decides."""
    cases = {
        "released": ("tewolde", "release"),
        "refused": ("tewolde", "refuse"),
        "stranger": ("oleksandr", "release"),
        "stranger refused": ("oleksandr", "refuse"),
        "no match": ("tewolde", "release"),
    }
    runs = {}
    for name, (person, choice) in cases.items():
        with town.awake() as life:
            if name == "no match":
                for key, case in list(life.cases.items()):
                    if case["bgNummer"] == number(person, JC):
                        del life.cases[key]
            office = life.office(ABH)
            told = office.ask(person, JC, "P02", BENEFITS, declared=PENDING)
            asked = run(life, told)
            settle(life, told.exchange, choice)
            settled = observe(life, told.exchange)
            looked = run(life, office.look(told.id))
            runs[name] = Settled(asked, settled, looked)
    return runs


@pytest.mark.parametrize("other", ["released", "refused", "stranger refused", "no match"])
@pytest.mark.parametrize("moment", ["asked", "settled", "looked"])
def test_a_held_request_tells_nothing(held: Mapping[str, Settled], other: str, moment: str) -> None:
    """Attack: watch a held request of a stranger and of somebody else, to its end: no difference."""

    def at(name: str) -> Table:
        part = getattr(held[name], moment)
        table: Table = part.table if isinstance(part, Run) else part
        return table

    assert leaks(at("stranger"), at(other)) == []


def test_refusal_stranger_and_no_match_read_alike(held: Mapping[str, Settled]) -> None:
    """The asker's own system is told the same words, and nothing of who decided what."""
    silent = [held[name].looked.local for name in held if name != "released"]
    assert all(local == silent[0] for local in silent)
    assert {item["reason"] for item in held["refused"].looked.told.withheld.values()} == {"no_data"}
    assert set(held["released"].looked.told.values) == set(BENEFITS)
    waiting = [held[name].asked.local for name in held]
    assert all(local == waiting[0] for local in waiting)
    assert waiting[0]["outcome"] == "held"


def test_a_report_tells_its_sender_nothing(town: Town) -> None:
    """Attack: report benefits (R05) to learn whether the other agency has a file; up to pick-up."""
    runs = []
    for person in ("dragana", EMPTY):
        with town.awake() as life:
            office = life.office(JC)
            declared = {"title_section": 4, "benefit_in_azr": False}
            sent = office.deliver(
                person, ABH, "P01", REPORT, trigger="spontaneous", declared=declared
            )
            office.release(sent.exchange)
            assert life.office(ABH).delivered(sent.exchange) is not None
            runs.append(run(life, sent))
    assert leaks(runs[0].table, runs[1].table) == []
    assert runs[0].local == runs[1].local


def test_only_the_holder_knows_why(town: Town) -> None:
    """P5 and P10: the true reason stands in the holder's detail, opened with the holder's key."""
    reasons = {}
    with town.awake() as life:
        for person in (UNLINKED, BLOCKED, EMPTY):
            told = ask_register(life, person)
            detail = life.detail(MELDE, told.exchange)
            reasons[person] = (detail["found"], detail["info_block"], detail["file_number"])
    assert reasons == {
        UNLINKED: (False, False, None),
        BLOCKED: (True, True, number(BLOCKED, MELDE)),
        EMPTY: (True, False, number(EMPTY, MELDE)),
    }
