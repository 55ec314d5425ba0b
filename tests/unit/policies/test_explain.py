# SPDX-License-Identifier: EUPL-1.2
"""Every reason has words for a clerk, an applicant and an officer, each in three languages (P10)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from policies.catalogue import Catalogue
from policies.decide import load_decider
from policies.document import emitted_reasons
from policies.errors import UnknownCode
from policies.explain import (
    LANGUAGES,
    NO_DATA,
    Audience,
    explain,
    explain_code,
    outcome_words,
    what_you_can_do,
    why,
)
from policies.model import (
    FieldDecision,
    FieldId,
    NormId,
    Outcome,
    ReasonCode,
    RuleId,
)
from policies.rules import SignOff
from tests.contract.rule_engines import golden_questions

if TYPE_CHECKING:
    from policies.explain import Language

CATALOGUE = Catalogue.load()
AUDIENCES: tuple[Audience, ...] = ("clerk", "applicant", "dpo")
CODES = sorted(CATALOGUE.reasons)
GRANTED = {
    "human_released",
    "statute",
    "choice_given",
    "mandate_given",
    "consent_given",
    "release_given",
    "own_submission",
}
NORM = re.compile(r"§|\bArt\.|\b(?:AufenthG|AsylbLG|AZRG|BDSG|BMG|DSGVO|GDPR|SGB|StGB)\b")
ANSWER = FieldDecision(
    FieldId("benefit_granted"),
    Outcome.DENY,
    RuleId("R04"),
    (NormId("aufenthg-87-i"), NormId("gdpr-6-i")),
    ReasonCode("decision_missing"),
    (ReasonCode("decision_missing"), ReasonCode("azr_not_exhausted")),
)
"""The example that the officer's, the clerk's and the applicant's reading are compared on."""


def _parts(code: str, audience: Audience) -> Iterator[tuple[str, list[str]]]:
    """Text and next step, each in all languages."""
    sentences = [explain_code(code, audience, lang) for lang in LANGUAGES]
    yield "text", [one.text for one in sentences]
    yield "next", [one.next_step for one in sentences]


@pytest.mark.parametrize("code", CODES)
def test_every_reason_has_all_its_sentences(code: str) -> None:
    """Eighteen texts per code: each of whole sentences, no two languages alike."""
    for audience in AUDIENCES:
        for name, texts in _parts(code, audience):
            for text in texts:
                assert re.fullmatch(r"[A-ZÄÖÜ].+[.?]", text), (audience, name, text)
            assert len(set(texts)) == len(LANGUAGES), (audience, name)


@pytest.mark.parametrize("code", CODES)
def test_no_sentence_is_a_template(code: str) -> None:
    """Nothing is left to fill in, and nothing says that somebody meant to come back."""
    for audience in AUDIENCES:
        for _, texts in _parts(code, audience):
            for text in texts:
                assert not re.search(r"[{}<>\[\]%…]|\.\.|  |\b(?:TODO|XXX|TBD)\b", text), text


def test_codes_and_texts_are_the_same_set() -> None:
    """No code that a decision or an answer can carry lacks its texts, and no text lacks a code."""
    assert set(CATALOGUE.reasons) == emitted_reasons(CATALOGUE)


def test_no_two_codes_say_the_same() -> None:
    """A clerk or an officer can tell every reason from every other, and is sent another way each."""
    told_apart: tuple[Audience, ...] = ("clerk", "dpo")
    for audience in told_apart:
        for lang in LANGUAGES:
            said = [explain_code(code, audience, lang) for code in CODES]
            assert len({one.text for one in said}) == len(CODES)
            assert len({one.next_step for one in said}) == len(CODES)


def test_every_refusal_names_another_way() -> None:
    """What an applicant may do instead is not one sentence for everything."""
    refusals = [code for code in CODES if code not in GRANTED]
    for lang in LANGUAGES:
        steps = Counter(explain_code(code, "applicant", lang).next_step for code in refusals)
        assert max(steps.values()) <= 3, steps.most_common(3)
        assert len(steps) > 0.9 * len(refusals)


