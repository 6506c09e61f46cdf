"""Indexes of the open deploys and of those that are due, whatever the number of those that have ended.

Safe before the old code has ended: it only loses the index of an order that it sorts by.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_OPEN = "status IN ('planning', 'waiting', 'ready', 'dispatching', 'rolling')"
_DUE = "due_at IS NOT NULL"


def upgrade() -> None:
    """Replace the two that every deploy was in."""
    op.drop_index("ix_deploys_turn", table_name="deploys")
    op.drop_index("ix_deploys_due", table_name="deploys")
    _partial("ix_deploys_open", ["service", "environment", "requested_at", "id"], _OPEN)
    _partial("ix_deploys_due", ["status", "due_at", "id", "lane"], _DUE)


def downgrade() -> None:
    """Put them back."""
    op.drop_index("ix_deploys_due", table_name="deploys")
    op.drop_index("ix_deploys_open", table_name="deploys")
    op.create_index("ix_deploys_turn", "deploys", ["status", "requested_at", "id"])
    op.create_index("ix_deploys_due", "deploys", ["status", "due_at", "id", "lane"])


def _partial(name: str, columns: list[str], condition: str) -> None:
    op.create_index(name, "deploys", columns, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))
