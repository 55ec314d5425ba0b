# SPDX-License-Identifier: EUPL-1.2
"""``lotse policy explain``: one case as a table that a person reads."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from policies.answer import answer, norms_of, obligations
from policies.case import read_case
from policies.case_file import CaseFileUnreadable, read_case_file
from policies.case_reading import shown
from policies.commands.explain_words import WORDS
from policies.commands.options import (
    CANNOT_DECIDE,
    CANNOT_READ,
    AsJson,
    At,
    Engine,
    OpaCa,
    OpaToken,
    OpaUrl,
    give_up,
    instant,
    open_decider,
)
from policies.errors import CaseInvalid, PolicyError
from policies.explain import Audience, Language, outcome_words, what_you_can_do, why
from policies.golden_cases import REVIEWED_AT, golden_cases

if TYPE_CHECKING:
    import datetime as dt

    from policies.catalogue import Catalogue
    from policies.decide import Decider
    from policies.decision import Decision, FieldDecision
    from policies.strict import JsonValue

CaseName = Annotated[
    str,
    typer.Argument(
        metavar="CASE", help="Id of a golden case, or a file with one case; - is stdin."
    ),
]
Face = Annotated[Audience, typer.Option(help="Who reads it.")]
Lang = Annotated[Language, typer.Option(help="Language; plain is plain German.")]

_WIDTH: Final = 150
"""Columns where the output is no terminal."""


def explain_command(
    case: CaseName,
    *,
    audience: Face = "clerk",
    lang: Lang = "de",
    as_json: AsJson = False,
    at: At = None,
    engine: Engine = "embedded",
    opa_url: OpaUrl = "",
    opa_token_file: OpaToken = None,
    opa_ca_file: OpaCa = None,
) -> None:
    """Explain one decision field by field: rule, norm, why, and what to do."""
    now = instant(at)
    try:
        document, now = _document(case, now)
        with open_decider(engine, opa_url, opa_token_file, opa_ca_file) as decider:
            question = read_case(document, decider.catalogue, now=now).question
            decision = decider.decide(question)
            told = _Told(decision, decider, audience, lang)
    except CaseFileUnreadable as error:
        give_up(error, CANNOT_READ)
    except CaseInvalid as error:
        give_up(error, 1)
    except PolicyError as error:
        give_up(f"nothing was decided: {error}", CANNOT_DECIDE)
    if as_json:
        typer.echo(json.dumps(told.to_json()))
        return
    told.print()


def _document(name: str, now: dt.datetime) -> tuple[JsonValue, dt.datetime]:
    golden = {case.id: case for case in golden_cases()}
    if name in golden:
        return golden[name].document, REVIEWED_AT
    try:
        document = read_case_file(name)
    except CaseFileUnreadable as error:
        near = [known for known in golden if known.startswith(f"{name}.")]
        near = near or difflib.get_close_matches(name, golden, n=3, cutoff=0.6)
        also = f"; golden cases of such a name: {', '.join(near)}" if near else ""
        raise CaseFileUnreadable(f"{error}{also}") from None
    if isinstance(document, list):
        said = f"{shown(name)} holds an array; explain takes one case, decide takes many"
        raise CaseFileUnreadable(said)
    return document, now


class _Told:
    """One decision in words for one reader."""

    def __init__(
        self, decision: Decision, decider: Decider, audience: Audience, lang: Language
    ) -> None:
        self._decision = decision
        self._decider = decider
        self._audience: Audience = audience
        self._lang: Language = lang
        self._words = WORDS[lang]

    @property
    def _catalogue(self) -> Catalogue:
        return self._decider.catalogue

    def to_json(self) -> JsonValue:
        """Return the answer to the case, each field with its words."""
        document = answer(self._decision, self._decider)
        plain = document["fields"]
        told: dict[str, JsonValue] = {}
        for field in self._decision.fields:
            known = plain[field.field] if isinstance(plain, dict) else None
            told[field.field] = (
                {**known, **self._words_of(field)} if isinstance(known, dict) else None
            )
        return {**document, "fields": told}

    def _words_of(self, field: FieldDecision) -> dict[str, JsonValue]:
        said = (self._audience, self._lang)
        return {
            "said": outcome_words(field.outcome, self._lang),
            "why": why(field, *said, catalogue=self._catalogue),
            "what_you_can_do": what_you_can_do(field, *said, catalogue=self._catalogue),
            "sign_off": self._catalogue.rule(field.rule).sign_off.to_json(),
        }

    def print(self) -> None:
        """Print the table, the duties and the rules; fields with the same answer share a row."""
        console = Console()
        if not console.is_terminal:
            console = Console(width=_WIDTH)
        rows: dict[tuple[str, ...], list[str]] = {}
        for field in self._decision.fields:
            label = self._catalogue.field(field.field).label.in_(self._label_lang)
            rows.setdefault(self._row(field), []).append(f"{label} ({field.field})")
        table = Table(*self._words.columns, show_lines=True, title=self._title())
        for row, fields in rows.items():
            table.add_row(*map(Text, ("\n".join(fields), *row)))
        console.print(table)
        self._below(console)

    @property
    def _label_lang(self) -> str:
        return "en" if self._lang == "en" else "de"

    def _title(self) -> str:
        overall = self._decision.overall
        return f"{self._words.overall}: {outcome_words(overall, self._lang)} ({overall.value})"

    def _row(self, field: FieldDecision) -> tuple[str, ...]:
        words = self._words_of(field)
        rule = self._catalogue.rule(field.rule)
        return (
            f"{words['said']}\n{field.outcome.value}",
            rule.id if rule.signed_off else f"{rule.id}\n{self._words.not_signed_off}",
            norms_of(field, self._catalogue, self._label_lang),
            str(words["why"]),
            str(words["what_you_can_do"]),
        )

    def _below(self, console: Console) -> None:
        words, lang = self._words, self._label_lang
        duties = obligations(self._decision, self._catalogue)
        console.print(Text(words.duties if duties else words.no_duties))
        for duty in duties:
            norm = self._catalogue.norm(duty.norm).cite_in(lang)
            console.print(Text(f"- {duty.text.in_(lang)} ({norm})"))
        console.print(words.rules)
        for name in self._decision.rules:
            rule = self._catalogue.rule(name)
            head = rule.sign_off.head_of_unit or words.not_signed_off
            opinion = rule.sign_off.dpo_opinion or words.no_opinion
            console.print(Text(f"- {rule.id} {rule.title.in_(lang)}: {head}; {opinion}"))
        if self._draft():
            console.print(words.draft)

    def _draft(self) -> bool:
        reasons = map(self._catalogue.reason, self._decision.reasons)
        return any(reason.for_(self._audience).draft for reason in reasons)
