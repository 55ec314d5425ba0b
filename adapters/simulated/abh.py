# SPDX-License-Identifier: EUPL-1.2
"""The foreigners' authority of the demo: a database laid out like a Fachverfahren.

Start: ``python -m adapters.simulated.abh --db abh.sqlite --today 2026-11-22``

Several tables, German column names, keys of its own.
The comments in the DDL give the sheet numbers of DSAusländer, 7th edition; SQLite keeps them in ``sqlite_master``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from typing import Final

from adapters.simulated.database import Tables, run_setup, setup_arguments
from adapters.simulated.model import AbhPerson, iso
from adapters.simulated.people import PEOPLE

OFFICE: Final = "030210"
"""Invented number of the authority (DSAusländer 010.03 has six digits)."""

DDL: Final = """
CREATE TABLE person (
    person_id        INTEGER PRIMARY KEY,
    fam_name         VARCHAR(90),   -- DSA 004.01 Familienname
    vornamen         VARCHAR(60),   -- DSA 004.03 Vornamen
    blockname        VARCHAR(1),    -- DSA 004.01 Hinweis: J = nur ein Name
    geb_datum        VARCHAR(10),   -- DSA 004.07 TT.MM.JJJJ, unbekannt 00.00.0000
    geb_ort          VARCHAR(40),   -- DSA 004.08
    bemerkung        VARCHAR(400)   -- intern
);
CREATE TABLE staatsangehoerigkeit (
    person_id        INTEGER NOT NULL REFERENCES person (person_id),
    lfd_nr           INTEGER NOT NULL,
    staat_schl       VARCHAR(3) NOT NULL   -- DSA 004.13
);
CREATE TABLE akte (
    akte_id          INTEGER PRIMARY KEY,
    person_id        INTEGER NOT NULL REFERENCES person (person_id),
    aktenzeichen     VARCHAR(25) NOT NULL, -- Aktenzeichen der ABH
    abh_kennung      VARCHAR(6),           -- DSA 010.03
    sachbearbeitung  VARCHAR(60)
);
CREATE INDEX akte_aktenzeichen ON akte (aktenzeichen);
CREATE TABLE aufenthaltsstatus (
    person_id        INTEGER NOT NULL REFERENCES person (person_id),
    status_schl      VARCHAR(4) NOT NULL,  -- DSA 034.01
    gueltig_ab       DATE NOT NULL,
    gueltig_bis      DATE
);
CREATE TABLE aufenthaltstitel (
    titel_id         INTEGER PRIMARY KEY,
    person_id        INTEGER NOT NULL REFERENCES person (person_id),
    rechtsgrundlage  VARCHAR(8) NOT NULL,  -- DSA 038.01
    erteilt_am       DATE NOT NULL,        -- DSA 038.02
    befristet_bis    DATE,                 -- DSA 038.03
    storniert        VARCHAR(1) NOT NULL   -- J = irrtümlich erfasst
);
CREATE TABLE duldung (
    person_id        INTEGER NOT NULL REFERENCES person (person_id),
    grund_schl       VARCHAR(8) NOT NULL,  -- DSA 047.01
    befristet_bis    DATE                  -- DSA 047.03
);
CREATE TABLE nebenbestimmung (
    person_id        INTEGER NOT NULL REFERENCES person (person_id),
    erwerb_schl      VARCHAR(4) NOT NULL,  -- DSA 036.01
    erwerb_bis       DATE,                 -- DSA 036.03
    arbeitgeberbind  VARCHAR(1)            -- DSA 036.05
);
CREATE TABLE asylverfahren (
    person_id        INTEGER NOT NULL REFERENCES person (person_id),
    asylstatus       VARCHAR(16),          -- DSA 028.01
    abschiebeverbot  VARCHAR(4)            -- DSA 029.01 (§ 60 V, VII AufenthG)
);
CREATE TABLE sicherheit (
    person_id        INTEGER NOT NULL REFERENCES person (person_id),
    ausw_interesse   VARCHAR(1)            -- § 54 AufenthG, J/N
);
CREATE TABLE ausweis (
    person_id        INTEGER NOT NULL REFERENCES person (person_id),
    serien_nr        VARCHAR(20)           -- DSA 017.02
);
CREATE TABLE vorgang (
    vorgang_id       INTEGER PRIMARY KEY,
    person_id        INTEGER NOT NULL REFERENCES person (person_id),
    stand            VARCHAR(1)            -- E eingegangen, P Prüfung, U Unterlagen fehlen, X entschieden
);
CREATE TABLE fehlende_unterlage (
    vorgang_id       INTEGER NOT NULL REFERENCES vorgang (vorgang_id),
    unterlage_schl   VARCHAR(8) NOT NULL
);
"""

_CLERK: Final = "Petersilius-Brandt"


def tables(today: date) -> Tables:
    """All rows of the database, with dates counted from `today`."""
    filled: dict[str, list[dict[str, object]]] = {name: [] for name in TABLES}
    person_id = 1000
    for person in PEOPLE:
        known = person.abh
        if known is None:
            continue
        person_id += 1
        _identity(filled, person_id, known, (known.family, known.given, known.born))
        _case(filled, person_id, known, today)
        if known.twin is not None:
            person_id += 1
            _identity(filled, person_id, known, known.twin)
    return filled


TABLES: Final = (
    "person",
    "staatsangehoerigkeit",
    "akte",
    "aufenthaltsstatus",
    "aufenthaltstitel",
    "duldung",
    "nebenbestimmung",
    "asylverfahren",
    "sicherheit",
    "ausweis",
    "vorgang",
    "fehlende_unterlage",
)
"""In the order in which rows can be inserted."""


def _identity(
    filled: dict[str, list[dict[str, object]]],
    person_id: int,
    known: AbhPerson,
    entry: tuple[str, str | None, str],
) -> None:
    family, given, born = entry
    filled["person"].append(
        {
            "person_id": person_id,
            "fam_name": family,
            "vornamen": given,
            "blockname": None if not known.states else "N" if given else "J",
            "geb_datum": born,
            "geb_ort": known.birth_place,
        }
    )
    filled["akte"].append(
        {
            "akte_id": person_id + 50_000,
            "person_id": person_id,
            "aktenzeichen": known.number,
            "abh_kennung": OFFICE if known.states else None,
            "sachbearbeitung": _CLERK,
        }
    )
    filled["staatsangehoerigkeit"] += [
        {"person_id": person_id, "lfd_nr": position, "staat_schl": state}
        for position, state in enumerate(known.states, start=1)
    ]


def _case(
    filled: dict[str, list[dict[str, object]]], person_id: int, known: AbhPerson, today: date
) -> None:
    def add(table: str, **columns: object) -> None:
        filled[table].append({"person_id": person_id, **columns})

    for status, begin, end in known.history:
        add(
            "aufenthaltsstatus",
            status_schl=status,
            gueltig_ab=iso(today, begin),
            gueltig_bis=iso(today, end),
        )
    if known.title is not None:
        basis, issued, until = known.title
        dates = {"erteilt_am": iso(today, issued), "befristet_bis": iso(today, until)}
        add(
            "aufenthaltstitel",
            titel_id=person_id * 10,
            rechtsgrundlage=basis,
            storniert="N",
            **dates,
        )
        # A cancelled later entry, as real databases have them: the mapping must not take it for the newest.
        dates = {"erteilt_am": iso(today, 0), "befristet_bis": iso(today, 9)}
        add(
            "aufenthaltstitel",
            titel_id=person_id * 10 + 1,
            rechtsgrundlage="7",
            storniert="J",
            **dates,
        )
    if known.toleration is not None:
        add(
            "duldung", grund_schl=known.toleration[0], befristet_bis=iso(today, known.toleration[1])
        )
    if known.work is not None:
        kind, until, bound = known.work
        add(
            "nebenbestimmung",
            erwerb_schl=kind,
            erwerb_bis=iso(today, until),
            arbeitgeberbind="J" if bound else "N",
        )
    if known.asylum is not None:
        add("asylverfahren", asylstatus=known.asylum[0], abschiebeverbot=known.asylum[1])
    if known.expulsion_interest is not None:
        add("sicherheit", ausw_interesse="J" if known.expulsion_interest else "N")
    if known.passport is not None:
        add("ausweis", serien_nr=known.passport)
    if known.case is not None:
        add("vorgang", vorgang_id=person_id + 90_000, stand=known.case[0])
        filled["fehlende_unterlage"] += [
            {"vorgang_id": person_id + 90_000, "unterlage_schl": paper} for paper in known.case[1]
        ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Set up the database file; returns the exit status."""
    parser = setup_arguments(
        "python -m adapters.simulated.abh", "the foreigners' authority's database"
    )
    options = parser.parse_args(arguments)
    return run_setup(options, DDL, tables(options.today))


if __name__ == "__main__":
    sys.exit(main())
