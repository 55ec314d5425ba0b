# SPDX-License-Identifier: EUPL-1.2
"""What is kept of a decision: codes that say the same, a day, a number, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.errors import InputInvalid
from policies.generate import Inventor
from policies.model import FieldId, PermissionFact, PermissionFacts
from policies.stored import LARGEST, StoredDecision, keepable
from tests.support.lookback import DAY, statutory, stored, today

ASKED = statutory("permit_type", "residence_status")
SEEDS = st.integers(min_value=0, max_value=2**32)


def test_a_record_survives_its_row() -> None:
    """Written and read again, it is the same, and so is its name."""
    record = stored(ASKED, times=7)
    again = StoredDecision.from_row(record.to_row())
    assert again == record
    assert again.key == record.key
    assert again.question.canonical() == ASKED.canonical()
    assert again.route == ("ABH", "JC", "P04")


def test_a_record_knows_no_party_no_minute_and_no_exchange() -> None:
    """Its columns are these, and the day is all that it says about time."""
    row = stored(ASKED).to_row()
    assert set(row) == {"key", "day", "bundle", "engine", "question", "result", "times"}
    assert row["day"] == "2026-11-22"
    assert "." not in str(row["question"]), "an agency's id has a dot, a kind has none"


def test_the_same_question_twice_is_one_record() -> None:
    """The number is not part of the name, so that equal questions of a day are added up."""
    assert stored(ASKED, times=1).key == stored(ASKED, times=40).key
    assert stored(ASKED).key != stored(ASKED, day=DAY.replace(day=21)).key
    assert stored(ASKED).key != stored(statutory("permit_type")).key


def test_what_a_consent_covers_beside_the_question_is_left_out() -> None:
    """A list of fields that somebody chose comes back in each of their exchanges."""
    chosen = PermissionFact("in_force", tuple(map(FieldId, ("permit_type", "rent", "children"))))
    asked = replace(ASKED, permission=PermissionFacts(consent=chosen, choice=chosen))
    kept = keepable(asked)
    assert kept.permission.consent.fields == ("permit_type",)
    assert kept.permission.choice.fields == ("permit_type",)
    assert kept.permission.consent.state == "in_force"


def test_a_number_cannot_carry_a_file_number() -> None:
    """What a caller declares as a count is cut where no rule looks any more."""
    asked = replace(ASKED, declared={"cell_size": 471_108, "subject_count": 3, "azr_checked": True})
    assert keepable(asked).declared == {
        "cell_size": LARGEST,
        "subject_count": 3,
        "azr_checked": True,
    }


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_what_is_left_out_changes_no_answer(seed: int) -> None:
    """For invented questions about every rule: the kept question is decided alike."""
    rules = len(today().catalogue.rules)
    for question in Inventor(today().catalogue, seed).questions(rules):
        whole, kept = today().decide(question), today().decide(keepable(question))
        assert kept.fields == whole.fields


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_every_record_can_be_read_back(seed: int) -> None:
    """For invented questions about every rule: nothing that is kept is refused later."""
    rules = len(today().catalogue.rules)
    for question in Inventor(today().catalogue, seed).questions(rules):
        record = stored(question)
        assert StoredDecision.from_row(record.to_row()) == record


def _edited_json(column: str, edit: Any) -> Any:
    def change(row: dict[str, Any]) -> None:
        document = json.loads(row[column])
        edit(document)
        row[column] = json.dumps(document, sort_keys=True, separators=(",", ":"))

    return change


EDITS: dict[str, Any] = {
    "a field more is asked": _edited_json("question", lambda q: q["fields"].append("rent")),
    "another answer": _edited_json(
        "result", lambda r: r["permit_type"].update(outcome="DENY", reasons=["no_rule"])
    ),
    "an answer less": _edited_json("result", lambda r: r.pop("permit_type")),
    "no reason": _edited_json("result", lambda r: r["permit_type"].update(reasons=[])),
    "a name for a code": _edited_json(
        "result", lambda r: r["permit_type"].update(rule="Frau Musterperson")
    ),
    "a terminal's escape": _edited_json(
        "result", lambda r: r["permit_type"].update(rule="R02\x1b[2J")
    ),
    "another day": lambda row: row.update(day="2026-11-21"),
    "no day": lambda row: row.update(day="yesterday"),
    "a day in another form": lambda row: row.update(day="20261122"),
    "another bundle": lambda row: row.update(bundle="0" * 64),
    "no bundle": lambda row: row.update(bundle="'; DROP TABLE decided_input"),
    "a formula as engine": lambda row: row.update(engine="=HYPERLINK(1)"),
    "not even JSON": lambda row: row.update(question="{"),
    "nested without end": lambda row: row.update(result="[" * 100_000),
    "not canonical": lambda row: row.update(question=f" {row['question']}"),
    "never": lambda row: row.update(times=0),
    "less than never": lambda row: row.update(times=-5),
    "more often than there are seconds": lambda row: row.update(times=2**63),
    "true": lambda row: row.update(times=True),
    "a column more": lambda row: row.update(person="A1"),
    "a column less": lambda row: row.pop("engine"),
    "another name": lambda row: row.update(key="0" * 64),
    "a letter that is none": lambda row: row.update(question=row["question"] + "ä"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_row_is_no_record(edit: str) -> None:
    """Whatever was changed, the row is refused, and the message repeats nothing of it."""
    row: dict[str, Any] = dict(stored(ASKED, times=3).to_row())
    EDITS[edit](row)
    with pytest.raises(InputInvalid) as refused:
        StoredDecision.from_row(row)
    assert "Musterperson" not in str(refused.value)
    assert len(str(refused.value)) < 60
