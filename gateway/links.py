# SPDX-License-Identifier: EUPL-1.2
"""Sealed links: which files of two agencies are about one person, unreadable at rest.

The rows are those of the sealed star (``keys.linkrows``). Whoever reads the tables sees random
keys and ciphertext. A row opens only with the gateway's link key *and* the unlock value that the
agency derives from its own file number for one request. An unknown file leads to a random person,
so that everything after it takes the same way (promise P5).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import LargeBinary, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.store.prepared import Prepared
from gateway.store.tables import link_account, link_agency, link_code, link_person
from keys import linkrows
from keys.context import pae
from keys.errors import LinkUnlockFailed
from keys.model import AgencyId, BlindIndex, SubjectId, UnlockValue
from keys.reading import Members
from keys.strict_json import b64u, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Delete, Table, Update

    from gateway.caller import Person
    from keys.providers.base import HmacKey, Wrapper

CODE_SECONDS = 15 * 60
"""A link code lives fifteen minutes: handed over at the counter (own choice)."""
CODE_TRIES = 5
"""Wrong tries before a code is gone (own choice)."""
CODE_MAX_BYTES = 2048
HALF_MEMBERS = ("agency", "index", "unlock", "reference", "check")
_ROW = {
    table.name: Prepared(select(table.c.sealed).where(table.c.key == bindparam("row_key")))
    for table in (link_agency, link_person, link_account)
}
"""The sealed row of each table."""
_AGENCY_ROW_OR, _PERSON_ROW_OR = (
    Prepared(
        select(
            func.coalesce(
                select(table.c.sealed).where(table.c.key == bindparam("row_key")).scalar_subquery(),
                bindparam("stand_in", type_=LargeBinary),
            ).label("sealed")
        )
    )
    for table in (link_agency, link_person)
)
"""The sealed row, or what stands in for it: one row either way, so that no time tells (P5)."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What an agency sends so that its file can be found: derived with its own key."""

    index: BlindIndex
    """32 bytes: keyed hash of the file number."""
    unlock: UnlockValue
    """32 bytes: opens the row; never stored."""


@dataclass(frozen=True, slots=True)
class LinkHalf:
    """One agency's half of a link."""

    subject: Subject
    reference: bytes
    """The agency's file number, sealed to the agency itself (145 bytes)."""
    check: bytes
    """32 bytes: equal on both sides if name and birth date are (docs/gfe1.md)."""


class JoinResult(StrEnum):
    """How an attempt to use a link code ended."""

    LINKED = "linked"
    UNKNOWN_CODE = "unknown_code"
    CHECK_IDENTITY = "check_identity"


