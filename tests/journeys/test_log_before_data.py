# SPDX-License-Identifier: EUPL-1.2
"""The log comes before order and answer; a failing log, engine or agreement releases nothing.

Promises P2 and P3, in the gateway.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from audit.checks import verify_receipt
from audit.errors import LogUnavailable
from audit.store import metadata as audit_metadata
from gateway.exchange import Core
from gateway.model import HolderAnswer
from gateway.orders import Order
from keys import messages
from policies.errors import PolicyUnavailable
from tests.support.middle import ABH, JC, MBE, Gate, Middle
from tests.support.scenes import (
    STATUS,
    ask_by_consent,
    ask_held,
    ask_status,
    entries,
    one_gate,
    row_counts,
    told,
)
from tests.support.signing_in import problem_code


async def test_without_an_agreement_nothing_is_asked_of_anybody(tmp_path: Path) -> None:
    """No agreement in force between the two instances: refused, recorded, no order."""
    middle = Middle.build(tmp_path)
    middle.agreements = [one for one in middle.agreements if one.source != ABH]
    middle.publish()
    async with middle.running() as gate:
        answer = (await ask_status(gate)).json()
        assert answer["status"] == "refused"
        assert answer["withheld"][0]["reason"] == "no_agreement"
        assert middle.holder.orders == []
        assert told(middle, answer["exchange"]) == [("access.requested", "deny")]


async def test_an_agreement_ends_at_its_second(tmp_path: Path) -> None:
    """The last second counts, the next does not; nobody has to do anything for that."""
    middle = Middle.build(tmp_path)
    end = middle.clock() + 100
    middle.agreements = [
        dataclasses.replace(one, valid_until=end)
        for one in middle.agreements
        if (one.source, one.recipient) == (ABH, JC)
    ]
    middle.publish()
    async with middle.running() as gate:
        middle.clock.set_to(end - 1)
        assert (await ask_status(gate)).json()["status"] == "answered"
        middle.clock.set_to(end)
        assert (await ask_status(gate)).json()["status"] == "refused"


async def test_the_holder_is_asked_only_after_the_intent_is_durable(tmp_path: Path) -> None:
    """When the order arrives, a second connection already reads intent and outbox row."""
    middle = Middle.build(tmp_path)
    seen: list[tuple[list[tuple[str, str]], int]] = []

    class Watching:
        async def deliver(self, order: Order) -> HolderAnswer:
            claims = _order(middle, order)
            rows = await asyncio.to_thread(row_counts, middle)
            seen.append((told(middle, claims.exchange), rows["outbox"]))
            return await middle.holder.deliver(order)

    async with middle.running(transport=Watching()) as gate:
        assert (await ask_status(gate)).json()["status"] == "answered"
    assert seen == [([("access.requested", "permit")], 1)]


async def test_the_order_carries_the_receipt_of_its_own_intent(tmp_path: Path) -> None:
    """The holder can check offline that the decision it gets stands in the log."""
    async with one_gate(tmp_path) as gate:
        answer = (await ask_status(gate)).json()
        order = _order(gate.middle, gate.middle.holder.orders[-1])
        vkey = gate.app.state.parts.reader.vkey()
        leaf = verify_receipt(order.receipt, vkey).leaf
        assert (leaf["kind"], leaf["outcome"]) == ("access.requested", "permit")
        assert leaf["corr"] == order.exchange == answer["exchange"]
        assert leaf["fields"] == [STATUS]


def _order(middle: Middle, order: Order) -> messages.Order:
    return messages.read_order(order.token, key=middle.gateway_key, now=middle.clock())


class FailingLog:
    """Puts a log in place that fails at the n-th append, and from then on."""

    def __init__(self, fails_from: int) -> None:
        self._fails_from = fails_from
        self._appends = 0

    def __call__(self, core: Core) -> Core:
        """Change the core's log in place."""
        writer = core.log.log
        append = writer.append

        async def failing(work: Any) -> Any:
            self._appends += 1
            if self._appends >= self._fails_from:
                raise LogUnavailable("no space left on device: canary")
            return await append(work)

        writer.append = failing  # type: ignore[method-assign]  # a log that fails or repeats
        return core


ASK_BOTH_WAYS: Sequence[Callable[[Gate], Any]] = (ask_status, ask_held)


@pytest.mark.parametrize("ask", ASK_BOTH_WAYS)
async def test_no_log_no_order(tmp_path: Path, ask: Callable[[Gate], Any]) -> None:
    """The intent cannot be written: 503, the holder is never called, no exchange exists."""
    middle = Middle.build(tmp_path)
    async with middle.running(change_core=FailingLog(2)) as gate:  # the first is the rule bundle
        before = row_counts(middle)
        response = await ask(gate)
        assert (response.status_code, problem_code(response)) == (503, "log-unavailable")
        assert "canary" not in response.text
        assert middle.holder.orders == []
        assert row_counts(middle) == before


async def test_no_log_no_answer(tmp_path: Path) -> None:
    """The release cannot be written: 503, and what the holder sealed does not get out."""
    middle = Middle.build(tmp_path)
    async with middle.running(change_core=FailingLog(3)) as gate:
        response = await ask_status(gate)
        assert (response.status_code, problem_code(response)) == (503, "log-unavailable")
        assert len(middle.holder.orders) == 1
        assert "envelope" not in response.json()
        kinds = [leaf["kind"] for leaf in entries(middle)]
        assert "disclose" not in kinds
        assert kinds[-1] == "access.requested"


LOG_AND_SIGN_IN = {"used_jti", *audit_metadata.tables}
"""Tables that change although nothing is exchanged."""


class BrokenRules:
    """A rule engine that fails."""

    name = "broken"
    bundle_digest = "0" * 64

    def evaluate(self, canonical: bytes) -> Any:
        """Fail as an engine does whose memory ran out."""
        del canonical
        raise PolicyUnavailable("evaluation_failed")


async def test_broken_rules_release_nothing(tmp_path: Path) -> None:
    """The rule engine fails: 503 policy-unavailable, no order, and that it was asked is on record."""
    middle = Middle.build(tmp_path)
    async with middle.running(engine=BrokenRules()) as gate:
        before = row_counts(middle, leave_out=LOG_AND_SIGN_IN)
        for ask in (ask_status, ask_by_consent, ask_held):
            response = await ask(gate)
            assert (response.status_code, problem_code(response)) == (503, "policy-unavailable")
        assert middle.holder.orders == []
        assert row_counts(middle, leave_out=LOG_AND_SIGN_IN) == before
        asked = [leaf for leaf in entries(middle) if leaf["kind"] == "access.requested"]
        assert [(leaf["outcome"], leaf["reasons"]) for leaf in asked] == [
            ("error", ["policy_unavailable"])
        ] * 3
        assert [leaf["details"][0]["c"] for leaf in asked] == [JC, MBE, ABH]
        assert {leaf["dec"] for leaf in asked} == {None}
