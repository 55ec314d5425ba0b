# SPDX-License-Identifier: EUPL-1.2
"""The residents' register of the demo: a database that holds addresses and information blocks.

Start: ``python -m adapters.simulated.melde --db melde.sqlite --today 2026-11-22``

The comments give sheet numbers of DSMeld.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from typing import Final

from adapters.simulated.database import Tables, run_setup, setup_arguments
from adapters.simulated.model import iso
from adapters.simulated.people import PEOPLE

DDL: Final = """
CREATE TABLE einwohner (
    ord_merkmal      VARCHAR(16) NOT NULL, -- Ordnungsmerkmal
    familienname     VARCHAR(120),         -- DSMeld 0101
    vornamen         VARCHAR(120),         -- DSMeld 0301
    geburtsdatum     VARCHAR(8)            -- JJJJMMTT, unbekannte Teile 00
);
CREATE INDEX einwohner_om ON einwohner (ord_merkmal);
CREATE TABLE staatsangeh (
    ord_merkmal      VARCHAR(16) NOT NULL,
    schluessel       VARCHAR(3) NOT NULL
);
CREATE TABLE anschrift (
    ord_merkmal      VARCHAR(16) NOT NULL,
    strasse          VARCHAR(50),          -- DSMeld 1200 ff.
    hausnummer       VARCHAR(8),
    plz              VARCHAR(5),
    wohnort          VARCHAR(50),
    einzug           DATE                  -- DSMeld 1301
);
CREATE TABLE auskunftssperre (
    ord_merkmal      VARCHAR(16) NOT NULL,
    art              VARCHAR(2)            -- DSMeld 1801; 0 = aufgehoben
);
"""


def tables(today: date) -> Tables:
    """All rows of the database, with dates counted from `today`."""
    known = [person.melde for person in PEOPLE if person.melde is not None]
    return {
        "einwohner": [
            {
                "ord_merkmal": one.number,
                "familienname": one.family,
                "vornamen": one.given,
                "geburtsdatum": one.born,
            }
            for one in known
        ],
        "staatsangeh": [
            {"ord_merkmal": one.number, "schluessel": state}
            for one in known
            for state in one.states
        ],
        "anschrift": [
            {
                "ord_merkmal": one.number,
                "strasse": one.address[0],
                "hausnummer": one.address[1],
                "plz": one.address[2],
                "wohnort": one.address[3],
                "einzug": iso(today, one.address[4]),
            }
            for one in known
            if one.address is not None
        ],
        # Most residents have no row; a lifted block stays as a row of kind 0.
        "auskunftssperre": [
            {"ord_merkmal": one.number, "art": one.block or "0"}
            for one in known
            if one.block is not None or one.number.endswith("2")
        ],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Set up the database file; returns the exit status."""
    parser = setup_arguments(
        "python -m adapters.simulated.melde", "the residents' register's database"
    )
    options = parser.parse_args(arguments)
    return run_setup(options, DDL, tables(options.today))


if __name__ == "__main__":
    sys.exit(main())