def test_an_applicant_is_told_of_one_fact_not_of_the_whole() -> None:
    """U03: the job centre sends that benefits are paid and not the income; "nothing was sent" is untrue."""
    whole = re.compile(
        r"[Ee]s wurden? (?:nichts|keine Daten) gesendet|kam(?:en)? (?:nichts|keine)|othing was sent"
    )
    about_one = {"no_data"}
    for code, lang in product(set(CODES) - about_one, LANGUAGES):
        assert not whole.search(explain_code(code, "applicant", lang).text), (code, lang)


# --- plain German ---------------------------------------------------------------------------------


def _sentences(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.?!:])\s+", text) if part]


@pytest.mark.parametrize("code", CODES)
def test_plain_german_is_plain(code: str) -> None:
    """Short sentences, short words, no norm: what a reader with B1 follows."""
    for audience in AUDIENCES:
        for _, (_, plain, _) in _parts(code, audience):
            assert not NORM.search(plain), plain
            assert ";" not in plain, plain
            for sentence in _sentences(plain):
                assert len(sentence.split()) <= 13, sentence
            words = re.findall(r"\w+", plain)
            assert max(map(len, words)) <= 17, plain
            assert len(words) <= 24, plain


def test_plain_german_is_shorter_than_the_other() -> None:
    """On average under seven words a sentence, and clearly fewer than in the office's German."""
    words: dict[str, list[int]] = {"de": [], "plain": []}
    for code, audience in product(CODES, AUDIENCES):
        for _, (german, plain, _) in _parts(code, audience):
            words["de"] += [len(s.split()) for s in _sentences(german)]
            words["plain"] += [len(s.split()) for s in _sentences(plain)]
    average = {lang: sum(counts) / len(counts) for lang, counts in words.items()}
    assert average["plain"] < 7
    assert average["plain"] < 0.75 * average["de"]


@pytest.mark.parametrize("code", CODES)
def test_an_applicant_reads_no_norm(code: str) -> None:
    """In no language; the norm stands beside the entry for whoever wants it."""
    for _, texts in _parts(code, "applicant"):
        for text in texts:
            assert not NORM.search(text), text


def test_texts_for_applicants_are_marked_as_drafts() -> None:
    """Nobody has signed these off; the others are not drafts."""
    for code, lang in product(CATALOGUE.reasons, LANGUAGES):
        assert explain_code(code, "applicant", lang).draft
        assert not explain_code(code, "clerk", lang).draft


# --- who reads what ---------------------------------------------------------------------------------


def test_each_audience_reads_what_it_needs() -> None:
    """A clerk reads norms, an officer rule, norms and all reasons, an applicant plain words only."""
    clerk, applicant, dpo = (explain(ANSWER, audience, "de").text for audience in AUDIENCES)
    assert "AufenthG § 87 I" in clerk
    assert "DSGVO Art. 6 I" in clerk
    assert "R04" not in clerk
    assert "§" not in applicant
    assert "Regel R04" in dpo
    assert "AZR" in dpo
    assert "GDPR 6 I" in explain(ANSWER, "dpo", "en").text


def test_plain_german_names_the_rule_to_an_officer_and_norms_to_nobody() -> None:
    """The norms have a column of their own."""
    for audience in AUDIENCES:
        assert not NORM.search(explain(ANSWER, audience, "plain").text)
    assert "Regel R04." in explain(ANSWER, "dpo", "plain").text


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("de", "nicht freigezeichnet"),
        ("plain", "noch niemand unterschrieben"),
        ("en", "not signed off"),
    ],
)
def test_an_officer_reads_that_nobody_signed_the_rule_off(lang: Language, said: str) -> None:
    """Today no rule is signed off; clerks and applicants are not troubled with it."""
    assert said in explain(ANSWER, "dpo", lang).text
    assert said not in explain(ANSWER, "clerk", lang).text
    assert said not in explain(ANSWER, "applicant", lang).text


