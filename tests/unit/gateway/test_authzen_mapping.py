# SPDX-License-Identifier: EUPL-1.2
"""The table [authzen]: read strictly at the start, and unable to say too much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.authzen.mapping import AuthzenMapping, inner_name
from gateway.settings import SettingsError, settings_from
from tests.unit.gateway.test_settings import GOOD


def _refused(table: dict[str, Any]) -> str:
    with pytest.raises(SettingsError) as refused:
        settings_from({**GOOD, "authzen": table}, base=Path())
    return str(refused.value)


def test_without_a_table_the_shipped_mapping_holds() -> None:
    """Every key has its default; a table that names one key keeps the others."""
    shipped = settings_from(GOOD, base=Path()).authzen
    assert shipped == AuthzenMapping()
    assert shipped.subject_types == ["agency"]
    assert set(shipped.actions) == {"read", "deliver"}
    one = settings_from({**GOOD, "authzen": {"subject_types": ["office"]}}, base=Path()).authzen
    assert one == AuthzenMapping(subject_types=["office"])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"actions": {"view": {"direction": "pull", "purpose": "P99"}}}, "no such purpose"),
        ({"actions": {"view": {"direction": "pull", "trigger": "daily"}}}, "no such trigger"),
        ({"resource_types": {"title": ["permit"]}}, "no such field"),
        ({"fields": {"title": ["permit"]}}, "no such field"),
        ({"fields": {"title": []}}, "one field at least"),
        ({"purposes": {"stay": "P99"}}, "no such purpose"),
        ({"triggers": {"ask": "sometimes"}}, "no such trigger"),
        ({"declared": {"checked": "azr_looked_up"}}, "no such declared"),
        ({"agencies": {"Town hall": "TOWNHALL"}}, "no such kind of agency"),
        ({"agencies": {"Town hall": "the town hall"}}, "an agency's id such as"),
        ({"purpose_at": "/subject/id"}, "a pointer into properties or context"),
    ],
)
def test_an_unknown_code_stops_the_start_with_a_sentence(table: dict[str, Any], said: str) -> None:
    """The key, what is unknown, and where the known ones are listed or what to write."""
    message = _refused(table)
    key = next(iter(table))
    assert message.startswith("authzen")
    assert key in message
    assert said in message


@pytest.mark.parametrize(
    "table",
    [
        {"subject_at": "/subject/properties/agency"},
        {"agreement_at": "/context/agreement"},
        {"holder_at": "/context/holder"},
        {"permissions_at": "/context/permissions"},
        {"info_block": True},
        {"actions": {"read": {"direction": "pull", "holder": "released_by_source"}}},
        {"declared": {"blocked": "info_block"}},
        {"declared": {"released": "released_by_source"}},
        {"declared": {"signed": "undertaking_78"}},
        {"declared": {"refused": "human_refusal"}},
        {"purpose_at": "/subject/id"},
        {"fields_at": "/resource/id"},
        {"declared_at": "/subject"},
    ],
    ids=str,
)
def test_no_mapping_states_a_fact_of_holder_agreement_or_person(table: dict[str, Any]) -> None:
    """There is no key for them, no pointer leads to an id, and no name stands for such a fact."""
    assert "authzen" in _refused(table)


@pytest.mark.parametrize(
    "table",
    [
        {"subject_types": []},
        {"subject_types": "agency"},
        {"resource_types": {}},
        {"resource_types": ["agency-data"]},
        {"resource_types": {"all": ["birth_date"] * 51}},
        {"actions": {"read": "pull"}},
        {"actions": {"read": {"direction": "sideways"}}},
        {"actions": {"read": {}}},
        {"actions": {"P04": {"direction": "push"}}},
        {"actions": {"read": {"direction": "pull", "trigger": "push"}}},
        {"actions": {"send": {"direction": "push", "trigger": "on_request"}}},
        {"purpose_at": "purpose"},
        {"purpose_at": "/context"},
        {"purpose_at": "/context/"},
        {"purpose_at": "/context/a/b/c/d"},
        {"purpose_at": "/context/a~1b"},
        {"purpose_at": "/context/purpose\n"},
        {"purpose_at": "/context/decision"},
        {"trigger_at": "/action/properties/purpose"},
        {"fields_at": "/action/properties/purpose/of"},
        {"declared_at": "/action/properties/purpose"},
        {"declared_at": "/action/properties/purpose/facts"},
        {"agencies": {"Jobcenter": "jc hannover"}},
        {"agencies": {"": "jc.hannover"}},
    ],
    ids=str,
)
def test_a_table_that_cannot_be_meant_stops_the_start(table: dict[str, Any]) -> None:
    """Wrong shapes, pointers that meet, directions that contradict their trigger."""
    assert "authzen" in _refused(table)


def test_pointers_may_share_an_object() -> None:
    """Purpose and declared codes in one object, or one deeper than the other."""
    together = AuthzenMapping(purpose_at="/context/purpose", trigger_at="/context/trigger")
    assert together.declared_at == "/context"
    deeper = AuthzenMapping(declared_at="/action/properties/facts")
    assert deeper.purpose_at == "/action/properties/purpose"


def test_the_next_name_on_the_way() -> None:
    """Whole names only: /context is not on the way to /contexts."""
    assert inner_name("/context", "/context/a/b") == "a"
    assert inner_name("/context", "/context") is None
    assert inner_name("/context", "/contexts/a") is None
