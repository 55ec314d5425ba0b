# SPDX-License-Identifier: EUPL-1.2
"""The catalogue: complete, consistent, strict about what it reads and what may be declared."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from policies.build import PACKAGE
from policies.catalogue import Catalogue, read_documents
from policies.document import document_bytes, emitted_reasons
from policies.errors import CatalogueInvalid, DeclaredInvalid, UnknownCode
from policies.model import Outcome

CATALOGUE = Catalogue.load()


def _documents() -> dict[str, Any]:
    return {name: json.loads(content) for name, content in read_documents().items()}


def test_the_catalogue_is_complete() -> None:
    """25 kinds, 104 fields, 27 purposes, and 73 rules."""
    assert (len(CATALOGUE.agencies), len(CATALOGUE.fields), len(CATALOGUE.purposes)) == (
        25,
        104,
        27,
    )
    assert sorted(CATALOGUE.rules) == [f"R{number:02}" for number in range(1, 74)]
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", CATALOGUE.version)


def test_every_field_has_one_bucket_that_its_values_fit() -> None:
    """A multiple of 32 bytes per field; the largest value of a text field fits in ASCII JSON."""
    for name, size in CATALOGUE.pad_bytes.items():
        field = CATALOGUE.field(name)
        assert size % 32 == 0
        longest = re.fullmatch(r"string ≤(\d+).*", field.type)
        if longest and field.value == "text" and "+" not in field.type:
            # type tag, two quotes, every letter as a six-byte escape, padding mark
            assert size >= 1 + 2 + 6 * int(longest.group(1)) + 1, name
    assert CATALOGUE.pad_bytes["benefit_granted"] >= len(b"tfalse\x80")


def test_nothing_is_signed_off_yet_and_it_shows() -> None:
    """A rule without a signature says so wherever the catalogue is shown."""
    shown = CATALOGUE.to_public_json()["rules"]
    assert isinstance(shown, list)
    for rule in shown:
        assert isinstance(rule, dict)
        assert rule["sign_off"] == {
            "head_of_unit": "not signed off",
            "dpo_opinion": "no opinion yet",
        }


def test_the_engine_document_is_derived_from_the_catalogue() -> None:
    """The file the engines read is what the reviewed data give."""
    assert (PACKAGE / "rego" / "data.json").read_bytes() == document_bytes(CATALOGUE)


def test_every_reason_that_can_be_given_has_a_text_and_none_is_left_over() -> None:
    """What conditions, grounds and rules can say is exactly what the reviewed list explains."""
    assert emitted_reasons(CATALOGUE) == set(CATALOGUE.reasons)


@pytest.mark.parametrize(
    ("file", "path", "value"),
    [
        ("rules.json", ("rules", 0, "from"), ["NOBODY"]),
        ("rules.json", ("rules", 0, "fields"), ["no_such_field"]),
        ("rules.json", ("rules", 0, "norms"), ["no-such-norm"]),
        ("rules.json", ("rules", 0, "retention"), "for_ever"),
        ("rules.json", ("rules", 0, "refused_reason"), "because"),
        ("rules.json", ("rules", 0, "refused_reason"), None),
        ("rules.json", ("rules", 1, "refused_reason"), "no_rule"),
        ("rules.json", ("rules", 0, "when"), ["no_such_condition"]),
        ("rules.json", ("rules", 1, "needs"), ["no_such_condition"]),
        ("rules.json", ("rules", 1, "field_needs"), {"net_income": ["azr_checked"]}),
        ("rules.json", ("rules", 1, "grounds"), []),
        ("rules.json", ("rules", 1, "release"), "anybody"),
        ("rules.json", ("rules", 1, "release"), "source"),
        ("rules.json", ("rules", 3, "release"), "none"),
        ("rules.json", ("rules", 1, "obligations"), ["be_nice"]),
        ("rules.json", ("rules", 2, "grounds", 0, "covers"), ["blanket_consent"]),
        ("rules.json", ("rules", 6, "step"), 7),
        ("rules.json", ("rules", 1, "mode"), "prohibited"),
        ("rules.json", ("rules", 1, "sign_off"), ""),
        ("conditions.json", ("conditions", 0, "reason"), "because"),
        ("conditions.json", ("conditions", 0, "id"), "something_else"),
        ("obligations.json", ("obligations", 0, "norm"), "no-such-norm"),
        ("rules.json", ("rules", 0, "outcome"), "MAYBE"),
        ("rules.json", ("rules", 0, "valid_from"), "2027-01-01"),
        ("rules.json", ("rules", 0, "valid_from"), "soon"),
        ("rules.json", ("rules", 0, "id"), "R73"),
        ("rules.json", ("rules", -1, "outcome"), "ALLOW_MIN"),
        ("fields.json", ("fields", 0, "pad_bytes"), 31),
        ("fields.json", ("fields", 0, "value"), "blob"),
        ("norms.json", ("citations", 0, "norm"), "no-such-norm"),
        ("declared.json", ("declared", 0, "asserted_by"), ["anybody"]),
        ("declared.json", ("declared", 0, "asserted_by"), []),
        ("declared.json", ("declared", 0, "type"), "float"),
        ("declared.json", ("declared", 0, "norm"), "no-such-norm"),
        ("reasons.json", ("reasons", 0, "applicant", "draft"), False),
        ("agencies.json", ("agencies", 0, "extra"), 1),
    ],
)
def test_a_mistake_in_the_data_stops_the_start(
    file: str, path: tuple[str | int, ...], value: Any
) -> None:
    """Unknown references, impossible dates, duplicates and strange types are all refused."""
    documents = _documents()
    inner: Any = documents[file]
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(CatalogueInvalid):
        Catalogue.from_documents(documents)


@pytest.mark.parametrize("kind", ["agency", "field", "purpose", "rule", "norm", "reason"])
def test_unknown_codes_are_named_by_kind_only(kind: str) -> None:
    """The error says what kind of code is unknown and does not repeat it."""
    with pytest.raises(UnknownCode) as unknown:
        getattr(CATALOGUE, kind)("Erika <Mustermann>")
    assert "Mustermann" not in str(unknown.value)


@pytest.mark.parametrize(
    ("trigger", "declared", "kind"),
    [
        ("on_request", {"azr_checked": True, "reason_code": "azr_pending"}, "JC"),
        ("on_request", {}, None),
        ("spontaneous", {"title_section": 4, "benefit_in_azr": False}, "JC"),
        ("push", {"initiated_by": "counsellor"}, "MBE"),
        ("push", {"uploaded_by_subject": True}, "PERS"),
    ],
)
def test_declared_codes_of_the_own_side_are_accepted(
    trigger: str, declared: dict[str, Any], kind: str | None
) -> None:
    """Known codes, right type, own side: nothing is said."""
    outcome: object = CATALOGUE.validate_declared(trigger, declared, kind=kind)  # type: ignore[func-returns-value]  # None is the point
    assert outcome is None


@pytest.mark.parametrize(
    ("trigger", "declared", "kind", "code"),
    [
        ("sometime", {}, None, "unknown_trigger"),
        ("on_request", {"released_by_source": True}, None, "unknown_code"),
        ("on_request", {"info_block": False}, None, "unknown_code"),
        ("on_request", {"in_force": True}, None, "unknown_code"),
        ("on_request", {"title_section": 4}, None, "not_yours"),
        ("push", {"azr_checked": True}, None, "not_yours"),
        ("push", {"human_refusal": "other"}, None, "not_yours"),
        ("push", {"uploaded_by_subject": True}, "MBE", "not_yours"),
        ("push", {"initiated_by": "client"}, "JC", "not_yours"),
        ("on_request", {"azr_checked": 1}, None, "wrong_type"),
        ("on_request", {"azr_checked": "true"}, None, "wrong_type"),
        ("on_request", {"reason_code": True}, None, "wrong_type"),
        ("on_request", {"reason_code": "azr_pending "}, None, "unknown_value"),
        ("spontaneous", {"title_section": True}, None, "wrong_type"),
        ("spontaneous", {"title_section": 9}, None, "unknown_value"),
        ("on_request", {"subject_count": 0}, None, "unknown_value"),
        ("on_request", {"subject_count": True}, None, "wrong_type"),
        ("on_request", {"decision": ""}, None, "unknown_value"),
        ("on_request", {"pilot_agreed": True}, None, "unknown_code"),
        ("on_request", {"released_by_head": True}, None, "unknown_code"),
    ],
)
def test_declared_codes_of_others_are_refused(
    trigger: str, declared: dict[str, Any], kind: str | None, code: str
) -> None:
    """Nobody asserts facts of the other side, of the agreement, of the holder or of the person."""
    with pytest.raises(DeclaredInvalid) as refused:
        CATALOGUE.validate_declared(trigger, declared, kind=kind)
    assert refused.value.code == code


def test_identifiers_are_released_only_by_the_rules_that_the_prohibition_excepts() -> None:
    """R45: R06 and R37 send to the AZR itself; the others carry the number by a norm that says so."""
    identifiers = set(CATALOGUE.rule("R45").fields)
    listing = {r.id for r in CATALOGUE.rules.values() if identifiers & set(r.fields)} - {"R45"}
    redirecting = {i for i in listing if CATALOGUE.rule(i).outcome is Outcome.REDIRECT_AZR}
    assert redirecting == {"R06", "R37"}
    assert listing - redirecting == {"R10", "R11", "R12", "R29", "R35", "R38", "R46"}
