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
from gateway.releases import store_of
from gateway.rules import GatewayRules
from policies.bundle import Bundle
from policies.catalogue import Catalogue
from policies.decide import Decider
from policies.engine.embedded import EmbeddedEngine
from policies.engine.opa import MAX_CONNECTIONS, OpaAddress
from policies.model import Outcome, PermissionFacts
from policies.release.book import RulesBook, embedded
from policies.release.force import InsecureShippedRules, RuleSet
from policies.release.server import ask_server, in_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AsyncExitStack

    from gateway.facts import Gathered
    from gateway.settings import Settings
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


class AtOnce:
    """Decides inside this process: a millisecond that is not worth a thread."""

    async def __call__(self, decider: Decider, facts: DecisionInput) -> Decision:
        """See `Deciding`."""
        return decider.decide(facts)


@dataclass(frozen=True, slots=True)
class InThreads:
    """Waits for a server; as many threads as the server gets connections."""

    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(MAX_CONNECTIONS, "lotse-deciding")
    )

    async def __call__(self, decider: Decider, facts: DecisionInput) -> Decision:
        """See `Deciding`."""
        context = contextvars.copy_context()  # the log names the request
        return await asyncio.get_running_loop().run_in_executor(
            self.threads, context.run, decider.decide, facts
        )

    def close(self) -> None:
        """Give the threads back."""
        self.threads.shutdown()


async def decide_sparingly(gathered: Gathered) -> tuple[DecisionInput, Decision]:
    """Decide, and say from what: the decision is shown to both agencies with its input.

    What the person allowed stands in it only if it made a difference (promise P5). Asked twice
    whoever the person is, so that the time tells nothing about her; at the same time, so that a
    server that does not answer costs one deadline.
    """
    facts = gathered.facts
    if not gathered.asks_person:
        return facts, await gathered.rules.decide(facts)
    without = replace(facts, permission=PermissionFacts())
    decision, by_law = await asyncio.gather(
        gathered.rules.decide(facts), gathered.rules.decide(without)
    )
    return (without, by_law) if _law_suffices(by_law, decision) else (facts, decision)


def _law_suffices(by_law: Decision, decision: Decision) -> bool:
    """Say whether the law alone gives the same answer, or opens the same fields."""
    return all(
        one == other or (one.outcome is other.outcome and one.outcome in _OPEN)
        for one, other in zip(by_law.fields, decision.fields, strict=True)
    )


async def open_rules(
    settings: Settings,
    given: RuleEngine | None,
    clock: Callable[[], int],
    stack: AsyncExitStack,
) -> tuple[GatewayRules, RulesBook | None]:
    """Open where the rules come from and what evaluates them; `stack` closes it.

    The book is there with signed releases, and none is in force before it was looked into.

    Raises:
        BundleInvalid: the rules do not load.
        OSError, ValueError: the server's token or certificate file cannot be used.
    """
    address: OpaAddress | None = None
    deciding: Deciding = AtOnce()
    if given is None and settings.opa is not None:
        opa, threads = settings.opa, InThreads()
        address, deciding = OpaAddress.of(opa.url, opa.token_file, opa.ca_file), threads
        stack.callback(threads.close)
    if settings.policy is not None:
        maker = embedded if address is None else in_server(address, tell_engine)
        book = RulesBook(store_of(settings.policy), clock, maker)
        stack.callback(book.close)
        return GatewayRules(book, deciding), book
    if address is None:
        shipped = RuleSet(Decider(given or EmbeddedEngine.load(), Catalogue.load()))
    else:
        loaded = await asyncio.to_thread(
            ask_server, address, Bundle.load().digest, START_SECONDS, tell_engine
        )
        stack.callback(loaded.close)
        shipped = RuleSet(
            Decider(loaded.engine, Catalogue.load(), memo_size=loaded.memo_size),
            ready=loaded.ready,
        )
    return GatewayRules(InsecureShippedRules(shipped), deciding), None


def tell_engine(event: str, code: str) -> None:
    """Write to the operating log what the engine says about its server."""
    if event == "up":
        get_logger().info("engine.up", engine=code)
    elif event == "down":
        get_logger().error("engine.down", cause=code)
    else:
        get_logger().warning("engine.failed", cause=code)
