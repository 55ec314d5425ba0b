# SPDX-License-Identifier: EUPL-1.2
"""Permissions of the person: which stand, what hangs on them, and their end.

Every change runs as a work of the log, after its head lock. So does the guard of every release.
Their order in the log is therefore the order in which they happened, on every replica: after the
call that withdraws has returned, no release can come behind it (promise P4).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, update

from gateway.permission_model import (
    IN_FORCE,
    Method,
    PermissionId,
    PermissionState,
    PermissionType,
    Wish,
    make_event,
    make_record,
)
from gateway.store.prepared import Prepared
from gateway.store.tables import permission, permission_event
from policies.model import FieldId, PermissionFact, PermissionFacts
from policies.model import PermissionState as Standings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Row

    from gateway.permission_model import Template
    from keys.model import AgencyId, ExchangeId
    from keys.strict_json import JsonValue
    from policies.model import PurposeId

_STANDING = Prepared(
    select(
        permission.c.id,
        permission.c.type,
        permission.c.fields,
        permission.c.preview_confirmed,
        permission.c.state,
        permission.c.spent_by,
        permission.c.valid_from,
        permission.c.valid_until,
    )
    .where(
        permission.c.consent_index == bindparam("person"),
        permission.c.from_agency == bindparam("source"),
        permission.c.to_agency == bindparam("recipient"),
        permission.c.purpose == bindparam("purpose"),
    )
    .order_by(permission.c.valid_from)
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the person has allowed between two agencies for one purpose, as of now."""

    facts: PermissionFacts
    """Codes for the decision: state and fields per type."""
    relied_on: tuple[PermissionId, ...]
    """Permissions in force: the guard of the release looks at these again."""


@dataclass(frozen=True, slots=True)
class Written:
    """A permission as it was just written."""

    id: PermissionId
    record: dict[str, JsonValue]
    event: dict[str, JsonValue]


def standing(
    connection: Connection,
    consent_index: str,
    from_agency: AgencyId,
    to_agency: AgencyId,
    purpose: PurposeId,
    *,
    now: int,
) -> Standing:
    """Look up what stands between these two instances; time is reduced to states here."""
    rows = _STANDING.rows(
        connection,
        person=consent_index,
        source=from_agency,
        recipient=to_agency,
        purpose=purpose,
    )
    states = [(row, _state_now(row, now)) for row in rows]
    confirmed = any(row.preview_confirmed and state == "in_force" for row, state in states)
    fields: dict[str, set[str]] = {}
    ended: dict[str, Standings] = {}
    relied_on = []
    for row, state in states:
        if confirmed and row.type == PermissionType.CHOICE and not row.preview_confirmed:
            continue  # a confirmed choice never lends its confirmation to another one's fields
        if state == "in_force":
            fields.setdefault(row.type, set()).update(json.loads(row.fields))
            relied_on.append(PermissionId(row.id))
        else:
            ended[row.type] = state
    facts = {
        kind.value: _fact(fields.get(kind.value), ended.get(kind.value)) for kind in PermissionType
    }
    return Standing(
        PermissionFacts(**facts, retrieval_confirmed=confirmed),
        tuple(relied_on),
    )


def _fact(fields: set[str] | None, ended: Standings | None) -> PermissionFact:
    if fields is not None:
        return PermissionFact("in_force", tuple(FieldId(name) for name in sorted(fields)))
    return PermissionFact(ended or "none", ())


def _state_now(row: Row[*tuple[Any, ...]], now: int, spender: str = "") -> Standings:
    if PermissionState(row.state) not in IN_FORCE:
        return "withdrawn" if row.state == PermissionState.WITHDRAWN else "expired"
    if not row.valid_from <= now < row.valid_until:
        return "expired"
    if row.spent_by is not None and row.spent_by != spender:
        return "used"
    return "in_force"


def ended_state(
    connection: Connection,
    relied_on: Sequence[PermissionId],
    fields: Iterable[FieldId],
    spender: ExchangeId,
    now: int,
) -> Standings | None:
    """Look whether all `fields` are still covered.

    None: they are. Otherwise the state that ended it: `withdrawn`, `expired` or `used`.
    """
    return _covering(connection, relied_on, frozenset(fields), spender, now)[0]


