# SPDX-License-Identifier: EUPL-1.2
"""Step 11, the part without I/O: an answer is believed only if everything in it fits together.

Used for direct answers, for what is picked up from the mailbox, and once more whenever a kept
answer is opened again: what was believed once is checked again from the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.connector.answer_receipts import check_receipts, decided_at
from adapters.connector.checks import Check
from adapters.connector.decision_check import check_decision, reading
from adapters.connector.errors import CheckFailed
from adapters.connector.logwatch import check_receipt
from keys.envelope import Envelope, Expect, verify_manifest
from keys.jws import token_hash
from keys.messages import HELD_SECONDS, read_statement
from keys.model import kid_owner, parse_exchange_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.connector.decision_check import CheckedDecision, RulesByDigest
    from adapters.connector.logwatch import CheckedReceipt
    from keys.envelope import VerifiedManifest
    from keys.keylist import AgencyList
    from keys.messages import Statement
    from keys.model import AgencyId, ExchangeId
    from keys.strict_json import JsonValue

MAX_RECEIPTS: Final = 8
"""Intent, rest, fresh intent and disclosure of a held exchange, with room."""

Text = Annotated[str, Field(max_length=128)]
Long = Annotated[str, Field(max_length=524_288)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class WithheldBody(_Strict):
    """Why the gateway says that a field did not come."""

    field: Text
    outcome: Text
    rule: Text
    norms: Annotated[list[Text], Field(max_length=64)]
    reason: Text
    reasons: Annotated[list[Text], Field(max_length=64)] = []


class AnswerBody(_Strict):
    """What the gateway sends for an exchange; unknown members are refused."""

    exchange: Text
    status: Literal["ordered", "held", "waiting", "answered", "refused"]
    decision: Long
    withheld: Annotated[list[WithheldBody], Field(max_length=512)]
    receipts: Annotated[list[Long], Field(min_length=1, max_length=MAX_RECEIPTS)]
    log_index: Annotated[int, Field(ge=0)]
    envelope: dict[str, Any] | None = None
    order: Long | None = None
    statement: Long | None = None
    ref: Text | Long | None = None


def read_answer(unverified: Mapping[str, JsonValue]) -> AnswerBody:
    """Read the shape of an answer.

    Raises:
        CheckFailed: SHAPE. A member that is there is never null.
    """
    if None in unverified.values():
        raise CheckFailed(Check.SHAPE)
    try:
        return AnswerBody.model_validate(unverified)
    except ValidationError:
        raise CheckFailed(Check.SHAPE) from None


@dataclass(frozen=True, slots=True)
class CheckedAnswer:
    """An answer whose parts fit together; the log's consistency is looked at separately."""

    exchange: ExchangeId
    status: str
    statement: Statement
    decision: CheckedDecision
    manifest: VerifiedManifest | None
    receipts: tuple[CheckedReceipt, ...]
    withdrawn: Mapping[str, WithheldBody]
    """Decided fields that did not leave after all: the permission ended in between."""
    body: AnswerBody


@dataclass(frozen=True, slots=True)
class Frame:
    """What an answer is checked against."""

    me: AgencyId
    agencies: AgencyList
    rules: RulesByDigest
    """Those that were in force here: an answer may be looked at again days later."""
    now: int
    statement: str | None
    """Our own statement, for what we asked or delivered; None for what others pushed."""
    late: bool = False
    """Picked up later: the decision's time is compared with the log entry's, not with now."""


