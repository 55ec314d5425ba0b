# SPDX-License-Identifier: EUPL-1.2
"""The templates that ship: each can be used by a rule, says the honest alternative, and is bounded."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files

import pytest

from gateway.permission_model import (
    IN_FORCE,
    Method,
    PermissionId,
    PermissionState,
    TemplateId,
    Wish,
    make_event,
    make_record,
)
from gateway.templates import load_templates
from keys.model import AgencyId
from policies.catalogue import Catalogue
from policies.model import FieldId
from policies.rules import PERSON_MODES

TEMPLATES = load_templates()
CATALOGUE = Catalogue.load()


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_speaks_in_codes_of_the_catalogue(name: str) -> None:
    """Purpose, fields and kinds exist; special fields are among the fields."""
    template = TEMPLATES[TemplateId(name)]
    CATALOGUE.purpose(template.purpose)
    for field in template.fields:
        CATALOGUE.field(field)
    for kind in template.from_kinds | template.to_kinds:
        CATALOGUE.agency(kind)
    assert template.special_fields <= template.fields


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_asks_only_for_what_a_rule_can_use(name: str) -> None:
    """For every field some rule under an act of the person exists: nobody is asked for nothing."""
    template = TEMPLATES[TemplateId(name)]
    usable = {
        field
        for rule in CATALOGUE.rules.values()
        if rule.mode in PERSON_MODES and template.purpose in rule.purposes
        for field in rule.fields
    }
    assert template.fields <= usable


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_tells_what_happens_otherwise(name: str) -> None:
    """Alternative, consequence and notice in German and English; a bounded time; still a draft."""
    template = TEMPLATES[TemplateId(name)]
    for texts in (template.alternative, template.consequence, template.notices):
        assert {"de", "en"} <= texts.keys()
        assert all(text.strip() for text in texts.values())
    assert 1 <= template.max_days <= 366
    assert template.status == "draft" or len(template.approvals) >= 2


def test_the_digest_names_the_stored_template() -> None:
    """A changed text is another template: records keep the digest of what was shown."""
    raw = json.loads(files("gateway").joinpath("data/permission_templates.json").read_bytes())
    for item in raw["templates"]:
        canonical = json.dumps(item, sort_keys=True, separators=(",", ":")).encode()
        assert TEMPLATES[TemplateId(item["id"])].digest == hashlib.sha256(canonical).hexdigest()


def test_only_given_and_renewed_allow() -> None:
    """Every other state denies, also states that nobody uses yet."""
    assert {PermissionState.GIVEN, PermissionState.RENEWED} == IN_FORCE


def test_a_record_holds_names_of_fields_and_no_value() -> None:
    """What was allowed, to whom, how long and in which words; the language falls back to German."""
    template = TEMPLATES[TemplateId("papers-for-right-to-stay")]
    wish = Wish(
        template=template.id,
        from_agency=AgencyId("mbe.caritas"),
        to_agency=AgencyId("abh.hannover"),
        fields=frozenset({FieldId("language_level")}),
        valid_days=10,
        language="fa",
        notice_digest="0" * 64,
        preview_confirmed=False,
        method=Method.WEB,
        assisted=False,
    )
    record = make_record(PermissionId("id"), "account", wish, template, 1000)
    process = record["processes"]
    assert isinstance(process, list)
    assert isinstance(process[0], dict)
    assert process[0]["attributes"] == [
        {"id": "language_level", "optional": True, "special": False}
    ]
    assert template.alternative["de"] in json.dumps(record, ensure_ascii=False)
    event = make_event(1, PermissionState.GIVEN, wish, Method.WEB, 1000)
    assert event["valid_until"] == 1000 + 10 * 86_400
    assert "granted_attributes" not in make_event(
        2, PermissionState.WITHDRAWN, None, Method.WEB, 2000
    )
