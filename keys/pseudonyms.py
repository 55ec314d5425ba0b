# SPDX-License-Identifier: EUPL-1.2
"""How an agency speaks of a file without naming it, and how two agencies link one person.

The index key never leaves the agency: without it a file number cannot be guessed from its index,
however few file numbers there are. The gateway gets the index to look up, the unlock value to
open the row with (and forgets it), and a reference that only the agency itself can open.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys.context import pae
from keys.errors import KeysError, MalformedError, OpenFailed, SealRefused
from keys.model import (
    CROCKFORD,
    AgencyId,
    BlindIndex,
    FileNumber,
    UnlockValue,
    crockford,
    kid_owner,
)
from keys.padding import unpad
from keys.providers.base import HmacKey
from keys.suites import SEAL_OVERHEAD, KemOpener, RecipientKey

REFERENCE_PLAINTEXT_BYTES: Final = 64
MAX_FILE_NUMBER_BYTES: Final = REFERENCE_PLAINTEXT_BYTES - 1

REFERENCE_SIZES: Final = frozenset(
    REFERENCE_PLAINTEXT_BYTES + overhead for overhead in SEAL_OVERHEAD.values()
)
"""145 bytes with P-256, 1745 with the hybrid suite."""

LOOKUP_BYTES: Final = 5
SECRET_BYTES: Final = 10
_CODE_CHARACTERS: Final = 24
_GROUP: Final = 4

_BIRTH_DATE: Final = re.compile(r"(?:[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?)?")
_UNKNOWN_PART: Final = re.compile(r"(?:-00)+$")
# Crockford's own rules for what people misread.
_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})


def normalise_file_number(text: str) -> FileNumber:
    """Bring a file number into the one form that is indexed and sealed.

    NFC, no space around it, one space where there were several. Nothing else: dropping
    separators could make two files one.

    Raises:
        MalformedError: ``file_number``: empty, longer than 63 bytes, or with control characters.
    """
    number = " ".join(unicodedata.normalize("NFC", text).split())
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in number):
        raise MalformedError("file_number")
    if not 0 < len(number.encode("utf-8")) <= MAX_FILE_NUMBER_BYTES:
        raise MalformedError("file_number")
    return FileNumber(number)


def blind_index(index_key: HmacKey, agency: AgencyId, file_number: FileNumber) -> BlindIndex:
    """Return the 32 bytes under which the gateway may know this file."""
    number = normalise_file_number(file_number)
    return BlindIndex(index_key.hmac(pae("lotse-bi-v1", agency, number)))


def unlock_value(index_key: HmacKey, agency: AgencyId, file_number: FileNumber) -> UnlockValue:
    """Return the 32 bytes that open this file's link row; sent with a request, never stored."""
    number = normalise_file_number(file_number)
    return UnlockValue(index_key.hmac(pae("lotse-unlock-v1", agency, number)))


def _info(agency: AgencyId) -> bytes:
    return pae("lotse-ref-v1", agency)


def _seal_padded(data: bytes, agency: AgencyId, recipient: RecipientKey) -> bytes:
    if kid_owner(recipient.kid) != agency:
        raise SealRefused("recipient_key")
    padded = data + b"\x80" + bytes(REFERENCE_PLAINTEXT_BYTES - len(data) - 1)
    return recipient.seal(padded, _info(agency))


def seal_reference(file_number: FileNumber, agency: AgencyId, recipient: RecipientKey) -> bytes:
    """Seal a file number to the agency whose number it is.

    Raises:
        SealRefused: ``recipient_key``: the key of another agency.
        MalformedError: ``file_number``.
    """
    number = normalise_file_number(file_number)
    return _seal_padded(number.encode("utf-8"), agency, recipient)


def decoy_reference(agency: AgencyId, recipient: RecipientKey) -> bytes:
    """Make a reference to no file; nobody but the agency can tell it from a real one.

    Raises:
        SealRefused: ``recipient_key``: the key of another agency.
    """
    return _seal_padded(b"", agency, recipient)


