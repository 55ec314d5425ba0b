# SPDX-License-Identifier: EUPL-1.2
"""Pull: the recipient asks, the holder answers, and the log comes before both (promises P2, P3)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from audit.checks import verify_receipt
from gateway.errors import HolderUnreachable
from tests.support.middle import ABH, JC, JC2, MBE, MELDE, ORIGIN, SCHULE
from tests.support.scenes import (
    AZR,
    STATE,
    STATUS,
    allowed,
    ask_by_choice,
    ask_by_consent,
    ask_status,
    choice_of_proof,
    consent_to_counsellor,
    entries,
    one_gate,
    row_counts,
    told,
)
from tests.support.signing_in import problem_code


async def test_the_law_lets_the_job_centre_see_one_field_and_nothing_else(tmp_path: Path) -> None:
    """R02: exactly the asked field arrives, with two receipts that verify offline."""
    async with one_gate(tmp_path) as gate:
        answer = (await ask_status(gate)).json()
        assert answer["status"] == "answered"
        assert answer["withheld"] == []
        assert gate.opened(JC, answer) == {STATUS: "canary-status-a1"}
        vkey = gate.app.state.parts.reader.vkey()
        leaves = [verify_receipt(text, vkey).leaf for text in answer["receipts"]]
        assert [leaf["kind"] for leaf in leaves] == ["access.requested", "disclose"]
        assert {leaf["corr"] for leaf in leaves} == {answer["exchange"]}
        assert leaves[1]["idx"] == answer["log_index"]
        assert leaves[1]["fields"] == [STATUS]


async def test_a_refusal_is_an_answer_with_one_receipt_and_no_order(tmp_path: Path) -> None:
    """Without a look into the AZR the law points there: 200, reason, one entry, holder untouched."""
    async with one_gate(tmp_path) as gate:
        answer = (await ask_status(gate, declared={})).json()
        assert answer["status"] == "refused"
        assert answer["withheld"][0]["rule"] == "R01"
        assert answer["withheld"][0]["outcome"] == "REDIRECT_AZR"
        assert answer["withheld"][0]["reason"] == "azr_not_exhausted"
        assert answer["withheld"][0]["norms"]
        assert len(answer["receipts"]) == 1
        assert "envelope" not in answer
        assert gate.middle.holder.orders == []
        assert told(gate.middle, answer["exchange"]) == [("access.requested", "deny")]


async def test_fields_are_decided_one_by_one(tmp_path: Path) -> None:
    """One released, one refused: the first arrives, the second comes with its own reason."""
    async with one_gate(tmp_path) as gate:
        response = await gate.ask(JC, ABH, "J1", "P04", [STATUS, "azr_number"], declared=AZR)
        answer = response.json()
        assert answer["status"] == "answered"
        assert gate.opened(JC, answer) == {STATUS: "canary-status-a1"}
        assert [(one["field"], one["outcome"]) for one in answer["withheld"]] == [
            ("azr_number", "DENY")
        ]


async def test_a_consent_for_one_job_centre_does_not_serve_the_other(tmp_path: Path) -> None:
    """Permissions name instances: the same person, file and field, another job centre."""
    async with one_gate(tmp_path) as gate:
        assert (await gate.link(ABH, "A1", JC2, "C1")).status_code == 201
        token = await gate.person(ABH, "A1")
        await choice_of_proof(gate, token)
        other = await gate.ask(
            JC2,
            ABH,
            "C1",
            "P04",
            [STATUS],
            trigger="subject_choice",
            declared={"procedure_electronic": True},
        )
        assert other.json()["status"] == "refused"
        assert other.json()["withheld"][0]["outcome"] == "NEED_CHOICE"
        assert (await ask_by_choice(gate)).json()["status"] == "answered"


async def test_a_consent_never_opens_what_the_law_forbids(tmp_path: Path) -> None:
    """A standing consent for the benefit case does not bring the foreigners' authority any income."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        await consent_to_counsellor(gate, token)
        for field, outcome in (("net_income", "REDIRECT_SUBJECT"), ("bg_number", "DENY")):
            answer = (await gate.ask(ABH, JC, "A1", "P01", [field])).json()
            assert answer["status"] == "refused"
            assert answer["withheld"][0]["outcome"] == outcome
        assert gate.middle.holder.orders == []


async def test_what_no_rule_allows_is_denied(tmp_path: Path) -> None:
    """School to job centre: no rule, so no data, and the default rule says so."""
    async with one_gate(tmp_path) as gate:
        answer = (await gate.ask(JC, SCHULE, "J1", "P04", ["school_attendance"])).json()
        assert (answer["status"], answer["withheld"][0]["rule"]) == ("refused", "R73")


async def test_an_unreachable_holder_is_told_at_once_and_recorded(tmp_path: Path) -> None:
    """504, `exchange.aborted` in the log, and a new statement may ask again."""
    async with one_gate(tmp_path) as gate:
        gate.middle.holder.failure = HolderUnreachable()
        response = await ask_status(gate)
        assert (response.status_code, problem_code(response)) == (504, "holder-unreachable")
        aborted = entries(gate.middle)[-1]
        assert (aborted["kind"], aborted["outcome"]) == ("exchange.aborted", "error")
        assert aborted["reasons"][-1] == "holderunreachable"
        gate.middle.holder.failure = None
        assert (await ask_status(gate)).json()["status"] == "answered"


