# SPDX-License-Identifier: EUPL-1.2
"""What the matrix says in words, German and English: what a rule asks for and who lets it pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from policies.codes import FieldId
from policies.records import Text
from policies.references import DEFAULT_RULE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policies.catalogue import Catalogue
    from policies.rules import Ground, Rule

NOT_SIGNED: Final = Text("nicht freigezeichnet", "not signed off")
NO_OPINION: Final = Text("keine Stellungnahme", "no opinion yet")
EVERYTHING_ELSE: Final = Text(
    "Alles, was keine Zeile nennt, lehnt R73 ab.",
    "R73 refuses everything that no row names.",
)
NOTICE: Final = Text(
    "Testsystem. Keine Rechtsberatung. Vor ihrer Verwendung braucht jede Regel die Prüfung durch "
    "die Datenschutzbeauftragten der beteiligten Stellen; die Leitung zeichnet sie frei, die "
    "Stellungnahme steht daneben.",
    "Test system. No legal advice. Before it is used, every rule needs the sign-off of the data "
    "protection officers of the agencies concerned; the head of the unit signs, the officer's "
    "opinion stands beside it.",
)

PERMISSIONS: Final[Mapping[str, Text]] = {
    "consent": Text("Einwilligung", "consent"),
    "explicit_consent": Text("ausdrückliche Einwilligung", "explicit consent"),
    "release_203": Text("Schweigepflichtentbindung", "release from secrecy (§ 203 StGB)"),
    "release_65": Text(
        "Einwilligung der Person, die es anvertraut hat",
        "consent of the person who entrusted it (§ 65 SGB VIII)",
    ),
    "mandate": Text("Vollmacht", "mandate"),
    "choice": Text("Wahl der Person", "choice of the person"),
}
RELEASED_BY: Final[Mapping[str, Text]] = {
    "none": Text("", ""),
    "source": Text("eine Fachkraft der Quelle, jeden Fall", "a clerk of the source, each case"),
    "head": Text("die Leitung der Quelle, jeden Fall", "the head of the source, each case"),
}
MODES: Final[Mapping[str, Text]] = {
    "statutory": Text("Gesetz", "statute"),
    "statutory-choice": Text("Gesetz, die Person wählt", "statute, the person chooses"),
    "consent-required": Text("Einwilligung nötig", "consent required"),
    "explicit-consent": Text(
        "ausdrückliche Freigabe nötig", "explicit consent or release required"
    ),
    "prohibited": Text("verboten", "prohibited"),
}
TRIGGER_WORDS: Final[Mapping[str, Text]] = {
    "automated": Text("automatisierter Abruf", "automated retrieval"),
    "batch": Text("Sammellieferung", "batch"),
    "on_request": Text("auf Anfrage im Einzelfall", "on request, single case"),
    "push": Text("Zusendung durch die Quelle", "sent by the source"),
    "spontaneous": Text("Mitteilung von sich aus", "report of own motion"),
    "subject_choice": Text("Abruf nach Wahl der Person", "retrieval chosen by the person"),
}
MARKS: Final[Mapping[str, Text]] = {
    "V": Text("Gesetzestext gelesen", "statute text read in full"),
    "W": Text("nur eine Webseite oder ein Auszug gelesen", "stored web page or excerpt only"),
    "M": Text("aus dem Gedächtnis, nicht geprüft", "from memory, not verified"),
    "own": Text("eigene Festlegung, keine Norm", "a choice of our own, no norm fixes it"),
}

_OCCASIONS: Final[Mapping[str, Text]] = {
    "R41": Text("Es besteht eine Auskunftssperre.", "There is an information block."),
    "R45": Text(
        "Keine Regel dieses Weges nennt die Nummer.", "No rule of this route names the identifier."
    ),
    "R64": Text(
        "Der Inhalt kam unter Schweigepflicht zur Quelle und ist nicht freigegeben.",
        "The content came to the source under secrecy and is not released.",
    ),
    str(DEFAULT_RULE): EVERYTHING_ELSE,
}
"""When rules speak that name no condition, because the evaluation order itself says so."""

_NO_PERMISSION: Final = Text("ohne Erlaubnis der Person", "without a permission of the person")
_IF: Final = Text("wenn", "if")
_OR: Final = Text("oder", "or")
_AND: Final = Text("und", "and")


def applies_when(rule: Rule, catalogue: Catalogue, lang: str) -> list[str]:
    """Return the sentences that say when the rule speaks at all; none: always."""
    occasion = _OCCASIONS.get(rule.id)
    return [occasion.in_(lang)] if occasion else _sentences(rule.when, catalogue, lang)


def needs(rule: Rule, field: str, catalogue: Catalogue, lang: str) -> list[str]:
    """Return the sentences that must all be true for this field."""
    names = (*rule.needs, *rule.field_needs.get(FieldId(field), ()))
    return _sentences(names, catalogue, lang)


def permissions(rule: Rule, catalogue: Catalogue, lang: str) -> str:
    """Return what the person must have allowed; empty when a rule asks her for nothing."""
    if not any(ground.covers or ground.needs for ground in rule.grounds):
        return ""
    ways = [_way(ground, catalogue, lang) for ground in rule.grounds]
    return f" {_OR.in_(lang)} ".join(ways)


def _way(ground: Ground, catalogue: Catalogue, lang: str) -> str:
    allowed = [PERMISSIONS[name].in_(lang) for name in ground.covers]
    said = f" {_AND.in_(lang)} ".join(allowed) or _NO_PERMISSION.in_(lang)
    conditions = [text.rstrip(".") for text in _sentences(ground.needs, catalogue, lang)]
    return f"{said} ({_IF.in_(lang)}: {'; '.join(conditions)})" if conditions else said


def _sentences(names: Iterable[str], catalogue: Catalogue, lang: str) -> list[str]:
    known = {str(name): condition.text for name, condition in catalogue.conditions.items()}
    return [known[name].in_(lang) for name in names]
