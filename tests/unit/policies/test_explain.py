# SPDX-License-Identifier: EUPL-1.2
"""Every reason has a sentence for a clerk, an applicant and a DPO, in German and English (P10)."""

from __future__ import annotations

import re

import pytest

from policies.build import PACKAGE
from policies.catalogue import Catalogue
from policies.decide import load_decider
from policies.errors import UnknownCode
from policies.explain import NO_DATA, Audience, Language, explain, explain_code
from policies.model import (
    DecisionInput,
    FieldDecision,
    FieldId,
    NormId,
    Outcome,
    ReasonCode,
    RuleId,
)
from tests.contract.rule_engines import golden_cases

CATALOGUE = Catalogue.load()
AUDIENCES: tuple[Audience, ...] = ("clerk", "applicant", "dpo")
LANGUAGES: tuple[Language, ...] = ("de", "en")


@pytest.mark.parametrize("code", sorted(CATALOGUE.reasons))
def test_every_reason_has_all_its_sentences(code: str) -> None:
    """Twelve sentences per code, each a whole one, none the same in both languages."""
    for audience in AUDIENCES:
        pair = [explain_code(code, audience, lang) for lang in LANGUAGES]
        for sentence in pair:
            for part in (sentence.text, sentence.next_step):
                assert re.fullmatch(r"[A-ZÄÖÜ].+[.]", part), part
        assert pair[0].text != pair[1].text
        assert pair[0].next_step != pair[1].next_step


def test_every_reason_the_rules_can_give_is_in_the_catalogue() -> None:
    """Codes in Rego and codes with sentences are the same set."""
    catalogued = set(CATALOGUE.reasons)
    text = "".join(
        f.read_text(encoding="utf-8")
        for f in (PACKAGE / "rego/lotse/exchange").glob("*.rego")
        if not f.name.endswith("_test.rego")
    )
    in_sets = re.findall(r'contains "([a-z0-9_]+)"|\{"([a-z0-9_]+)"\}', text)
    in_grants = re.findall(r"^grants\.R\d\d\.([a-z_]+)", text, re.MULTILINE)
    in_defaults = re.findall(r'(?:default_reason|else) := "([a-z0-9_]+)"', text)
    spoken = {code for pair in in_sets for code in pair if code} | set(in_grants + in_defaults)
    assert spoken <= catalogued
    assert len(spoken) > 25


def test_the_fixed_reason_says_nothing_about_anybody() -> None:
    """The sentence for silence fits unknown, blocked, empty and refused alike."""
    for lang in LANGUAGES:
        text = explain_code(NO_DATA, "clerk", lang).text
        assert not re.search(r"sperr|bekannt|person|block|known|refus", text, re.IGNORECASE)


def test_texts_for_applicants_are_marked_as_drafts() -> None:
    """Nobody has signed these off; the others are not drafts."""
    for code in CATALOGUE.reasons:
        assert explain_code(code, "applicant", "de").draft
        assert not explain_code(code, "clerk", "de").draft


def test_each_audience_reads_what_it_needs() -> None:
    """A clerk reads norms, a DPO rule, norms and all reasons, an applicant plain words only."""
    answer = FieldDecision(
        FieldId("benefit_granted"),
        Outcome.DENY,
        RuleId("R04"),
        (NormId("aufenthg-87-i"), NormId("gdpr-6-i")),
        ReasonCode("decision_missing"),
        (ReasonCode("decision_missing"), ReasonCode("azr_not_exhausted")),
    )
    clerk, applicant, dpo = (explain(answer, audience, "de").text for audience in AUDIENCES)
    assert "AufenthG § 87 I" in clerk
    assert "DSGVO Art. 6 I" in clerk
    assert "R04" not in clerk
    assert "§" not in applicant
    assert "Regel R04" in dpo
    assert "AZR" in dpo
    assert "GDPR 6 I" in explain(answer, "dpo", "en").text


def test_every_golden_answer_can_be_explained() -> None:
    """No answer of any use case is without words."""
    decider = load_decider()
    for case in golden_cases():
        for answer in decider.decide(DecisionInput.from_json(case["input"])).fields:
            for audience in AUDIENCES:
                assert explain(answer, audience, "de").text
                assert explain(answer, audience, "en").next_step


def test_unknown_codes_and_audiences_are_refused() -> None:
    """There is no default sentence that could hide a mistake."""
    answer = FieldDecision(FieldId("a"), Outcome.DENY, RuleId("R73"), (), ReasonCode("because"))
    with pytest.raises(UnknownCode):
        explain(answer, "clerk", "de")
    with pytest.raises(UnknownCode):
        explain_code("because", "clerk", "de")
    with pytest.raises(UnknownCode):
        explain(answer, "press", "de")  # type: ignore[arg-type]  # the mistake
