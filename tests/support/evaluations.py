# SPDX-License-Identifier: EUPL-1.2
"""AuthZEN evaluations as tools send them, and the gateway's face without a network before it."""

from __future__ import annotations

import copy
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx

from gateway.authzen.evaluating import Evaluations
from gateway.authzen.mapping import AuthzenMapping
from gateway.caller import Caller
from gateway.engine import AtOnce
from gateway.exchange import Core
from gateway.rules import DayRules, RulesNow
from keys.agencylist import Agreement
from keys.model import AgencyId
from policies.decide import Decider
from policies.model import Kind
from policies.release.force import RuleSet
from tests.support.bad_input import CANARY, logging_to
from tests.support.clock import Clock
from tests.support.gate import Gate
from tests.support.middle import ABH, ISSUER, JC, JC2, MBE, Middle
from tests.support.scenes import STATUS, everything_stored, no_pause, row_counts

ONE = "/access/v1/evaluation"
MANY = "/access/v1/evaluations"

READS: Mapping[str, Any] = {
    "subject": {"type": "agency", "id": "jc.hannover"},
    "action": {"name": "read", "properties": {"purpose": "P04", "trigger": "on_request"}},
    "resource": {
        "type": "agency-data",
        "id": "abh.hannover",
        "properties": {"fields": [STATUS]},
    },
    "context": {"azr_checked": True, "reason_code": "azr_pending"},
}
"""The job centre asks whether it would get the residence status: R02 says yes."""


def reads(**parts: Any) -> dict[str, Any]:
    """That evaluation with some of its four parts replaced; ``...`` leaves one out."""
    body = {**copy.deepcopy(dict(READS)), **parts}
    return {name: part for name, part in body.items() if part is not ...}


def asking_for(*fields: str, agency: str = "abh.hannover") -> dict[str, Any]:
    """A resource: these fields at this agency."""
    return {"type": "agency-data", "id": agency, "properties": {"fields": list(fields)}}


async def evaluate(gate: Gate, body: object, *, who: AgencyId = JC, to: str = ONE) -> Any:
    """Send a body, and give the answer to a call that must succeed."""
    answer = await sent(gate, body, who=who, to=to)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def sent(gate: Gate, body: object, *, who: AgencyId = JC, to: str = ONE) -> httpx.Response:
    """Send a body, whatever becomes of it."""
    return await gate.call(who, "POST", to, body)


@dataclass
class FewAgencies:
    """An agency list with what an evaluation looks up in it: kinds and agreements."""

    kinds: dict[str, str] = field(default_factory=dict)
    agreements: dict[tuple[str, str], Agreement] = field(default_factory=dict)

    def agency(self, name: AgencyId) -> object | None:
        """Find an agency."""
        kind = self.kinds.get(name)
        return None if kind is None else SimpleNamespace(id=name, kind=kind)

    def agreement(self, source: str, recipient: str, _purpose: str, _now: int) -> Agreement | None:
        """Find an agreement; every one covers every purpose."""
        return self.agreements.get((source, recipient))


@dataclass
class Face:
    """The evaluations of a gateway that knows these agencies."""

    decider: Decider
    clock: Clock = field(default_factory=Clock)
    agencies: FewAgencies = field(default_factory=FewAgencies)
    mapping: AuthzenMapping = field(default_factory=AuthzenMapping)

    def evaluations(self) -> Evaluations:
        """Give them."""
        catalogue = self.decider.catalogue
        in_force = cast("RuleSet", SimpleNamespace(decider=self.decider))
        rules = RulesNow(in_force, catalogue, DayRules(catalogue), AtOnce())
        core = SimpleNamespace(
            rules=SimpleNamespace(now=lambda: rules),
            agencies=SimpleNamespace(current=lambda: self.agencies),
            clock=self.clock,
        )
        return Evaluations(cast("Core", core), self.mapping, ISSUER)


def caller(kind: str) -> Caller:
    """An agency of this kind that has signed in."""
    return Caller(AgencyId(f"{kind.lower().replace('_', '-')}.here"), Kind(kind), "jti")


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[tuple[Gate, io.StringIO]]:
    """A gateway that may write nothing, neither rows nor anything of what is sent."""
    middle, log = Middle.build(folder), io.StringIO()
    with logging_to(log, middle):
        async with middle.running(**no_pause({})) as gate:
            for agency in (JC, JC2, ABH, MBE):
                await gate.token(agency)
            before = row_counts(middle)
            yield gate, log
            assert row_counts(middle) == before
            assert middle.holder.orders == []
            assert CANARY.encode() not in everything_stored(middle)
            assert CANARY not in log.getvalue()


def silent(answer: httpx.Response, *words: str) -> None:
    """Nothing that was sent is in the answer or its headers."""
    for word in (CANARY, *words):
        assert word not in answer.text
        assert not any(word in value for value in answer.headers.values())
