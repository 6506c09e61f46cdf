"""Lanes: the cluster of each open deploy, the number of its dispatch, and whether a new catalog has to judge it.

Safe after the old code has ended: it would add deploys without a lane, and attempts without the number of their
dispatch.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

DISPATCHING = "UPDATE deploys SET dispatches = 1 WHERE status = 'dispatching'"
THEIR_ATTEMPTS = """
UPDATE attempts SET dispatch = 1 WHERE EXISTS (
    SELECT 1 FROM deploys WHERE deploys.id = attempts.deploy_id AND deploys.plan = attempts.plan
    AND deploys.status = 'dispatching' AND attempts.at >= deploys.changed_at
)
"""
"""What told the attempts of a dispatch from those of earlier ones until now."""
PLACES = "SELECT DISTINCT catalog, environment FROM deploys WHERE due_at IS NOT NULL"
LANE = """
UPDATE deploys SET lane = :lane WHERE catalog = :catalog AND environment = :environment AND due_at IS NOT NULL
"""


def upgrade() -> None:
    """Add the columns, and fill them for the deploys that a worker still looks at."""
    # not in batch mode, which would make the table anew and lose its AUTOINCREMENT
    op.add_column("deploys", sa.Column("lane", sa.Text(), nullable=False, server_default=""))
    op.add_column("deploys", sa.Column("dispatches", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("deploys", sa.Column("unjudged", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("attempts", sa.Column("dispatch", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_deploys_due", "deploys", ["status", "due_at", "id", "lane"])
    marked = sa.text("unjudged")
    op.create_index(
        "ix_deploys_unjudged", "deploys", ["requested_at", "id"], sqlite_where=marked, postgresql_where=marked
    )
    op.execute(DISPATCHING)
    op.execute(THEIR_ATTEMPTS)
    _fill_lanes()


def _fill_lanes() -> None:
    connection = op.get_bind()
    for catalog, environment in connection.execute(sa.text(PLACES)).all():
        stored = sa.text("SELECT document FROM catalogs WHERE fingerprint = :catalog LIMIT 1")
        document: dict[str, Any] = json.loads(connection.execute(stored, {"catalog": catalog}).scalar() or "{}")
        placed = document.get("environments", {}).get(environment, {})
        cluster = document.get("clusters", {}).get(placed.get("cluster"), {})
        lane = f"{cluster.get('address', '')} {cluster.get('region') or ''}".strip()
        connection.execute(sa.text(LANE), {"lane": lane, "catalog": catalog, "environment": environment})


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_deploys_unjudged", "deploys")
    op.drop_index("ix_deploys_due", "deploys")
    op.drop_column("attempts", "dispatch")
    for name in ("unjudged", "dispatches", "lane"):
        op.drop_column("deploys", name)
