# SPDX-License-Identifier: EUPL-1.2
"""A choice of retrieval says whether the person confirmed the preview; older ones do not."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was chosen before it existed was confirmed by nobody."""
    op.add_column(
        "permission",
        sa.Column(
            "preview_confirmed",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="of a choice of retrieval",
        ),
    )
