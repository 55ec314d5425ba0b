# SPDX-License-Identifier: EUPL-1.2
"""What every part of the connector works with: whose it is, its keys, rules, memory and ways out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.connector.errors import (
    GatewayRefused,
    GatewaySilent,
    GatewayUnreachable,
    ProblemError,
)
from adapters.connector.problems import LOG_UNCHECKED, RULES_UNAVAILABLE
from keys.providers.base import KeyUse
from policies.errors import PolicyUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from adapters.connector.agencies import PinnedAgencies
    from adapters.connector.deciding import OfficeRules
    from adapters.connector.evidence import Evidence
    from adapters.connector.gateway_client import GatewayClient
    from adapters.connector.logwatch import CheckedReceipt, LogWatch
    from adapters.connector.settings import Settings
    from adapters.connector.store.database import Store
    from adapters.sources.base import SourceAdapter
    from keys.jws import Signer
    from keys.model import AgencyId
    from keys.providers.base import HmacKey, KeyProvider
    from keys.suites import KemOpener
    from policies.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """The agency's private keys, as handles that never show a key."""

    sig: Signer
    auth: Signer
    kem: KemOpener
    index: HmacKey

    @classmethod
    def of(cls, provider: KeyProvider) -> OwnKeys:
        """Take the handles from a key provider.

        Raises:
            UnknownKey: a key is missing; `lotse connector init-keys` makes all of them.
        """
        return cls(
            sig=provider.signer(KeyUse.SIG),
            auth=provider.signer(KeyUse.AUTH),
            kem=provider.opener(KeyUse.KEM),
            index=provider.hmac_key(KeyUse.INDEX),
        )


@dataclass(frozen=True, slots=True)
class Office:
    """One agency's connector, put together once in `app`."""

    me: AgencyId
    settings: Settings
    keys: OwnKeys = field(repr=False)
    rules: OfficeRules
    """Waits for what the decider says, where that takes time."""
    store: Store
    agencies: PinnedAgencies
    client: GatewayClient
    logwatch: LogWatch
    evidence: Evidence
    source: SourceAdapter | None
    receipts: Path
    clock: Callable[[], int]
    """Epoch seconds."""
    randomness: Callable[[int], bytes]

    @property
    def catalogue(self) -> Catalogue:
        """The codes in force, for what begins now; what was decided keeps its own.

        Raises:
            ProblemError: RULES_UNAVAILABLE: no rules are in force.
        """
        try:
            return self.rules.current().catalogue
        except PolicyUnavailable as error:
            raise ProblemError(RULES_UNAVAILABLE) from error

    async def observe(self, receipt: CheckedReceipt) -> None:
        """Compare a receipt's checkpoint with the last one seen.

        Raises:
            CheckFailed: the log was forked, rolled back or rewritten.
            ProblemError: it could not be checked; nothing may follow from the receipt.
        """
        try:
            await self.logwatch.observe(receipt)
        except (GatewayUnreachable, GatewaySilent, GatewayRefused) as error:
            raise ProblemError(LOG_UNCHECKED) from error
