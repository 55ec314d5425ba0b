# SPDX-License-Identifier: EUPL-1.2
"""Step 8, second half: every field of the order sealed to the recipient, known or not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from keys.context import MESSAGE_ID_BYTES, ExchangeContext
from keys.envelope import seal
from keys.errors import SealRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.connector.fetching import Fetched
    from adapters.connector.verify_order import VerifiedOrder
    from keys.envelope import Envelope
    from keys.jws import Signer

LIFE_SECONDS: Final = 6 * 86_400
"""Three working days in a mailbox, over a weekend and a holiday."""
UNSENDABLE: Final = "value-unsendable"


def seal_fetched(
    order: VerifiedOrder,
    fetched: Fetched,
    *,
    pad_bytes: Mapping[str, int],
    signer: Signer,
    now: int,
    randomness: Callable[[int], bytes],
) -> tuple[Envelope, Fetched]:
    """Seal the values; what cannot be sent (too long for its bucket) makes all of them nulls.

    The second result says what was sealed, with a matter for attention in that case.
    """
    checked = order.checked
    token = checked.decision.token
    context = ExchangeContext(
        source=token.source,
        recipient=token.recipient,
        exchange=token.exchange,
        decision_token_hash=checked.decision.hash,
        purpose=token.purpose.lower(),
        subject=token.subject_handle,
        catalogue=token.catalogue,
        issued_at=now,
        expires_at=now + LIFE_SECONDS,
        message_id=randomness(MESSAGE_ID_BYTES),
        suite=checked.recipient_key.suite,
    )
    for attempt in (fetched, _nothing(fetched)):
        try:
            envelope = seal(
                context,
                attempt.values,
                pad_bytes=pad_bytes,
                recipient=checked.recipient_key,
                signer=signer,
            )
        except SealRefused:
            if attempt is not fetched:
                raise
            continue
        return envelope, attempt
    raise SealRefused("value")


def _nothing(fetched: Fetched) -> Fetched:
    return replace(
        fetched,
        values=dict.fromkeys(fetched.values),
        finding=replace(fetched.finding, fields_read=()),
        attention=UNSENDABLE,
    )
