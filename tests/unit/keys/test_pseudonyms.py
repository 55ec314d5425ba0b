# SPDX-License-Identifier: EUPL-1.2
"""Blind indexes, references and link codes."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import MalformedError, OpenFailed, SealRefused
from keys.model import FileNumber, Kid
from keys.providers.base import KeyState, KeyUse
from keys.pseudonyms import (
    LinkCode,
    blind_index,
    decoy_reference,
    link_check,
    new_link_code,
    normalise_file_number,
    open_reference,
    seal_reference,
    unlock_value,
)
from keys.suites import KemOpener
from tests.unit.keys.parties import ASKER, HOLDER, Parties, keyring, recipient_key

INDEX_KEY = keyring(HOLDER, KeyUse.INDEX).hmac_key(KeyUse.INDEX)
NUMBERS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12)
SECRET = bytes(10)


def number(text: str) -> FileNumber:
    return FileNumber(text)


@given(NUMBERS, NUMBERS)
def test_only_the_same_file_has_the_same_index(a: str, b: str) -> None:
    """Indexes are equal exactly when the file numbers are, after normalising."""
    same = normalise_file_number(a) == normalise_file_number(b)
    ours, theirs = (blind_index(INDEX_KEY, HOLDER, number(text)) for text in (a, b))
    assert (ours == theirs) == same


def test_index_and_unlock_value_are_unrelated_and_belong_to_one_agency() -> None:
    """Neither tells the other; another agency or key gives others; both have 32 bytes."""
    file = number("12/345")
    other_key = keyring(HOLDER, KeyUse.INDEX).hmac_key(KeyUse.INDEX)
    values = [
        blind_index(INDEX_KEY, HOLDER, file),
        unlock_value(INDEX_KEY, HOLDER, file),
        blind_index(INDEX_KEY, ASKER, file),
        unlock_value(INDEX_KEY, ASKER, file),
        blind_index(other_key, HOLDER, file),
        unlock_value(other_key, HOLDER, file),
    ]
    assert len(set(values)) == len(values)
    assert {len(value) for value in values} == {32}


@pytest.mark.parametrize(
    ("text", "same_as"),
    [(" 12/345 ", "12/345"), ("A  1", "A 1"), ("e\u0301", "\u00e9"), ("\t12\n", "12")],
)
def test_spellings_of_one_file_number_are_one(text: str, same_as: str) -> None:
    """Spaces around and composed characters make no difference."""
    assert normalise_file_number(text) == normalise_file_number(same_as)


@pytest.mark.parametrize(("a", "b"), [("1-23", "12-3"), ("1/2", "12"), ("a1", "A1")])
def test_different_files_stay_different(a: str, b: str) -> None:
    """Separators and case are never dropped: that could make two files one."""
    assert normalise_file_number(a) != normalise_file_number(b)


@pytest.mark.parametrize("text", ["", "  ", "x" * 64, "ä" * 32, "a\x00b", "a\x1bb", "\ud800"])
def test_what_is_not_a_file_number_is_refused(text: str) -> None:
    """Empty, too long for a reference, or with control characters."""
    with pytest.raises(MalformedError, match="file_number"):
        normalise_file_number(text)


def test_a_decoy_cannot_be_told_from_a_reference(parties: Parties) -> None:
    """Both have 145 bytes, differ every time, and open; only the agency learns which it is."""
    key = recipient_key(parties.holder)
    opener = parties.holder.opener(KeyUse.KEM)
    real = [seal_reference(number(text), HOLDER, key) for text in ("1", "x" * 63)]
    decoys = [decoy_reference(HOLDER, key) for _ in range(2)]
    assert {len(sealed) for sealed in real + decoys} == {145}
    assert len(set(real + decoys)) == 4
    assert [open_reference(sealed, HOLDER, opener) for sealed in real] == ["1", "x" * 63]
    assert [open_reference(sealed, HOLDER, opener) for sealed in decoys] == [None, None]


def test_a_reference_opens_after_a_rotation(parties: Parties) -> None:
    """Older references open with the older key."""
    ring = keyring(HOLDER, KeyUse.KEM)
    sealed = seal_reference(number("12/345"), HOLDER, recipient_key(ring))
    old = ring.kids(KeyUse.KEM)[0]
    ring.new_key(KeyUse.KEM, 0)
    ring.set_state(old, KeyState.ACCEPT_ONLY)
    assert open_reference(sealed, HOLDER, ring.opener(KeyUse.KEM)) == "12/345"
    with pytest.raises(OpenFailed):
        open_reference(sealed, HOLDER, parties.holder.opener(KeyUse.KEM))


@dataclass
class CountingOpener:
    """Counts what it is asked."""

    inner: KemOpener
    asked: list[Kid] = field(default_factory=list)

    def kids(self) -> tuple[Kid, ...]:
        """Name the keys."""
        return self.inner.kids()

    def suite_of(self, kid: Kid) -> str:
        """Name the suite."""
        return self.inner.suite_of(kid)

    def open(self, kid: Kid, suite: str, sealed: bytes, info: bytes) -> bytes:
        """Note the key and open."""
        self.asked.append(kid)
        return self.inner.open(kid, suite, sealed, info)


def test_an_old_reference_takes_the_same_steps_as_a_fresh_decoy() -> None:
    """Every key is tried, whichever fits, so that the time does not tell them apart."""
    ring = keyring(HOLDER, KeyUse.KEM)
    old = seal_reference(number("12/345"), HOLDER, recipient_key(ring))
    ring.new_key(KeyUse.KEM, 0)
    fresh = decoy_reference(HOLDER, recipient_key(ring))
    steps = []
    for sealed in (old, fresh):
        opener = CountingOpener(ring.opener(KeyUse.KEM))
        open_reference(sealed, HOLDER, opener)
        steps.append(opener.asked)
    assert steps == [list(ring.kids(KeyUse.KEM))] * 2


def test_a_reference_belongs_to_its_agency(parties: Parties) -> None:
    """It is sealed to its own agency only, and does not open as another agency's."""
    with pytest.raises(SealRefused, match="recipient_key"):
        seal_reference(number("1"), HOLDER, recipient_key(parties.asker))
    with pytest.raises(SealRefused, match="recipient_key"):
        decoy_reference(HOLDER, recipient_key(parties.asker))
    sealed = seal_reference(number("1"), HOLDER, recipient_key(parties.holder))
    opener = parties.holder.opener(KeyUse.KEM)
    with pytest.raises(OpenFailed):
        open_reference(sealed, ASKER, opener)
    with pytest.raises(OpenFailed):
        open_reference(sealed[:-1] + bytes([sealed[-1] ^ 1]), HOLDER, opener)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Müller", "MÜLLER"),
        ("Müller", "Mu\u0308ller"),
        ("al-Sayyid", "Al Sayyid"),
        ("O'Neil", "O\u2019NEIL"),
        ("Groß", "GROSS"),
        ("van  der Berg", "van der-Berg"),
    ],
)
def test_spellings_of_one_name_match(one: str, two: str) -> None:
    """Case, composition, spaces, hyphens and apostrophes make no difference."""
    assert link_check(SECRET, one, "1990-02-03") == link_check(SECRET, two, "1990-02-03")


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("Meier", "1990-02-03"),
        ("Müller", "1990-02-04"),
        ("Müller", "1990-02"),
        ("Müller", "1990"),
        ("Müller", ""),
        ("Muller", "1990-02-03"),
    ],
)
def test_another_person_does_not_match(name: str, date: str) -> None:
    """Another name or date, or less of a date, gives another value."""
    assert link_check(SECRET, name, date) != link_check(SECRET, "Müller", "1990-02-03")


