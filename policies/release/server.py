# SPDX-License-Identifier: EUPL-1.2
"""A release in an OPA server beside this process: its file lies there, and the server must answer by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from policies.engine.opa import OpaEngine
from policies.errors import PolicyUnavailable
from policies.release.book import Loaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from policies.engine.opa import OpaAddress
    from policies.release.book import EngineMaker
    from policies.release.verify import VerifiedBundle

SWAP_SECONDS: Final = 5.0
"""How long a release waits for the server to have it; it is tried again and again."""


def ask_server(
    address: OpaAddress, bundle: str, seconds: float, report: Callable[[str, str], None]
) -> Loaded:
    """Open the engine over a server and wait a moment for it; it may come later.

    Every decision is asked of the server: with a memory, a server that was stopped, or that got
    the rules that deny everything, would not be noticed for what is asked often.

    Raises:
        OSError: the certificate file cannot be read.
    """
    engine = OpaEngine(address, bundle, report=report)
    engine.ready(seconds)
    return Loaded(engine, engine.ready, engine.close, memo_size=0, local=False)


def in_server(address: OpaAddress, report: Callable[[str, str], None]) -> EngineMaker:
    """Say how a verified release is loaded into the server."""

    def make(verified: VerifiedBundle) -> Loaded:
        loaded = ask_server(address, verified.bundle.digest, SWAP_SECONDS, report)
        if not loaded.ready():
            loaded.close()
            raise PolicyUnavailable("the server does not answer by this release")
        return loaded

    return make
