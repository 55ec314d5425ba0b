# SPDX-License-Identifier: EUPL-1.2
"""What concerns persons: links between files, and what a person allows or withdraws.

Only the person's own token reaches the permission methods; only an agency's token reaches the link
methods. Each change is a work of the log.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import select

from audit.entry import PendingEntry
from audit.vocabulary import EntryKind, Outcome
from gateway import permissions
from gateway.errors import (
    LinkCheckFailed,
    LinkCodeUnknown,
    PermissionNotOffered,
    PermissionUnknown,
    UnknownAgency,
)
from gateway.links import JoinResult
from gateway.mailbox import waiting_on
from gateway.permission_model import PermissionId
from gateway.store.tables import permission as permission_table
from keys.model import AgencyId

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from gateway.caller import Caller, Person
    from gateway.exchange import Core
    from gateway.links import LinkHalf
    from gateway.mailbox import Mailboxes
    from gateway.permission_model import Template, TemplateId, Wish
    from keys.model import SubjectId
    from keys.strict_json import JsonLike

ACCOUNT_SECRET_BYTES = 32


class People:
    """Link ceremony, permissions and the demo's stand-in for a sign-in."""

    def __init__(
        self,
        core: Core,
        mailboxes: Mailboxes,
        templates: Mapping[TemplateId, Template],
        person_token: Callable[[str, bytes], str],
        new_uuid: Callable[[], str],
    ) -> None:
        """Take the parts; `person_token` makes the access token of an account."""
        self._core = core
        self._mailboxes = mailboxes
        self._templates = templates
        self._person_token = person_token
        self._new_uuid = new_uuid

    # --- links -------------------------------------------------------------------------------

    async def offer_link(self, caller: Caller, lookup: bytes, half: LinkHalf) -> None:
        """Keep one half under a code.

        Raises:
            LinkCodeUnknown: this look-up part is in use; make another code.
        """
        core = self._core
        kept = await core.database.write(
            lambda connection: core.links.offer(
                connection, caller.agency, lookup, half, core.clock()
            )
        )
        if not kept:
            raise LinkCodeUnknown

    async def join_link(self, caller: Caller, lookup: bytes, half: LinkHalf) -> None:
        """Use a code and link both files; both outcomes are on record.

        Raises:
            LinkCodeUnknown: no such code, used up or too old.
            LinkCheckFailed: name or birth date differ; both clerks check the identity.
        """
        core = self._core
        outcome: list[JoinResult] = []

        def work(connection: Connection) -> list[PendingEntry]:
            result, other = core.links.join(connection, caller.agency, lookup, half, core.clock())
            outcome.append(result)
            if other is None:
                return []
            linked = Outcome.PERMIT if result is JoinResult.LINKED else Outcome.DENY
            return [core.log.entries.link(EntryKind.LINK_MADE, linked, caller.agency, other)]

        await core.log.log.append(work)
        if outcome[-1] is JoinResult.UNKNOWN_CODE:
            raise LinkCodeUnknown
        if outcome[-1] is JoinResult.CHECK_IDENTITY:
            raise LinkCheckFailed

    async def insecure_sign_in(self, lookup: bytes) -> str:
        """Open an account from a code and give its token: the demo's stand-in.

        Raises:
            LinkCodeUnknown: no such code, used up or too old.
        """
        core = self._core
        account = core.new_handle()
        secret = core.randomness(ACCOUNT_SECRET_BYTES)
        agency = await core.database.write(
            lambda connection: core.links.open_account(
                connection, lookup, account, secret, core.clock()
            )
        )
        if agency is None:
            raise LinkCodeUnknown
        return self._person_token(account, secret)

    # --- permissions -------------------------------------------------------------------------

    async def give(self, person: Person, wish: Wish) -> dict[str, JsonLike]:
        """Write a permission; gives record, event, receipt and the gateway's signature.

        Raises:
            PermissionNotOffered: the wish is wider than its template.
            UnknownAgency: an agency is not on the list.
            PermissionUnknown: the account is not linked to anybody.
        """
        core = self._core
        template = self._templates.get(wish.template)
        if template is None or not self._narrows(wish, template):
            raise PermissionNotOffered
        new_id = PermissionId(self._new_uuid())
        event_id = self._new_uuid()
        entry = core.log.entries.permission(
            EntryKind.PERMISSION_GIVEN, new_id, wish.from_agency, wish.to_agency, template.purpose
        )
        written: list[permissions.Written] = []

        def work(connection: Connection) -> PendingEntry:
            index = self._index_of(connection, person)
            written.append(
                permissions.give(
                    connection,
                    new_id,
                    event_id,
                    consent_index=index,
                    subject=person.account,
                    wish=wish,
                    template=template,
                    entry_id=entry.id,
                    now=core.clock(),
                )
            )
            return PendingEntry(entry)

        appended = await core.log.log.append(work)
        receipt = appended.entries[0].to_text()
        body: dict[str, JsonLike] = {
            "id": new_id,
            "record": written[-1].record,
            "event": written[-1].event,
            "receipt": receipt,
        }
        return body

    async def withdraw(self, person: Person, permission: PermissionId) -> dict[str, JsonLike]:
        """End a permission and empty the mailboxes of what hangs on it, in one transaction.

        Raises:
            PermissionUnknown: this person has no such permission.
        """
        core = self._core

        def work(connection: Connection) -> list[PendingEntry]:
            index = self._index_of(connection, person)
            row = connection.execute(
                select(permission_table).where(permission_table.c.id == permission)
            ).first()
            if row is None:
                raise PermissionUnknown
            entry = core.log.entries.permission(
                EntryKind.PERMISSION_WITHDRAWN,
                permission,
                AgencyId(row.from_agency),
                AgencyId(row.to_agency),
                row.purpose,
            )
            found = permissions.withdraw(
                connection,
                permission,
                index,
                event_id=self._new_uuid(),
                entry_id=entry.id,
                now=core.clock(),
            )
            if not found:
                raise PermissionUnknown
            return [PendingEntry(entry), *self._withhold(connection, permission)]

        appended = await core.log.log.append(work)
        await core.last_look.wait_for_leaving()
        return {
            "id": permission,
            "state": "withdrawn",
            "receipt": appended.entries[0].to_text(),
        }

    def _withhold(self, connection: Connection, permission: PermissionId) -> list[PendingEntry]:
        entries = []
        for exchange in waiting_on(connection, permission):
            opened = self._core.log.rows.load_to_close(connection, exchange)
            if opened is not None:
                entry = self._mailboxes.empty(connection, opened)
                if entry is not None:
                    entries.append(entry)
        return entries

    async def list(self, person: Person) -> list[dict[str, JsonLike]]:
        """List the person's permissions: record and state of each."""

        def look_up(connection: Connection) -> list[dict[str, JsonLike]]:
            rows = connection.execute(
                select(permission_table)
                .where(permission_table.c.consent_index == self._index_of(connection, person))
                .order_by(permission_table.c.valid_from)
            ).all()
            return [
                {
                    "id": row.id,
                    "type": row.type,
                    "state": row.state,
                    "used": row.spent_by is not None,
                    "record": json.loads(row.record),
                }
                for row in rows
            ]

        return await self._core.database.read(look_up)

    def _index_of(self, connection: Connection, person: Person) -> str:
        found: SubjectId | None = self._core.links.person_of_account(connection, person)
        if found is None:
            raise PermissionUnknown
        return self._core.links.consent_index(found)

    def _narrows(self, wish: Wish, template: Template) -> bool:
        agencies = self._core.agencies.current()
        holder = agencies.agency(wish.from_agency)
        recipient = agencies.agency(wish.to_agency)
        if holder is None or recipient is None:
            raise UnknownAgency
        return (
            wish.notice_digest == template.notice_digest(wish.language)
            and (template.mode is not None or not wish.preview_confirmed)
            and wish.fields <= template.fields
            and wish.valid_days <= template.max_days
            and holder.kind in template.from_kinds
            and recipient.kind in template.to_kinds
        )
