"""Whether a message's post has begun, and whose share and which channel of the outbox it takes; counts of refusals.

Safe before the old code has ended: it reads none of the columns, and what it adds has their defaults: sent as if
nobody in particular had asked for it, ahead of the others.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


_MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns, and the indexes that find a requester's last turn and the first of all."""
    # not as a batch, which would make the table anew, and without the numbers that are never used again
    op.add_column("outbox", sa.Column("begun", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("outbox", sa.Column("lane", sa.Text(), nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("asker", sa.Text(), nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("turn", _BIG, nullable=False, server_default="0"))
    op.create_index("ix_outbox_asker", "outbox", ["asker", "turn"])
    op.create_index("ix_outbox_turn", "outbox", ["turn"])
    op.create_index("ix_deploys_asked", "deploys", ["requester", "requested_at"])
    op.create_table(
        "refusals",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_refusals"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("refusals")
    op.drop_index("ix_deploys_asked", "deploys")
    op.drop_index("ix_outbox_turn", "outbox")
    op.drop_index("ix_outbox_asker", "outbox")
    for column in ("turn", "asker", "lane", "begun"):
        op.drop_column("outbox", column)
