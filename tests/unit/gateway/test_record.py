# SPDX-License-Identifier: EUPL-1.2
"""What is written about an exchange: which fields rest on the person, and why one was withheld."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.caller import Caller
from keys.messages import read_decision
from policies.catalogue import Catalogue
from policies.model import FieldId, Kind
from policies.rules import PERSON_MODES
from tests.support.middle import ABH
from tests.support.scenes import (
    STATE,
    STATUS,
    ask_by_consent,
    ask_status,
    consent_to_counsellor,
    entries,
    one_gate,
)


def test_every_rule_that_asks_for_a_persons_act_is_guarded() -> None:
    """No rule whose refusal is NEED_… stands outside the modes that the guard looks at."""
    for rule in Catalogue.load().rules.values():
        if rule.outcome.value.startswith("NEED_"):
            assert rule.mode in PERSON_MODES, rule.id


async def test_only_fields_under_the_persons_will_are_guarded(tmp_path: Path) -> None:
    """What the law releases does not hang on any permission, and names no handle of one."""
    async with one_gate(tmp_path) as gate:
        await consent_to_counsellor(gate, await gate.person(ABH, "A1"))
        log = gate.app.state.parts.core.log
        by_law, by_consent = (await ask_status(gate)).json(), (await ask_by_consent(gate)).json()
        for answer, fields in ((by_law, set()), (by_consent, {STATE})):
            opened = await gate.app.state.parts.deliveries.status(
                _caller(gate, answer), answer["exchange"]
            )
            assert log.person_fields(opened.decision.decision) == fields
            handles = [leaf["perm"] for leaf in entries(gate.middle, answer["exchange"])]
            assert all(handles) if fields else not any(handles)


def _caller(gate: Any, answer: dict[str, Any]) -> Any:
    decision = read_decision(
        answer["decision"], key=gate.middle.gateway_key, now=gate.middle.clock()
    )
    return Caller(decision.recipient, Kind("JC"), "token")


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        ("withdrawn", "consent_revoked"),
        ("expired", "consent_expired"),
        ("used", "consent_used"),
        ("something new", "consent_expired"),
    ],
)
async def test_every_end_has_its_reason(tmp_path: Path, ended: str, reason: str) -> None:
    """A closed reason of the catalogue, with rule and norms, for each field that was withheld."""
    async with one_gate(tmp_path) as gate:
        await consent_to_counsellor(gate, await gate.person(ABH, "A1"))
        answer = (await ask_by_consent(gate)).json()
        opened = await gate.app.state.parts.deliveries.status(
            _caller(gate, answer), answer["exchange"]
        )
        (withheld,) = gate.app.state.parts.core.log.ended_fields(opened, ended)
        assert (withheld.field, withheld.rule, withheld.reasons) == (STATE, "R18", (reason,))
        assert withheld.norms
        Catalogue.load().reason(reason)


async def test_an_entry_names_codes_and_digests_only(tmp_path: Path) -> None:
    """Both entries of an answered exchange: statement and decision by hash, the field by code."""
    async with one_gate(tmp_path) as gate:
        answer = (await ask_status(gate)).json()
        intent, release = entries(gate.middle, answer["exchange"])
        for leaf in (intent, release):
            assert leaf["fields"] == [FieldId(STATUS)]
            assert leaf["rules"] == ["R02"]
            assert len(leaf["stmt"]) == len(leaf["dec"]) == len(leaf["policy"]) == 64
        assert intent["details"][0]["c"] == "jc.hannover"
        assert release["details"][0]["c"] == "abh.hannover"
        assert intent["rnd"] != release["rnd"]
