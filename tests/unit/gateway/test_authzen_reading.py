# SPDX-License-Identifier: EUPL-1.2
"""One evaluation read by a mapping: codes of the catalogue come out, or a reason and a place."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest

from gateway.authzen.mapping import ActionMapping, AuthzenMapping
from gateway.authzen.reading import Asked, read_evaluation, refused
from gateway.problems import Problem
from policies.catalogue import Catalogue
from tests.support.evaluations import asking_for, reads
from tests.support.tree import ROOT

CANARY = "Zoë Canary 29.02.1984"

OFFICE = AuthzenMapping(
    subject_types=["office", "unit"],
    resource_types={"title": ["permit_type", "permit_valid_until"], "file": []},
    actions={
        "view": ActionMapping(direction="pull", purpose="P04", trigger="on_request"),
        "report": ActionMapping(direction="push"),
    },
    purpose_at="/context/why",
    trigger_at="/subject/properties/when",
    fields_at="/resource/properties/wanted/columns",
    declared_at="/context/stated",
    agencies={"urn:office:17": "abh.hannover", "Amt": "JC"},
    purposes={"stay": "P04"},
    triggers={"itself": "spontaneous"},
    fields={"until": ["permit_valid_until"], "all": ["permit_type", "permit_valid_until"]},
    declared={"register": "azr_checked"},
)
"""A mapping with every key set."""


def _read(body: dict[str, Any], mapping: AuthzenMapping | None = None) -> Asked:
    return read_evaluation(body, mapping or AuthzenMapping(), Catalogue.load())


def _problem(body: dict[str, Any], mapping: AuthzenMapping | None = None) -> tuple[str, str]:
    with pytest.raises(Problem) as raised:
        _read(body, mapping)
    assert raised.value.code == "invalid-request"
    assert CANARY not in str(raised.value)
    (place,) = raised.value.locations
    return str(raised.value.reason), place


def test_the_shipped_mapping_reads_the_documented_request() -> None:
    """Every part of the case comes from where docs/authzen.md says."""
    asked = _read(reads())
    assert asked == Asked(
        own="jc.hannover",
        other="abh.hannover",
        direction="pull",
        purpose=asked.purpose,
        trigger="on_request",
        fields=asked.fields,
        declared={"azr_checked": True, "reason_code": "azr_pending"},
        ignored=0,
    )
    assert (asked.purpose, asked.fields) == ("P04", ("residence_status",))


def test_what_the_document_shows_can_be_read() -> None:
    """The request and the table of docs/authzen.md, as somebody would copy them."""
    text = (ROOT / "docs" / "authzen.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"-d '(\{.*?\})'\n", text, re.DOTALL)
    asked = _read(json.loads(shown))
    assert (asked.own, asked.other, asked.fields) == (
        "jc.example",
        "abh.example",
        ("residence_status",),
    )
    assert (asked.purpose, asked.trigger, asked.ignored) == ("P04", "on_request", 0)
    (table,) = re.findall(r"```\n(\[authzen\].*?)```", text, re.DOTALL)
    mapping = AuthzenMapping.model_validate(tomllib.loads(table)["authzen"])
    named = {
        "subject": {"type": "agency", "id": "JC"},
        "action": {"name": "view"},
        "resource": {"type": "residence-title", "id": "urn:office:17"},
        "context": {"register-checked": True},
    }
    assert _read(named, mapping).fields[0] == "residence_status"
    assert _read(named, mapping).declared == {"azr_checked": True}


def test_a_purpose_is_an_action() -> None:
    """The shortest request: the purpose as the action, and what would be read."""
    asked = _read(reads(action={"name": "P02"}, context=...))
    assert (asked.direction, asked.purpose, asked.trigger) == ("pull", "P02", "on_request")
    assert asked.declared == {}


def test_delivering_turns_the_direction() -> None:
    """Without a trigger it is a push; the sender's other triggers can be named."""
    action: dict[str, Any] = {"name": "deliver", "properties": {"purpose": "P02"}}
    assert (_read(reads(action=action)).direction, _read(reads(action=action)).trigger) == (
        "push",
        "push",
    )
    action["properties"]["trigger"] = "spontaneous"
    assert _read(reads(action=action)).trigger == "spontaneous"


def test_a_tool_with_words_of_its_own() -> None:
    """Types, action, pointers and every table at once."""
    asked = _read(
        {
            "subject": {"type": "unit", "id": "Amt", "properties": {"when": "itself"}},
            "action": {"name": "report"},
            "resource": {
                "type": "file",
                "id": "urn:office:17",
                "properties": {"wanted": {"columns": ["until", "birth_date"]}},
            },
            "context": {"why": "stay", "stated": {"register": True, "subject_count": 1}},
        },
        OFFICE,
    )
    assert (asked.own, asked.other) == ("JC", "abh.hannover")
    assert (asked.direction, asked.purpose, asked.trigger) == ("push", "P04", "spontaneous")
    assert asked.fields == ("permit_valid_until", "birth_date")
    assert asked.declared == {"azr_checked": True, "subject_count": 1}
    assert asked.ignored == 0


