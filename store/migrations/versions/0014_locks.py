"""Locks on a service in an environment, an environment or everything; ended ones stay, for the audit.

Safe before the old code has ended, but that code is held by no lock.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CURRENT = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Add the table; at most one lock closes exactly the same at a time."""
    op.create_table(
        "locks",
        sa.Column("id", _BIG, sa.Identity(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("placed_at", _MOMENT, nullable=False),
        sa.Column("until", _MOMENT, nullable=True),
        sa.Column("rollback", _BIG, nullable=True),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_because", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["rollback"], ["deploys.id"], name="fk_locks_rollback"),
        sa.PrimaryKeyConstraint("id", name="pk_locks"),
        sqlite_autoincrement=True,
    )
    columns = ["environment", "service"]
    op.create_index("one_lock_each", "locks", columns, unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT)


def downgrade() -> None:
    """Drop it: nothing is locked any more."""
    op.drop_table("locks")