def still_stands(
    connection: Connection,
    relied_on: Sequence[PermissionId],
    fields: Iterable[FieldId],
    spender: ExchangeId,
    now: int,
) -> Standings | None:
    """Guard of a release: run inside the log's transaction, after its head lock.

    Spends a single use. Gives what `ended_state` gives; unless None, nothing may be released.
    """
    wanted = frozenset(fields)
    ended, covering = _covering(connection, relied_on, wanted, spender, now)
    if ended is None:
        for row in covering:
            if row.single_use and row.spent_by is None and wanted & set(json.loads(row.fields)):
                connection.execute(
                    update(permission).where(permission.c.id == row.id).values(spent_by=spender)
                )
    return ended


def _covering(
    connection: Connection,
    relied_on: Sequence[PermissionId],
    wanted: frozenset[FieldId],
    spender: ExchangeId,
    now: int,
) -> tuple[Standings | None, list[Row[*tuple[Any, ...]]]]:
    if not wanted:
        return None, []
    rows = connection.execute(select(permission).where(permission.c.id.in_(list(relied_on)))).all()
    covering: list[Row[*tuple[Any, ...]]] = []
    ended: Standings = "withdrawn"
    stands: set[tuple[str, str]] = set()
    relied: set[tuple[str, str]] = set()
    for row in rows:
        state = _state_now(row, now, spender)
        named = {(str(row.type), name) for name in wanted & set(json.loads(row.fields))}
        relied |= named
        if state == "in_force":
            covering.append(row)
            stands |= named
        elif named:
            ended = state
    # One type never stands in for another: a consent is no release from secrecy.
    if relied - stands or wanted - {name for _, name in stands}:
        return ended, []
    return None, covering


def give(
    connection: Connection,
    new_id: PermissionId,
    event_id: str,
    *,
    consent_index: str,
    subject: str,
    wish: Wish,
    template: Template,
    entry_id: str,
    now: int,
) -> Written:
    """Write the record and its first event. The caller has checked that it only narrows."""
    record = make_record(new_id, subject, wish, template, now)
    event = make_event(1, PermissionState.GIVEN, wish, wish.method, now)
    connection.execute(
        insert(permission).values(
            id=new_id,
            consent_index=consent_index,
            type=template.type.value,
            from_agency=wish.from_agency,
            to_agency=wish.to_agency,
            purpose=template.purpose,
            fields=json.dumps(sorted(wish.fields)),
            single_use=template.single_use,
            preview_confirmed=wish.preview_confirmed,
            state=PermissionState.GIVEN.value,
            spent_by=None,
            valid_from=now,
            valid_until=now + wish.valid_days * 86_400,
            record=json.dumps(record, sort_keys=True),
        )
    )
    _append_event(connection, event_id, new_id, event, entry_id)
    return Written(new_id, record, event)


def withdraw(
    connection: Connection,
    permission_id: PermissionId,
    consent_index: str,
    *,
    event_id: str,
    entry_id: str,
    now: int,
) -> bool:
    """End a permission. The caller empties the mailboxes of what hangs on it, in the same work.

    False: this person has no such permission. Withdrawing twice is no error and changes nothing.
    """
    row = connection.execute(
        select(permission.c.state).where(
            permission.c.id == permission_id, permission.c.consent_index == consent_index
        )
    ).first()
    if row is None:
        return False
    if PermissionState(row.state) not in IN_FORCE:
        return True
    connection.execute(
        update(permission)
        .where(permission.c.id == permission_id)
        .values(state=PermissionState.WITHDRAWN.value)
    )
    last = connection.execute(
        select(permission_event.c.sequence)
        .where(permission_event.c.permission == permission_id)
        .order_by(permission_event.c.sequence.desc())
        .limit(1)
    ).scalar_one()
    event = make_event(last + 1, PermissionState.WITHDRAWN, None, Method.WEB, now)
    _append_event(connection, event_id, permission_id, event, entry_id)
    return True


def _append_event(
    connection: Connection,
    event_id: str,
    permission_id: PermissionId,
    event: dict[str, JsonValue],
    entry_id: str,
) -> None:
    connection.execute(
        insert(permission_event).values(
            id=event_id,
            permission=permission_id,
            sequence=event["seq"],
            state=event["state"],
            at=event["time"],
            body=json.dumps(event, sort_keys=True),
            log_entry=entry_id,
        )
    )
