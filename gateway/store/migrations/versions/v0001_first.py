# SPDX-License-Identifier: EUPL-1.2
"""First version: exchanges, mailbox, permissions, sealed links, used assertions, and the log."""

import sqlalchemy as sa
from alembic import op

from audit.store import metadata as audit_metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables; the log brings its own, with the triggers that stop mistakes."""
    audit_metadata.create_all(op.get_bind())
    op.create_table(
        "exchange",
        sa.Column("id", sa.String(length=26), nullable=False, comment="ULID"),
        sa.Column("direction", sa.String(length=4), nullable=False, comment="pull or push"),
        sa.Column("from_agency", sa.String(length=64), nullable=False),
        sa.Column("to_agency", sa.String(length=64), nullable=False),
        sa.Column("by_agency", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column(
            "statement", sa.Text(), nullable=False, comment="the caller's signed JWS; codes only"
        ),
        sa.Column("statement_hash", sa.String(length=64), nullable=False, comment="stops a replay"),
        sa.Column(
            "decision", sa.Text(), nullable=False, comment="the decision token in force, a JWS"
        ),
        sa.Column(
            "decided", sa.Text(), nullable=False, comment="JSON: the decision per field, in codes"
        ),
        sa.Column(
            "guard",
            sa.Text(),
            nullable=False,
            comment="JSON: permissions relied on; emptied at the end",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "closes_at", sa.BigInteger(), nullable=False, comment="after this the sweeper closes it"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("statement_hash"),
    )
    op.create_index("exchange_by_state", "exchange", ["state", "closes_at"], unique=False)
    op.create_table(
        "link_account",
        sa.Column(
            "key", sa.LargeBinary(), nullable=False, comment="T3: keyed hash of portal account"
        ),
        sa.Column(
            "sealed", sa.LargeBinary(), nullable=False, comment="needs the sign-in's secret too"
        ),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "link_agency",
        sa.Column(
            "key", sa.LargeBinary(), nullable=False, comment="T1: keyed hash of agency and index"
        ),
        sa.Column(
            "sealed",
            sa.LargeBinary(),
            nullable=False,
            comment="needs the agency's unlock value too",
        ),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "link_code",
        sa.Column(
            "key", sa.LargeBinary(), nullable=False, comment="keyed hash of the look-up half"
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "link_person",
        sa.Column(
            "key", sa.LargeBinary(), nullable=False, comment="T2: keyed hash of person and agency"
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "mailbox",
        sa.Column("exchange", sa.String(length=26), nullable=False),
        sa.Column("recipient", sa.String(length=64), nullable=False),
        sa.Column(
            "payload", sa.LargeBinary(), nullable=False, comment="sealed fields, wrapped once more"
        ),
        sa.Column(
            "disclosed",
            sa.Boolean(),
            nullable=False,
            comment="picked up once, not yet acknowledged",
        ),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("exchange"),
    )
    op.create_index("mailbox_by_recipient", "mailbox", ["recipient"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("order_id", sa.String(length=32), nullable=False),
        sa.Column("exchange", sa.String(length=26), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column(
            "sealed_references",
            sa.LargeBinary(),
            nullable=False,
            comment="wrapped: they repeat per person",
        ),
        sa.Column(
            "intent_entry",
            sa.String(length=64),
            nullable=False,
            comment="the receipt is made from it",
        ),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("order_id"),
        sa.UniqueConstraint("exchange"),
    )
    op.create_table(
        "permission",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv4: tells no time"),
        sa.Column(
            "consent_index", sa.String(length=64), nullable=False, comment="keyed by the link key"
        ),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("from_agency", sa.String(length=64), nullable=False),
        sa.Column("to_agency", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column(
            "fields", sa.Text(), nullable=False, comment="JSON list of field codes, never values"
        ),
        sa.Column("single_use", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.String(length=12),
            nullable=False,
            comment="newest event; only given/renewed count",
        ),
        sa.Column(
            "spent_by",
            sa.String(length=26),
            nullable=True,
            comment="exchange that spent a single use",
        ),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False, comment="JSON: the immutable record"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "permission_by_person", "permission", ["consent_index", "from_agency"], unique=False
    )
    op.create_table(
        "permission_event",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("permission", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="JSON: the append-only event"),
        sa.Column("log_entry", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "permission_event_order", "permission_event", ["permission", "sequence"], unique=True
    )
    op.create_table(
        "used_jti",
        sa.Column(
            "jti", sa.String(length=64), nullable=False, comment="SHA-256 over agency and jti, hex"
        ),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, comment="forgotten afterwards"),
        sa.PrimaryKeyConstraint("jti"),
    )
    op.create_index("used_jti_by_expiry", "used_jti", ["expires_at"], unique=False)
