# SPDX-License-Identifier: EUPL-1.2
"""A question about the rules, written as a case and read back, is the same question."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from policies.case import AGREEMENT_NAMES, read_case
from policies.case_writing import NOBODY_LOOKED, write_rules_case
from policies.catalogue import Catalogue
from policies.inputs import AgreementFacts, HolderFacts, PermissionFact, PermissionFacts
from policies.model import DecisionInput, FieldId, Kind, PurposeId

NOW = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
ASKED = DecisionInput(
    from_kind=Kind("ABH"),
    to_kind=Kind("JC"),
    purpose=PurposeId("P04"),
    trigger="on_request",
    fields=(FieldId("residence_status"), FieldId("birth_date")),
    declared={"azr_checked": True, "reason_code": "azr_pending"},
    agreement=AgreementFacts(in_force=True, undertaking_78=True),
    holder=NOBODY_LOOKED,
)


@pytest.mark.parametrize("fact", ["in_force", *AGREEMENT_NAMES.values()])
@pytest.mark.parametrize("value", [True, False])
def test_what_is_written_reads_back(fact: str, value: object) -> None:
    """Every fact of the agreement under its name in a case, stated either way."""
    changes: dict[str, Any] = {fact: value}
    question = replace(ASKED, agreement=replace(ASKED.agreement, **changes))
    case = write_rules_case(question, NOW)
    read = read_case(case, Catalogue.load(), now=NOW + dt.timedelta(days=400))
    assert read.question == replace(question, lapsed=read.question.lapsed)
    assert read.at == NOW


@pytest.mark.parametrize(
    "more",
    [
        {"permission": PermissionFacts(consent=PermissionFact("in_force"))},
        {"permission": PermissionFacts(retrieval_confirmed=True)},
        {"holder": HolderFacts()},
        {"holder": HolderFacts(info_block=None, released_by_source=True)},
        {"holder": HolderFacts(info_block=None, secret_203=(FieldId("birth_date"),))},
    ],
    ids=str,
)
def test_a_question_that_knows_something_of_a_person_is_not_written(more: dict[str, Any]) -> None:
    """Such facts are never told: the writer refuses rather than leaves them out."""
    with pytest.raises(ValueError, match="rules alone"):
        write_rules_case(replace(ASKED, **more), NOW)
