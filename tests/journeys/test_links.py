# SPDX-License-Identifier: EUPL-1.2
"""Links: two agencies connect their files of one person at the counter, and nobody else can."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.links import CODE_SECONDS, CODE_TRIES
from keys.strict_json import b64u
from tests.support.middle import ABH, JC, JC2, MBE, Gate, Middle
from tests.support.scenes import (
    RECORDS,
    STATUS,
    ask_status,
    entries,
    everything_stored,
    one_gate,
    row_counts,
)
from tests.support.signing_in import problem_code


class Code:
    """One link code: its look-up half and its secret half."""

    def __init__(self) -> None:
        self.lookup = b64u(secrets.token_bytes(5))
        self.secret = secrets.token_bytes(10)

    def half(self, gate: Gate, agency: Any, number: str, **names: str) -> dict[str, str]:
        """What an agency sends for its file."""
        name, born = names.get("name", "Rahimi"), names.get("born", "1990-01-01")
        half = gate.middle.offices[agency].half(number, self.secret, name, born)
        return {"lookup": self.lookup, **half}

    async def offer(self, gate: Gate, agency: Any, number: str, **names: str) -> httpx.Response:
        """Lay down the first half."""
        body = self.half(gate, agency, number, **names)
        return await gate.call(agency, "POST", "/v1/links/codes", body)

    async def join(self, gate: Gate, agency: Any, number: str, **names: str) -> httpx.Response:
        """Use the code."""
        body = self.half(gate, agency, number, **names)
        return await gate.call(agency, "POST", "/v1/links", body)


@pytest.fixture
def middle(tmp_path: Path) -> Middle:
    """A middle without any link, and records at the holders."""
    made = Middle.build(tmp_path)
    made.holder.records.update(RECORDS)
    return made


async def test_a_link_leads_an_enquiry_to_the_right_file(middle: Middle) -> None:
    """Before the ceremony the holder finds nothing; after it, exactly this person's file."""
    async with middle.running() as gate:
        before = (await ask_status(gate)).json()
        assert gate.opened(JC, before) == {STATUS: None}
        code = Code()
        assert (await code.offer(gate, ABH, "A1")).json() == {"offered": True}
        assert (await code.join(gate, JC, "J1")).json() == {"linked": True}
        after = (await ask_status(gate)).json()
        assert gate.opened(JC, after) == {STATUS: "canary-status-a1"}
        assert gate.opened(JC, (await ask_status(gate, "J2")).json()) == {STATUS: None}


async def test_a_link_grants_no_access(middle: Middle) -> None:
    """Linked, but no rule: refused as before."""
    async with middle.running() as gate:
        await gate.link(ABH, "A1", JC, "J1")
        assert (await ask_status(gate, declared={})).json()["status"] == "refused"


async def test_three_files_become_one_person(middle: Middle) -> None:
    """ABH with JC, then JC with MBE: the counsellors' enquiry reaches the ABH's file."""
    async with middle.running() as gate:
        await gate.link(ABH, "A1", JC, "J1")
        await gate.link(JC, "J1", MBE, "M1")
        asked = await gate.ask(ABH, MBE, "A1", "P02", ["counselling_fact"])
        assert asked.json()["status"] == "answered"
        token = await gate.person(MBE, "M1")
        given = await gate.allow(token, "procedure-state-mandate", ABH, MBE, ["procedure_state"])
        assert given.status_code == 201
        answer = (await gate.ask(MBE, ABH, "M1", "P03", ["procedure_state"])).json()
        assert gate.opened(MBE, answer) == {"procedure_state": "canary-state-a1"}


@pytest.mark.parametrize("change", [{"name": "Rahimmi"}, {"born": "1990-01-02"}])
async def test_another_name_or_birth_date_is_not_linked(
    middle: Middle, change: dict[str, str]
) -> None:
    """409, both clerks look again; the failed check is on record, and no link exists."""
    async with middle.running() as gate:
        code = Code()
        await code.offer(gate, ABH, "A1")
        assert problem_code(await code.join(gate, JC, "J1", **change)) == "link-check-failed"
        last = entries(middle)[-1]
        assert (last["kind"], last["outcome"]) == ("link.made", "deny")
        assert row_counts(middle)["link_agency"] == 0


async def test_the_way_a_name_is_written_does_not_matter(middle: Middle) -> None:
    """Case, spaces, hyphens and composed letters: the same person."""
    async with middle.running() as gate:
        code = Code()
        await code.offer(gate, ABH, "A1", name="MU\u0308LLER-ÖZ")
        assert (await code.join(gate, JC, "J1", name="Müller Öz")).status_code == 201


async def test_a_code_is_gone_after_five_wrong_tries(middle: Middle) -> None:
    """The fifth wrong try ends it; the right secret then comes too late."""
    async with middle.running() as gate:
        code = Code()
        await code.offer(gate, ABH, "A1")
        for _ in range(CODE_TRIES):
            wrong = await code.join(gate, JC, "J1", name="Nobody")
            assert problem_code(wrong) == "link-check-failed"
        assert problem_code(await code.join(gate, JC, "J1")) == "link-code-unknown"


