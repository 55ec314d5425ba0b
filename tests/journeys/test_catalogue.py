# SPDX-License-Identifier: EUPL-1.2
"""What everybody may read about the rules: all of them, their conditions, and who signed them off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.scenes import one_gate


async def _read(folder: Path) -> dict[str, Any]:
    async with one_gate(folder) as gate:
        answer = await gate.client.get("/v1/catalogue")
        assert answer.status_code == 200
        shown: dict[str, Any] = answer.json()
        return shown


async def test_every_rule_says_who_signed_it_off(tmp_path: Path) -> None:
    """Nobody has: each rule says so in words, for the head of the unit and for the officer."""
    rules = (await _read(tmp_path))["rules"]
    assert [rule["id"] for rule in rules] == [f"R{number:02d}" for number in range(1, 74)]
    assert {tuple(sorted(rule["sign_off"].items())) for rule in rules} == {
        (("dpo_opinion", "no opinion yet"), ("head_of_unit", "not signed off"))
    }


async def test_what_a_rule_names_is_explained(tmp_path: Path) -> None:
    """Conditions, obligations, norms, reasons and fields of every rule stand beside it, in words."""
    shown = await _read(tmp_path)
    known = {
        part: {one[key] for one in shown[part]}
        for part, key in (
            ("conditions", "id"),
            ("obligations", "id"),
            ("norms", "id"),
            ("fields", "id"),
            ("reasons", "code"),
        )
    }
    for rule in shown["rules"]:
        grounds = [need for ground in rule["grounds"] for need in ground["needs"]]
        by_field = [need for needs in rule["field_needs"].values() for need in needs]
        assert {*rule["when"], *rule["needs"], *grounds, *by_field} <= known["conditions"]
        assert set(rule["obligations"]) <= known["obligations"]
        assert set(rule["norms"]) <= known["norms"]
        assert set(rule["fields"]) <= known["fields"]
        assert {ground["reason"] for ground in rule["grounds"]} <= known["reasons"]
    for part in ("conditions", "obligations"):
        assert all(one["de"].strip() and one["en"].strip() for one in shown[part])
