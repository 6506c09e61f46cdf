"""What a plan replaces, in a column of its own: the job version, and the deploy or the token that made it.

Safe before the old code has ended: it neither reads nor writes the column.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; plans of before have none."""
    with op.batch_alter_table("plans") as plans:
        plans.add_column(sa.Column("base", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("plans") as plans:
        plans.drop_column("base")
