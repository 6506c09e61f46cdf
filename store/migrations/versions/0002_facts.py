"""Facts in columns of their own: why a rollout waits, its revert, and which environment a plan was compared with.

Safe after the old code has ended, which writes a column that is dropped. There is no way back: its text is lost.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns, carry over which running rollouts are stuck, and drop the old notes."""
    with op.batch_alter_table("plans") as plans:
        plans.add_column(sa.Column("compared_with", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("rollouts") as rollouts:
        rollouts.add_column(sa.Column("reverted_as", BIG, nullable=True))
        rollouts.add_column(sa.Column("waits_for", sa.Text(), nullable=True))
        rollouts.add_column(sa.Column("unplaced", sa.Text(), nullable=False, server_default="[]"))
        rollouts.add_column(sa.Column("evaluated", sa.Boolean(), nullable=False, server_default=sa.true()))
        rollouts.add_column(sa.Column("stuck", sa.Boolean(), nullable=False, server_default=sa.false()))
        rollouts.add_column(sa.Column("task_failed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(sa.text("UPDATE rollouts SET stuck = (status = 'running' AND note LIKE 'stuck%')"))
    with op.batch_alter_table("rollouts", recreate="auto") as rollouts:
        rollouts.drop_column("note")


def downgrade() -> None:
    """Not offered: the sentences that the old code shows are gone."""
    raise NotImplementedError("This revision has no way back: the old code shows sentences that are gone.")