def test_a_signed_rule_is_not_called_unsigned() -> None:
    """The remark is about the rule, not a fixed ending."""
    rule = CATALOGUE.rule("R04")
    signed = replace(
        CATALOGUE,
        rules=MappingProxyType(
            {**CATALOGUE.rules, rule.id: replace(rule, sign_off=SignOff("A. Amtsleitung", ""))}
        ),
    )
    assert "freigezeichnet" not in explain(ANSWER, "dpo", "de", catalogue=signed).text
    assert "Regel R04" in explain(ANSWER, "dpo", "de", catalogue=signed).text


def test_an_answer_without_norms_has_no_empty_brackets() -> None:
    """A case that no rule fits has a rule and may have no norm."""
    bare = replace(ANSWER, norms=())
    assert "(" not in explain(bare, "clerk", "de").text
    assert "Regel R04." in explain(bare, "dpo", "de").text


# --- the table --------------------------------------------------------------------------------------


def test_the_table_says_all_reasons_and_all_steps_once() -> None:
    """U04: naming the decision alone would only lead to the next refusal."""
    for audience, lang in product(AUDIENCES, LANGUAGES):
        first, second = (explain_code(code, audience, lang) for code in ANSWER.reasons)
        assert why(ANSWER, audience, lang) == f"{first.text} {second.text}"
        assert what_you_can_do(ANSWER, audience, lang) == f"{first.next_step} {second.next_step}"
    twice = replace(ANSWER, reasons=(ANSWER.reason, ANSWER.reason))
    assert why(twice, "clerk", "en") == explain_code(ANSWER.reason, "clerk", "en").text
    assert (
        what_you_can_do(twice, "clerk", "en")
        == explain_code(ANSWER.reason, "clerk", "en").next_step
    )


def test_every_outcome_has_words_of_its_own() -> None:
    """No outcome is shown as a code, and no two look alike."""
    for lang in LANGUAGES:
        words = [outcome_words(outcome, lang) for outcome in Outcome]
        assert len(set(words)) == len(Outcome)
        assert not any(re.search(r"[A-Z]{4}|_", text) for text in words)


def test_every_golden_answer_can_be_explained() -> None:
    """No answer of any reviewed case is without words, whoever reads it."""
    decider = load_decider()
    told = {
        (answer.outcome, answer.rule, answer.norms, answer.reasons): answer
        for _, question in golden_questions()
        for answer in decider.decide(question).fields
    }
    assert len({answer.rule for answer in told.values()}) == len(CATALOGUE.rules)
    for answer, audience, lang in product(told.values(), AUDIENCES, LANGUAGES):
        assert explain(answer, audience, lang).text
        assert why(answer, audience, lang)
        assert what_you_can_do(answer, audience, lang)


def test_unknown_codes_audiences_and_languages_are_refused() -> None:
    """There is no default sentence that could hide a mistake, and no officer's text by default."""
    unknown = FieldDecision(FieldId("a"), Outcome.DENY, RuleId("R73"), (), ReasonCode("because"))
    with pytest.raises(UnknownCode):
        explain(unknown, "clerk", "de")
    with pytest.raises(UnknownCode):
        explain_code("because", "clerk", "de")
    with pytest.raises(UnknownCode):
        why(unknown, "clerk", "de")
    for call in (explain, why, what_you_can_do):
        with pytest.raises(UnknownCode):
            call(ANSWER, "press", "de")  # type: ignore[arg-type]  # the mistake
        with pytest.raises(UnknownCode):
            call(ANSWER, "clerk", "fr")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(UnknownCode):
        explain_code(NO_DATA, "press", "de")  # type: ignore[arg-type]  # the mistake
