# SPDX-License-Identifier: EUPL-1.2
"""What stands around the table of the page: the filters, and what its codes mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from policies.explain import outcome_words
from policies.matrix import sentences
from policies.matrix.markup import Markup, both, element
from policies.matrix.routes import ANY
from policies.model import Outcome
from policies.records import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from policies.catalogue import Catalogue
    from policies.matrix.rows import Row

_FILTERS: Final = {
    "from": Text("Von", "From"),
    "to": Text("An", "To"),
    "purpose": Text("Zweck", "Purpose"),
    "field": Text("Felder", "Field"),
    "rule": Text("Regel", "Rule"),
    "outcome": Text("Ergebnis, wenn alles erklärt ist", "Outcome when everything is stated"),
}
_UNSIGNED: Final = Text("nur nicht freigezeichnete Regeln", "only rules that are not signed off")
_SHOWN: Final = Text("Gezeigte Zeilen:", "Rows shown:")
_RESET: Final = Text("Filter löschen", "Clear filters")


def filter_form(rows: Sequence[Row], catalogue: Catalogue) -> Markup:
    """Return the filters; hidden until the script that obeys them runs."""
    words = _words(catalogue)
    used: dict[str, set[str]] = {
        "from": {code for row in rows for code in row.from_kinds},
        "to": {code for row in rows for code in row.to_kinds},
        "purpose": {code for row in rows for code in row.purposes},
        "field": {code for row in rows for code in row.fields},
        "rule": {row.rule.id for row in rows},
        "outcome": {row.verdicts.complete.outcome for row in rows},
    }
    selects = [_select(name, used[name], words[name]) for name in _FILTERS]
    box = element("input", type="checkbox", name="unsigned")
    unsigned = element("label", box, element("span", both(_UNSIGNED)), class_="box")
    reset = element("button", both(_RESET), type="reset")
    count = element("p", both(_SHOWN), " ", element("output", id="count"), role="status")
    name = element("legend", both(Text("Zeilen auswählen", "Choose rows")))
    inside = element("div", *selects, unsigned, reset)
    return element("form", element("fieldset", name, inside, count), id="filter", hidden=True)


def legend(rows: Iterable[Row], catalogue: Catalogue) -> Markup:
    """Return what the codes in the table mean."""
    words = _words(catalogue)
    said = {verdict.reason for row in rows for verdict in row.verdicts.all}
    codes = sorted({code for reasons in said for code in reasons.split(" / ")})
    reasons = {code: _reason(code, catalogue) for code in codes}
    parts = (
        (Text("Ergebnisse", "Outcomes"), words["outcome"]),
        (Text("Gründe", "Reasons"), reasons),
        (Text("Prüfvermerke", "Verification marks"), sentences.MARKS),
        (Text("Arten von Stellen", "Kinds of agencies"), words["from"]),
        (Text("Zwecke", "Purposes"), words["purpose"]),
        (Text("Anlässe", "Triggers"), sentences.TRIGGER_WORDS),
    )
    sections = []
    for title, meanings in parts:
        terms = [part for code, text in meanings.items() for part in _meaning(code, text)]
        sections += [element("h2", both(title)), element("dl", *terms)]
    return element("section", *sections)


def _reason(code: str, catalogue: Catalogue) -> Text:
    wording = catalogue.reason(code).dpo.text
    return Text(wording.in_("de"), wording.in_("en"))


def _words(catalogue: Catalogue) -> Mapping[str, Mapping[str, Text]]:
    kinds = {str(code): agency.label for code, agency in catalogue.agencies.items()}
    return {
        "from": kinds,
        "to": kinds,
        "purpose": {str(code): purpose.label for code, purpose in catalogue.purposes.items()},
        "field": {str(code): field.label for code, field in catalogue.fields.items()},
        "rule": {str(code): rule.title for code, rule in catalogue.rules.items()},
        "outcome": {o.value: Text(outcome_words(o, "de"), outcome_words(o, "en")) for o in Outcome},
    }


def _select(name: str, used: Iterable[str], words: Mapping[str, Text]) -> Markup:
    options = [element("option", "–", value="")]
    for code in sorted(set(used) - {ANY}):
        label = f"{code}: {words[code].de} / {words[code].en}"
        options.append(element("option", label, value=code))
    return element(
        "label", element("span", both(_FILTERS[name])), element("select", *options, name=name)
    )


def _meaning(code: str, text: Text) -> tuple[Markup, Markup]:
    return element("dt", code, class_="code"), element("dd", both(text))
