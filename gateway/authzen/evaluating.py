# SPDX-License-Identifier: EUPL-1.2
"""Evaluations: one, or many in one call, decided as questions about the rules alone.

No person is in a question, so nothing about persons is looked up, and nothing stands in the audit
log: what is logged there is the exchange. The operating log gets one line, with codes only.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Final, cast

from gateway.authzen.answers import decision_json
from gateway.authzen.reading import read_evaluation, refused
from gateway.errors import GatewayError, UnknownAgency
from gateway.facts import agreement_facts
from gateway.logs import get_logger
from gateway.problems import SERVER_ERRORS, Problem, problem_body, problem_of
from keys.errors import KeysError
from keys.model import AgencyId
from policies.case_writing import NOBODY_LOOKED, write_rules_case
from policies.errors import DeclaredInvalid, PolicyError
from policies.model import AgreementFacts, DecisionInput, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.authzen.mapping import AuthzenMapping
    from gateway.authzen.reading import Asked
    from gateway.caller import Caller
    from gateway.exchange import Core
    from gateway.rules import RulesNow
    from keys.strict_json import JsonValue
    from policies.catalogue import Catalogue

MAX_EVALUATIONS: Final = 50
"""Questions in one call: bounds what one call costs everybody else."""

_INSTANCE: Final = re.compile(r"[a-z0-9]+(?:\.[a-z0-9-]+)+")
_LONGEST_ID: Final = 64
_TUPLE: Final = ("subject", "action", "resource", "context")

_STOPS_AT: Final[dict[str, bool | None]] = {
    "execute_all": None,
    "deny_on_first_deny": False,
    "permit_on_first_permit": True,
}
"""Semantic of AuthZEN 7.1.2.1 to the decision after which the rest is left undone."""


class Evaluations:
    """Answers evaluations; kept as ``app.state.evaluations``."""

    def __init__(self, core: Core, mapping: AuthzenMapping, issuer: str) -> None:
        """Take the core, how words become codes, and the gateway's public address."""
        self._core = core
        self._mapping = mapping
        self.issuer = issuer

    async def one(
        self, caller: Caller, unverified: Mapping[str, JsonValue]
    ) -> dict[str, JsonValue]:
        """Answer one evaluation.

        Raises:
            Problem: it cannot be read, or is not the caller's to ask.
            UnknownAgency: the resource is no agency of the list.
            PolicyUnavailable: the rules cannot be evaluated; there is no answer then.
        """
        answer = await self._decide(caller, self._core.rules.now(), unverified)
        _tell(caller, 1)
        return answer

    async def many(
        self, caller: Caller, unverified: Mapping[str, JsonValue]
    ) -> dict[str, JsonValue]:
        """Answer a batch in its order; without one, answer the evaluation that stands there.

        An evaluation that cannot be read is a no with its error. When the rules cannot be
        evaluated there is no answer at all: a part of one could be taken for the whole.

        Raises:
            Problem: the batch itself cannot be read.
            PolicyUnavailable: the rules cannot be evaluated.
        """
        batch = unverified.get("evaluations")
        if batch is None or batch == []:
            return await self.one(caller, {k: unverified[k] for k in _TUPLE if k in unverified})
        if not isinstance(batch, list):
            raise refused("wrong_type", "evaluations")
        if len(batch) > MAX_EVALUATIONS:
            raise refused("too_many", "evaluations")
        stops_at = _stops_at(unverified.get("options"))
        defaults = {name: unverified[name] for name in _TUPLE if name in unverified}
        rules = self._core.rules.now()  # the same to the end, whatever comes into force meanwhile
        answers: list[JsonValue] = []
        for part in batch:
            answer = await self._answered(caller, rules, part, defaults)
            answers.append(answer)
            if answer["decision"] is stops_at:
                break
            await asyncio.sleep(0)  # others get their turn between two questions
        _tell(caller, len(answers))
        return {"evaluations": answers}

    async def _answered(
        self,
        caller: Caller,
        rules: RulesNow,
        part: JsonValue,
        defaults: Mapping[str, JsonValue],
    ) -> dict[str, JsonValue]:
        """Answer one evaluation of a batch; a member it has replaces the default as a whole."""
        try:
            if not isinstance(part, dict):
                raise refused("wrong_type", "evaluations")
            return await self._decide(caller, rules, {**defaults, **part})
        except (Problem, GatewayError, PolicyError, KeysError) as error:
            problem = problem_of(error)
            if problem is None or problem.type.status >= SERVER_ERRORS:
                raise
            return {"decision": False, "context": {"error": _error(problem)}}

    async def _decide(
        self, caller: Caller, rules: RulesNow, unverified: Mapping[str, JsonValue]
    ) -> dict[str, JsonValue]:
        asked = read_evaluation(unverified, self._mapping, rules.catalogue)
        _check_own_side(asked, caller, rules.catalogue)
        now = self._core.clock()
        question, listed = self._question(asked, caller, rules, now)
        decision = await rules.decide(question)
        answer = decision_json(decision, rules.decider, asked.direction, self.issuer)
        context = cast("dict[str, JsonValue]", answer["context"])
        context["case"] = write_rules_case(question, dt.datetime.fromtimestamp(now, tz=dt.UTC))
        context["agreement"] = "listed" if listed else "assumed"
        context["ignored"] = asked.ignored
        return answer

    def _question(
        self, asked: Asked, caller: Caller, rules: RulesNow, now: int
    ) -> tuple[DecisionInput, bool]:
        """Make the decision's input, and say whether the agreement is one of the signed list.

        Between the caller and a kind no agreement can be looked up; one is taken for granted, as
        in every case that names kinds only.
        """
        pull = asked.direction == "pull"
        if asked.other in rules.catalogue.agencies:
            other, listed, agreement = Kind(asked.other), False, AgreementFacts(in_force=True)
        elif _is_instance(asked.other):
            agencies = self._core.agencies.current()
            found = agencies.agency(AgencyId(asked.other))
            if found is None:
                raise UnknownAgency
            route = (found.id, caller.agency) if pull else (caller.agency, found.id)
            other, listed = Kind(found.kind), True
            agreement = agreement_facts(agencies, *route, asked.purpose, now)
        else:
            raise refused("not_an_agency", "resource.id")
        try:
            rules.catalogue.validate_declared(asked.trigger, asked.declared, kind=caller.kind)
        except DeclaredInvalid as error:
            raise refused(error.code, self._mapping.declared_at[1:].replace("/", ".")) from None
        question = DecisionInput(
            from_kind=other if pull else caller.kind,
            to_kind=caller.kind if pull else other,
            purpose=asked.purpose,
            trigger=asked.trigger,
            fields=asked.fields,
            declared=asked.declared,
            agreement=agreement,
            holder=NOBODY_LOOKED,
            lapsed=rules.days.lapsed(now),
        )
        return question, listed


