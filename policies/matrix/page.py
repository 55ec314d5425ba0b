# SPDX-License-Identifier: EUPL-1.2
"""The matrix as one HTML page: for a data protection officer to read, filter and print.

Nothing is loaded from anywhere: style and script stand in the page, and its own content security
policy allows no others. Without a script it is a plain table with everything in it.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Final

from policies.explain import outcome_words
from policies.matrix import sentences
from policies.matrix.markup import Markup, both, element, listed, raw
from policies.matrix.page_legend import filter_form, legend
from policies.matrix.routes import ANY
from policies.model import Outcome
from policies.records import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from policies.catalogue import Catalogue
    from policies.matrix.routes import Verdict
    from policies.matrix.rows import Row
    from policies.rules import Rule

_TITLE: Final = Text("Entscheidungsmatrix von Lotse", "Decision matrix of Lotse")
_CAPTION: Final = Text(
    "Wer darf was von wem wofür bekommen, auf welcher Norm, freigezeichnet von wem",
    "Who may get what from whom, for what, on which norm, signed off by whom",
)
_READ: Final = Text(
    "Jede Zeile sagt, was eine Regel mit Feldern auf ihren Wegen macht: wenn nichts erklärt ist, "
    "wenn alles erklärt und erlaubt ist, was die Regel verlangt, und nachdem ein Mensch bei der "
    "Quelle freigegeben hat. Die Ergebnisse hat das Regelwerk selbst für jeden Weg ausgerechnet. "
    "Bei Verboten sind auch alle Erlaubnisse der Person erteilt; sie ändern nichts.",
    "Each row says what a rule does with fields on its routes: with nothing stated, with everything "
    "stated and allowed that the rule asks for, and after a person at the source has released. The "
    "rules themselves were evaluated for every route. For prohibitions every permission of the "
    "person is given as well; it changes nothing.",
)
_HEADINGS: Final = (
    Text("Regel", "Rule"),
    Text("Von", "From"),
    Text("An", "To"),
    Text("Zweck und Anlass", "Purpose and trigger"),
    Text("Felder", "Fields"),
    Text("Nichts erklärt", "Nothing stated"),
    Text("Alles erklärt und erlaubt", "Everything stated and allowed"),
    Text("Nach Freigabe der Quelle", "After the source's release"),
    Text("Gilt wenn, braucht", "Applies if, needs"),
    Text("Normen", "Norms"),
    Text("Pflichten, Aufbewahrung", "Obligations, retention"),
    Text("Gültig bis, Prüfung", "Valid until, verification"),
    Text("Freigezeichnet", "Signed off"),
)
_ANY: Final = Text("alle", "any")
_RELEASING: Final = frozenset({"ALLOW_MIN", "HOLD_HUMAN"})


def page_bytes(rows: Sequence[Row], catalogue: Catalogue, bundle: str) -> bytes:
    """Return the page; ``rows`` are grouped, ``bundle`` is the digest of what was asked."""
    style, script = _shipped("page.css"), _shipped("page.js")
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{_TITLE.de} / {_TITLE.en}"),
        raw("style", style),
    )
    body = element(
        "body",
        element("a", both(Text("Zur Tabelle", "To the table")), href="#matrix", class_="skip"),
        element("header", *_introduction(catalogue, bundle)),
        element(
            "main", filter_form(rows, catalogue), _table(rows, catalogue), legend(rows, catalogue)
        ),
        raw("script", script),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='de')}\n".encode()


def _shipped(name: str) -> str:
    return (resources.files("policies") / "matrix" / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _introduction(catalogue: Catalogue, bundle: str) -> list[Markup]:
    rules = catalogue.rules.values()
    signed = sum(rule.signed_off for rule in rules)
    opinions = sum(bool(rule.sign_off.dpo_opinion) for rule in rules)
    count = Text(
        f"{len(rules)} Regeln, {signed} freigezeichnet, {opinions} mit Stellungnahme.",
        f"{len(rules)} rules, {signed} signed off, {opinions} with an opinion.",
    )
    state = Text(
        f"Katalog {catalogue.version}, Rechtsstand {catalogue.as_of}, Regelwerk {bundle}",
        f"Catalogue {catalogue.version}, law as of {catalogue.as_of}, rule bundle {bundle}",
    )
    texts = (_READ, sentences.EVERYTHING_ELSE, count, state)
    return [
        element("h1", both(_TITLE)),
        element("p", both(sentences.NOTICE), class_="notice"),
        *(element("p", both(text)) for text in texts),
        _languages(),
    ]


def _languages() -> Markup:
    choices = (("de", "Deutsch"), ("en", "English"), ("both", "Deutsch / English"))
    boxes = [
        element(
            "label",
            element("input", type="radio", name="lang", id=f"lang-{code}", checked=code == "de"),
            element("span", word),
            class_="box",
        )
        for code, word in choices
    ]
    name = element("legend", both(Text("Sprache", "Language")))
    return element("fieldset", name, element("div", *boxes), class_="languages")


def _table(rows: Iterable[Row], catalogue: Catalogue) -> Markup:
    headings = (element("th", both(text), scope="col") for text in _HEADINGS)
    table = element(
        "table",
        element("caption", both(_CAPTION), id="caption"),
        element("thead", element("tr", *headings)),
        element("tbody", *(_row(row, catalogue) for row in rows)),
        id="matrix",
    )
    return element(
        "div", table, class_="frame", role="region", tabindex="0", aria_labelledby="caption"
    )


def _row(row: Row, catalogue: Catalogue) -> Markup:
    rule, verdicts = row.rule, row.verdicts
    cells = (
        _codes(row.from_kinds, lambda code: catalogue.agency(code).label),
        _codes(row.to_kinds, lambda code: catalogue.agency(code).label),
        element("div", _codes(row.purposes, lambda code: catalogue.purpose(code).label))
        + element("div", _codes(row.triggers, lambda code: sentences.TRIGGER_WORDS[code])),
        _codes(row.fields, lambda code: catalogue.field(code).label),
        _verdict(verdicts.bare, rule),
        _verdict(verdicts.complete, rule),
        _verdict(verdicts.released, rule) + _small(sentences.RELEASED_BY[rule.release]),
        _asked(row, catalogue),
        listed([both(Text(n.cite_in("de"), n.cite)) for n in map(catalogue.norm, rule.norms)]),
        _duties(rule, catalogue),
        Markup(rule.valid_to.isoformat()) + _small(Text(rule.verification, rule.verification)),
        _signed(rule),
    )
    return element(
        "tr",
        element("th", _named(rule), scope="row"),
        *(element("td", cell) for cell in cells),
        **_data(row),
    )


def _data(row: Row) -> Mapping[str, str | bool]:
    """Attributes that the filters read."""
    outcome = row.verdicts.complete.outcome
    return {
        "class_": "" if outcome in _RELEASING else "refused",
        "data_from": " ".join(row.from_kinds),
        "data_to": " ".join(row.to_kinds),
        "data_purpose": " ".join(row.purposes),
        "data_field": " ".join(row.fields),
        "data_rule": row.rule.id,
        "data_outcome": outcome,
        "data_signed": "yes" if row.rule.signed_off else "no",
    }


def _named(rule: Rule) -> Markup:
    name = element("span", rule.id, class_="code") + " " + both(rule.title)
    return name + _small(sentences.MODES[rule.mode])


def _codes(codes: Sequence[str], label: Callable[[str], Text]) -> Markup:
    if list(codes) == [ANY]:
        return both(_ANY)
    return listed(
        [element("span", code, class_="code") + " " + both(label(code)) for code in codes]
    )


def _verdict(verdict: Verdict, rule: Rule) -> Markup:
    outcome = Outcome(verdict.outcome)
    words = Text(outcome_words(outcome, "de"), outcome_words(outcome, "en"))
    by = "" if verdict.rule == rule.id else f"{verdict.rule}: "
    reason = element("span", f"{by}{verdict.reason}", class_="small")
    return element("span", verdict.outcome, class_="code") + _small(words) + reason


def _small(text: Text) -> Markup:
    return element("span", both(text), class_="small") if text.de else Markup("")


def _asked(row: Row, catalogue: Catalogue) -> Markup:
    """When the rule speaks, what it needs for these fields, what the person must have allowed."""
    rule = row.rule
    german, english = (
        [
            *sentences.applies_when(rule, catalogue, lang),
            *sentences.needs(rule, row.fields[0], catalogue, lang),
            *filter(None, [sentences.permissions(rule, catalogue, lang)]),
        ]
        for lang in ("de", "en")
    )
    return listed([both(Text(*pair)) for pair in zip(german, english, strict=True)])


def _duties(rule: Rule, catalogue: Catalogue) -> Markup:
    duties = [both(catalogue.obligations[name].text) for name in rule.obligations]
    retention = element("span", rule.retention, class_="small")
    return listed(duties) + retention


def _signed(rule: Rule) -> Markup:
    head, opinion = rule.sign_off.head_of_unit, rule.sign_off.dpo_opinion
    signed = Text(head, head) if head else sentences.NOT_SIGNED
    said = Text(opinion, opinion) if opinion else sentences.NO_OPINION
    return element("span", both(signed), class_="" if head else "unsigned") + _small(said)
