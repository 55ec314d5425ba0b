# SPDX-License-Identifier: EUPL-1.2
"""The rules of this connector, and what evaluates them: this process, or an OPA server beside it.

What another side decided is checked by the rules it decided by, as long as they are kept here; what
this agency sends is cut by the rules in force here as well, so that the stricter of two counts while
a release is on its way to everybody.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import structlog

from adapters.connector.errors import SettingsRejected
from adapters.connector.releases import store_of
from policies.bundle import Bundle
from policies.catalogue import Catalogue
from policies.decide import Decider, load_decider, narrow
from policies.engine.opa import OpaAddress
from policies.errors import PolicyUnavailable
from policies.release.book import RulesBook, embedded
from policies.release.force import InsecureShippedRules, RuleSet
from policies.release.server import ask_server, in_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.connector.settings import OpaSettings, Settings
    from policies.decision import Decision
    from policies.model import DecisionInput
    from policies.release.force import Rules

log = structlog.get_logger("connector")

Result = TypeVar("Result")


class OfficeRules:
    """The rules of the moment, those beside them, and how to wait for a decision."""

    def __init__(self, rules: Rules, *, waits: bool = False, book: RulesBook | None = None) -> None:
        """Take where they come from; `waits`: an engine outside this process is asked."""
        self._rules = rules
        self._waits = waits
        self.book = book
        """The folder of releases that is followed; None: the rules that ship with the program."""

    def current(self) -> RuleSet:
        """Give the set in force.

        Raises:
            PolicyUnavailable: there is none, or its time is over.
        """
        return self._rules.current()

    def accepted(self, digest: str) -> RuleSet | None:
        """Give the set by which the gateway may order now.

        Raises:
            PolicyUnavailable: none is in force here.
        """
        return self._rules.accepted(digest)

    def known(self, digest: str) -> RuleSet | None:
        """Give a set that was in force here, to check what was decided by it."""
        return self._rules.known(digest)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do what decides; while it waits for a server, other calls go on."""
        return await asyncio.to_thread(work) if self._waits else work()

    async def narrowed(self, theirs: Decision, facts: DecisionInput, rules: RuleSet) -> Decision:
        """Cut a decision by the rules it was made by and by those in force, with what we know.

        Raises:
            PolicyUnavailable: the rules cannot be evaluated, or none are in force.
        """

        def work() -> Decision:
            final = narrow(theirs, rules.decider.decide(facts), rules.catalogue)
            current = self.current()
            if current.digest == rules.digest:
                return final
            either = replace(
                current.catalogue,
                rules=MappingProxyType({**rules.catalogue.rules, **current.catalogue.rules}),
            )
            return narrow(final, current.decider.decide(facts), either)

        return await self.run(work)

    def until(self) -> int | None:
        """Say when the release in force ends, in epoch seconds; None: it does not, or is over."""
        try:
            return self.current().until
        except PolicyUnavailable:
            return None

    def ready(self) -> bool:
        """Whether decisions can be taken now."""
        try:
            return self.current().ready()
        except PolicyUnavailable:
            return False

    def close(self) -> None:
        """Give what evaluates them back."""
        if self.book is not None:
            self.book.close()
        else:
            self.current().close()


def open_rules(
    settings: Settings,
    given: Decider | None,
    clock: Callable[[], int],
    *,
    insecure_shipped: bool = False,
) -> OfficeRules:
    """Open the rules and the engine that the settings name, or take the given decider.

    Raises:
        SettingsRejected: the server's token or certificate file cannot be used, or no release keys
            are pinned although the gateway is not a demo's on this machine.
    """
    if given is not None:
        return OfficeRules(InsecureShippedRules(RuleSet(given)))
    address = None if settings.opa is None else _address(settings.opa)
    waits = address is not None
    if settings.policy is not None:
        maker = embedded if address is None else in_server(address, _tell)
        book = RulesBook(store_of(settings.policy), clock, maker)
        return OfficeRules(book, waits=waits, book=book)
    if urlsplit(settings.gateway.issuer).scheme != "http" and not insecure_shipped:
        # Only a demo's gateway has such a name: the production profile demands https.
        message = "[policy] is missing: pin the release keys (docs/operations.md, section Rules)"
        raise SettingsRejected(message)
    if address is None:
        return OfficeRules(InsecureShippedRules(RuleSet(load_decider())))
    try:
        loaded = ask_server(address, Bundle.load().digest, 0.0, _tell)
    except OSError as error:
        raise SettingsRejected("[opa] ca_file cannot be used") from error
    decider = Decider(loaded.engine, Catalogue.load(), memo_size=loaded.memo_size)
    shipped = RuleSet(decider, ready=loaded.ready, close=loaded.close)
    return OfficeRules(InsecureShippedRules(shipped), waits=True)


def _address(opa: OpaSettings) -> OpaAddress:
    try:
        return OpaAddress.of(opa.url, opa.token_file, opa.ca_file)
    except (OSError, ValueError) as error:
        raise SettingsRejected("[opa] token_file or ca_file cannot be used") from error


def _tell(event: str, code: str) -> None:
    if event == "up":
        log.info("engine:up", engine=code)
    elif event == "down":
        log.error("engine:down", code=code)
    else:
        log.warning("engine:failed", code=code)