def _check_own_side(asked: Asked, caller: Caller, catalogue: Catalogue) -> None:
    """Return if the subject is the caller: the credential says who asks (promise P6)."""
    if asked.own in catalogue.agencies:
        own = asked.own == caller.kind
    elif _is_instance(asked.own):
        own = asked.own == caller.agency
    else:
        raise refused("not_an_agency", "subject.id")
    if not own:
        raise Problem("not-your-agency")


def _is_instance(text: str) -> bool:
    return len(text) <= _LONGEST_ID and _INSTANCE.fullmatch(text) is not None


def _stops_at(options: JsonValue) -> bool | None:
    """Read the semantic; other options are not read (AuthZEN 10.1.1)."""
    if options is None:
        return None
    if not isinstance(options, dict):
        raise refused("wrong_type", "options")
    semantic = options.get("evaluations_semantic", "execute_all")
    if not isinstance(semantic, str) or semantic not in _STOPS_AT:
        raise refused("unknown_semantic", "options.evaluations_semantic")
    return _STOPS_AT[semantic]


def _error(problem: Problem) -> JsonValue:
    """Give a problem as a member of one answer, with the names of AuthZEN 7.2.1."""
    body: dict[str, JsonValue] = json.loads(problem_body(problem))
    body.pop("request_id", None)
    body["message"] = body.pop("detail")
    return body


def _tell(caller: Caller, count: int) -> None:
    get_logger().info("evaluation.answered", agency=caller.agency, count=count)
