# SPDX-License-Identifier: EUPL-1.2
"""Step 9: check what the holder sealed, and drop what was not decided. Pure.

The gateway cannot open anything. It checks the manifest's signature under the holder's key, that
every part of the context is that of this exchange, and strips fields the decision does not name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import HolderUntrue
from gateway.model import names
from keys.envelope import Expect, strip, verify_manifest
from keys.errors import KeysError

if TYPE_CHECKING:
    from gateway.model import HolderAnswer
    from gateway.opened import Opened
    from keys.agencies import AgencyList
    from keys.envelope import VerifiedManifest


@dataclass(frozen=True, slots=True)
class Checked:
    """A verified, stripped answer: the only thing a release can be recorded for."""

    manifest: VerifiedManifest
    dropped: frozenset[str]
    """Fields the holder sent that nobody decided: dropped, counted in the log."""


def check_and_strip(
    opened: Opened, answer: HolderAnswer, agencies: AgencyList, now: int
) -> Checked:
    """Verify the holder's envelope and cut it to the decision.

    Raises:
        HolderUntrue: the signature, the context or the set of fields is wrong.
    """
    envelope = answer.unverified_envelope
    if envelope is None:
        raise HolderUntrue("no_envelope")
    asked = opened.asked
    decision = opened.decision.decision
    allowed = names(decision.released, decision.neutral)
    try:
        manifest = verify_manifest(
            envelope,
            key=lambda kid: agencies.signing_key(asked.holder, kid),
            expect=Expect(
                source=asked.holder,
                recipient=asked.recipient,
                exchange=opened.exchange,
                decision_token_hash=opened.decision.digest,
                purpose=asked.purpose.lower(),
                catalogue=opened.catalogue,
            ),
            now=now,
        )
        stripped, dropped = strip(manifest, allowed)
    except KeysError as error:
        raise HolderUntrue("envelope") from error
    if manifest.manifest.recipient_kid != asked.recipient_kid:
        raise HolderUntrue("recipient_key")
    if stripped.names != allowed:
        raise HolderUntrue("fields_missing")
    return Checked(stripped, dropped)
