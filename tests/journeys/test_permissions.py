# SPDX-License-Identifier: EUPL-1.2
"""Permissions: only the person's own act makes one, it narrows a template, and time ends it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.checks import verify_receipt
from tests.support.middle import ABH, DAY, JC, JC2, MBE, SCHULE
from tests.support.offices import shown
from tests.support.scenes import (
    PAPER,
    STATE,
    STATUS,
    allowed,
    ask_by_choice,
    ask_by_consent,
    choice_of_proof,
    consent_to_counsellor,
    entries,
    one_gate,
    release_of_paper,
    row_counts,
    send_paper,
)
from tests.support.signing_in import bearer, problem_code


async def test_the_person_gets_record_event_and_receipt(tmp_path: Path) -> None:
    """What was allowed, in which words it was asked, and a proof that it stands in the log."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        given = (await gate.allow(token, "benefit-state-to-counselling", JC, MBE, [STATE])).json()
        record = given["record"]
        assert record["record_id"] == given["id"]
        assert record["type"] == "consent"
        process = record["processes"][0]
        assert [one["id"] for one in process["attributes"]] == [STATE]
        assert record["notice"]["lang"] == "de"
        assert (given["event"]["seq"], given["event"]["state"]) == (1, "given")
        leaf = verify_receipt(given["receipt"], gate.app.state.parts.reader.vkey()).leaf
        assert leaf["kind"] == "permission.given"
        assert leaf["dir"] == {"from": JC, "to": MBE, "by": "person"}
        assert leaf["perm"] != given["id"]


async def test_the_log_never_repeats_a_permissions_handle(tmp_path: Path) -> None:
    """Given, used twice, withdrawn: four handles, and the permission's own id is none of them."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        permission = await consent_to_counsellor(gate, token)
        for _ in range(2):
            assert (await ask_by_consent(gate)).json()["status"] == "answered"
        assert (await gate.withdraw(token, permission)).status_code == 200
        handles = [
            leaf["perm"]
            for leaf in entries(gate.middle)
            if leaf["perm"] and leaf["kind"] != "disclose"
        ]
        assert len(handles) == len(set(handles)) == 4
        assert permission not in json.dumps(entries(gate.middle))


TOO_WIDE: dict[str, dict[str, Any]] = {
    "another field": {"fields": [STATE, "net_income"]},
    "a field of nobody": {"fields": ["no-such-field"]},
    "longer than the template": {"valid_days": 366},
    "another holder": {"from_agency": SCHULE},
    "another recipient": {"to_agency": JC2},
    "an unknown template": {"template": "all-i-have"},
    "a text that was never shown": {"notice_sha256": "0" * 64},
    "a language without a text": {"language": "fr"},
    "a preview where nothing is retrieved": {"preview_confirmed": True},
}


@pytest.mark.parametrize("name", TOO_WIDE)
async def test_a_wish_only_narrows_its_template(tmp_path: Path, name: str) -> None:
    """What was not approved by two people cannot be allowed; nothing is written."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        before = row_counts(gate.middle)
        body = {
            "template": "benefit-state-to-counselling",
            "from_agency": JC,
            "to_agency": MBE,
            "fields": [STATE],
            "valid_days": 30,
            "language": "de",
            "notice_sha256": shown("benefit-state-to-counselling"),
            **TOO_WIDE[name],
        }
        response = await gate.client.post("/v1/permissions", json=body, headers=bearer(token))
        assert problem_code(response) == "permission-not-allowed"
        assert row_counts(gate.middle) == before


async def test_an_agency_that_is_not_on_the_list_cannot_be_allowed(tmp_path: Path) -> None:
    """A permission names instances of the signed list only."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        body = {
            "template": "benefit-state-to-counselling",
            "from_agency": "jc.nowhere",
            "to_agency": MBE,
            "fields": [STATE],
            "valid_days": 30,
            "language": "de",
            "notice_sha256": shown("benefit-state-to-counselling"),
        }
        response = await gate.client.post("/v1/permissions", json=body, headers=bearer(token))
        assert problem_code(response) == "unknown-agency"


async def test_one_person_does_not_see_or_end_what_another_allowed(tmp_path: Path) -> None:
    """Lists are separate, and a foreign number is answered like one that never was."""
    async with one_gate(tmp_path) as gate:
        first, second = await gate.person(ABH, "A1"), await gate.person(ABH, "A2")
        permission = await consent_to_counsellor(gate, first)
        assert (await gate.client.get("/v1/permissions", headers=bearer(second))).json() == {
            "permissions": []
        }
        foreign = await gate.withdraw(second, permission)
        unknown = await gate.withdraw(second, "00000000-0000-4000-8000-000000000000")
        assert foreign.status_code == unknown.status_code == 404
        assert _without_id(foreign.json()) == _without_id(unknown.json())
        assert (await ask_by_consent(gate)).json()["status"] == "answered"


def _without_id(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "request_id"}


async def test_two_accounts_of_one_person_see_the_same(tmp_path: Path) -> None:
    """Signing in through the job centre's letter leads to the permissions given before."""
    async with one_gate(tmp_path) as gate:
        permission = await consent_to_counsellor(gate, await gate.person(ABH, "A1"))
        other = await gate.person(JC, "J1")
        listed = (await gate.client.get("/v1/permissions", headers=bearer(other))).json()
        assert [one["id"] for one in listed["permissions"]] == [permission]
        assert (await gate.withdraw(other, permission)).status_code == 200
        assert (await ask_by_consent(gate)).json()["status"] == "refused"


