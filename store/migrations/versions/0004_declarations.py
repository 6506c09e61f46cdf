"""What a release's template declares about each variable: type, default, description, validations.

Safe before the old code has ended: it does not know the column, and what it writes has no declarations.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; releases of before have no declarations."""
    with op.batch_alter_table("releases") as releases:
        releases.add_column(sa.Column("declarations", sa.Text(), nullable=False, server_default="{}"))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("releases") as releases:
        releases.drop_column("declarations")