def check_answer(unverified: Mapping[str, JsonValue], frame: Frame) -> CheckedAnswer:
    """Check everything in an answer that can be checked without asking anybody.

    Raises:
        CheckFailed: names the check; nothing of the answer may be used.
    """
    body = read_answer(unverified)
    with reading(Check.SHAPE):
        exchange = parse_exchange_id(body.exchange)
    receipts = tuple(check_receipt(text, frame.agencies.log_vkey) for text in body.receipts)
    moment = decided_at(receipts) if frame.late else frame.now
    token, statement = _statement(body, frame, moment)
    decision = check_decision(
        body.decision,
        statement=statement,
        statement_hash=token_hash(token),
        agencies=frame.agencies,
        rules=frame.rules,
        now=moment,
        holder=None,
    )
    if decision.token.exchange != exchange:
        raise CheckFailed(Check.EXCHANGE)
    manifest = _manifest(body, decision, frame)
    withdrawn = _withheld(body, decision, manifest)
    checked = CheckedAnswer(
        exchange=exchange,
        status=body.status,
        statement=statement,
        decision=decision,
        manifest=manifest,
        receipts=receipts,
        withdrawn=withdrawn,
        body=body,
    )
    _check_status(checked)
    check_receipts(checked, token_hash(token))
    return checked


def _statement(body: AnswerBody, frame: Frame, decided_at: int) -> tuple[str, Statement]:
    """Read our own statement, or the sender's that came along with a push."""
    token = frame.statement if frame.statement is not None else body.statement
    if token is None or (body.statement is not None and body.statement != token):
        raise CheckFailed(Check.STATEMENT_OURS)
    with reading(Check.CALLER_SIGNATURE):
        statement = read_statement(
            token,
            key=lambda kid: frame.agencies.signing_key(kid_owner(kid), kid),
            now=decided_at,
            grace_seconds=HELD_SECONDS,
        )
    if frame.statement is None and (
        statement.direction != "push" or statement.recipient != frame.me
    ):
        raise CheckFailed(Check.ADDRESSEE)
    return token, statement


def _manifest(body: AnswerBody, decision: CheckedDecision, frame: Frame) -> VerifiedManifest | None:
    if body.envelope is None:
        return None
    token = decision.token
    if token.recipient != frame.me:
        raise CheckFailed(Check.ADDRESSEE)
    with reading(Check.ENVELOPE):
        manifest = verify_manifest(
            Envelope.from_wire(body.envelope),
            key=lambda kid: frame.agencies.signing_key(token.source, kid),
            expect=Expect(
                source=token.source,
                recipient=token.recipient,
                exchange=token.exchange,
                decision_token_hash=decision.hash,
                purpose=token.purpose.lower(),
                catalogue=token.catalogue,
                subject=token.subject_handle,
            ),
            now=frame.now,
        )
    if not manifest.names <= decision.sent:
        raise CheckFailed(Check.ENVELOPE_FIELDS)
    return manifest


def _withheld(
    body: AnswerBody, decision: CheckedDecision, manifest: VerifiedManifest | None
) -> Mapping[str, WithheldBody]:
    """Compare the reasons with the signed decision; give those that the decision does not have."""
    told = {one.field: one for one in body.withheld}
    if len(told) != len(body.withheld):
        raise CheckFailed(Check.FIELDS)
    for refusal in decision.theirs.withheld:
        said = told.pop(str(refusal.field), None)
        if said is None or (said.outcome, said.rule, said.reason) != (
            refusal.outcome.value,
            refusal.rule,
            refusal.reason,
        ):
            raise CheckFailed(Check.FIELDS)
    if not told.keys() <= decision.sent:
        raise CheckFailed(Check.FIELDS)
    arrived = frozenset[str]() if manifest is None else manifest.names
    if arrived & told.keys():
        raise CheckFailed(Check.ENVELOPE_FIELDS)
    if body.status == "answered" and arrived | told.keys() != decision.sent:
        raise CheckFailed(Check.ENVELOPE_FIELDS)
    return told


def _check_status(checked: CheckedAnswer) -> None:
    """Is the stated status one that this decision can have?"""
    theirs, sent = checked.decision.theirs, checked.decision.sent
    match checked.status:
        case "answered":
            fits = checked.manifest is not None and not theirs.held
        case "held":
            fits = checked.manifest is None and bool(theirs.held)
        case "refused":
            ended = bool(sent) and checked.withdrawn.keys() == sent
            fits = checked.manifest is None and not theirs.held and (not sent or ended)
        case _:  # ordered, waiting: a delivery of our own
            fits = checked.manifest is None and bool(sent) and not theirs.held
    if not fits:
        raise CheckFailed(Check.FIELDS)