def open_reference(sealed: bytes, agency: AgencyId, opener: KemOpener) -> FileNumber | None:
    """Open a reference at its agency; ``None`` is a decoy.

    A reference may be older than the newest key. Every key is tried, also after one has opened
    it, so that the time taken does not tell an old reference from a fresh decoy.

    Raises:
        OpenFailed: no key opens it.
    """
    found: bytes | None = None
    for kid in opener.kids():
        try:
            found = opener.open(kid, opener.suite_of(kid), sealed, _info(agency))
        except KeysError:
            continue
    if found is None or len(found) != REFERENCE_PLAINTEXT_BYTES:
        raise OpenFailed("open")
    number = unpad(found)
    try:
        return FileNumber(number.decode("utf-8")) if number else None
    except UnicodeDecodeError:
        raise OpenFailed("open") from None


def _comparable_name(text: str) -> str:
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    kept = "".join(c for c in folded if unicodedata.category(c)[0] in "LMN")
    return unicodedata.normalize("NFC", kept)


def link_check(secret: bytes, family_name: str, birth_date: str) -> bytes:
    """Return 32 bytes that are equal at two agencies if they mean the same person.

    ``secret`` is the link code's, which the gateway never sees, so it cannot try names.
    ``birth_date`` is ``YYYY-MM-DD``, shorter where parts are unknown (``00`` counts as unknown),
    or empty. The name is compared in NFC, case-folded, letters and digits only; other spellings
    of one name (transliteration) do not match and go the manual way.

    Raises:
        MalformedError: ``secret``, ``family_name`` or ``birth_date``.
    """
    if len(secret) != SECRET_BYTES:
        raise MalformedError("secret")
    name = _comparable_name(family_name)
    if not name:
        raise MalformedError("family_name")
    if _BIRTH_DATE.fullmatch(birth_date) is None:
        raise MalformedError("birth_date")
    known = _UNKNOWN_PART.sub("", birth_date)
    key = HKDF(hashes.SHA256(), 32, salt=None, info=b"lotse-linkcheck-key-v1").derive(secret)
    return hmac.digest(key, pae("lotse-linkcheck-v1", name, known), "sha256")


@dataclass(frozen=True, slots=True)
class LinkCode:
    """What the person carries from one agency to the other."""

    lookup: bytes
    """5 bytes; told to the gateway."""

    secret: bytes = field(repr=False)
    """10 bytes; never told to the gateway."""

    def __post_init__(self) -> None:
        """Refuse other lengths.

        Raises:
            MalformedError: ``link_code``.
        """
        if len(self.lookup) != LOOKUP_BYTES or len(self.secret) != SECRET_BYTES:
            raise MalformedError("link_code")

    @property
    def text(self) -> str:
        """Return the code for paper: 24 Crockford characters in six groups. Holds the secret."""
        number = int.from_bytes(self.lookup + self.secret, "big")
        characters = crockford(number, _CODE_CHARACTERS)
        groups = range(0, _CODE_CHARACTERS, _GROUP)
        return "-".join(characters[i : i + _GROUP] for i in groups)

    @classmethod
    def parse(cls, text: str) -> LinkCode:
        """Read a code as people type it: any case, spaces or hyphens, O for 0, I and L for 1.

        Raises:
            MalformedError: ``link_code``.
        """
        typed = text.strip().upper().replace("-", "").replace(" ", "").translate(_MISREAD)
        if len(typed) != _CODE_CHARACTERS or any(c not in CROCKFORD for c in typed):
            raise MalformedError("link_code")
        number = 0
        for character in typed:
            number = number << 5 | CROCKFORD.index(character)
        data = number.to_bytes(LOOKUP_BYTES + SECRET_BYTES, "big")
        return cls(lookup=data[:LOOKUP_BYTES], secret=data[LOOKUP_BYTES:])


def new_link_code(randomness: bytes) -> LinkCode:
    """Make a link code from 15 random bytes.

    Raises:
        MalformedError: ``link_code``: another number of bytes.
    """
    return LinkCode(lookup=randomness[:LOOKUP_BYTES], secret=randomness[LOOKUP_BYTES:])
