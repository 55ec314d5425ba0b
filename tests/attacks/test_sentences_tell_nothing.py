# SPDX-License-Identifier: EUPL-1.2
"""Attack: read from a sentence whether a person is known, blocked, counselled or entrusted (P5).

Whoever sits at the asking desk, or holds the person's phone, sees sentences and nothing else.
The codes below come about through what only the holder knows. Their words for clerks and
applicants say how such enquiries are always answered, never what was found about this one.
"""

from __future__ import annotations

import re
from itertools import product

import pytest

from policies.catalogue import Catalogue
from policies.explain import LANGUAGES, NO_DATA, Audience, explain_code

READERS: tuple[Audience, ...] = ("clerk", "applicant")
HOLDER_KNOWS = ("block_neutral", "block_unknown", "secret_203", "entrusted_65", NO_DATA)
FOUND = re.compile(
    r"auskunftssperre|sperrvermerk|gesperrt|\bblocked\b|information block"
    r"|treffer|gefunden|\bmatch\b|\bfound\b"
    r"|(?:nicht|ist|sind) (?:hier |dort )?bekannt|unbekannt|\bknown\b|unknown"
    r"|klient|\bclients?\b|ihre beratung\b|your counsell"
    r"|haben sie (?:dem jugendamt )?anvertraut|you (?:have )?(?:entrusted|confided)",
    re.IGNORECASE,
)


def test_the_probe_finds_what_it_looks_for() -> None:
    """The words that an earlier version used are caught."""
    for told in (
        "Ihre Auskunftssperre hat gewirkt.",
        "Ihre Beratung ist vertraulich.",
        "Was Sie dem Jugendamt anvertraut haben, haben Sie dem Jugendamt anvertraut.",
        "The person is a client of the service.",
        "The person is not known here.",
    ):
        assert FOUND.search(told), told


@pytest.mark.parametrize("code", HOLDER_KNOWS)
def test_a_sentence_does_not_say_what_was_found(code: str) -> None:
    """Neither text nor next step, for a clerk or an applicant, in any language."""
    for audience, lang in product(READERS, LANGUAGES):
        said = explain_code(code, audience, lang)
        for part in (said.text, said.next_step):
            assert not FOUND.search(part), (audience, lang, part)


def test_the_fixed_sentence_fits_every_cause() -> None:
    """Unknown, blocked, empty, refused or nobody at work: the words favour none of them."""
    for lang in LANGUAGES:
        text = explain_code(NO_DATA, "clerk", lang).text
        assert not re.search(
            r"sperr|bekannt|person|block|known|refus|lehn|geheim|secret|darf|may not",
            text,
            re.IGNORECASE,
        ), text


def test_no_sentence_calls_a_refusal_a_finding() -> None:
    """No code at all tells a clerk or an applicant that somebody is or is not on file."""
    on_file = re.compile(
        r"(?:kein|k)e? (?:person|akte|eintrag) (?:gefunden|vorhanden)"
        r"|person (?:ist|war) (?:hier |uns )?(?:nicht )?(?:bekannt|gemeldet)"
        r"|no such person|not on (?:our )?file|is (?:not )?registered",
        re.IGNORECASE,
    )
    for code in Catalogue.load().reasons:
        for audience, lang in product(READERS, LANGUAGES):
            said = explain_code(code, audience, lang)
            assert not on_file.search(said.text + " " + said.next_step), (code, audience, lang)
