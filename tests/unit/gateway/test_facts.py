# SPDX-License-Identifier: EUPL-1.2
"""What the decision may know: codes and booleans, with time worked out before."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import UnknownAgency
from gateway.facts import agreement_facts, check_codes, kind_of
from gateway.rules import DayRules
from keys.agencies import AgencyList
from keys.keylist import verify_agency_list
from keys.model import AgencyId
from keys.providers.base import KeyUse
from policies.catalogue import Catalogue
from policies.errors import UnknownCode
from policies.model import AgreementFacts, Kind
from tests.support.middle import ABH, JC, JC2, Middle


def _list(middle: Middle) -> AgencyList:
    root = middle.root.public_jwk(middle.root.kids(KeyUse.ROOT)[0])
    document = (middle.folder / "agencies.json").read_bytes()
    return verify_agency_list(document, root_jwk=root, now=middle.clock(), min_serial=0)


def test_an_agreement_counts_from_its_first_to_before_its_last_second(tmp_path: Path) -> None:
    """Time becomes a boolean here, and no rule ever compares dates."""
    middle = Middle.build(tmp_path)
    one = next(a for a in middle.agreements if (a.source, a.recipient) == (ABH, JC))
    begin, end = middle.clock() + 100, middle.clock() + 200
    middle.agreements = [dataclasses.replace(one, valid_from=begin, valid_until=end)]
    middle.publish()
    agencies = _list(middle)
    in_force = [
        agreement_facts(agencies, ABH, JC, "P04", now).in_force
        for now in (begin - 1, begin, end - 1, end)
    ]
    assert in_force == [False, True, True, False]


def test_an_agreement_holds_for_its_own_direction_pair_and_purpose(tmp_path: Path) -> None:
    """Turned around, with the other job centre, or for another purpose: nothing holds."""
    middle = Middle.build(tmp_path)
    one = next(a for a in middle.agreements if (a.source, a.recipient) == (ABH, JC))
    middle.agreements = [dataclasses.replace(one, purposes=("P04",), undertaking_78=False)]
    middle.publish()
    agencies, now = _list(middle), middle.clock()
    assert agreement_facts(agencies, ABH, JC, "P04", now) == AgreementFacts(in_force=True)
    for holder, recipient, purpose in ((JC, ABH, "P04"), (ABH, JC2, "P04"), (ABH, JC, "P05")):
        assert agreement_facts(agencies, holder, recipient, purpose, now) == AgreementFacts()


@pytest.mark.parametrize(
    "fact",
    ["undertaking_78", "approval_79", "pilot_agreed", "state_law_basis", "recipient_abroad"],
)
def test_what_an_agreement_says_reaches_the_rules(tmp_path: Path, fact: str) -> None:
    """Each fact by itself, and no other with it."""
    middle = Middle.build(tmp_path)
    one = next(a for a in middle.agreements if (a.source, a.recipient) == (ABH, JC))
    silent = dataclasses.replace(one, undertaking_78=False)
    stated: dict[str, Any] = {fact: True}
    middle.agreements = [dataclasses.replace(silent, **stated)]
    middle.publish()
    found = agreement_facts(_list(middle), ABH, JC, "P04", middle.clock())
    assert found == dataclasses.replace(AgreementFacts(in_force=True), **stated)


def test_a_kind_comes_from_the_signed_list(tmp_path: Path) -> None:
    """An agency that is not on it has none."""
    agencies = _list(Middle.build(tmp_path))
    assert kind_of(agencies, ABH) == "ABH"
    with pytest.raises(UnknownAgency):
        kind_of(agencies, AgencyId("abh.nowhere"))


def test_the_rules_of_the_day_change_at_midnight_utc() -> None:
    """Worked out once a day, and anew on the next one, also when the clock goes back."""
    catalogue = Catalogue.load()
    rule = catalogue.rule("R02")
    rules = DayRules(catalogue)
    last = dt.datetime.combine(rule.valid_to, dt.time(), tzinfo=dt.UTC)
    after = int(last.timestamp()) + 86_400
    for now, lapsed in ((after, True), (after - 1, False), (after + 86_399, True)):
        assert (rule.id in rules.lapsed(now)) is lapsed


def test_where_the_law_alone_decides_nobody_is_asked() -> None:
    """Rules that can rest on a permission, and only those, make permissions matter."""
    rules = DayRules(Catalogue.load())
    asks = {
        "R03": ("ABH", "JC", "P04", "subject_choice"),
        "R18": ("JC", "MBE", "P03", "on_request"),
        "R48": ("ABH", "ANERK", "P13", "push"),
        "R55": ("BA", "JC", "P20", "on_request"),
    }
    alone = {
        "R02": ("ABH", "JC", "P04", "on_request"),
        "R04": ("JC", "ABH", "P02", "on_request"),
        "R59": ("JA", "ABH", "P01", "on_request"),
    }
    for expected, routes in ((True, asks), (False, alone)):
        for name, (source, to, purpose, trigger) in routes.items():
            assert rules.asks_person(Kind(source), Kind(to), purpose, trigger) is expected, name


@pytest.mark.parametrize(
    ("purpose", "fields"),
    [("P999", ["birth_date"]), ("P04", ["birth_date", "zoe"]), ("", []), ("p04", [])],
)
def test_words_that_are_no_codes_are_refused(purpose: str, fields: list[str]) -> None:
    """Purpose and fields are looked up, never just shaped like codes."""
    with pytest.raises(UnknownCode):
        check_codes(Catalogue.load(), purpose, fields)


def test_codes_of_the_catalogue_pass() -> None:
    """The table above can fail."""
    check_codes(Catalogue.load(), "P04", ["birth_date", "residence_status"])
