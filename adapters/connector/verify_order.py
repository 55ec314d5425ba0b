# SPDX-License-Identifier: EUPL-1.2
"""Step 7, the part without I/O: an order is believed only if everything in it fits together.

`check_order` needs no network, clock or database. `VerifiedOrder` is what `OrderVerifier`
(in `holding`) makes of it after log and replay were looked at; fetching takes nothing else.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import TYPE_CHECKING, Final

from adapters.connector.checks import Check
from adapters.connector.decision_check import check_decision, check_still_true, reading
from adapters.connector.errors import CheckFailed, UnknownKey
from adapters.connector.logwatch import LeafMustSay, check_leaf, check_receipt
from keys.errors import KeysError
from keys.jws import token_hash
from keys.messages import HELD_SECONDS, read_order, read_statement
from keys.model import kid_owner
from policies.decide import is_wider
from policies.model import HolderFacts

if TYPE_CHECKING:
    from adapters.connector.decision_check import CheckedDecision, RulesByDigest
    from adapters.connector.logwatch import CheckedReceipt
    from keys.keylist import AgencyList
    from keys.messages import Order, Statement
    from keys.model import AgencyId
    from keys.suites import RecipientKey

ON_THE_WAY_SECONDS: Final = 300
"""How much later than its statement an order that waits for nobody may arrive."""

_INTENT_OUTCOMES: Final = frozenset({"permit", "hold"})


@dataclass(frozen=True, slots=True)
class ReleasePath:
    """What a fresh order must repeat after a person here released, or a push of our own."""

    statement: str
    """Exactly this statement, byte for byte."""
    exchange: str | None
    """Exactly this exchange, where it is known."""
    released: bool
    """The decision must rest on the release (not for a push that needs none)."""
    by_head: bool = False
    """The head of this agency released it."""

    @property
    def told(self) -> HolderFacts:
        """What this agency has told the gateway; the head of an agency releases for it too."""
        return HolderFacts(released_by_source=self.released, released_by_head=self.by_head)


@dataclass(frozen=True, slots=True)
class CheckedOrder:
    """An order whose parts fit together; log and replay have not been looked at."""

    token: str
    order: Order
    statement: Statement
    decision: CheckedDecision
    recipient_key: RecipientKey
    receipt: CheckedReceipt

    @property
    def statement_hash(self) -> bytes:
        """SHA-256 of the statement's bytes."""
        return token_hash(self.order.statement)


_MAKER: Final = object()


@dataclass(frozen=True, slots=True)
class VerifiedOrder:
    """An order that passed all of step 7. Only `verified` makes one."""

    checked: CheckedOrder
    made_by: InitVar[object]

    def __post_init__(self, made_by: object) -> None:
        """Refuse to be made elsewhere.

        Raises:
            TypeError: a programming mistake.
        """
        if made_by is not _MAKER:
            message = "a VerifiedOrder is only made by verify_order.verified"
            raise TypeError(message)


def verified(checked: CheckedOrder, *, log_only_grew: bool, first_use: bool) -> VerifiedOrder:
    """Make the permit to fetch, from the three results it needs.

    Raises:
        CheckFailed: LOG_CONSISTENCY or REPLAY.
    """
    if not log_only_grew:
        raise CheckFailed(Check.LOG_CONSISTENCY)
    if not first_use:
        raise CheckFailed(Check.REPLAY)
    return VerifiedOrder(checked, _MAKER)


def check_order(
    unverified_token: str,
    *,
    me: AgencyId,
    agencies: AgencyList,
    rules: RulesByDigest,
    now: int,
    path: ReleasePath | None = None,
) -> CheckedOrder:
    """Check an order against pinned keys, its own parts, and the rules.

    Raises:
        CheckFailed: names the check; UnknownKey if a newer agency list may help.
        PolicyUnavailable: the rules cannot be evaluated.
    """
    # 7.1 the gateway ordered it, and orders it from us
    with reading(Check.GATEWAY_SIGNATURE):
        order = read_order(
            unverified_token, key=lambda kid: agencies.gateway_key("order", kid), now=now
        )
    if order.holder != me:
        raise CheckFailed(Check.ADDRESSEE)
    # 7.2 the caller said it itself
    statement = _check_statement(order, me=me, agencies=agencies, now=now, path=path)
    # 7.3 the decision is about exactly this, and made from true facts
    decision = check_decision(
        order.decision,
        statement=statement,
        statement_hash=token_hash(order.statement),
        agencies=agencies,
        rules=rules,
        now=now,
        holder=HolderFacts() if path is None else path.told,
    )
    if decision.token.exchange != order.exchange:
        raise CheckFailed(Check.EXCHANGE)
    if not decision.theirs.held:
        check_still_true(decision, statement, agencies=agencies, now=now)
    waits = bool(decision.theirs.held) or path is not None
    if not waits and now >= statement.expires_at + ON_THE_WAY_SECONDS:
        raise CheckFailed(Check.EXPIRY)
    # 7.4 the key to seal to is the recipient's own
    recipient_key = _recipient_key(order, statement, agencies)
    # 7.5 it is in the log
    receipt = check_receipt(order.receipt, agencies.log_vkey)
    check_leaf(
        receipt,
        LeafMustSay(
            kind="access.requested",
            outcomes=_INTENT_OUTCOMES,
            exchange=order.exchange,
            source=statement.source,
            recipient=statement.recipient,
            by=statement.issuer,
            purpose=statement.purpose,
            statement_hash=token_hash(order.statement),
            decision_hash=decision.hash,
            bundle=decision.token.bundle,
            fields=statement.fields,
        ),
    )
    # 7.6 the rules here say the same about everything that does not depend on the holder
    ours = decision.rules.decider.decide(decision.input)
    if ours.bundle != decision.token.bundle:
        raise CheckFailed(Check.RULES_DIFFER)
    if is_wider(decision.theirs, ours):
        raise CheckFailed(Check.WIDER_DECISION)
    return CheckedOrder(
        token=unverified_token,
        order=order,
        statement=statement,
        decision=decision,
        recipient_key=recipient_key,
        receipt=receipt,
    )


def _check_statement(
    order: Order,
    *,
    me: AgencyId,
    agencies: AgencyList,
    now: int,
    path: ReleasePath | None,
) -> Statement:
    with reading(Check.CALLER_SIGNATURE):
        statement = read_statement(
            order.statement,
            key=lambda kid: agencies.signing_key(kid_owner(kid), kid),
            now=now,
            grace_seconds=HELD_SECONDS,
        )
    if statement.source != me:
        raise CheckFailed(Check.ADDRESSEE)
    if path is None:
        if statement.direction != "pull":
            # Orders for our own pushes come as the answer to our own call, never unasked.
            raise CheckFailed(Check.STATEMENT_OURS)
        return statement
    if order.statement != path.statement:
        raise CheckFailed(Check.RELEASE if path.released else Check.STATEMENT_OURS)
    if path.exchange is not None and order.exchange != path.exchange:
        raise CheckFailed(Check.RELEASE)
    return statement


def _recipient_key(order: Order, statement: Statement, agencies: AgencyList) -> RecipientKey:
    try:
        key = agencies.kem_key(statement.recipient)
    except KeysError:
        raise UnknownKey(Check.RECIPIENT_KEY) from None
    if not order.recipient_kid == statement.recipient_kid == key.kid:
        # The list here may simply be older than a key change: worth one look at a newer one.
        raise UnknownKey(Check.RECIPIENT_KEY)
    return key
