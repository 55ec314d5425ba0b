# SPDX-License-Identifier: EUPL-1.2
"""The numbered steps of an exchange, and the place where one may watch them.

Tests stop an exchange between two steps here, and ``make bench`` counts CPU per step here.
An observer sees numbers only: nothing it does can skip a step or change a value.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from keys.model import ExchangeId


class Step(IntEnum):
    """Steps of ``docs/one-request.md``; 1, 7 and 8 happen at the agencies."""

    AUTHENTICATE = 2
    GATHER = 3
    DECIDE = 4
    RECORD_INTENT = 5
    ORDER = 6
    STRIP = 9
    RECORD_RELEASE = 10
    ANSWER = 11


class StepObserver(Protocol):
    """Is told that a step is done, before the next one begins."""

    async def done(self, step: Step, exchange: ExchangeId) -> None:
        """Return when the exchange may go on."""


class Unobserved:
    """Watches nothing: what runs outside tests and benches."""

    async def done(self, step: Step, exchange: ExchangeId) -> None:
        """Return at once."""
