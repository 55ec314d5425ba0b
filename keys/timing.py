# SPDX-License-Identifier: EUPL-1.2
"""When a signed message is in force. Time is always an argument, in seconds since the epoch."""

from __future__ import annotations

from typing import Final

from keys.errors import NotInForce

CLOCK_SKEW_SECONDS: Final = 60
"""How far the clock of the signer may run ahead of ours."""


def check_in_force(
    *, issued_at: int, expires_at: int, now: int, max_lifetime: int, grace: int = 0
) -> None:
    """Return if a message is in force now.

    ``max_lifetime`` and ``grace`` are seconds. ``grace`` extends the expiry for a message that
    lawfully waits, such as a held enquiry; the end itself gets no leeway for clocks.

    Raises:
        NotInForce: ``expired``, ``not_yet_valid`` or ``lifetime``.
    """
    if not 0 < expires_at - issued_at <= max_lifetime:
        raise NotInForce("lifetime")
    if issued_at > now + CLOCK_SKEW_SECONDS:
        raise NotInForce("not_yet_valid")
    if now >= expires_at + grace:
        raise NotInForce("expired")
