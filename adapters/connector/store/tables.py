# SPDX-License-Identifier: EUPL-1.2
"""Tables of the connector's store. Times are epoch seconds; documents are kept as the bytes seen."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION: Final = 2
"""Raised with every change of a table; an older file is brought up to it, a newer one refused."""

CHANGES: Final = {
    2: (
        # No rule of version 1 waited for the head, so nothing that rests there does.
        "ALTER TABLE held ADD COLUMN needs_head BOOLEAN NOT NULL DEFAULT 0",
        "ALTER TABLE held ADD COLUMN by_head BOOLEAN NOT NULL DEFAULT 0",
    ),
}
"""What brings a file to a version from the one before."""

metadata = MetaData()

schema_version = Table(
    "schema_version",
    metadata,
    Column("only", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    CheckConstraint("only = 1"),
)

agency_list = Table(
    "agency_list",
    metadata,
    Column("only", Integer, primary_key=True),
    Column("serial", Integer, nullable=False),
    Column("document", LargeBinary, nullable=False),
    CheckConstraint("only = 1"),
    comment="Newest agency list seen; a lower serial is never accepted again.",
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("log_key", Text, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    comment="Last checkpoint seen of each log, by the log's verifier key.",
)

orders = Table(
    "orders",
    metadata,
    Column("order_id", String(64), primary_key=True),
    Column("order_hash", LargeBinary, nullable=False),
    Column("statement_hash", LargeBinary, nullable=False, unique=True),
    Column("exchange", String(26), nullable=True, unique=True),
    Column("received_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Column("answer", LargeBinary, nullable=True),
    comment="Orders taken; `answer` is the exact body given, also for a repetition.",
)

held = Table(
    "held",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("exchange", String(26), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("direction", String(4), nullable=False),
    Column("other", String(64), nullable=False),
    Column("purpose", String(8), nullable=False),
    Column("fields", Text, nullable=False),
    Column("statement", Text, nullable=False),
    Column("statement_checked_at", Integer, nullable=False),
    Column("order_jws", Text, nullable=True),
    Column("file_number", Text, nullable=True),
    Column("received_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Column("needs_head", Boolean, nullable=False),
    Column("choice", String(8), nullable=True),
    Column("clerk", Text, nullable=True),
    Column("by_head", Boolean, nullable=False, default=False),
    Column("reason_code", String(64), nullable=True),
    Column("fresh_order", Text, nullable=True),
    Column("result_body", LargeBinary, nullable=True),
    Column("settled_at", Integer, nullable=True),
    Index("held_by_state", "state"),
    comment="What waits for a person. No field value; a file number only for own pushes.",
)

attention = Table(
    "attention",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("exchange", String(26), nullable=False),
    Column("code", String(32), nullable=False),
    Column("other", String(64), nullable=False),
    Column("purpose", String(8), nullable=False),
    Column("at", Integer, nullable=False),
    UniqueConstraint("exchange", "code"),
    comment="Something a person should look at; closed codes only.",
)

enquiries = Table(
    "enquiries",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("direction", String(4), nullable=False),
    Column("state", String(16), nullable=False),
    Column("exchange", String(26), nullable=True, unique=True),
    Column("other", String(64), nullable=False),
    Column("purpose", String(8), nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("statement", Text, nullable=True),
    Column("statement_hash", LargeBinary, nullable=True, unique=True),
    Column("made_at", Integer, nullable=False),
    Column("answer", LargeBinary, nullable=True),
    Column("answered_at", Integer, nullable=True),
    comment="Own enquiries and deliveries. `answer` is the wire form, fields still sealed.",
)

arrivals = Table(
    "arrivals",
    metadata,
    Column("exchange", String(26), primary_key=True),
    Column("other", String(64), nullable=False),
    Column("purpose", String(8), nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("received_at", Integer, nullable=False),
    Column("taken_at", Integer, nullable=True),
    comment="Deliveries from others, picked up, fields still sealed.",
)

seen_envelopes = Table(
    "seen_envelopes",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("manifest_hash", LargeBinary, primary_key=True),
    Column("exchange", String(26), nullable=False),
    Column("at", Integer, nullable=False),
    comment="Envelopes opened once; the same one under another exchange is a replay.",
)

evidence = Table(
    "evidence",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("at", Integer, nullable=False),
    Column("check_name", String(32), nullable=False),
    Column("exchange", String(26), nullable=True),
    Column("artefact", LargeBinary, nullable=False),
    comment="What did not hold, as signed and sealed bytes; no plain value is in them.",
)
