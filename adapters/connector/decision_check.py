# SPDX-License-Identifier: EUPL-1.2
"""Is the gateway's decision about this statement, made from true facts? Pure; both sides use it.

Nothing here needs the person: permission facts are the gateway's to know, everything else in the
decision's input stands in the statement or in the pinned agency list and is compared with it.
"""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adapters.connector.checks import Check
from adapters.connector.errors import CheckFailed, UnknownKey
from keys import errors as keys_errors
from keys.jws import token_hash
from keys.messages import read_decision
from keys.timing import CLOCK_SKEW_SECONDS
from policies.decide import rules_of_the_day
from policies.decision import Decision, FieldDecision, overall_of
from policies.errors import PolicyError
from policies.model import (
    AgreementFacts,
    DecisionInput,
    FieldId,
    HolderFacts,
    Kind,
    NormId,
    Outcome,
    PurposeId,
    ReasonCode,
    RuleId,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keys.keylist import AgencyList
    from keys.messages import DecisionToken, Statement
    from policies.catalogue import Catalogue
    from policies.release.force import RuleSet

    RulesByDigest = Callable[[str], RuleSet | None]
    """Gives the verified rules with this digest, if they count for what is checked."""


@contextmanager
def reading(signature: Check) -> Iterator[None]:
    """Turn what `keys` says about a signed message into the name of a check."""
    try:
        yield
    except keys_errors.UnknownKey:
        raise UnknownKey(signature) from None
    except keys_errors.SignatureInvalid:
        raise CheckFailed(signature) from None
    except keys_errors.NotInForce:
        raise CheckFailed(Check.EXPIRY) from None
    except keys_errors.ContextMismatch:
        raise CheckFailed(Check.PARTIES) from None
    except keys_errors.KeysError:
        raise CheckFailed(Check.SHAPE) from None


@dataclass(frozen=True, slots=True)
class CheckedDecision:
    """A decision token that fits its statement and the agency list."""

    token: DecisionToken
    hash: bytes
    """SHA-256 of the token's bytes; stands in log entries and in the envelope's context."""
    theirs: Decision
    """What the gateway decided."""
    input: DecisionInput
    """What it was decided from."""
    rules: RuleSet
    """What it was decided by, as this connector has verified it."""

    @property
    def sent(self) -> frozenset[str]:
        """Fields that travel, as values or as sealed nulls."""
        return frozenset(one.field for one in (*self.theirs.released, *self.theirs.neutral))


def check_decision(
    unverified_token: str,
    *,
    statement: Statement,
    statement_hash: bytes,
    agencies: AgencyList,
    rules: RulesByDigest,
    now: int,
    holder: HolderFacts | None,
) -> CheckedDecision:
    """Verify a decision token against the statement it must be about.

    `holder` is what the holder itself has told the gateway, so exactly on whose release the
    decision may and must rest; None: the asking side cannot know whether anybody released.

    Raises:
        CheckFailed: see `Check`.
    """
    with reading(Check.GATEWAY_SIGNATURE):
        token = read_decision(
            unverified_token, key=lambda kid: agencies.gateway_key("order", kid), now=now
        )
    if token.statement != statement_hash:
        raise CheckFailed(Check.STATEMENT_IN_DECISION)
    if (token.source, token.recipient, token.purpose, token.trigger) != (
        statement.source,
        statement.recipient,
        statement.purpose,
        statement.trigger,
    ):
        raise CheckFailed(Check.PARTIES)
    if tuple(one.field for one in token.fields) != statement.fields:
        raise CheckFailed(Check.FIELDS)
    found = rules(token.bundle)
    if found is None or token.catalogue != found.catalogue.version:
        raise CheckFailed(Check.RULES_DIFFER)
    return CheckedDecision(
        token=token,
        hash=token_hash(unverified_token),
        theirs=_decision(token),
        input=_check_input(token, statement, agencies, found.catalogue, holder),
        rules=found,
    )


def _check_input(
    token: DecisionToken,
    statement: Statement,
    agencies: AgencyList,
    catalogue: Catalogue,
    holder: HolderFacts | None,
) -> DecisionInput:
    try:
        facts = DecisionInput.from_json(dict(token.input))  # type: ignore[arg-type]  # read from strict JSON, so it is JSON
    except PolicyError:
        raise CheckFailed(Check.SHAPE) from None
    source, recipient = agencies.agency(statement.source), agencies.agency(statement.recipient)
    if source is None or recipient is None:
        raise UnknownKey(Check.PARTIES)
    expected = replace(
        facts,
        from_kind=Kind(source.kind),
        to_kind=Kind(recipient.kind),
        purpose=PurposeId(statement.purpose),
        trigger=facts.trigger,
        fields=tuple(FieldId(name) for name in statement.fields),
        declared=statement.declared,
        agreement=_agreement(statement, agencies, token.issued_at),
        holder=_possible(facts.holder) if holder is None else holder,
    )
    if (
        facts.canonical() != expected.canonical()
        or (facts.permission.retrieval_confirmed and facts.permission.choice.state != "in_force")
        or facts.trigger != statement.trigger
        or facts.digest() != token.input_digest
        or not _lapsed(catalogue, token.issued_at) <= set(facts.lapsed)
    ):
        raise CheckFailed(Check.DECISION_INPUT)
    return facts


def _possible(claimed: HolderFacts) -> HolderFacts:
    """Give the claim, cut to what a gateway can have been told: who released, and nothing else."""
    released = claimed.released_by_source
    return HolderFacts(
        released_by_source=released, released_by_head=released and claimed.released_by_head
    )


def check_still_true(
    decision: CheckedDecision,
    statement: Statement,
    *,
    agencies: AgencyList,
    now: int,
) -> None:
    """Hold a decision that is about to be carried out against the agreement and rules of now.

    The time in the token is the gateway's word: a decision dated back to when an agreement or a
    rule was in force would otherwise still count.

    Raises:
        CheckFailed: EXPIRY or DECISION_INPUT.
    """
    if decision.token.issued_at + CLOCK_SKEW_SECONDS < statement.issued_at:
        raise CheckFailed(Check.EXPIRY)
    if decision.input.agreement != _agreement(statement, agencies, now):
        raise CheckFailed(Check.DECISION_INPUT)
    if not _lapsed(decision.rules.catalogue, now) <= set(decision.input.lapsed):
        raise CheckFailed(Check.DECISION_INPUT)


def check_same_rules(decision: CheckedDecision) -> None:
    """Decide again from the decision's own facts: the asker needs not believe what is refused.

    Raises:
        CheckFailed: RULES_DIFFER: another bundle, or it says something else about a field.
        PolicyUnavailable: the rules cannot be evaluated.
    """
    ours = decision.rules.decider.decide(decision.input)
    if ours.bundle != decision.token.bundle or ours.fields != decision.theirs.fields:
        raise CheckFailed(Check.RULES_DIFFER)


def _agreement(statement: Statement, agencies: AgencyList, at: int) -> AgreementFacts:
    found = agencies.agreement(statement.source, statement.recipient, statement.purpose, at)
    if found is None:
        return AgreementFacts()
    return AgreementFacts(
        in_force=True,
        undertaking_78=found.undertaking_78,
        approval_79=found.approval_79,
        pilot_agreed=found.pilot_agreed,
        state_law_basis=found.state_law_basis,
        recipient_abroad=found.recipient_abroad,
    )


def _lapsed(catalogue: Catalogue, at: int) -> set[RuleId]:
    return set(rules_of_the_day(catalogue, dt.datetime.fromtimestamp(at, tz=dt.UTC).date()))


def _decision(token: DecisionToken) -> Decision:
    try:
        fields = tuple(
            FieldDecision(
                field=FieldId(one.field),
                outcome=Outcome(one.outcome),
                rule=RuleId(one.rule),
                norms=tuple(NormId(norm) for norm in one.norms),
                reason=ReasonCode(one.reason),
                reasons=tuple(ReasonCode(reason) for reason in one.reasons),
            )
            for one in token.fields
        )
    except ValueError:
        raise CheckFailed(Check.SHAPE) from None
    overall = overall_of(one.outcome for one in fields)
    return Decision(
        fields=fields,
        overall=overall,
        rule=next(one.rule for one in fields if one.outcome is overall),
        bundle=token.bundle,
        input_digest=token.input_digest,
        retention="",
    )
