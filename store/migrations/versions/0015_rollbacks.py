"""What a rollback goes back to.

Safe before the old code has ended: it neither reads nor writes the column, but would send a rollback as a deploy of its
release, and hold it like any other. Going back forgets which deploys are rollbacks.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no deploy so far is a rollback."""
    # not in batch mode, which would make the table anew and lose its AUTOINCREMENT
    op.add_column("deploys", sa.Column("rollback", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("deploys", "rollback")
