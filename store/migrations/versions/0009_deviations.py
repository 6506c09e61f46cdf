"""The first thing that was seen to end the run of what a deploy proved, and an index of a release's deploys.

Safe before the old code has ended: it neither reads nor writes the column. Going back forgets which soaks were broken
in Nomad.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both; nothing was seen of what ran before."""
    # not in batch mode, which would make the table anew and lose its AUTOINCREMENT
    op.add_column("deploys", sa.Column("deviation", sa.Text(), nullable=True))
    op.create_index("ix_deploys_release", "deploys", ["service", "environment", "release", "changed_at", "id"])


def downgrade() -> None:
    """Drop both."""
    op.drop_index("ix_deploys_release", table_name="deploys")
    op.drop_column("deploys", "deviation")
