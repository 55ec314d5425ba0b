# SPDX-License-Identifier: EUPL-1.2
"""One type of permission in the place of another, at the moment of the release."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine, insert, select

from gateway import permissions
from gateway.permission_model import PermissionId, PermissionState, PermissionType
from gateway.store.tables import metadata, permission
from keys.model import ExchangeId
from policies.model import FieldId

NOW = 1_800_000_000
EXCHANGE = ExchangeId("01M6NJDA80MKG6T37NFVN1TSER")
PAPER, NOTES = FieldId("language_level"), FieldId("school_attendance")


@pytest.fixture
def connection() -> Iterator[Connection]:
    """An empty database with the gateway's tables."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as opened:
        yield opened
    engine.dispose()


def _given(
    connection: Connection,
    kind: PermissionType,
    *,
    state: PermissionState = PermissionState.GIVEN,
    fields: str = f'["{PAPER}"]',
    single_use: bool = False,
) -> PermissionId:
    connection.execute(
        insert(permission).values(
            id=kind.value + state.value,
            consent_index="x",
            type=kind.value,
            from_agency="mbe.caritas",
            to_agency="abh.hannover",
            purpose="P02",
            fields=fields,
            single_use=single_use,
            preview_confirmed=False,
            state=state.value,
            spent_by=None,
            valid_from=NOW - 1,
            valid_until=NOW + 1,
            record="{}",
        )
    )
    return PermissionId(kind.value + state.value)


def _guard(connection: Connection, *relied_on: PermissionId) -> str | None:
    return permissions.still_stands(connection, relied_on, [PAPER], EXCHANGE, NOW)


def test_a_consent_does_not_stand_in_for_a_withdrawn_release_from_secrecy(
    connection: Connection,
) -> None:
    """Both were in force when it was decided; the release was withdrawn; the consent stands on."""
    consent = _given(connection, PermissionType.CONSENT)
    release = _given(connection, PermissionType.RELEASE_203, state=PermissionState.WITHDRAWN)
    assert _guard(connection, consent, release) == "withdrawn"


def test_another_of_the_same_type_does(connection: Connection) -> None:
    """Two releases covered the paper; one was withdrawn: the other one carries it."""
    gone = _given(connection, PermissionType.RELEASE_203, state=PermissionState.WITHDRAWN)
    stands = _given(connection, PermissionType.RELEASE_203)
    assert _guard(connection, gone, stands) is None


def test_a_single_use_for_other_facts_is_not_spent(connection: Connection) -> None:
    """Only what carries a released field is used up by the release."""
    other = _given(connection, PermissionType.CHOICE, fields=f'["{NOTES}"]', single_use=True)
    used = _given(connection, PermissionType.RELEASE_203, single_use=True)
    assert _guard(connection, other, used) is None
    rows = connection.execute(select(permission.c.id, permission.c.spent_by)).all()
    spent = {row.id: row.spent_by for row in rows}
    assert spent == {other: None, used: EXCHANGE}
