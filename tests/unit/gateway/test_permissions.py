# SPDX-License-Identifier: EUPL-1.2
"""Which permission stands: every state, every second, every field, and for whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from gateway.permission_model import IN_FORCE, PermissionId, PermissionState
from gateway.permissions import ended_state, standing, still_stands
from gateway.store.database import migrate, open_engine
from gateway.store.tables import permission
from keys.model import AgencyId, ExchangeId
from policies.model import FieldId, PurposeId

NOW = 1_793_872_800
ONE, TWO = PermissionId("one"), PermissionId("two")
MINE, OTHER = ExchangeId("0" * 26), ExchangeId("1" * 26)
ABH, JC = AgencyId("abh.hannover"), AgencyId("jc.hannover")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """An open transaction on an empty, migrated database."""
    engine = open_engine(f"sqlite:///{tmp_path / 'gateway.db'}")
    migrate(engine)
    with engine.begin() as made:
        yield made
    engine.dispose()


def _give(connection: Connection, name: str = ONE, **changes: Any) -> None:
    row: dict[str, Any] = {
        "id": name,
        "consent_index": "somebody",
        "type": "consent",
        "from_agency": ABH,
        "to_agency": JC,
        "purpose": "P04",
        "fields": ["birth_date"],
        "single_use": False,
        "preview_confirmed": False,
        "state": "given",
        "spent_by": None,
        "valid_from": NOW - 10,
        "valid_until": NOW + 10,
        "record": "{}",
        **changes,
    }
    connection.execute(insert(permission).values(row | {"fields": json.dumps(row["fields"])}))


def _fields(*names: str) -> list[FieldId]:
    return [FieldId(name) for name in names]


def _guard(connection: Connection, *names: str, who: ExchangeId = MINE, now: int = NOW) -> Any:
    return still_stands(connection, [ONE, TWO], _fields(*names or ["birth_date"]), who, now)


@pytest.mark.parametrize("state", PermissionState)
def test_only_two_states_stand(connection: Connection, state: PermissionState) -> None:
    """Whatever else a permission may be: nothing is released under it."""
    _give(connection, state=state.value)
    assert (_guard(connection) is None) is (state in IN_FORCE)


@pytest.mark.parametrize(
    ("now", "ended"),
    [
        (NOW - 11, "expired"),
        (NOW - 10, None),
        (NOW + 9, None),
        (NOW + 10, "expired"),
    ],
)
def test_time_bounds_are_to_the_second(connection: Connection, now: int, ended: str | None) -> None:
    """The first second counts, the last does not."""
    _give(connection)
    assert _guard(connection, now=now) == ended


def test_a_single_use_belongs_to_the_exchange_that_spent_it(connection: Connection) -> None:
    """The same exchange may look again; every other finds it used."""
    _give(connection, single_use=True)
    assert _guard(connection) is None
    assert connection.execute(select(permission.c.spent_by)).scalar_one() == MINE
    assert _guard(connection) is None
    assert _guard(connection, who=OTHER) == "used"


def test_looking_spends_nothing(connection: Connection) -> None:
    """The last look before an answer leaves only looks."""
    _give(connection, single_use=True)
    assert ended_state(connection, [ONE], _fields("birth_date"), MINE, NOW) is None
    assert connection.execute(select(permission.c.spent_by)).scalar_one() is None


def test_a_refused_guard_spends_nothing(connection: Connection) -> None:
    """One of two fields is not covered: nothing is released, nothing is used up."""
    _give(connection, single_use=True)
    assert _guard(connection, "birth_date", "family_name") is not None
    assert connection.execute(select(permission.c.spent_by)).scalar_one() is None


def test_two_permissions_may_cover_together(connection: Connection) -> None:
    """Each names one of the fields; when one ends, the whole release is withheld."""
    _give(connection, ONE, fields=["birth_date"])
    _give(connection, TWO, fields=["family_name"])
    assert _guard(connection, "birth_date", "family_name") is None
    connection.execute(update(permission).where(permission.c.id == TWO).values(state="withdrawn"))
    assert _guard(connection, "birth_date", "family_name") == "withdrawn"


def test_nothing_relied_on_covers_nothing(connection: Connection) -> None:
    """Fields that rest on the person's will, and no permission: withheld, not let through."""
    assert still_stands(connection, [], _fields("birth_date"), MINE, NOW) == "withdrawn"
    assert still_stands(connection, [PermissionId("gone")], _fields("x"), MINE, NOW) == "withdrawn"


