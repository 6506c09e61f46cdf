"""From when on a plan's frozen JSON is kept, so that it can be emptied once nobody needs it.

Safe before the old code has ended: it neither reads nor writes the column. A plan that the old code still adds keeps
its JSON for ever.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
_KEPT = sa.text("kept_from IS NOT NULL")


def upgrade() -> None:
    """Add the column and its index; what is stored is kept from when it was made."""
    op.add_column("plans", sa.Column("kept_from", _MOMENT, nullable=True))
    op.execute("UPDATE plans SET kept_from = at")
    op.create_index("ix_plans_kept", "plans", ["kept_from"], sqlite_where=_KEPT, postgresql_where=_KEPT)


def downgrade() -> None:
    """Drop them; what was emptied stays empty."""
    op.drop_index("ix_plans_kept", "plans")
    op.drop_column("plans", "kept_from")
