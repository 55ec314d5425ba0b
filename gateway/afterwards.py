# SPDX-License-Identifier: EUPL-1.2
"""What is done after the answer: the last byte has left the application, nobody waits any more."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from gateway.logs import get_logger, where

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys.asgi import App, Receive, Scope, Send

    Act = Callable[[], None]

_ACTS: ContextVar[list[Act] | None] = ContextVar("acts_after_the_answer", default=None)


def after_answer(act: Act) -> None:
    """Let `act` run once this call is answered; at once where no call waits for an answer.

    It must be quick (it runs in the event loop). What it raises is told to the operator only.
    """
    acts = _ACTS.get()
    if acts is None:
        _run(act)
    else:
        acts.append(act)


class AfterAnswerMiddleware:
    """Stands around everything else, so that the answer has been sent when it goes on."""

    def __init__(self, app: App) -> None:
        """Take the application inside."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one call, then do what was put off."""
        acts: list[Act] = []
        reset = _ACTS.set(acts)
        try:
            await self._app(scope, receive, send)
        finally:
            _ACTS.reset(reset)
            for act in acts:
                _run(act)


def _run(act: Act) -> None:
    try:
        act()
    except Exception as error:  # noqa: BLE001 - the answer has been given; nothing may come of this
        get_logger().error("afterwards.failed", error_type=type(error), where=where(error))
