"""When Nomad registered a deploy, and an index that finds what landed next in a place.

Safe after the old code has ended: what it registers would have no instant, and would seem to have replaced nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
_LANDED = """
UPDATE deploys SET landed_at =
    (SELECT started_at FROM rollouts WHERE rollouts.deploy_id = deploys.id AND rollouts.number = 1)
"""


def upgrade() -> None:
    """Add both; a deploy landed when its own rollout began."""
    # not in batch mode, which would make the table anew and lose its AUTOINCREMENT
    op.add_column("deploys", sa.Column("landed_at", _MOMENT, nullable=True))
    op.execute(_LANDED)
    op.create_index("ix_deploys_landed", "deploys", ["service", "environment", "landed_at", "id"])


def downgrade() -> None:
    """Drop both."""
    op.drop_index("ix_deploys_landed", table_name="deploys")
    op.drop_column("deploys", "landed_at")
