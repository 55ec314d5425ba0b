# SPDX-License-Identifier: EUPL-1.2
"""Is the OPA server of the settings usable? One question about nobody, and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from policies.bundle import Bundle
from policies.engine.opa import OpaAddress, OpaEngine
from policies.errors import EngineFailed

if TYPE_CHECKING:
    from gateway.settings import Settings

WAIT_SECONDS: Final = 1.0
NOBODY: Final = b'{"fields":["azr_number"]}'
"""Denied under every set of rules."""
TROUBLE: Final = {
    "unreachable": "nobody listens at the address of the OPA server; start it (lotse-opa.service)",
    "no_answer_in_time": "the OPA server takes too long to answer; look at its log and its load",
    "token_refused": "the OPA server does not know the token; put its SHA-256 into callers.json",
    "no_bundle": "the OPA server has no rules in force; its log says why the release was refused",
    "other_revision": "the OPA server has other rules than this version; lay the right release",
    "old_engine": "the OPA server is older than 1.21.3 and may accept unsigned rules; replace it",
}
"""What the failures of the engine mean to an operator."""


def server_trouble(settings: Settings) -> str | None:
    """Say what is wrong with the OPA server of the settings; None: nothing, or there is none.

    Raises:
        OSError, ValueError: its token or certificate file cannot be used.
    """
    opa = settings.opa
    if opa is None:
        return None
    engine = OpaEngine(OpaAddress.of(opa.url, opa.token_file, opa.ca_file), Bundle.load().digest)
    try:
        engine.ready(WAIT_SECONDS)
        engine.evaluate(NOBODY)
    except EngineFailed as error:
        if error.code == "other_revision" and settings.policy is not None:
            return None  # which release is the right one, the folder of releases says
        return TROUBLE.get(error.code, f"the OPA server gives no usable answer ({error.code})")
    finally:
        engine.close()
    return None