async def test_no_entry_of_one_person_shares_a_handle_with_another(tmp_path: Path) -> None:
    """Two exchanges under one permission: no random handle of the first is in the second."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        await consent_to_counsellor(gate, token)
        ids = [(await ask_by_consent(gate)).json()["exchange"] for _ in range(2)]
        handles = [
            {leaf[name] for leaf in entries(gate.middle, one) for name in ("perm", "corr", "stmt")}
            for one in ids
        ]
        assert all(None not in group for group in handles)
        assert not handles[0] & handles[1]


async def test_status_and_receipts_are_for_both_parties(tmp_path: Path) -> None:
    """Asker and holder see the same state and fresh receipts that verify."""
    async with one_gate(tmp_path) as gate:
        exchange = (await ask_status(gate)).json()["exchange"]
        vkey = gate.app.state.parts.reader.vkey()
        for party in (JC, ABH):
            status = (await gate.call(party, "GET", f"/v1/exchanges/{exchange}")).json()
            assert (status["status"], status["from"], status["to"]) == ("answered", ABH, JC)
            receipts = (await gate.call(party, "GET", f"/v1/receipts/{exchange}")).json()
            kinds = [verify_receipt(text, vkey).leaf["kind"] for text in receipts["receipts"]]
            assert kinds == ["access.requested", "disclose"]
            assert len(status["receipts"]) == 2


async def test_a_later_checkpoint_continues_the_earlier_one(tmp_path: Path) -> None:
    """What a connector asks for at each answer: consistency from the size it remembers."""
    async with one_gate(tmp_path) as gate:
        old = (await gate.call(JC, "GET", "/v1/log/checkpoint")).text
        await ask_status(gate)
        new = (await gate.call(JC, "GET", "/v1/log/checkpoint")).text
        assert old.splitlines()[0] == new.splitlines()[0] == ORIGIN
        sizes = [int(text.splitlines()[1]) for text in (old, new)]
        assert sizes[1] == sizes[0] + 2
        path = f"/v1/log/consistency?old={sizes[0]}&new={sizes[1]}"
        assert (await gate.call(JC, "GET", path)).json()["proof"]
        backwards = f"/v1/log/consistency?old={sizes[1]}&new={sizes[0]}"
        assert problem_code(await gate.call(JC, "GET", backwards)) == "invalid-request"
        beyond = f"/v1/log/consistency?old={sizes[0]}&new={sizes[1] + 1}"
        assert problem_code(await gate.call(JC, "GET", beyond)) == "not-found"


async def test_the_rules_answer_without_any_person(tmp_path: Path) -> None:
    """Check says per field what holds, with its norm; nothing is written, nobody is looked up."""
    async with one_gate(tmp_path) as gate:
        before = row_counts(gate.middle)
        body = {
            "other": ABH,
            "direction": "pull",
            "purpose": "P04",
            "trigger": "on_request",
            "fields": [STATUS, "azr_number"],
            "declared": dict(AZR),
        }
        answer = (await gate.call(JC, "POST", "/v1/exchanges/check", body)).json()
        outcomes = {one["field"]: one["outcome"] for one in answer["fields"]}
        assert outcomes == {STATUS: "ALLOW_MIN", "azr_number": "DENY"}
        assert row_counts(gate.middle) == before


async def test_check_never_knows_a_permission(tmp_path: Path) -> None:
    """Also while a consent stands: the answer is that one is needed."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        await consent_to_counsellor(gate, token)
        body = {
            "other": JC,
            "direction": "pull",
            "purpose": "P03",
            "trigger": "on_request",
            "fields": [STATE],
        }
        answer = (await gate.call(MBE, "POST", "/v1/exchanges/check", body)).json()
        assert answer["overall"] == "NEED_CONSENT"


async def test_an_unknown_other_side_is_a_problem(tmp_path: Path) -> None:
    """An agency that is not on the signed list: nothing is recorded about it."""
    async with one_gate(tmp_path) as gate:
        before = row_counts(gate.middle)
        body = gate.enquiry(JC, MELDE, "J1", "P04", ["birth_date"])
        middle = gate.middle
        middle.agreements = [
            one for one in middle.agreements if MELDE not in (one.source, one.recipient)
        ]
        middle.publish(offices={k: v for k, v in middle.offices.items() if k != MELDE})
        gate.middle.clock.advance(11)
        response = await gate.call(JC, "POST", "/v1/exchanges", body)
        assert (response.status_code, problem_code(response)) == (422, "unknown-agency")
        after = row_counts(gate.middle)
        after["audit_entry"] -= 1  # the new list itself is on record
        assert after == before


async def test_many_at_once_all_end_well(tmp_path: Path) -> None:
    """Forty exchanges at once: each has its two entries, one behind the other."""
    async with one_gate(tmp_path) as gate:
        await gate.token(JC)
        answers = await asyncio.gather(*(ask_status(gate) for _ in range(40)))
        assert {one.json()["status"] for one in answers} == {"answered"}
        for one in answers:
            pair = entries(gate.middle, one.json()["exchange"])
            assert [leaf["kind"] for leaf in pair] == ["access.requested", "disclose"]
            assert pair[0]["idx"] < pair[1]["idx"]


async def test_a_permission_between_others_does_not_count(tmp_path: Path) -> None:
    """A mandate for the counsellors does not let the job centre in."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        await allowed(gate, token, "procedure-state-mandate", ABH, MBE, STATE)
        assert (await ask_by_choice(gate)).json()["status"] == "refused"
        mandated = await gate.ask(MBE, ABH, "M1", "P03", [STATE])
        assert gate.opened(MBE, mandated.json()) == {STATE: "canary-state-a1"}
