# SPDX-License-Identifier: EUPL-1.2
"""P10 for the whole catalogue: a reviewed case goes in over HTTP, its reasons come out, and the log says so.

Two agencies of every kind stand around one gateway. Each rule is asked in a case in which it
applies, one in which its guard fails, and one in which a prohibition beats it, where there are such.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.every_kind import (
    CATALOGUE,
    Came,
    Question,
    agree,
    ask,
    chosen,
    decided,
    every_kind,
    rounds,
)

HOLDERS_ALONE = {"R41", "R64"}
"""A block, and what came under secrecy, are known at the holder only; asked in other tests."""
QUESTIONS = chosen(each=1)


def test_no_rule_is_left_out() -> None:
    """Each rule decides a field in at least one case that is asked, but those of the holder."""
    used = {said["rule"] for one in QUESTIONS for said in one.expected.values()}
    assert used | HOLDERS_ALONE == set(CATALOGUE.rules)
    applied = {one.case.about for one in QUESTIONS if one.case.shows == "applies"}
    assert applied >= set(CATALOGUE.rules) - HOLDERS_ALONE


async def test_every_rule_gives_its_reasons_and_is_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcome, rule, norms and reason per field in the answer; the same rules and fields in the log."""
    wrong = []
    async with every_kind(tmp_path, monkeypatch) as gate:
        for together in rounds(QUESTIONS):
            agree(gate, together)
            for number, question in enumerate(together):
                came = await ask(gate, question, f"{question.case.id}-{number}")
                said = decided(gate, came.answer)
                if said != question.expected:
                    wrong.append((question.case.id, said))
                    continue
                check_answer(question, came)
                check_log(question, came)
    assert not wrong


def check_answer(question: Question, came: Came) -> None:
    """What is refused openly carries its rule's norms; what is not refused is not in the list."""
    told = {one["field"]: one for one in came.answer["withheld"]}
    silent = {"ALLOW_MIN", "HOLD_HUMAN", "NEUTRAL"}
    refused = {
        name: said for name, said in question.expected.items() if said["outcome"] not in silent
    }
    assert told.keys() == refused.keys(), question.case.id
    for name, said in refused.items():
        assert {key: told[name][key] for key in said} == said, question.case.id
        assert told[name]["reasons"][0] == said["reason"]
        assert told[name]["norms"] == list(CATALOGUE.rule(said["rule"]).norms)
        assert told[name]["norms"]


def check_log(question: Question, came: Came) -> None:
    """The newest intent names what was asked and every rule; a release names what left."""
    outcomes = {said["outcome"] for said in question.expected.values()}
    goes = "permit" if outcomes & {"ALLOW_MIN", "NEUTRAL"} else "deny"
    intent = [leaf for leaf in came.leaves if leaf["kind"] == "access.requested"][-1]
    assert intent["outcome"] == ("hold" if "HOLD_HUMAN" in outcomes else goes), question.case.id
    assert intent["fields"] == sorted(question.expected)
    assert intent["rules"] == sorted({said["rule"] for said in question.expected.values()})
    assert {said["reason"] for said in question.expected.values()} <= set(intent["reasons"])
    assert intent["purpose"] == question.facts.purpose
    assert intent["dir"] == {
        "from": question.holder,
        "to": question.recipient,
        "by": question.issuer,
    }
    released = [leaf for leaf in came.leaves if leaf["kind"] == "disclose"]
    travelled = sorted(
        name
        for name, said in question.expected.items()
        if said["outcome"] in {"ALLOW_MIN", "NEUTRAL"}
    )
    if goes == "permit" and "HOLD_HUMAN" not in outcomes:
        assert [leaf["fields"] for leaf in released] == [travelled], question.case.id
        envelope = (came.delivered or came.answer)["envelope"]
        assert sorted(one["n"] for one in envelope["f"]) == travelled
    else:
        assert released == []
