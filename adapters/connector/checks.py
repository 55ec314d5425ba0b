# SPDX-License-Identifier: EUPL-1.2
"""The names of all checks on what arrives, and the evidence kept when one fails.

A failed check means that somebody on the way did what the protocol forbids. The name goes into
the problem, into the log line and into the evidence row; the content never does.
"""

from __future__ import annotations

from enum import StrEnum


class Check(StrEnum):
    """One check each; the value is what people and programs see."""

    SHAPE = "shape"
    """The message has exactly the members of the protocol."""
    GATEWAY_SIGNATURE = "gateway-signature"
    """Signed by a key of the gateway in the pinned agency list."""
    CALLER_SIGNATURE = "caller-signature"
    """The statement is signed by the agency on whose behalf the request is made."""
    STATEMENT_OURS = "statement-ours"
    """The statement inside is one that this connector made."""
    ADDRESSEE = "addressee"
    """Meant for this agency."""
    EXCHANGE = "exchange"
    """All parts speak of the same exchange."""
    STATEMENT_IN_DECISION = "statement-in-decision"
    """The decision was made about exactly this statement."""
    PARTIES = "parties"
    """Direction, agencies, purpose and trigger agree everywhere."""
    FIELDS = "fields"
    """The decision speaks of exactly the fields that were asked for."""
    DECISION_INPUT = "decision-input"
    """The facts of the decision agree with statement and agency list, and with their digest."""
    RECIPIENT_KEY = "recipient-key"
    """The key to seal to is the recipient's current one in the pinned list."""
    RECEIPT = "receipt"
    """A receipt verifies under the pinned log key."""
    RECEIPT_COUNT = "receipt-count"
    """As many receipts as there must be log entries."""
    RECEIPT_LEAF = "receipt-leaf"
    """The log entry speaks of exactly this statement, decision and exchange."""
    LOG_CONSISTENCY = "log-consistency"
    """The log only grew since the last checkpoint seen here."""
    EXPIRY = "expiry"
    """Still, and already, valid."""
    REPLAY = "replay"
    """Not used before."""
    RULES_DIFFER = "rules-differ"
    """The rules that were decided by are known here, and say the same."""
    WIDER_DECISION = "wider-decision"
    """The gateway's decision releases nothing that the rules here do not."""
    PERSON = "person"
    """A fresh order is about the file that the person here decided about."""
    RELEASE = "release"
    """A fresh order after a person's release differs from the held one only by that release."""
    ENVELOPE = "envelope"
    """Manifest signature, context and digests of the sealed fields hold, and they open."""
    ENVELOPE_FIELDS = "envelope-fields"
    """Exactly the decided fields arrived, or are named as withheld."""
    AGENCY_LIST = "agency-list"
    """The agency list is signed under the pinned root, in force and not older than before."""
