# SPDX-License-Identifier: EUPL-1.2
"""The gateway's own tables; the log's stand in ``audit.store``, in the same database.

What an attacker who reads them learns stands per table in ``docs/trust.md``.
No column holds a name, a file number, a value or a clerk (promise P1), and no column
that stays says that two exchanges were about one person.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

exchange = Table(
    "exchange",
    metadata,
    Column("id", String(26), primary_key=True, comment="ULID"),
    Column("direction", String(4), nullable=False, comment="pull or push"),
    Column("from_agency", String(64), nullable=False),
    Column("to_agency", String(64), nullable=False),
    Column("by_agency", String(64), nullable=False),
    Column("purpose", String(8), nullable=False),
    Column("state", String(12), nullable=False),
    Column("statement", Text, nullable=False, comment="the caller's signed JWS; codes only"),
    Column("statement_hash", String(64), nullable=False, unique=True, comment="stops a replay"),
    Column("decision", Text, nullable=False, comment="the decision token in force, a JWS"),
    Column("decided", Text, nullable=False, comment="JSON: the decision per field, in codes"),
    Column(
        "guard", Text, nullable=False, comment="JSON: permissions relied on; emptied at the end"
    ),
    Column("created_at", BigInteger, nullable=False),
    Column("closes_at", BigInteger, nullable=False, comment="after this the sweeper closes it"),
)
Index("exchange_by_state", exchange.c.state, exchange.c.closes_at)

outbox = Table(
    "outbox",
    metadata,
    Column("order_id", String(32), primary_key=True),
    Column("exchange", String(26), nullable=False, unique=True),
    Column("holder", String(64), nullable=False),
    Column(
        "sealed_references", LargeBinary, nullable=False, comment="wrapped: they repeat per person"
    ),
    Column("intent_entry", String(64), nullable=False, comment="the receipt is made from it"),
    Column("expires_at", BigInteger, nullable=False),
    Column("delivered", Boolean, nullable=False),
)

mailbox = Table(
    "mailbox",
    metadata,
    Column("exchange", String(26), primary_key=True),
    Column("recipient", String(64), nullable=False),
    Column("payload", LargeBinary, nullable=False, comment="sealed fields, wrapped once more"),
    Column("disclosed", Boolean, nullable=False, comment="picked up once, not yet acknowledged"),
    Column("expires_at", BigInteger, nullable=False),
)
Index("mailbox_by_recipient", mailbox.c.recipient)

permission = Table(
    "permission",
    metadata,
    Column("id", String(36), primary_key=True, comment="UUIDv4: tells no time"),
    Column("consent_index", String(64), nullable=False, comment="keyed by the link key"),
    Column("type", String(20), nullable=False),
    Column("from_agency", String(64), nullable=False),
    Column("to_agency", String(64), nullable=False),
    Column("purpose", String(8), nullable=False),
    Column("fields", Text, nullable=False, comment="JSON list of field codes, never values"),
    Column("single_use", Boolean, nullable=False),
    Column("preview_confirmed", Boolean, nullable=False, comment="of a choice of retrieval"),
    Column("state", String(12), nullable=False, comment="newest event; only given/renewed count"),
    Column("spent_by", String(26), nullable=True, comment="exchange that spent a single use"),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_until", BigInteger, nullable=False),
    Column("record", Text, nullable=False, comment="JSON: the immutable record"),
)
Index("permission_by_person", permission.c.consent_index, permission.c.from_agency)

permission_event = Table(
    "permission_event",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("permission", String(36), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("state", String(12), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False, comment="JSON: the append-only event"),
    Column("log_entry", String(64), nullable=False),
)
Index(
    "permission_event_order",
    permission_event.c.permission,
    permission_event.c.sequence,
    unique=True,
)

link_agency = Table(
    "link_agency",
    metadata,
    Column("key", LargeBinary, primary_key=True, comment="T1: keyed hash of agency and index"),
    Column("sealed", LargeBinary, nullable=False, comment="needs the agency's unlock value too"),
)
link_person = Table(
    "link_person",
    metadata,
    Column("key", LargeBinary, primary_key=True, comment="T2: keyed hash of person and agency"),
    Column("sealed", LargeBinary, nullable=False),
)
link_account = Table(
    "link_account",
    metadata,
    Column("key", LargeBinary, primary_key=True, comment="T3: keyed hash of portal account"),
    Column("sealed", LargeBinary, nullable=False, comment="needs the sign-in's secret too"),
)
link_code = Table(
    "link_code",
    metadata,
    Column("key", LargeBinary, primary_key=True, comment="keyed hash of the look-up half"),
    Column("sealed", LargeBinary, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

decided_input = Table(
    "decided_input",
    metadata,
    Column("key", String(64), primary_key=True, comment="SHA-256 over all that follows but times"),
    Column("day", String(10), nullable=False, comment="UTC; no time of day"),
    Column("bundle", String(64), nullable=False, comment="digest of the rules that decided"),
    Column("engine", Text, nullable=False, comment="name and version"),
    Column(
        "question", Text, nullable=False, comment="canonical JSON: kinds and codes, no instance"
    ),
    Column(
        "result", Text, nullable=False, comment="canonical JSON: outcome, rule, reasons by field"
    ),
    Column("times", BigInteger, nullable=False, comment="decisions of that day that were equal"),
)
Index("decided_input_by_day", decided_input.c.day)

shadow_count = Table(
    "shadow_count",
    metadata,
    Column("key", String(64), primary_key=True, comment="SHA-256 over all that follows but times"),
    Column("day", String(10), nullable=False, comment="UTC; no time of day"),
    Column("candidate", String(64), nullable=False, comment="digest of the rules that were tried"),
    Column("today", String(64), nullable=False, comment="digest of the rules that decided"),
    Column("counted", String(20), nullable=False, comment="a change, compared or dropped"),
    Column("from_kind", String(64), nullable=False),
    Column("to_kind", String(64), nullable=False),
    Column("purpose", String(64), nullable=False),
    Column("what", String(64), nullable=False, comment="a field or an obligation"),
    Column("times", BigInteger, nullable=False),
)
Index("shadow_count_by_day", shadow_count.c.day)
