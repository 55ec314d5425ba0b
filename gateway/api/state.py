# SPDX-License-Identifier: EUPL-1.2
"""What the routes find at ``app.state.parts``: the services put together in ``gateway.app``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

if TYPE_CHECKING:
    from audit.reader import LogReader
    from gateway.delivery import Deliveries
    from gateway.exchange import Core, Exchanges
    from gateway.people import People


@dataclass(frozen=True, slots=True)
class Parts:
    """The services of one gateway process."""

    core: Core
    exchanges: Exchanges
    deliveries: Deliveries
    people: People
    reader: LogReader


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


WithParts = Annotated[Parts, Depends(_parts)]
"""Parameter type for routes that use the services."""
