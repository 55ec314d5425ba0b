# SPDX-License-Identifier: EUPL-1.2
"""Decisions are kept for looking back, as codes by the day; and what a candidate would change."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables. What was decided before is not kept: only the log tells of it."""
    op.create_table(
        "decided_input",
        sa.Column(
            "key",
            sa.String(length=64),
            nullable=False,
            comment="SHA-256 over all that follows but times",
        ),
        sa.Column("day", sa.String(length=10), nullable=False, comment="UTC; no time of day"),
        sa.Column(
            "bundle",
            sa.String(length=64),
            nullable=False,
            comment="digest of the rules that decided",
        ),
        sa.Column("engine", sa.Text(), nullable=False, comment="name and version"),
        sa.Column(
            "question",
            sa.Text(),
            nullable=False,
            comment="canonical JSON: kinds and codes, no instance",
        ),
        sa.Column(
            "result",
            sa.Text(),
            nullable=False,
            comment="canonical JSON: outcome, rule, reasons by field",
        ),
        sa.Column(
            "times",
            sa.BigInteger(),
            nullable=False,
            comment="decisions of that day that were equal",
        ),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("decided_input_by_day", "decided_input", ["day"], unique=False)
    op.create_table(
        "shadow_count",
        sa.Column(
            "key",
            sa.String(length=64),
            nullable=False,
            comment="SHA-256 over all that follows but times",
        ),
        sa.Column("day", sa.String(length=10), nullable=False, comment="UTC; no time of day"),
        sa.Column(
            "candidate",
            sa.String(length=64),
            nullable=False,
            comment="digest of the rules that were tried",
        ),
        sa.Column(
            "today",
            sa.String(length=64),
            nullable=False,
            comment="digest of the rules that decided",
        ),
        sa.Column(
            "counted",
            sa.String(length=20),
            nullable=False,
            comment="a change, compared or dropped",
        ),
        sa.Column("from_kind", sa.String(length=64), nullable=False),
        sa.Column("to_kind", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False, comment="a field or an obligation"),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("shadow_count_by_day", "shadow_count", ["day"], unique=False)
