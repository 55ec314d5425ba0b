# SPDX-License-Identifier: EUPL-1.2
"""The closed words of the log: what can happen, and how it can end."""

from enum import StrEnum


class EntryKind(StrEnum):
    """What happened. A kind is never renamed; retired ones stay."""

    ACCESS_REQUESTED = "access.requested"
    DISCLOSE = "disclose"
    EXCHANGE_HELD = "exchange.held"
    EXCHANGE_RELEASED = "exchange.released"
    EXCHANGE_ABORTED = "exchange.aborted"
    EXCHANGE_EXPIRED = "exchange.expired"
    PERMISSION_GIVEN = "permission.given"
    PERMISSION_WITHDRAWN = "permission.withdrawn"
    LINK_MADE = "link.made"
    LINK_REMOVED = "link.removed"
    AGENCIES_PUBLISHED = "agencies.published"
    POLICY_ACTIVATED = "policy.activated"
    POLICY_REFUSED = "policy.refused"
    POLICY_RESTORED = "policy.restored"
    POLICY_EXPIRED = "policy.expired"
    KEY_EVENT = "key.event"
    CONFIG_CHANGED = "config.changed"
    LOG_VIEWED = "log.viewed"
    LOG_UNMASKED = "log.unmasked"
    RIGHTS_ANSWERED = "rights.answered"
    HOLD_SET = "hold.set"
    HOLD_LIFTED = "hold.lifted"
    RETENTION_EXECUTED = "retention.executed"
    SUBJECT_SHREDDED = "subject.shredded"
    WITNESS_STALE = "witness.stale"
    SELFTEST = "selftest"
    # The other verbs of § 76 Abs. 1 BDSG; `disclose` is above.
    COLLECT = "collect"
    CHANGE = "change"
    QUERY = "query"
    COMBINE = "combine"
    DELETE = "delete"


class Outcome(StrEnum):
    """How it ended."""

    PERMIT = "permit"
    DENY = "deny"
    HOLD = "hold"
    WITHHELD = "withheld"
    ERROR = "error"
