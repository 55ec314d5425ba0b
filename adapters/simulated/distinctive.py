# SPDX-License-Identifier: EUPL-1.2
"""Picks from a record the texts that would betray it if they were found where they do not belong."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import TypeAlias

from adapters.simulated.model import AbhPerson, JobcentrePerson, MbePerson, MeldePerson

Record: TypeAlias = AbhPerson | JobcentrePerson | MbePerson | MeldePerson


def stored_texts(record: Record) -> Iterator[str]:
    """File number, names, birth date and free texts of one record, exactly as its system keeps them."""
    yield record.number
    yield record.family or ""
    yield record.given or ""
    if record.born is not None and _known_day(record.born) is not None:
        yield record.born
    match record:
        case AbhPerson():
            yield record.twin[0] if record.twin else ""
            yield record.passport or ""
        case JobcentrePerson():
            yield record.plan or ""
            yield record.employer[0] if record.employer else ""
        case MbePerson():
            yield record.notes or ""
            yield record.employment[2] if record.employment else ""
        case MeldePerson():
            yield record.address[0] if record.address else ""


def other_spellings(record: Record) -> Iterator[str]:
    """Names in capitals and folded as for a comparison, the birth date in the forms of the wire."""
    for name in (record.family, record.given):
        if name is not None:
            folded = unicodedata.normalize("NFC", name).casefold()
            yield name.upper()
            yield "".join(letter for letter in folded if letter not in " -'")
    born = None if record.born is None else _known_day(record.born)
    if born is not None:
        yield born.isoformat()
        yield f'{{"day":{born.day},"month":{born.month},"year":{born.year}}}'


def _known_day(born: str) -> date | None:
    """The day in any of the agencies' forms; None for an unknown day and for a 1 January, which turn up anywhere."""
    if "." in born:
        day, month, year = born.split(".")
    else:
        digits = born.replace("-", "")
        year, month, day = digits[:4], digits[4:6], digits[6:]
    if (month, day) in {("00", "00"), ("01", "01")}:
        return None
    return date(int(year), int(month), int(day))
