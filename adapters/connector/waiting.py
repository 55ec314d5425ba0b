# SPDX-License-Identifier: EUPL-1.2
"""Puts before a person what only a person may decide: held orders and odd matters. No data in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from adapters.connector import details
from adapters.connector.store import held as held_store
from adapters.connector.store import orders as order_store
from adapters.connector.store.held import Attention, Held, HeldState
from keys.strict_json import b64u, dumps

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from adapters.connector.decision_check import CheckedDecision
    from adapters.connector.office import Office
    from adapters.connector.verify_order import VerifiedOrder
    from keys.model import FileNumber

log = structlog.get_logger("connector")

DAY_SECONDS: Final = 86_400


def needs_head(decision: CheckedDecision) -> bool:
    """Say whether a rule leaves what is held to the head of the agency."""
    catalogue = decision.rules.catalogue
    return any(catalogue.rule(one.rule).release == "head" for one in decision.theirs.held)


async def rest_order(office: Office, order: VerifiedOrder, file_number: FileNumber | None) -> bytes:
    """Keep a held pull for a person; the body that tells the gateway so.

    The source is not asked: known and unknown persons wait alike.
    """
    now = office.clock()
    checked = order.checked
    exchange = checked.order.exchange
    agencies = await office.agencies.current()
    detail = details.seal(
        details.holding_detail(
            exchange=exchange,
            decision=checked.decision.theirs,
            finding=details.Finding(
                file_number=file_number,
                found=False,
                ambiguous=False,
                info_block=False,
                fields_read=(),
            ),
            clerk=None,
            choice="held",
            reason_code=None,
            at=now,
        ),
        agency=office.me,
        corr=exchange,
        audit_key=agencies.audit_key(office.me),
        fields=len(checked.statement.fields),
    )
    body = dumps({"held": True, "detail": b64u(detail)})
    item = Held(
        id=office.evidence.new_id(),
        exchange=exchange,
        state=HeldState.WAITING,
        direction="pull",
        other=checked.statement.recipient,
        purpose=checked.statement.purpose,
        fields=tuple(str(one.field) for one in checked.decision.theirs.held),
        statement=checked.order.statement,
        statement_checked_at=now,
        order_jws=checked.token,
        file_number=None,
        received_at=now,
        expires_at=min(
            now + office.settings.holding.held_days * DAY_SECONDS, checked.order.expires_at
        ),
        needs_head=needs_head(checked.decision),
    )

    def keep(connection: Connection) -> bytes:
        held_store.add(connection, item)
        return order_store.keep_answer(connection, checked.order.order, body)

    kept = await office.store.run(keep)
    log.info("order:held", exchange=exchange)
    return kept


async def call_attention(office: Office, order: VerifiedOrder, code: str) -> None:
    """Leave a matter for a person to look at: a code, never a value."""
    checked = order.checked
    item = Attention(
        id=office.evidence.new_id(),
        exchange=checked.order.exchange,
        code=code,
        other=checked.statement.recipient,
        purpose=checked.statement.purpose,
        at=office.clock(),
    )
    await office.store.run(lambda connection: held_store.call_attention(connection, item))
    log.warning("attention:called", exchange=item.exchange, code=code)
