"""The revision of a deploy's release: which of the template texts of its version it has.

Safe before the old code has ended: it neither reads nor writes the column, and keeps a version to its first template
text, which is the first revision.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


NUMBER = """
UPDATE deploys SET revision = 1 + (
    SELECT count(*) FROM releases AS older JOIN releases AS mine
    ON older.service = mine.service AND older.version = mine.version AND older.template_name = mine.template_name
    WHERE mine.fingerprint = deploys.release AND older.id < mine.id
)
"""
"""A text that Nomad had refused left a release, too, so a deploy of before may have a later one."""


def upgrade() -> None:
    """Add the column, and number the deploys of before."""
    with op.batch_alter_table("deploys") as deploys:
        deploys.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
    op.execute(NUMBER)


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("deploys") as deploys:
        deploys.drop_column("revision")
