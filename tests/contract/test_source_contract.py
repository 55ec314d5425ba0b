# SPDX-License-Identifier: EUPL-1.2
"""What every source promises (`adapters.sources.base`), the same for every kind of source."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from adapters.errors import SourceBroken, SourceUnavailable
from adapters.sources.base import HolderKnows, LinkIdentity
from keys.model import FileNumber
from keys.strict_json import dumps, loads
from tests.contract import source_cases as cases
from tests.contract.source_cases import FIELDS, Case
from tests.support.postgres import Cluster
from tests.support.processes import Processes

KINDS = ("sql/sqlite", "sql/postgresql", "rest", "files/json", "files/csv")

_URN = "urn:de:bund:destatis:bevoelkerungsstatistik:schluessel:staatsangehoerigkeit"
EXPECTED = {
    "family_name": "Hadžiahmetović-Đurđević",
    "given_names": "Dragana",
    "name_block_flag": False,
    "birth_date": {"year": 1983, "month": 9, "day": 29},
    "nationalities": [
        {"code": code, "list_urn": _URN, "list_version": "1"} for code in ("122", "170")
    ],
    "benefit_granted": True,
    "benefit_begin": "2026-11-08",
    "benefit_amount": "702.29",
    "net_income": ["12.5", "431.16"],
    "procedure_state": "under_review",
}


@pytest.fixture(params=KINDS)
async def case(
    request: pytest.FixtureRequest, tmp_path: Path, processes: Processes
) -> AsyncGenerator[Case]:
    """The same records in each kind of source."""
    kind: str = request.param
    if kind == "sql/postgresql":
        url: str = request.getfixturevalue("fresh_postgres_database")
        cluster: Cluster = request.getfixturevalue("postgres_cluster")
        made = cases.postgres_case(tmp_path, url, cluster.drop_database)
    elif kind == "rest":
        made = cases.rest_case(tmp_path, processes)
    else:
        make = {
            "sql/sqlite": cases.sqlite_case,
            "files/json": cases.json_case,
            "files/csv": cases.csv_case,
        }[kind]
        made = make(tmp_path)
    yield made
    await made.adapter.close()


def _n(text: str) -> FileNumber:
    return FileNumber(text)


async def test_a_known_person_is_read_with_typed_values(case: Case) -> None:
    """All types of the mapping arrive as values of the catalogue."""
    values = dict((await case.adapter.read(_n(cases.KNOWN), FIELDS)).values)
    income = values.pop("net_income")
    assert isinstance(income, list)
    # Tables have no order of their own, documents do: the order is the source's business.
    assert sorted(map(str, income)) == EXPECTED["net_income"]
    assert values == {name: value for name, value in EXPECTED.items() if name != "net_income"}


async def test_values_are_plain_json(case: Case) -> None:
    """Whatever a driver returns, a record can be sealed."""
    values = dict((await case.adapter.read(_n(cases.KNOWN), FIELDS)).values)
    assert loads(dumps(values), max_bytes=10_000) == values


@pytest.mark.parametrize("name", sorted(FIELDS))
async def test_only_the_fields_asked_for_are_in_the_record(case: Case, name: str) -> None:
    """One field asked, one field answered."""
    record = await case.adapter.read(_n(cases.KNOWN), frozenset({name}))
    assert set(record.values) == {name}
    assert record.values[name] is not None


async def test_other_columns_are_not_even_converted(case: Case) -> None:
    """Broken columns of the same person do not matter to somebody who did not ask for them."""
    asked = frozenset({"family_name", "benefit_amount"})
    record = await case.adapter.read(_n(cases.BROKEN), asked)
    assert record.values == {name: EXPECTED[name] for name in asked}


async def test_a_field_without_mapping_is_null(case: Case) -> None:
    """An agency that does not hold a field says so by null, in the same shape."""
    record = await case.adapter.read(_n(cases.KNOWN), frozenset({"religion", "family_name"}))
    assert record.values == {"religion": None, "family_name": EXPECTED["family_name"]}


async def test_nothing_asked_nothing_read(case: Case) -> None:
    """An empty set of fields gives an empty record."""
    assert (await case.adapter.read(_n(cases.KNOWN), frozenset())).values == {}


@pytest.mark.parametrize(
    "number", [cases.NOBODY, cases.EMPTY, cases.DOUBLED, "", cases.KNOWN.lower(), cases.KNOWN[:-1]]
)
async def test_without_one_match_every_field_is_null(case: Case, number: str) -> None:
    """Unknown, empty, doubled and nearly right numbers give the same record."""
    assert (await case.adapter.read(_n(number), FIELDS)).values == dict.fromkeys(FIELDS)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (cases.KNOWN, HolderKnows(found=True, ambiguous=False, info_block=False)),
        (cases.EMPTY, HolderKnows(found=True, ambiguous=False, info_block=False)),
        (cases.NOBODY, HolderKnows(found=False, ambiguous=False, info_block=False)),
        (cases.DOUBLED, HolderKnows(found=False, ambiguous=True, info_block=False)),
        (cases.BLOCKED, HolderKnows(found=True, ambiguous=False, info_block=True)),
        (cases.LIFTED, HolderKnows(found=True, ambiguous=False, info_block=False)),
    ],
)
async def test_facts_tell_what_the_decision_needs(
    case: Case, number: str, expected: HolderKnows
) -> None:
    """Found, ambiguous and blocked are told apart; a lifted block does not stand."""
    facts = await case.adapter.facts(_n(number))
    assert (facts.found, facts.ambiguous, facts.info_block) == (
        expected.found,
        expected.ambiguous,
        expected.info_block,
    )
    assert facts.secret_203 == {"procedure_state"}


async def test_secrecy_provenance_is_told_per_field(case: Case) -> None:
    """A known origin tags its fields, an unknown origin tags all."""
    assert (await case.adapter.facts(_n(cases.SECRET))).secret_203 == {
        "net_income",
        "procedure_state",
    }
    assert (await case.adapter.facts(_n(cases.UNKNOWN_ORIGIN))).secret_203 == FIELDS


async def test_a_year_without_a_day_stays_a_year(case: Case) -> None:
    """Nobody is given a birthday on 1 January."""
    record = await case.adapter.read(_n(cases.ONLY_A_YEAR), frozenset({"birth_date"}))
    assert record.values["birth_date"] == {"year": 1987, "month": None, "day": None}
    assert await case.adapter.identity(_n(cases.ONLY_A_YEAR)) == LinkIdentity(
        "Hadžiahmetović-Đurđević", "1987"
    )


async def test_one_name_only(case: Case) -> None:
    """The mark for "no given name" becomes the flag, not a name."""
    record = await case.adapter.read(_n(cases.MONONYM), FIELDS)
    assert record.values["family_name"] == "Rahmatullahzai"
    assert record.values["given_names"] is None
    assert record.values["name_block_flag"] is True


async def test_identity_for_the_counter(case: Case) -> None:
    """Name and birth date as the agency has them, and nothing for anybody who is not exactly one person."""
    assert await case.adapter.identity(_n(cases.KNOWN)) == LinkIdentity(
        "Hadžiahmetović-Đurđević", "1983-09-29"
    )
    for number in (cases.EMPTY, cases.DOUBLED, cases.NOBODY):
        assert await case.adapter.identity(_n(number)) is None


@pytest.mark.parametrize("name", ["birth_date", "procedure_state"])
async def test_a_value_that_does_not_fit_stops_the_answer(case: Case, name: str) -> None:
    """The error names the mapping and the field, and neither value nor file number."""
    with pytest.raises(SourceBroken) as raised:
        await case.adapter.read(_n(cases.BROKEN), frozenset({name}))
    assert f"[field.{name}]" in str(raised.value)
    assert cases.RUBBISH not in str(raised.value)
    assert cases.BROKEN not in str(raised.value)


async def test_look_ups_side_by_side_do_not_mix(case: Case) -> None:
    """Twenty look-ups at once give each caller the right person."""
    numbers = [cases.KNOWN, cases.NOBODY, cases.MONONYM, cases.DOUBLED] * 5
    asked = frozenset({"family_name"})
    records = await asyncio.gather(*(case.adapter.read(_n(one), asked) for one in numbers))
    names = [record.values["family_name"] for record in records]
    assert names == ["Hadžiahmetović-Đurđević", None, "Rahmatullahzai", None] * 5


async def test_check_says_that_the_source_is_usable(case: Case) -> None:
    """A good mapping on a good source has no problems."""
    report = await case.adapter.check()
    assert report.usable, report.problems
    assert report.fields == tuple(sorted(FIELDS))


async def test_a_source_that_is_gone_is_unavailable(case: Case) -> None:
    """Not an empty answer: the asker must not take silence for "nobody"."""
    case.take_away()
    with pytest.raises(SourceUnavailable):
        await case.adapter.read(_n(cases.KNOWN), frozenset({"family_name"}))
    with pytest.raises(SourceUnavailable):
        await case.adapter.facts(_n(cases.KNOWN))
    report = await case.adapter.check()
    assert not report.usable
    assert report.problems
