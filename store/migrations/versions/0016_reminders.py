"""When a deploy's approvers were reminded, and the environments its automatic promotion was refused or held for.

Safe before the old code has ended: it leaves the columns as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """Add the columns: nobody was reminded of anything, and nothing was refused."""
    # not in batch mode, which would make the table anew and lose its AUTOINCREMENT
    op.add_column("deploys", sa.Column("reminded_at", _MOMENT, nullable=True))
    op.add_column("deploys", sa.Column("auto_refused", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("deploys", sa.Column("auto_held", sa.Text(), nullable=False, server_default="[]"))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("deploys", "auto_held")
    op.drop_column("deploys", "auto_refused")
    op.drop_column("deploys", "reminded_at")