class Links:
    """Reads and writes the sealed rows. Every method takes an open connection."""

    def __init__(
        self, link_key: HmacKey, wrapper: Wrapper, randomness: Callable[[int], bytes]
    ) -> None:
        """Take the gateway's link key, the storage key and a source of random bytes."""
        self._key = link_key
        self._wrapper = wrapper
        self._random = randomness

    def person_of(self, connection: Connection, agency: AgencyId, subject: Subject) -> SubjectId:
        """Find the person of an agency's file; a random one when there is no link."""
        stranger = SubjectId(self._random(linkrows.SUBJECT_ID_BYTES))
        row_key = linkrows.t1_key(self._key, agency, subject.index)
        # The unknown file costs the same work: a row sealed just now stands in for the missing one.
        stand_in = linkrows.seal_t1(self._key, subject.unlock, stranger)
        found = _AGENCY_ROW_OR.first(connection, row_key=row_key, stand_in=stand_in)
        try:
            return linkrows.open_t1(self._key, subject.unlock, bytes(found.sealed))
        except LinkUnlockFailed:
            return stranger

    def reference_for(
        self, connection: Connection, person: SubjectId, agency: AgencyId, decoy: bytes
    ) -> bytes:
        """Give the agency's own sealed reference for a person, or `decoy` when it has none."""
        stand_in = linkrows.seal_t2(
            self._key, person, agency, linkrows.LinkRow(decoy, decoy[: linkrows.ROW_KEY_BYTES])
        )
        row_key = linkrows.t2_key(self._key, person, agency)
        found = _PERSON_ROW_OR.first(connection, row_key=row_key, stand_in=stand_in)
        return linkrows.open_t2(self._key, person, agency, bytes(found.sealed)).reference

    def consent_index(self, person: SubjectId) -> str:
        """Give the key under which a person's permissions stand."""
        return b64u(linkrows.consent_index(self._key, person))

    # --- the code ceremony -------------------------------------------------------------------

    def offer(
        self, connection: Connection, agency: AgencyId, lookup: bytes, half: LinkHalf, now: int
    ) -> bool:
        """Keep one half under the look-up part of a code. False: the look-up part is taken."""
        connection.execute(delete(link_code).where(link_code.c.expires_at <= now))
        key = self._code_key(lookup)
        if connection.execute(select(link_code.c.key).where(link_code.c.key == key)).first():
            return False
        sealed = self._wrapper.wrap(dumps(_half_to_json(agency, half)), key)
        try:
            connection.execute(
                insert(link_code).values(
                    key=key, sealed=sealed, tries=0, expires_at=now + CODE_SECONDS
                )
            )
        except IntegrityError:
            return False  # another process was a moment quicker
        return True

    def join(
        self, connection: Connection, agency: AgencyId, lookup: bytes, half: LinkHalf, now: int
    ) -> tuple[JoinResult, AgencyId | None]:
        """Use a code once and link both files, if both checks agree. Also gives the offerer."""
        offered = self._offered(connection, lookup, now)
        if offered is None:
            return JoinResult.UNKNOWN_CODE, None
        other, theirs = offered
        if other == agency or not hmac.compare_digest(theirs.check, half.check):
            return JoinResult.CHECK_IDENTITY, other
        try:
            here = self._linked_person(connection, agency, half.subject)
            there = self._linked_person(connection, other, theirs.subject)
        except LinkUnlockFailed:
            return JoinResult.CHECK_IDENTITY, other
        if here is not None and there is not None and here != there:
            return JoinResult.CHECK_IDENTITY, other
        person = here or there or SubjectId(self._random(linkrows.SUBJECT_ID_BYTES))
        halves = ((agency, half), (other, theirs))
        if any(self._has_another_file(connection, person, *one) for one in halves):
            return JoinResult.CHECK_IDENTITY, other
        for one in halves:
            self._put(connection, person, *one)
        connection.execute(delete(link_code).where(link_code.c.key == self._code_key(lookup)))
        return JoinResult.LINKED, other

    def open_account(
        self, connection: Connection, lookup: bytes, account: str, secret: bytes, now: int
    ) -> AgencyId | None:
        """Tie a portal account to the file behind an agency's letter.

        None: unknown code, or one that does not open the file's row.
        """
        offered = self._offered(connection, lookup, now)
        if offered is None:
            return None
        agency, half = offered
        try:
            person = self._linked_person(connection, agency, half.subject)
        except LinkUnlockFailed:
            return None
        person = person or SubjectId(self._random(linkrows.SUBJECT_ID_BYTES))
        self._put(connection, person, agency, half)
        connection.execute(
            insert(link_account).values(
                key=linkrows.t3_key(self._key, account.encode("ascii")),
                sealed=linkrows.seal_t3(secret, self._key, person),
            )
        )
        connection.execute(delete(link_code).where(link_code.c.key == self._code_key(lookup)))
        return agency

    def person_of_account(self, connection: Connection, person: Person) -> SubjectId | None:
        """Find who is signed in; the sign-in's own secret is needed."""
        sealed = self._row(
            connection, link_account, linkrows.t3_key(self._key, person.account.encode("ascii"))
        )
        if sealed is None:
            return None
        try:
            return linkrows.open_t3(person.secret, self._key, sealed)
        except LinkUnlockFailed:
            return None

    # --- inside ------------------------------------------------------------------------------

    def _offered(
        self, connection: Connection, lookup: bytes, now: int
    ) -> tuple[AgencyId, LinkHalf] | None:
        key = self._code_key(lookup)
        row = connection.execute(
            select(link_code.c.sealed, link_code.c.tries).where(
                link_code.c.key == key, link_code.c.expires_at > now
            )
        ).first()
        if row is None:
            return None
        # Whoever changes the row as it was read has this try: two uses at once are not one.
        as_read = (link_code.c.key == key, link_code.c.tries == row.tries)
        change: Delete | Update = update(link_code).where(*as_read).values(tries=row.tries + 1)
        if row.tries + 1 >= CODE_TRIES:
            change = delete(link_code).where(*as_read)
        if connection.execute(change).rowcount != 1:
            return None
        return _half_from_json(self._wrapper.unwrap(row.sealed, key))

    def _linked_person(
        self, connection: Connection, agency: AgencyId, subject: Subject
    ) -> SubjectId | None:
        sealed = self._row(
            connection, link_agency, linkrows.t1_key(self._key, agency, subject.index)
        )
        if sealed is None:
            return None
        return linkrows.open_t1(self._key, subject.unlock, sealed)

    def _has_another_file(
        self, connection: Connection, person: SubjectId, agency: AgencyId, half: LinkHalf
    ) -> bool:
        """Say whether the person is linked to another file there: it would silently change hands."""
        sealed = self._row(connection, link_person, linkrows.t2_key(self._key, person, agency))
        if sealed is None:
            return False
        found = linkrows.open_t2(self._key, person, agency, sealed)
        return found.t1_key != linkrows.t1_key(self._key, agency, half.subject.index)

    def _put(
        self, connection: Connection, person: SubjectId, agency: AgencyId, half: LinkHalf
    ) -> None:
        t1_key = linkrows.t1_key(self._key, agency, half.subject.index)
        t2_key = linkrows.t2_key(self._key, person, agency)
        for table, key in ((link_agency, t1_key), (link_person, t2_key)):
            connection.execute(delete(table).where(table.c.key == key))
        connection.execute(
            insert(link_agency).values(
                key=t1_key, sealed=linkrows.seal_t1(self._key, half.subject.unlock, person)
            )
        )
        connection.execute(
            insert(link_person).values(
                key=t2_key,
                sealed=linkrows.seal_t2(
                    self._key, person, agency, linkrows.LinkRow(half.reference, t1_key)
                ),
            )
        )

    def _code_key(self, lookup: bytes) -> bytes:
        return self._key.hmac(pae("lotse-code-v1", lookup))

    @staticmethod
    def _row(connection: Connection, table: Table, key: bytes) -> bytes | None:
        row = _ROW[table.name].first(connection, row_key=key)
        return None if row is None else bytes(row.sealed)


def _half_to_json(agency: AgencyId, half: LinkHalf) -> dict[str, str]:
    return {
        "agency": agency,
        "index": b64u(half.subject.index),
        "unlock": b64u(half.subject.unlock),
        "reference": b64u(half.reference),
        "check": b64u(half.check),
    }


def _half_from_json(stored: bytes) -> tuple[AgencyId, LinkHalf]:
    body = Members(loads(stored, max_bytes=CODE_MAX_BYTES), HALF_MEMBERS)
    subject = Subject(BlindIndex(body.binary("index")), UnlockValue(body.binary("unlock")))
    half = LinkHalf(subject, body.binary("reference"), body.binary("check"))
    return AgencyId(body.text("agency")), half
