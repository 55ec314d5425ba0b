# SPDX-License-Identifier: EUPL-1.2
"""Step 11, the receipts: what the log must say about an answer before it is believed."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from adapters.connector.checks import Check
from adapters.connector.errors import CheckFailed
from adapters.connector.logwatch import LeafMustSay, check_leaf

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.connector.answers import CheckedAnswer
    from adapters.connector.logwatch import CheckedReceipt


def check_receipts(checked: CheckedAnswer, statement_hash: bytes) -> None:
    """Each receipt must speak of this exchange; intent and disclosure of exactly this decision."""
    statement, decision = checked.statement, checked.decision

    def must(kind: str, outcomes: set[str], fields: tuple[str, ...] | None) -> LeafMustSay:
        return LeafMustSay(
            kind=kind,
            outcomes=frozenset(outcomes),
            exchange=checked.exchange,
            source=statement.source,
            recipient=statement.recipient,
            by=statement.issuer,
            purpose=statement.purpose,
            statement_hash=statement_hash,
            decision_hash=decision.hash if fields is not None else None,
            bundle=decision.token.bundle if fields is not None else None,
            fields=fields,
        )

    first_outcome = {"held": "hold", "refused": "deny"}.get(checked.status, "permit")
    disclosed = checked.manifest is not None or bool(checked.withdrawn)
    if disclosed:
        first_outcome = "permit"
    intents = [
        one
        for one in checked.receipts
        if one.kind == "access.requested" and one.leaf.get("dec") == decision.hash.hex()
    ]
    others = [one for one in checked.receipts if one not in intents]
    if len(intents) != 1:
        raise CheckFailed(Check.RECEIPT_COUNT)
    check_leaf(intents[0], must("access.requested", {first_outcome}, statement.fields))
    if disclosed:
        _check_end(checked, others, must)
    for earlier in others:
        # The held intent, and its resting with the clerk, came before a release.
        if earlier.kind not in ("access.requested", "exchange.held", "exchange.released"):
            raise CheckFailed(Check.RECEIPT_LEAF)
        check_leaf(earlier, must(earlier.kind, {"hold", "permit"}, None))
    if checked.body.log_index not in {one.index for one in checked.receipts}:
        raise CheckFailed(Check.RECEIPT_LEAF)


def _check_end(
    checked: CheckedAnswer,
    others: list[CheckedReceipt],
    must: Callable[[str, set[str], tuple[str, ...] | None], LeafMustSay],
) -> None:
    """Take the receipts of a disclosure, or of its withholding, from the end of `others`."""
    if not others or others[-1] is not checked.receipts[-1]:
        raise CheckFailed(Check.RECEIPT_COUNT)
    if checked.manifest is not None:
        check_leaf(others.pop(), must("disclose", {"permit"}, tuple(checked.manifest.names)))
        return
    if others[-1].kind != "exchange.aborted":
        check_leaf(others.pop(), must("disclose", {"withheld"}, ()))
        return
    # Recorded as released, then stopped before it left: a permission had just ended.
    check_leaf(others.pop(), must("exchange.aborted", {"withheld"}, ()))
    if not others:
        raise CheckFailed(Check.RECEIPT_COUNT)
    check_leaf(others.pop(), must("disclose", {"permit"}, tuple(checked.decision.sent)))


def decided_at(receipts: tuple[CheckedReceipt, ...]) -> int:
    """Read when the intent behind an answer was recorded, from the log entry itself."""
    times = [one.leaf.get("ts") for one in receipts if one.kind == "access.requested"]
    try:
        moments = [dt.datetime.fromisoformat(str(time)) for time in times]
        return int(max(moments).timestamp())
    except ValueError:
        raise CheckFailed(Check.RECEIPT_LEAF) from None
