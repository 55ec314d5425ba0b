# SPDX-License-Identifier: EUPL-1.2
"""Step 8, second half: every field of the order sealed to the recipient, known or not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from keys.context import MESSAGE_ID_BYTES, ExchangeContext
from keys.envelope import seal
from keys.errors import SealRefused
from keys.values import write_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.connector.fetching import Fetched
    from adapters.connector.verify_order import VerifiedOrder
    from keys.envelope import Envelope
    from keys.jws import Signer
    from keys.strict_json import JsonValue

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
    """Seal the values; one too long for its bucket becomes a null, one that is no JSON makes all nulls.

    A longer ciphertext would tell the middle that this person is known here (promise P5). The
    second result says what was sealed, with a matter for attention in either case.
    """
    fetched = _fitting(fetched, pad_bytes)
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


def _fitting(fetched: Fetched, pad_bytes: Mapping[str, int]) -> Fetched:
    long = {
        name for name, value in fetched.values.items() if _too_long(value, pad_bytes.get(name, 0))
    }
    if not long:
        return fetched
    read = tuple(name for name in fetched.finding.fields_read if name not in long)
    return replace(
        fetched,
        values={name: None if name in long else value for name, value in fetched.values.items()},
        finding=replace(fetched.finding, fields_read=read),
        attention=UNSENDABLE,
    )


def _too_long(value: JsonValue, bucket_bytes: int) -> bool:
    """Would this value, with at least one byte of padding, need a second bucket?"""
    try:
        return value is not None and len(write_value(value)) >= bucket_bytes
    except SealRefused:
        return False  # sealing says so itself


def _nothing(fetched: Fetched) -> Fetched:
    return replace(
        fetched,
        values=dict.fromkeys(fetched.values),
        finding=replace(fetched.finding, fields_read=()),
        attention=UNSENDABLE,
    )
