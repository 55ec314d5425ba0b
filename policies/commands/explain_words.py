# SPDX-License-Identifier: EUPL-1.2
"""Words around an explained decision; what is said of each field stands in the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.explain import Language


@dataclass(frozen=True, slots=True)
class Words:
    """Headings and notes in one language."""

    columns: tuple[str, str, str, str, str, str]
    overall: str
    not_signed_off: str
    no_opinion: str
    duties: str
    no_duties: str
    rules: str
    draft: str


WORDS: Final[Mapping[Language, Words]] = {
    "de": Words(
        columns=("Feld", "Ergebnis", "Regel", "Norm", "Warum", "Was Sie tun können"),
        overall="Insgesamt",
        not_signed_off="nicht freigezeichnet",
        no_opinion="keine Stellungnahme der Datenschutzbeauftragten",
        duties="Pflichten:",
        no_duties="Keine Pflichten: Es wird nichts übermittelt.",
        rules="Regeln, die entschieden haben, und wer sie freigezeichnet hat:",
        draft="Einige dieser Texte sind Entwürfe, die niemand freigezeichnet hat.",
    ),
    "plain": Words(
        columns=("Angabe", "Ergebnis", "Regel", "Gesetz", "Warum", "Was Sie tun können"),
        overall="Zusammen",
        not_signed_off="noch nicht unterschrieben",
        no_opinion="Die Datenschutz-Stelle hat noch nichts dazu gesagt",
        duties="Das muss die Behörde beachten:",
        no_duties="Es wird nichts gesendet.",
        rules="Diese Regeln haben entschieden:",
        draft="Einige dieser Texte sind ein Entwurf. Niemand hat sie unterschrieben.",
    ),
    "en": Words(
        columns=("Field", "Outcome", "Rule", "Norm", "Why", "What you can do"),
        overall="Overall",
        not_signed_off="not signed off",
        no_opinion="no opinion of the data protection officer",
        duties="Obligations:",
        no_duties="No obligations: nothing is sent.",
        rules="Rules that decided, and who signed them off:",
        draft="Some of these texts are drafts that nobody has signed off.",
    ),
}
