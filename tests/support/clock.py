# SPDX-License-Identifier: EUPL-1.2
"""A clock that a test moves by hand: time is always an argument, also here."""

from __future__ import annotations

START = 1_793_872_800
"""2026-11-05T10:00:00Z, a Thursday during office hours: where tests start unless they say otherwise."""


class Clock:
    """Callable like the product's clocks: `clock()` gives epoch seconds."""

    def __init__(self, now: int = START) -> None:
        self._now = now

    def __call__(self) -> int:
        """Now, in epoch seconds."""
        return self._now

    def advance(self, seconds: int) -> None:
        """Let time pass.

        Raises:
            ValueError: time would run backwards; use `set_to` to say that on purpose.
        """
        if seconds < 0:
            raise ValueError("time does not run backwards here")
        self._now += seconds

    def set_to(self, now: int) -> None:
        """Jump to a moment, also a past one (a machine with a wrong clock)."""
        self._now = now
