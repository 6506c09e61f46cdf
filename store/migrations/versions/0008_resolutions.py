"""What a person said became of a deploy whose outcome Nomad cannot tell.

Safe before the old code has ended: it neither reads nor writes the column. Going back loses who is barred from
promotion, because the release was settled by a person.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no deploy of before was resolved."""
    # not in batch mode, which would make the table anew and lose its AUTOINCREMENT
    op.add_column("deploys", sa.Column("resolution", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("deploys", "resolution")
