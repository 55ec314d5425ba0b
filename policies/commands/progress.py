# SPDX-License-Identifier: EUPL-1.2
"""A progress bar on standard error, for people only and only when it takes a while."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

from rich.console import Console
from rich.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_PATIENCE_SECONDS: Final = 2.0
_T = TypeVar("_T")


def with_progress(
    items: Iterable[_T],
    total: int,
    text: str,
    *,
    console: Console | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[_T]:
    """Yield the items; from the third second on, a terminal shows how far this is."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield from items
        return
    begin = clock()
    with Progress(console=console, transient=True, disable=False) as bar:
        task = bar.add_task(text, total=total, visible=False)
        for done, item in enumerate(items):
            yield item
            if clock() - begin > _PATIENCE_SECONDS:
                bar.update(task, completed=done + 1, visible=True)
