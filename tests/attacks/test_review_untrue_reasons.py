# SPDX-License-Identifier: EUPL-1.2
"""A gateway that tells the asker of rules that say something else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from keys.messages import DecisionToken
from tests.support.connectors import JC, U02, world
from tests.support.lies import refused_by_asker

REFUSED: dict[str, Any] = {**U02, "fields": ["net_income"]}
"""Every rule refuses it, so no holder ever looks at the decision."""
NO_AGREEMENT = "no_agreement"


def _decided_otherwise(token: DecisionToken) -> DecisionToken:
    fields = tuple(replace(one, rule="R45", reasons=(NO_AGREEMENT,)) for one in token.fields)
    return replace(token, fields=fields)


def _told_otherwise(answer: dict[str, Any]) -> dict[str, Any]:
    changes = {"rule": "R45", "reason": NO_AGREEMENT, "reasons": [NO_AGREEMENT]}
    return {**answer, "withheld": [{**one, **changes} for one in answer["withheld"]]}


async def test_a_refusal_for_another_reason_than_the_rules_give(tmp_path: Path) -> None:
    """Signed, recorded and told alike, but no rule says so: the asker decides again and sees it."""
    async with world(tmp_path) as made:
        assert (await made.ask(JC, REFUSED)).json()["outcome"] == "refused"
        made.gateway.lies.decision = _decided_otherwise
        made.gateway.lies.answer = _told_otherwise
        await refused_by_asker(made, "rules-differ", REFUSED)


async def test_a_refusal_by_rules_that_nobody_has(tmp_path: Path) -> None:
    """Another bundle than the asker's own cannot be decided again, so it is not believed."""
    async with world(tmp_path) as made:
        made.gateway.lies.decision = lambda token: replace(token, bundle="0" * 64)
        made.gateway.lies.entry = lambda entry: replace(entry, policy="0" * 64)
        await refused_by_asker(made, "rules-differ", REFUSED)