async def test_a_permission_ends_at_its_second(tmp_path: Path) -> None:
    """Thirty days and not a second more; the reason says that it has expired."""
    async with one_gate(tmp_path) as gate:
        await consent_to_counsellor(gate, await gate.person(ABH, "A1"))
        gate.middle.clock.advance(30 * DAY - 1)
        gate.middle.publish()
        gate.forget_tokens()
        assert (await ask_by_consent(gate)).json()["status"] == "answered"
        gate.middle.clock.advance(1)
        answer = (await ask_by_consent(gate)).json()
        assert answer["status"] == "refused"
        assert answer["withheld"][0]["reason"] == "consent_expired"


@pytest.mark.parametrize(
    ("give", "use"), [(choice_of_proof, ask_by_choice), (release_of_paper, send_paper)]
)
async def test_a_single_use_is_one_use(
    tmp_path: Path, give: Callable[..., Any], use: Callable[..., Any]
) -> None:
    """After the one release the next request finds it used; a refusal before does not spend it."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        assert (await use(gate)).json()["status"] == "refused"
        await give(gate, token)
        started = (await use(gate)).json()
        if started["status"] == "ordered":
            await gate.hand_in(MBE, started["exchange"], started["order"])
            path = f"/v1/mailbox/{started['exchange']}/pickup"
            started = (await gate.call(ABH, "POST", path)).json()
        assert started["status"] == "answered"
        again = (await use(gate)).json()
        assert again["status"] == "refused"
        assert again["withheld"][0]["reason"] in {"release_used", "choice_used"}
        listed = (await gate.client.get("/v1/permissions", headers=bearer(token))).json()
        assert [one["used"] for one in listed["permissions"]] == [True]


async def test_withdrawing_twice_is_no_error(tmp_path: Path) -> None:
    """The second call says the same; the state stays withdrawn."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        permission = await consent_to_counsellor(gate, token)
        for _ in range(2):
            answer = await gate.withdraw(token, permission)
            assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")
        listed = (await gate.client.get("/v1/permissions", headers=bearer(token))).json()
        assert [one["state"] for one in listed["permissions"]] == ["withdrawn"]


async def test_a_withdrawn_permission_can_be_given_anew(tmp_path: Path) -> None:
    """A new act, a new record; the old one stays withdrawn."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        await gate.withdraw(token, await consent_to_counsellor(gate, token))
        await consent_to_counsellor(gate, token)
        assert (await ask_by_consent(gate)).json()["status"] == "answered"
        listed = (await gate.client.get("/v1/permissions", headers=bearer(token))).json()
        assert sorted(one["state"] for one in listed["permissions"]) == ["given", "withdrawn"]


async def test_a_permission_covers_the_fields_it_names(tmp_path: Path) -> None:
    """Two asked, one allowed: one arrives, the other comes with the reason."""
    async with one_gate(tmp_path) as gate:
        gate.middle.holder.records["J1"] = {STATE: "open", "appointment": "canary"}
        await consent_to_counsellor(gate, await gate.person(ABH, "A1"))
        answer = (await gate.ask(MBE, JC, "M1", "P03", [STATE, "appointment"])).json()
        assert gate.opened(MBE, answer) == {STATE: "open"}
        assert [(one["field"], one["outcome"]) for one in answer["withheld"]] == [
            ("appointment", "NEED_CONSENT")
        ]


async def test_withdrawing_works_while_exchanges_stand_still(tmp_path: Path) -> None:
    """Withdrawing needs neither the agency list nor any agency's key: the list has expired."""
    async with one_gate(tmp_path) as gate:
        await consent_to_counsellor(gate, await gate.person(ABH, "A1"))
        gate.middle.clock.advance(6 * DAY - 60)
        gate.forget_tokens()
        token = await gate.person(ABH, "A1")
        permission = await allowed(gate, token, "papers-for-right-to-stay", MBE, ABH, PAPER)
        gate.middle.clock.advance(61)
        gate.forget_tokens()
        assert (await gate.client.get("/v1/permissions", headers=bearer(token))).status_code == 200
        assert (await gate.withdraw(token, permission)).json()["state"] == "withdrawn"
        assert problem_code(await gate.client.get("/health")) == "agency-list-expired"


async def test_a_retrieval_needs_the_confirmed_preview(tmp_path: Path) -> None:
    """R03: chosen without a look at the list, nothing is fetched; looked at and confirmed, it is."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        template = "fetch-residence-proof"
        blind = await gate.allow(token, template, ABH, JC, [STATUS], preview_confirmed=False)
        assert blind.status_code == 201
        refused = (await ask_by_choice(gate)).json()
        assert refused["status"] == "refused"
        assert [(one["outcome"], one["reason"]) for one in refused["withheld"]] == [
            ("NEED_CHOICE", "preview_missing")
        ]
        assert gate.middle.holder.orders == []
        given = (await gate.allow(token, template, ABH, JC, [STATUS])).json()
        assert given["record"]["processes"][0]["choice"] == {
            "mode": "retrieve",
            "preview_confirmed": True,
        }
        answer = (await ask_by_choice(gate)).json()
        assert gate.opened(JC, answer) == {STATUS: "canary-status-a1"}


async def test_only_true_confirms_a_preview(tmp_path: Path) -> None:
    """Nothing that merely looks like a yes is taken for one."""
    async with one_gate(tmp_path) as gate:
        token = await gate.person(ABH, "A1")
        unclear: Any
        for unclear in (1, "true", None, []):
            given = await gate.allow(
                token, "fetch-residence-proof", ABH, JC, [STATUS], preview_confirmed=unclear
            )
            assert problem_code(given) == "invalid-request"