def test_a_tool_that_sends_nothing_but_types_ids_and_names() -> None:
    """What the mapping fixes needs no properties."""
    asked = _read(
        {
            "subject": {"type": "office", "id": "Amt"},
            "action": {"name": "view"},
            "resource": {"type": "title", "id": "urn:office:17"},
        },
        OFFICE,
    )
    assert (asked.purpose, asked.trigger) == ("P04", "on_request")
    assert asked.fields == ("permit_type", "permit_valid_until")


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"context": {"why": "P02"}}, "contradiction"),
        ({"subject": {"type": "office", "id": "Amt", "properties": {"when": "push"}}}, "contradiction"),
        ({"resource": {"wanted": {"columns": ["birth_date"]}}}, "contradiction"),
        ({"resource": {"wanted": {"columns": []}}}, "missing"),
        ({"resource": {"wanted": ["columns"]}}, "wrong_type"),
        ({"context": {"stated": {"register": True, "azr_checked": False}}}, "contradiction"),
        ({"context": {"stated": {"register": True, "azr_checked": True}}}, "contradiction"),
    ],
    ids=str,
)  # fmt: skip
def test_what_the_mapping_fixes_cannot_be_changed(parts: dict[str, Any], reason: str) -> None:
    """A second opinion in the request is refused, not preferred and not ignored."""
    body: dict[str, Any] = {
        "subject": {"type": "office", "id": "Amt"},
        "action": {"name": "view"},
        "resource": {"type": "title", "id": "urn:office:17"},
        **parts,
    }
    if "wanted" in body["resource"]:
        title = {"type": "title", "id": "urn:office:17"}
        body["resource"] = {**title, "properties": body["resource"]}
    assert _problem(body, OFFICE)[0] == reason


def test_a_fixed_list_may_be_narrowed() -> None:
    """Fewer fields than the type stands for are a smaller question."""
    body = {
        "subject": {"type": "office", "id": "Amt"},
        "action": {"name": "view"},
        "resource": {
            "type": "title",
            "id": "urn:office:17",
            "properties": {"wanted": {"columns": ["until"]}},
        },
    }
    assert _read(body, OFFICE).fields == ("permit_valid_until",)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"subject": ...}, ("missing", "body.subject")),
        ({"action": None}, ("missing", "body.action")),
        ({"resource": CANARY}, ("wrong_type", "body.resource")),
        ({"context": [CANARY]}, ("wrong_type", "body.context")),
        ({"subject": {"type": "agency"}}, ("missing", "body.subject.id")),
        ({"subject": {"id": "JC"}}, ("missing", "body.subject.type")),
        ({"subject": {"type": "agency", "id": 7}}, ("wrong_type", "body.subject.id")),
        ({"subject": {"type": "user", "id": CANARY}}, ("unknown_type", "body.subject.type")),
        ({"resource": {"type": "file", "id": CANARY}}, ("unknown_type", "body.resource.type")),
        ({"action": {"name": CANARY}}, ("unknown_action", "body.action.name")),
        ({"action": {"name": ""}}, ("unknown_action", "body.action.name")),
        ({"action": {"name": True}}, ("wrong_type", "body.action.name")),
        ({"action": {"name": "read"}}, ("missing", "body.action.properties.purpose")),
        (
            {"action": {"name": "read", "properties": {"purpose": CANARY}}},
            ("unknown_purpose", "body.action.properties.purpose"),
        ),
        (
            {"action": {"name": "P02", "properties": {"purpose": "P04"}}},
            ("contradiction", "body.action.properties.purpose"),
        ),
        (
            {"action": {"name": "P04", "properties": {"trigger": CANARY}}},
            ("unknown_trigger", "body.action.properties.trigger"),
        ),
        (
            {"action": {"name": "read", "properties": {"purpose": "P04", "trigger": "push"}}},
            ("contradiction", "body.action.properties.trigger"),
        ),
        ({"resource": asking_for()}, ("missing", "body.resource.properties.fields")),
        ({"resource": asking_for(CANARY)}, ("unknown_field", "body.resource.properties.fields")),
        (
            {"resource": asking_for(*["birth_date"] * 51)},
            ("too_many", "body.resource.properties.fields"),
        ),
        (
            {"resource": {"type": "agency-data", "id": "ABH", "properties": {"fields": "birth_date"}}},
            ("wrong_type", "body.resource.properties.fields"),
        ),
        ({"resource": {"type": "agency-data", "id": "ABH"}}, ("missing", "body.resource.properties.fields")),
        ({"context": {"azr_checked": [True]}}, ("wrong_type", "body.context")),
        ({"context": {"azr_checked": 1.5}}, ("wrong_type", "body.context")),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_read_has_a_reason_and_a_place(
    parts: dict[str, Any], expected: tuple[str, str]
) -> None:
    """Nothing is guessed, and nothing of what was sent is in the problem."""
    assert _problem(reads(**parts)) == expected


def test_what_nobody_reads_is_counted() -> None:
    """AuthZEN 10.1.1: unknown members are ignored; here the answer says how many."""
    body = reads(
        subject={
            "type": "agency",
            "id": "jc.hannover",
            "name": CANARY,
            "properties": {"department": CANARY},
        },
        context={"azr_checked": True, "time": "1985-10-26T01:22-07:00", "ip": CANARY},
        futureField={"nested": True},
    )
    body["action"]["properties"]["method"] = "GET"
    asked = _read(body)
    assert asked.ignored == 6
    assert CANARY not in str(asked)


def test_null_is_what_is_left_out() -> None:
    """AuthZEN 11.5: an attribute that is null is absent, also a declared one."""
    body = reads(context={"azr_checked": None, "reason_code": "azr_pending"})
    body["action"]["properties"]["trigger"] = None
    body["subject"]["properties"] = None
    asked = _read(body)
    assert (asked.trigger, asked.declared) == ("on_request", {"reason_code": "azr_pending"})


def test_a_place_is_told_as_exactly_as_a_closed_code_can() -> None:
    """A pointer with an odd name leads to a shorter place, never to a problem without one."""
    assert refused("missing", "context.urn:example:purpose").locations == ("body.context",)
    assert refused("missing", "context." + "x" * 64).locations == ("body.context",)
    assert refused("missing", "context.why").locations == ("body.context.why",)
