"""How often Nomatron itself failed to send a message, and when its due time was written.

Safe before the old code has ended: it neither reads nor writes the columns. What waits is due at once after the
upgrade, as nobody knows under which clock its due time was written.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """Add the columns."""
    # not in batch mode, which would make the table anew and lose its AUTOINCREMENT
    op.add_column("outbox", sa.Column("crashes", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("outbox", sa.Column("put_at", _MOMENT, nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("outbox", "put_at")
    op.drop_column("outbox", "crashes")