def test_unknown_parts_of_a_birth_date_are_written_in_two_ways() -> None:
    """Registers write 00 for an unknown day or month; that equals leaving it out."""
    assert link_check(SECRET, "A", "1990-00-00") == link_check(SECRET, "A", "1990")
    assert link_check(SECRET, "A", "1990-02-00") == link_check(SECRET, "A", "1990-02")


def test_another_code_gives_another_check() -> None:
    """Without the code's secret, names cannot be tried."""
    assert link_check(b"x" * 10, "A", "1990") != link_check(SECRET, "A", "1990")


@pytest.mark.parametrize(
    ("secret", "name", "date"),
    [
        (bytes(9), "A", "1990"),
        (SECRET, "", "1990"),
        (SECRET, "--", "1990"),
        (SECRET, "A", "3.2.1990"),
        (SECRET, "A", "1990-2-3"),
        (SECRET, "A", "1990-02-03\n"),
    ],
)
def test_a_check_over_nothing_is_refused(secret: bytes, name: str, date: str) -> None:
    """Missing names and other forms of dates would make strangers match."""
    with pytest.raises(MalformedError):
        link_check(secret, name, date)


@given(st.binary(min_size=15, max_size=15))
def test_a_link_code_survives_paper(randomness: bytes) -> None:
    """Six groups of four; what people type is read as what was printed."""
    code = new_link_code(randomness)
    assert [len(group) for group in code.text.split("-")] == [4] * 6
    assert LinkCode.parse(code.text) == code
    typed = code.text.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert LinkCode.parse(f" {typed} ") == code
    assert code.lookup + code.secret == randomness


def test_the_secret_of_a_code_is_not_printed() -> None:
    """A code in a log line shows the lookup half at most."""
    code = LinkCode(lookup=b"looku", secret=b"SECRETSECR")
    assert "SECRET" not in repr(code)
    assert "SECRET" not in str(code)


@pytest.mark.parametrize(
    "text", ["", "A" * 23, "A" * 25, "U" * 24, "A" * 23 + "!", "Ä" * 24, "A" * 23 + "\x00"]
)
def test_other_texts_are_not_link_codes(text: str) -> None:
    """Wrong length or characters outside the alphabet are refused."""
    with pytest.raises(MalformedError, match="link_code"):
        LinkCode.parse(text)


def test_a_link_code_needs_all_its_randomness() -> None:
    """A short random source is not padded."""
    with pytest.raises(MalformedError, match="link_code"):
        new_link_code(bytes(14))