async def test_tries_with_a_wrong_unlock_value_count(middle: Middle) -> None:
    """A caller that knows an index but not its unlock value gets 409, and no free guesses."""
    async with middle.running() as gate:
        await gate.link(ABH, "A1", JC, "J1")
        code = Code()
        await code.offer(gate, MBE, "M1")
        body = {**code.half(gate, JC, "J1"), "unlock": b64u(bytes(32))}
        for _ in range(CODE_TRIES):
            answer = await gate.call(JC, "POST", "/v1/links", body)
            assert problem_code(answer) == "link-check-failed"
        assert problem_code(await code.join(gate, JC, "J1")) == "link-code-unknown"


async def test_a_code_lives_fifteen_minutes(middle: Middle) -> None:
    """The last second counts; the next is as if the code had never been."""
    async with middle.running() as gate:
        for wait, expected in ((CODE_SECONDS - 1, 201), (CODE_SECONDS, 404)):
            code = Code()
            await code.offer(gate, ABH, "A1")
            middle.clock.advance(wait)
            gate.forget_tokens()
            assert (await code.join(gate, JC, "J1")).status_code == expected


async def test_a_code_links_once(middle: Middle) -> None:
    """The second job centre that finds the slip of paper gets nothing."""
    async with middle.running() as gate:
        code = Code()
        await code.offer(gate, ABH, "A1")
        assert (await code.join(gate, JC, "J1")).status_code == 201
        assert problem_code(await code.join(gate, JC2, "C1")) == "link-code-unknown"


async def test_two_agencies_race_for_one_code(middle: Middle) -> None:
    """At the same instant: exactly one of them is linked."""
    async with middle.running() as gate:
        code = Code()
        await code.offer(gate, ABH, "A1")
        await gate.token(JC), await gate.token(JC2)
        answers = await asyncio.gather(code.join(gate, JC, "J1"), code.join(gate, JC2, "C1"))
        assert sorted(one.status_code for one in answers) == [201, 404]


async def test_a_letter_opens_one_account(middle: Middle) -> None:
    """The same code is used by two browsers at the same instant: one account, not two."""
    async with middle.running() as gate:
        code = Code()
        await code.offer(gate, ABH, "A1")
        answers = await asyncio.gather(
            *(gate.client.post("/insecure/persons", json={"lookup": code.lookup}) for _ in range(4))
        )
        assert sorted(one.status_code for one in answers) == [201, 404, 404, 404]
        assert row_counts(middle)["link_account"] == 1


async def test_an_agency_does_not_link_two_files_of_its_own(middle: Middle) -> None:
    """Two files of one agency are no link between agencies."""
    async with middle.running() as gate:
        code = Code()
        await code.offer(gate, ABH, "A1")
        assert problem_code(await code.join(gate, ABH, "A2")) == "link-check-failed"


async def test_two_known_persons_are_not_merged(middle: Middle) -> None:
    """Each file is linked to another person already: clerks must look, nothing changes."""
    async with middle.running() as gate:
        await gate.link(ABH, "A1", JC, "J1")
        await gate.link(ABH, "A2", MBE, "M2")
        answer = await gate.link(JC, "J1", MBE, "M2")
        assert problem_code(answer) == "link-check-failed"
        assert gate.opened(JC, (await ask_status(gate)).json()) == {STATUS: "canary-status-a1"}


async def test_a_look_up_half_is_taken_once(middle: Middle) -> None:
    """Two offers under one look-up half, also at the same instant: the second makes another."""
    async with middle.running() as gate:
        code = Code()
        await gate.token(ABH), await gate.token(JC)
        answers = await asyncio.gather(
            code.offer(gate, ABH, "A1"), code.offer(gate, JC, "J1"), code.offer(gate, ABH, "A2")
        )
        assert sorted(one.status_code for one in answers) == [201, 404, 404]


async def test_linking_again_with_a_new_file_number_replaces_nothing_else(middle: Middle) -> None:
    """The ceremony repeated for the same two files is harmless."""
    async with middle.running() as gate:
        for _ in range(2):
            assert (await gate.link(ABH, "A1", JC, "J1")).status_code == 201
        assert row_counts(middle)["link_agency"] == 2
        assert gate.opened(JC, (await ask_status(gate)).json()) == {STATUS: "canary-status-a1"}


async def test_the_database_knows_no_file_number_and_no_name(tmp_path: Path) -> None:
    """Whoever reads every row finds no file number, name or birth date, in plain or in base64."""
    async with one_gate(tmp_path) as gate:
        code = Code()
        number, name, born = "canary-file-7316", "Canaryname", "1987-06-05"
        await code.offer(gate, ABH, number, name=name, born=born)
        await code.join(gate, JC, "canary-file-2200", name=name, born=born)
        stored = everything_stored(gate.middle)
        assert b"abh.hannover" in stored  # the search would find what is there
        for secret in (number, "canary-file-2200", name, born):
            assert secret.encode() not in stored
            assert b64u(secret.encode()).encode() not in stored


async def test_the_log_tells_of_a_link_without_saying_whose(middle: Middle) -> None:
    """Kind, outcome and the two agencies; no handle, no detail that leads to a person."""
    async with middle.running() as gate:
        await gate.link(ABH, "A1", JC, "J1")
        leaf = entries(middle)[-1]
        assert (leaf["kind"], leaf["outcome"]) == ("link.made", "permit")
        assert leaf["dir"] == {"from": ABH, "to": JC, "by": JC}
        assert (leaf["corr"], leaf["perm"], leaf["details"], leaf["fields"]) == (None, None, [], [])
