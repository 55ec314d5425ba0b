# SPDX-License-Identifier: EUPL-1.2
"""INVENTED. The twelve people of the demo; no such person, address, file or employer exists.

Their data have the difficulties of real records: names spelt differently from agency to agency,
birthdays on 1 January, a year without a day, one name only, two nationalities, an information block,
a very long name, letters outside ASCII, one file entered twice, an empty record, somebody nobody else knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from adapters.simulated.distinctive import Record, other_spellings, stored_texts
from adapters.simulated.model import AbhPerson, JobcentrePerson, MbePerson, MeldePerson, Person

AGENCIES: Final = ("abh.hannover", "jc.hannover", "jc.celle", "mbe.caritas", "melde.hannover")
"""Agencies that have a system of their own; ``schule.ost`` is registered and has none."""

_LONG: Final = (
    "de Vasconcelos e Albuquerque Mendonça Furtado Cavalcanti de Sousa-Oberländer zu Rethmar"
)

# Each record stays one card that can be read at a glance.
# fmt: off
PEOPLE: Final[tuple[Person, ...]] = (
    Person(
        "nasrin",
        "permit issued yesterday; written in capitals and without the hyphen at the job centre",
        abh=AbhPerson(
            "33.21-AH7730451", "Al-Haddadin", "Nasrin Soraya", "17.05.1994", ("475",), "Qamischli",
            passport="N014477203X",
            history=(("GE", -3100, -1830), ("DU", -1829, -2), ("AE", -1, None)),
            title=("25B", -1, 729), work=("ERL", 729, False), asylum=("ABGELEHNT", "60V"),
            expulsion_interest=False, case=("E", ()),
        ),
        jc_hannover=JobcentrePerson(
            "23702BG0418773", "AL HADDADIN", "NASRIN SORAYA", "1994-05-17", ("475",),
            benefit=("SGB2", True, -1, 364, "1214.87"), income=("612.35",) * 12,
            employer=("Gärtnerei Flachsröder KG", -240, 19.5), case=("P", ("LOHN",)),
        ),
        melde=MeldePerson(
            "OM8840217735", "Al-Haddadin", "Nasrin Soraya", "19940517", ("475",),
            ("Quellmoorstieg", "17", "30179", "Hannover", -900),
        ),
    ),
    Person(
        "tewolde",
        "born on 1 January, as recorded everywhere",
        abh=AbhPerson(
            "33.21-AH7802916", "Gebremeskelawi", "Tewoldeberhan", "01.01.1991", ("224",), "Keren",
            history=(("GE", -2900, -1300), ("DU", -1299, -421), ("AE", -420, None)),
            title=("104C", -420, 125), work=("ERL", 125, False), asylum=("ABGELEHNT", None),
            expulsion_interest=False, case=("P", ("LOHN", "SPRACHE")),
        ),
        jc_hannover=JobcentrePerson(
            "23702BG0529164", "Gebremeskelawi", "Tewoldeberhan", "1991-01-01", ("224",),
            benefit=("SGB2", True, -300, 64, "387.62"),
            income=("1387.43", "1402.18", "1391.07", *("1387.43",) * 6, "1418.92", "1375.50", "1387.43"),
            employer=("Fleischhof Ostwalder und Söhne", -310, 30.0),
            plan="Ziel: Umschulung Fachkraft für Lagerlogistik, Beginn nach Sprachprüfung B2.", case=("P", ("MIETE",)),
        ),
        melde=MeldePerson(
            "OM8840351062", "Gebremeskelawi", "Tewoldeberhan", "19910101", ("224",),
            ("Ziegelteichgasse", "3", "30451", "Hannover", -410),
        ),
    ),
    Person(
        "mariam",
        "client of the counselling; moved from Celle, so that two job centres know her",
        abh=AbhPerson(
            "33.21-AH7614408", "Qaderi-Noorzai", "Mariam Zarghuna", "14.11.1989", ("423",), "Herat",
            history=(("GE", -2600, -1100), ("DU", -1099, None)), toleration=("60A2", 88),
            work=("BEG", 88, False), asylum=("ABGELEHNT", None), expulsion_interest=False,
            case=("U", ("PASS", "LOHN")),
        ),
        jc_hannover=JobcentrePerson(
            "23702BG0377250", "Qaderi-Noorzai", "Mariam Zarghuna", "1989-11-14", ("423",),
            benefit=("SGB2", True, -90, 275, "963.18"), income=("431.16",) * 12,
            employer=("Wäscherei Plettenberg-Isernhagen", -200, 12.0), case=("U", ("MIETE", "LOHN")),
        ),
        jc_celle=JobcentrePerson(
            "24102BG0067391", "Qaderi-Noorzai", "Mariam Zarghuna", "1989-11-14", ("423",),
            benefit=("SGB2", True, -700, -91, "958.44"), case=("E", ()),
        ),
        mbe=MbePerson(
            "CMB-2024-H7K3Q9", "Qaderi-Noorzai", "Mariam Zarghuna", "14.11.1989", counselled=True,
            notes="Klientin berichtet, der Pass liege noch beim Onkel in Maschhad; Termin Konsulat offen.",
            language="B1", employment=(-200, "12,5", "Wäscherei Plettenberg-Isernhagen"),
        ),
        melde=MeldePerson(
            "OM8840998213", "Qaderi-Noorzai", "Mariam Zarghuna", "19891114", ("423",),
            ("Am Krummhaferfeld", "22", "30559", "Hannover", -89),
        ),
    ),
    Person(
        "rahmatullahzai",
        "one name only (Blockname); the job centre writes a hyphen for the given name",
        abh=AbhPerson(
            "33.21-AH7559137", "Rahmatullahzai", None, "22.08.1979", ("423",), "Kundus",
            history=(("GE", -400, None),), work=("BEG", 150, False), asylum=("ANHAENGIG", None),
        ),
        jc_hannover=JobcentrePerson(
            "23702BG0611988", "Rahmatullahzai", "-", "1979-08-22", ("423",), benefit=("SGB2", False, -30, None, "0.00")
        ),
    ),
    Person(
        "oleksandr",
        "one name in two transliterations: English at the ABH, German at the job centre",
        abh=AbhPerson(
            "33.21-AH7447020", "Shcherbachenko", "Oleksandr Lubomyr", "03.02.1986", ("166",), "Charkiw",
            history=(("AE", -1300, None),), title=("24", -1300, 99), work=("ERL", 99, False),
        ),
        jc_hannover=JobcentrePerson(
            "23702BG0284419", "Schtscherbatschenko", "Olexandr Ljubomyr", "1986-02-03", ("166",),
            benefit=("SGB2", True, -1200, 120, "563.00"),
        ),
        mbe=MbePerson(
            "CMB-2023-V2T8W4", "Shcherbachenko", "Oleksandr Lubomyr", "03.02.1986", counselled=True,
            notes="Anerkennung Diplom Maschinenbau, Unterlagen an Kammer.", language="B2",
        ),
        melde=MeldePerson(
            "OM8841120447", "Shcherbachenko", "Oleksandr Lubomyr", "19860203", ("166",),
            ("Lindenbrookallee", "108", "30655", "Hannover", -1250),
        ),
    ),
    Person(
        "dragana",
        "two nationalities; letters outside ASCII; a title of section 4 (§ 18a AufenthG)",
        abh=AbhPerson(
            "33.21-AH7338815", "Hadžiahmetović-Đurđević", "Dragana Svjetlana", "29.09.1983", ("122", "170"), "Bijeljina",
            history=(("AE", -500, None),), title=("18A", -500, 960), work=("BES", 960, True), case=("E", ()),
        ),
        jc_hannover=JobcentrePerson(
            "23702BG0733506", "Hadžiahmetović-Đurđević", "Dragana Svjetlana", "1983-09-29", ("122", "170"),
            benefit=("SGB2", True, -14, 350, "702.29"), income=("0.00",) * 12, case=("P", ("LOHN",)),
        ),
        jc_celle=JobcentrePerson(
            "24102BG0081127", "HADZIAHMETOVIC-DJURDJEVIC", "DRAGANA", "1983-09-29", ("122",)
        ),
        melde=MeldePerson(
            "OM8841266390", "Hadžiahmetović-Đurđević", "Dragana Svjetlana", "19830929", ("122", "170"),
            ("Stöckener Torfkamp", "9", "30419", "Hannover", -480),
        ),
    ),
    Person(
        "leyla",
        "information block for danger to life (§ 51 BMG)",
        abh=AbhPerson(
            "33.21-AH7290143", "Karagözoğlu-Yıldırım", "Leyla Şükran", "08.03.1992", ("163",), "Diyarbakır",
            history=(("AE", -1500, None),), title=("31", -200, 530), work=("ERL", 530, False),
        ),
        jc_hannover=JobcentrePerson(
            "23702BG0195572", "Karagözoğlu-Yıldırım", "Leyla Şükran", "1992-03-08", ("163",),
            benefit=("SGB2", True, -180, 185, "1107.56"),
        ),
        melde=MeldePerson(
            "OM8841377514", "Karagözoğlu-Yıldırım", "Leyla Şükran", "19920308", ("163",),
            ("Birkenhorstweg", "4b", "30627", "Hannover", -160), block="1",
        ),
    ),
    Person(
        "mohamud",
        "only the year of birth is known; the job centre had to enter 1 January",
        abh=AbhPerson(
            "33.21-AH7181662", "Warsame Guuleedsoor", "Mohamud Abdirahman", "00.00.1987", ("273",), "Kismaayo",
            history=(("DU", -2200, None),), toleration=("60B", 30), work=("NEI", 30, False),
            asylum=("ABGELEHNT", None), expulsion_interest=True, case=("U", ("PASS",)),
        ),
        jc_hannover=JobcentrePerson(
            "23702BG0862047", "Warsame Guuleedsoor", "Mohamud Abdirahman", "1987-01-01", ("273",)
        ),
        mbe=MbePerson(
            "CMB-2025-N4D6R1", "Warsame Guuleedsoor", "Mohamud Abdirahman", "00.00.1987", counselled=True, language="A2"
        ),
        melde=MeldePerson(
            "OM8841488829", "Warsame Guuleedsoor", "Mohamud Abdirahman", "19870000", ("273",),
            ("Ihmeschleusenpfad", "61", "30449", "Hannover", -2000),
        ),
    ),
    Person(
        "maria",
        "a very long name and two nationalities",
        abh=AbhPerson(
            "33.21-AH7076398", _LONG, "Maria da Conceição Aparecida", "11.12.1968", ("327", "153"), "São Luís",
            history=(("NE", -4000, None),), work=("ERL", 9000, False),
        ),
        jc_hannover=JobcentrePerson(
            "23702BG0940613", _LONG, "Maria da Conceição Aparecida", "1968-12-11", ("327", "153"),
            benefit=("SGB2", True, -60, 305, "288.71"),
        ),
        jc_celle=JobcentrePerson(
            "24102BG0092045", _LONG, "Maria da Conceição Aparecida", "1968-12-11", ("327", "153")
        ),
        melde=MeldePerson(
            "OM8841599031", _LONG, "Maria da Conceição Aparecida", "19681211", ("327", "153"),
            ("Groß-Buchholzer Heidwinkel", "2", "30655", "Hannover", -55),
        ),
    ),
    Person(
        "ngoc",
        "entered twice under one file number at the ABH, with and without diacritics",
        abh=AbhPerson(
            "33.21-AH6965521", "Nguyễn-Phạm", "Thị Ngọc Ánh", "25.06.1997", ("432",), "Hải Phòng",
            history=(("AE", -700, None),), title=("16B", -700, 30), work=("BES", 30, False),
            twin=("Nguyen-Pham", "Thi Ngoc Anh", "25.06.1997"),
        ),
        jc_hannover=JobcentrePerson(
            "23702BG0158330", "Nguyễn-Phạm", "Thị Ngọc Ánh", "1997-06-25", ("432",)
        ),
        mbe=MbePerson("CMB-2025-K9P5S2", "Nguyễn-Phạm", "Thị Ngọc Ánh", "25.06.1997", counselled=True, language="C1"),
        melde=MeldePerson(
            "OM8841610246", "Nguyễn-Phạm", "Thị Ngọc Ánh", "19970625", ("432",),
            ("Welfenplatzhof", "31", "30161", "Hannover", -650),
        ),
    ),
    Person(
        "kwabena",
        "records without content: name and birth date only at the ABH and the register, nothing at all at the counselling",
        abh=AbhPerson("33.21-AH6854774", "Owusu-Ansahene", "Kwabena Nyamekye", "30.04.1975"),
        jc_hannover=JobcentrePerson(
            "23702BG0026895", "Owusu-Ansahene", "Kwabena Nyamekye", "1975-04-30", ("238",),
            benefit=("SGB2", True, -45, 320, "876.05"),
        ),
        mbe=MbePerson("CMB-2025-X3F7J8"),
        melde=MeldePerson("OM8841721958", "Owusu-Ansahene", "Kwabena Nyamekye", "19750430", ()),
    ),
    Person(
        "zofia",
        "known to one job centre and to nobody else",
        jc_hannover=JobcentrePerson(
            "23702BG0819422", "Wiśniewska-Brzęczyszczyk", "Zofia Bronisława", "1971-10-02", ("152",),
            benefit=("SGB2", True, -75, 290, "641.33"),
        ),
    ),
)
# fmt: on

PERSON: Final = {person.key: person for person in PEOPLE}
"""The same people by their short names."""

_SHORTEST: Final = 8
"""A shorter text can turn up by chance in a large file or in memory."""


def number(person: str, agency: str) -> str:
    """The file number that a person has at an agency.

    Raises:
        LookupError: the agency does not know the person.
    """
    record = _records(PERSON[person])[agency]
    if record is None:
        raise LookupError(f"{agency} does not know this person")
    return record.number


def canaries(agency: str) -> list[str]:
    """Texts that stand in this agency's own system, exactly so, and nowhere else by chance.

    Names, birth dates, file numbers, addresses, notes, employers. Nothing shorter than eight characters, and no date
    that stands for "unknown" or for a 1 January.

    Raises:
        LookupError: this agency has no simulated system.
    """
    return _distinct(text for record in _known_at(agency) for text in stored_texts(record))


def variants(agency: str) -> list[str]:
    """The same names and birth dates in other spellings: a search for leaks looks for these as well.

    Raises:
        LookupError: this agency has no simulated system.
    """
    return _distinct(text for record in _known_at(agency) for text in other_spellings(record))


def _distinct(texts: Iterable[str]) -> list[str]:
    return sorted({text for text in texts if len(text) >= _SHORTEST})


def _known_at(agency: str) -> list[Record]:
    records = (_records(person)[agency] for person in PEOPLE)
    return [record for record in records if record is not None]


def _records(person: Person) -> dict[str, Record | None]:
    known = (person.abh, person.jc_hannover, person.jc_celle, person.mbe, person.melde)
    return dict(zip(AGENCIES, known, strict=True))
