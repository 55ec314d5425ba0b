# SPDX-License-Identifier: EUPL-1.2
"""A tool that speaks AuthZEN asks what the rules say, and gets no further than that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
from typer.testing import CliRunner

from gateway.app import Stock, create_app
from gateway.authzen.mapping import AuthzenMapping
from policies.cli import app as policy_app
from policies.errors import PolicyUnavailable
from tests.support.evaluations import MANY, ONE, asking_for, evaluate, reads, sent
from tests.support.gate import Gate
from tests.support.middle import ABH, JC, JC2, MBE, Middle
from tests.support.scenes import (
    PAPER,
    STATE,
    STATUS,
    ask_status,
    consent_to_counsellor,
    entries,
    one_gate,
    row_counts,
)
from tests.support.signing_in import problem_code

HELD: dict[str, Any] = {
    "subject": {"type": "agency", "id": "ABH"},
    "action": {"name": "P01"},
    "resource": asking_for("benefit_granted", agency="jc.hannover"),
    "context": {"decision": "grant_25b", "azr_insufficient": True, "subject_count": 1},
}


async def test_a_yes_and_what_it_obliges_to(tmp_path: Path) -> None:
    """R02 for the job centre: true, with the exchange as the first obligation, and its reasons."""
    async with one_gate(tmp_path) as gate:
        answer = await evaluate(gate, reads())
        context = answer["context"]
        assert answer["decision"] is True
        assert context["fields"][STATUS]["rule"] == "R02"
        assert context["release"] is False
        assert context["agreement"] == "listed"
        first, *others = context["obligations"]
        assert first["id"] == "ask_through_exchange"
        assert first["properties"]["endpoint"] == "https://lotse.example/v1/exchanges"
        assert {duty["type"] for duty in [first, *others]} == {"custom"}
        assert {duty["id"] for duty in others} >= {"bound_to_purpose"}
        assert all(set(context[name]) == {"de", "de-simple", "en"} for name in REASONS)
        assert "R02" in context["reason_admin"]["en"]
        assert "not signed off" in context["reason_admin"]["en"]
        assert "R02" not in context["reason_user"]["en"]


REASONS = ("reason_admin", "reason_user")


async def test_one_field_of_two_is_a_no(tmp_path: Path) -> None:
    """The outcome of the whole is ALLOW_MIN because one field is; the decision is false."""
    async with one_gate(tmp_path) as gate:
        answer = await evaluate(gate, reads(resource=asking_for(STATUS, "net_income")))
        context = answer["context"]
        assert (answer["decision"], context["outcome"]) == (False, "ALLOW_MIN")
        assert context["obligations"] == []
        assert context["reason_user"]["en"].startswith("Net income per month: ")
        assert "residence status" not in context["reason_user"]["en"]


async def test_what_a_clerk_releases_is_a_no_with_its_reason(tmp_path: Path) -> None:
    """HOLD_HUMAN: lawful, but nothing that a tool may go ahead with."""
    async with one_gate(tmp_path) as gate:
        answer = await evaluate(gate, HELD, who=ABH)
        assert answer["decision"] is False
        assert answer["context"]["outcome"] == "HOLD_HUMAN"
        assert answer["context"]["fields"]["benefit_granted"]["reason"] == "human_release_pending"
        assert answer["context"]["obligations"] == []


async def test_a_delivery_is_asked_as_one(tmp_path: Path) -> None:
    """The subject would send: the counsellor's paper needs the client's release first."""
    async with one_gate(tmp_path) as gate:
        body = {
            "subject": {"type": "agency", "id": "mbe.caritas"},
            "action": {"name": "deliver", "properties": {"purpose": "P02"}},
            "resource": asking_for(PAPER),
            "context": {"initiated_by": "client"},
        }
        context = (await evaluate(gate, body, who=MBE))["context"]
        assert context["outcome"] == "NEED_RELEASE_203"
        assert (context["case"]["from"], context["case"]["to"]) == ("MBE", "ABH")
        assert context["case"]["trigger"] == "push"


async def test_a_permission_of_a_person_changes_no_answer(tmp_path: Path) -> None:
    """With the consent in force the exchange answers; the evaluation is the same byte for byte."""
    async with one_gate(tmp_path) as gate:
        body = {
            "subject": {"type": "agency", "id": "mbe.caritas"},
            "action": {"name": "P03"},
            "resource": asking_for(STATE, agency="jc.hannover"),
        }
        before = await sent(gate, body, who=MBE)
        await consent_to_counsellor(gate, await gate.person(ABH, "A1"))
        asked = await gate.ask(MBE, JC, "M1", "P03", [STATE])
        assert "envelope" in asked.json()
        after = await sent(gate, body, who=MBE)
        assert before.content == after.content
        assert before.json()["context"]["outcome"] == "NEED_CONSENT"


async def test_nothing_is_looked_up_written_or_ordered(tmp_path: Path) -> None:
    """No row, no entry, no order; the exchange that follows is the first anybody hears of."""
    async with one_gate(tmp_path) as gate:
        await gate.token(JC)
        before, logged = row_counts(gate.middle), len(entries(gate.middle))
        await evaluate(gate, reads())
        await evaluate(gate, reads(evaluations=[{}, {}]), to=MANY)
        assert row_counts(gate.middle) == before
        assert len(entries(gate.middle)) == logged
        assert gate.middle.holder.orders == []
        assert "envelope" in (await ask_status(gate)).json()
        assert len(gate.middle.holder.orders) == 1


async def test_a_kind_takes_an_agreement_for_granted_and_says_so(tmp_path: Path) -> None:
    """Between instances the signed list counts; without an agreement there the answer is a no."""
    async with one_gate(tmp_path) as gate:
        gate.middle.agreements = []
        gate.middle.publish()
        gate.middle.clock.advance(11)
        by_id = await evaluate(gate, reads())
        assert (by_id["decision"], by_id["context"]["agreement"]) == (False, "listed")
        assert by_id["context"]["fields"][STATUS]["reason"] == "no_agreement"
        body = reads(
            subject={"type": "agency", "id": "JC"}, resource=asking_for(STATUS, agency="ABH")
        )
        by_kind = await evaluate(gate, body)
        assert (by_kind["decision"], by_kind["context"]["agreement"]) == (True, "assumed")


async def test_the_case_is_decided_alike_on_the_command_line(tmp_path: Path) -> None:
    """`lotse policy decide` on the case that the answer shows: outcome, fields and policy."""
    async with one_gate(tmp_path) as gate:
        bodies = [(JC, reads()), (JC, reads(context={})), (ABH, HELD)]
        contexts = [(await evaluate(gate, body, who=who))["context"] for who, body in bodies]
    file = tmp_path / "cases.json"
    file.write_text(json.dumps([context["case"] for context in contexts]), encoding="utf-8")
    done = CliRunner().invoke(policy_app, ["decide", str(file)])
    assert done.exit_code == 0
    decided = json.loads(done.stdout)
    assert [one["outcome"] for one in decided] == ["ALLOW_MIN", "REDIRECT_AZR", "HOLD_HUMAN"]
    for one, context in zip(decided, contexts, strict=True):
        assert {name: one[name] for name in ("outcome", "fields", "policy")} == {
            name: context[name] for name in ("outcome", "fields", "policy")
        }


class BrokenRules:
    """A rule engine that fails."""

    name = "broken"
    bundle_digest = "0" * 64

    def evaluate(self, canonical: bytes) -> Any:
        """Fail as an engine does whose memory ran out."""
        del canonical
        raise PolicyUnavailable("evaluation_failed")


async def test_without_rules_there_is_no_answer(tmp_path: Path) -> None:
    """503 for one and for a batch, never a 200 with anything in it (promise P3)."""
    async with Middle.build(tmp_path).running(engine=BrokenRules()) as gate:
        bodies = [
            (ONE, reads()),
            (MANY, reads()),
            (MANY, reads(evaluations=[{}])),
            (MANY, reads(evaluations=[{"action": {"name": "x"}}, {}])),
        ]
        for path, body in bodies:
            answer = await sent(gate, body, to=path)
            assert (answer.status_code, problem_code(answer)) == (503, "policy-unavailable")
            assert not {"decision", "evaluations"} & set(answer.json())


async def test_a_tool_with_its_own_words(tmp_path: Path) -> None:
    """The table [authzen] in the settings of a running gateway: types, ids and names are enough."""
    middle = Middle.build(tmp_path)
    table = {
        "subject_types": ["office"],
        "resource_types": {"residence-title": [STATUS]},
        "actions": {"view": {"direction": "pull", "purpose": "P04", "trigger": "on_request"}},
        "agencies": {"urn:office:17": "abh.hannover", "Jobcenter": "jc.hannover"},
        "declared": {"register-checked": "azr_checked", "why": "reason_code"},
    }
    mapping = AuthzenMapping.model_validate(table)
    settings = middle.settings().model_copy(update={"authzen": mapping})
    stock = Stock(clock=middle.clock, keyring=middle.keys, transport=middle.holder)
    app = create_app(settings, stock)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="https://lotse.example") as one:
            gate = Gate(middle, app, one)
            body = {
                "subject": {"type": "office", "id": "Jobcenter"},
                "action": {"name": "view"},
                "resource": {"type": "residence-title", "id": "urn:office:17"},
                "context": {"register-checked": True, "why": "azr_pending"},
            }
            answer = await evaluate(gate, body)
            assert answer["decision"] is True
            assert answer["context"]["case"]["fields"] == [STATUS]
            assert "urn:office" not in json.dumps(answer)
            problem = await sent(gate, reads())
            assert problem.json()["reason"] == "unknown_type"
            assert (await sent(gate, body, who=JC2)).status_code == 403


async def test_the_description_shows_the_face(tmp_path: Path) -> None:
    """OpenAPI: both addresses with what they take and give, and the limit of a batch."""
    async with one_gate(tmp_path) as gate:
        document = (await gate.client.get("/openapi.json")).json()
        many = document["paths"][MANY]["post"]
        asked = many["requestBody"]["content"]["application/json"]["schema"]
        assert asked["properties"]["evaluations"]["maxItems"] == 50
        one = document["paths"][ONE]["post"]
        schema = one["requestBody"]["content"]["application/json"]["schema"]
        assert schema["required"] == ["subject", "action", "resource"]
        example = one["requestBody"]["content"]["application/json"]["example"]
        assert (await evaluate(gate, example))["decision"] is True
        told = one["responses"]["200"]["content"]["application/json"]["schema"]
        assert told["required"] == ["decision"]
        assert set(told["properties"]["context"]["properties"]) - {"error"} == set(
            (await evaluate(gate, example))["context"]
        )