def test_what_rests_on_the_law_needs_no_permission(connection: Connection) -> None:
    """No field rests on the person's will: the guard has nothing to look at."""
    assert still_stands(connection, [], [], MINE, NOW) is None


def _standing(connection: Connection, **changes: str) -> Any:
    asked = {"index": "somebody", "source": ABH, "to": JC, "purpose": "P04", **changes}
    return standing(
        connection,
        asked["index"],
        AgencyId(asked["source"]),
        AgencyId(asked["to"]),
        PurposeId(asked["purpose"]),
        now=NOW,
    )


def test_the_decision_hears_of_this_pair_and_purpose_only(connection: Connection) -> None:
    """Another person, holder, recipient or purpose: as if nothing had ever been allowed."""
    _give(connection)
    found = _standing(connection)
    assert found.relied_on == (ONE,)
    assert (found.facts.consent.state, found.facts.consent.fields) == ("in_force", ("birth_date",))
    nothing = _standing(connection, index="nobody")
    assert nothing.relied_on == ()
    for change in ({"source": "abh.other"}, {"to": "jc.celle"}, {"purpose": "P03"}):
        assert _standing(connection, **change) == nothing


ENDED: list[tuple[dict[str, Any], str]] = [
    ({"state": "withdrawn"}, "withdrawn"),
    ({"valid_until": NOW}, "expired"),
    ({"single_use": True, "spent_by": OTHER}, "used"),
]


def test_the_decision_hears_why_nothing_stands(connection: Connection) -> None:
    """Withdrawn, expired and used are told apart; fields of an ended one do not count."""
    for number, (changes, state) in enumerate(ENDED):
        _give(connection, f"p{number}", consent_index=f"person {number}", **changes)
        found = _standing(connection, index=f"person {number}")
        assert (found.facts.consent.state, found.facts.consent.fields) == (state, ())
        assert found.relied_on == ()


def test_types_stay_apart(connection: Connection) -> None:
    """A release from secrecy is no consent, also between the same two agencies."""
    _give(connection, ONE, type="release_203", fields=["language_level"])
    found = _standing(connection)
    assert found.facts.release_203.state == "in_force"
    assert found.facts.consent.state == "none"


def test_a_choice_says_whether_the_preview_was_confirmed(connection: Connection) -> None:
    """Only a confirmed one that stands does; an older one, or an ended one, does not."""
    assert not _standing(connection).facts.retrieval_confirmed
    _give(connection, ONE, type="choice")
    found = _standing(connection)
    assert (found.facts.choice.state, found.facts.retrieval_confirmed) == ("in_force", False)
    _give(connection, TWO, type="choice", preview_confirmed=True, state="withdrawn")
    assert not _standing(connection).facts.retrieval_confirmed


def test_a_confirmed_choice_lends_its_confirmation_to_no_other(connection: Connection) -> None:
    """Two choices, one confirmed: only its fields count, and only its end matters."""
    _give(connection, ONE, type="choice", fields=["family_name", "birth_date"])
    _give(connection, TWO, type="choice", fields=["birth_date"], preview_confirmed=True)
    found = _standing(connection)
    assert found.facts.retrieval_confirmed
    assert (found.facts.choice.fields, found.relied_on) == (("birth_date",), (TWO,))
    connection.execute(update(permission).where(permission.c.id == TWO).values(state="withdrawn"))
    assert still_stands(connection, found.relied_on, _fields("birth_date"), MINE, NOW) is not None


def test_a_consent_confirms_no_preview(connection: Connection) -> None:
    """Other types stay in force beside a confirmed choice, with all their fields."""
    _give(connection, ONE, type="consent", fields=["family_name"])
    _give(connection, TWO, type="choice", fields=["birth_date"], preview_confirmed=True)
    found = _standing(connection)
    assert set(found.relied_on) == {ONE, TWO}
    assert found.facts.consent.fields == ("family_name",)
