# SPDX-License-Identifier: EUPL-1.2
"""The rule engine of this process: the embedded one, or an OPA server beside it.

A server is waited for in threads of its own, so that no other call stands still meanwhile.
Whatever the server does, a decision or its failure is there within `DEADLINE_SECONDS`.
"""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from gateway.logs import get_logger
from policies.bundle import Bundle
from policies.decide import MEMO_SIZE, Decider
from policies.engine.embedded import EmbeddedEngine
from policies.engine.opa import MAX_CONNECTIONS, OpaAddress, OpaEngine
from policies.model import Outcome, PermissionFacts

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from gateway.facts import Gathered
    from gateway.settings import OpaSettings
    from policies.catalogue import Catalogue
    from policies.decision import Decision
    from policies.engine.base import RuleEngine
    from policies.model import DecisionInput

_OPEN = frozenset({Outcome.ALLOW_MIN, Outcome.HOLD_HUMAN})

START_SECONDS = 1.0
"""How long the start waits for the server; after that, calls are refused until it is there."""


class Deciding(Protocol):
    """How a call waits for its decision."""

    async def __call__(self, decider: Decider, facts: DecisionInput) -> Decision:
        """Decide; see ``Decider.decide``."""

    def ready(self) -> bool:
        """Whether decisions can be taken now."""


class AtOnce:
    """Decides inside this process: a millisecond that is not worth a thread."""

    async def __call__(self, decider: Decider, facts: DecisionInput) -> Decision:
        """See `Deciding`."""
        return decider.decide(facts)

    def ready(self) -> bool:
        """See `Deciding`."""
        return True


@dataclass(frozen=True, slots=True)
class InThreads:
    """Waits for a server; as many threads as the server gets connections."""

    engine: OpaEngine
    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(MAX_CONNECTIONS, "lotse-deciding")
    )

    async def __call__(self, decider: Decider, facts: DecisionInput) -> Decision:
        """See `Deciding`."""
        context = contextvars.copy_context()  # the log names the request
        return await asyncio.get_running_loop().run_in_executor(
            self.threads, context.run, decider.decide, facts
        )

    def ready(self) -> bool:
        """See `Deciding`."""
        return self.engine.ready()

    def close(self) -> None:
        """Give engine and threads back."""
        self.engine.close()
        self.threads.shutdown()


async def decide_sparingly(
    deciding: Deciding, decider: Decider, gathered: Gathered
) -> tuple[DecisionInput, Decision]:
    """Decide, and say from what: the decision is shown to both agencies with its input.

    What the person allowed stands in it only if it made a difference (promise P5). Asked twice
    whoever the person is, so that the time tells nothing about her.
    """
    facts = gathered.facts
    decision = await deciding(decider, facts)
    if not gathered.asks_person:
        return facts, decision
    without = replace(facts, permission=PermissionFacts())
    by_law = await deciding(decider, without)
    return (without, by_law) if _law_suffices(by_law, decision) else (facts, decision)


def _law_suffices(by_law: Decision, decision: Decision) -> bool:
    """Say whether the law alone gives the same answer, or opens the same fields."""
    return all(
        one == other or (one.outcome is other.outcome and one.outcome in _OPEN)
        for one, other in zip(by_law.fields, decision.fields, strict=True)
    )


async def open_decider(
    given: RuleEngine | None,
    opa: OpaSettings | None,
    catalogue: Catalogue,
    stack: AsyncExitStack,
) -> tuple[Decider, Deciding]:
    """Open the engine that the settings name, or take the given one; `stack` closes it.

    Every decision is asked of the server: with a memory, a server that was stopped, or that got
    the rules that deny everything, would not be noticed for what is asked often.

    Raises:
        BundleInvalid: the rules do not load.
        OSError, ValueError: the server's token or certificate file cannot be used.
    """
    if given is not None or opa is None:
        return Decider(given or EmbeddedEngine.load(), catalogue, memo_size=MEMO_SIZE), AtOnce()
    address = OpaAddress.of(opa.url, opa.token_file, opa.ca_file)
    deciding = InThreads(OpaEngine(address, Bundle.load().digest, report=tell_engine))
    stack.callback(deciding.close)
    await asyncio.to_thread(deciding.engine.ready, START_SECONDS)
    return Decider(deciding.engine, catalogue, memo_size=0), deciding


def tell_engine(event: str, code: str) -> None:
    """Write to the operating log what the engine says about its server."""
    if event == "up":
        get_logger().info("engine.up", engine=code)
    elif event == "down":
        get_logger().error("engine.down", cause=code)
    else:
        get_logger().warning("engine.failed", cause=code)
