"""Everything there is at first: deploys and all that hangs on them, the catalog, the audit log, the outbox.

Safe before the new code: nothing else uses these tables yet. There is no way back but to drop the database.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# a revision is history: it names its own types, so that later changes of the code do not rewrite it
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """Create all tables, then what keeps the audit log as it was written."""
    for create in (
        _deploys,
        _plans,
        _approvals,
        _attempts,
        _rollouts,
        _releases,
        _catalogs,
        _audit_events,
        _outbox,
        _messages,
        _digests,
        _editions,
        _requests,
    ):
        create()
    if op.get_context().dialect.name == "sqlite":
        _keep_on_sqlite()
    else:
        _keep_on_postgres()


def downgrade() -> None:
    """Not offered: it would drop the audit log."""
    raise NotImplementedError("The first revision has no way back: it would drop the audit log.")


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, BIG, sa.Identity(), nullable=False)


def _deploy(*, empty: bool = False) -> sa.Column[Any]:
    return sa.Column("deploy_id", BIG, nullable=empty)


def _text(name: str, *, empty: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=empty)


def _moment(name: str, *, empty: bool = False) -> sa.Column[Any]:
    return sa.Column(name, MOMENT, nullable=empty)


def _big(name: str, *, empty: bool = False) -> sa.Column[Any]:
    return sa.Column(name, BIG, nullable=empty)


def _small(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False, **options)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _bytes(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _where(name: str, table: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _deploys() -> None:
    op.create_table(
        "deploys",
        _key("id"),
        _text("service"),
        _text("environment"),
        _text("version"),
        _text("release"),
        _text("overrides"),
        _text("reason", empty=True),
        _text("requester"),
        _moment("requested_at"),
        _moment("expires_at"),
        _text("catalog"),
        _text("nonce", empty=True),
        _text("promotes"),
        _text("asked_in"),
        _text("asked_via"),
        _text("status"),
        _moment("changed_at"),
        _moment("due_at", empty=True),
        _small("plan"),
        _text("detail"),
        _text("blocked"),
        _flag("replaces"),
        _text("offers"),
        _text("worker", empty=True),
        _moment("taken_at", empty=True),
        _moment("held_until", empty=True),
        _small("fence", server_default="0"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deploys")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deploys_place", "deploys", ["service", "environment", "id"])
    op.create_index("ix_deploys_ended", "deploys", ["service", "environment", "status", "changed_at", "id"])
    op.create_index("ix_deploys_changed", "deploys", ["changed_at", "requested_at", "environment"])
    op.create_index("ix_deploys_turn", "deploys", ["status", "requested_at", "id"])
    _where("one_dispatching", "deploys", ["service", "environment"], "status = 'dispatching'", unique=True)


def _plans() -> None:
    op.create_table(
        "plans",
        _deploy(),
        _small("number"),
        _moment("at"),
        _text("job"),
        _text("fingerprint"),
        _big("base_index"),
        _big("base_version", empty=True),
        _text("from_version", empty=True),
        _text("changes"),
        _text("effect"),
        _text("replaced"),
        _text("warnings"),
        _text("moved"),
        _text("differs"),
        _flag("unchanged"),
        _flag("healthy"),
        sa.PrimaryKeyConstraint("deploy_id", "number", name=op.f("pk_plans")),
        sa.ForeignKeyConstraint(["deploy_id"], ["deploys.id"], name=op.f("fk_plans_deploy_id")),
    )


def _approvals() -> None:
    op.create_table(
        "approvals",
        _key("id"),
        _deploy(),
        _small("plan"),
        _text("user"),
        _moment("at"),
        _text("note"),
        _text("void"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.ForeignKeyConstraint(["deploy_id"], ["deploys.id"], name=op.f("fk_approvals_deploy_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_approvals_deploy", "approvals", ["deploy_id", "at", "id"])
    _where("one_yes_each", "approvals", ["deploy_id", "user"], "void = ''", unique=True)


def _attempts() -> None:
    op.create_table(
        "attempts",
        _deploy(),
        _small("plan"),
        _small("number"),
        _moment("at"),
        _text("answer", empty=True),
        _text("text"),
        _moment("taken_over", empty=True),
        sa.PrimaryKeyConstraint("deploy_id", "plan", "number", name=op.f("pk_attempts")),
        sa.ForeignKeyConstraint(["deploy_id"], ["deploys.id"], name=op.f("fk_attempts_deploy_id")),
    )


def _rollouts() -> None:
    op.create_table(
        "rollouts",
        _deploy(),
        _small("number"),
        _text("kind"),
        _text("status"),
        _moment("started_at"),
        _moment("changed_at"),
        _big("job_version", empty=True),
        _big("job_modify_index", empty=True),
        _text("evaluation"),
        _text("nomad_deployment"),
        _text("groups"),
        _text("note"),
        _text("detail"),
        _text("failure", empty=True),
        _big("reverted_to", empty=True),
        _moment("ended_at", empty=True),
        sa.PrimaryKeyConstraint("deploy_id", "number", name=op.f("pk_rollouts")),
        sa.ForeignKeyConstraint(["deploy_id"], ["deploys.id"], name=op.f("fk_rollouts_deploy_id")),
    )


def _releases() -> None:
    op.create_table(
        "releases",
        _key("id"),
        _text("fingerprint"),
        _text("service"),
        _text("version"),
        _text("template_name"),
        _text("template"),
        _text("declared"),
        _text("required"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_releases_version", "releases", ["service", "version", "template_name", "id"])
    op.create_index("uq_releases_fingerprint", "releases", ["fingerprint"], unique=True)


def _catalogs() -> None:
    op.create_table(
        "catalogs",
        _key("id"),
        _text("fingerprint"),
        _text("document"),
        _moment("applied_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogs")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_catalogs_fingerprint", "catalogs", ["fingerprint"])


def _audit_events() -> None:
    op.create_table(
        "audit_events",
        _key("index"),
        _bytes("body"),
        _moment("at"),
        _text("type"),
        _big("deploy", empty=True),
        _text("service", empty=True),
        _text("environment", empty=True),
        _text("actor"),
        sa.PrimaryKeyConstraint("index", name=op.f("pk_audit_events")),
        sqlite_autoincrement=True,
    )
    for name, narrowed in {
        "at": [],
        "service": ["service"],
        "environment": ["environment"],
        "place": ["service", "environment"],
        "actor": ["actor"],
        "actor_service": ["actor", "service"],
        "actor_environment": ["actor", "environment"],
        "actor_place": ["actor", "service", "environment"],
    }.items():
        op.create_index(f"ix_audit_events_{name}", "audit_events", [*narrowed, "at", "index"])
    op.create_index("ix_audit_events_type", "audit_events", ["type", "at", "environment", "deploy", "index"])
    op.create_index("ix_audit_events_deploy", "audit_events", ["deploy", "type", "index", "at"])
    requested = "type = 'deploy.requested'"
    _where("ix_audit_events_requested", "audit_events", ["service", "deploy"], requested)
    _where("ix_audit_events_requested_place", "audit_events", ["service", "environment", "deploy"], requested)


def _outbox() -> None:
    op.create_table(
        "outbox",
        _key("id"),
        _text("kind"),
        _deploy(empty=True),
        _text("note", empty=True),
        _text("user"),
        _text("channel"),
        _text("ts"),
        _text("day"),
        _text("response_url"),
        _moment("not_before", empty=True),
        _flag("urgent"),
        _moment("created_at"),
        _moment("due_at"),
        _small("tries"),
        _text("worker", empty=True),
        _moment("held_until", empty=True),
        _small("fence"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.ForeignKeyConstraint(["deploy_id"], ["deploys.id"], name=op.f("fk_outbox_deploy_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_due", "outbox", ["due_at"])
    _where("ix_outbox_held", "outbox", ["held_until"], "held_until IS NOT NULL")
    _where("ix_outbox_threads", "outbox", ["deploy_id", "id"], "kind = 'thread'")
    _where(
        "one_held_for_a_message",
        "outbox",
        ["deploy_id"],
        "held_until IS NOT NULL AND kind IN ('card', 'thread')",
        unique=True,
    )
    _where("one_pending_card", "outbox", ["deploy_id"], "held_until IS NULL AND kind = 'card'", unique=True)


def _messages() -> None:
    op.create_table(
        "messages",
        _deploy(),
        _text("channel"),
        _text("ts"),
        _moment("posting", empty=True),
        _flag("twice"),
        sa.PrimaryKeyConstraint("deploy_id", name=op.f("pk_messages")),
        sa.ForeignKeyConstraint(["deploy_id"], ["deploys.id"], name=op.f("fk_messages_deploy_id")),
    )


def _digests() -> None:
    op.create_table(
        "digests",
        _text("channel"),
        _moment("since"),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_digests")),
    )


def _editions() -> None:
    op.create_table(
        "editions",
        _text("channel"),
        _text("day"),
        _moment("begins"),
        _moment("ends"),
        _text("environments", empty=True),
        _text("timezone"),
        _text("catalog"),
        _moment("posting", empty=True),
        _text("posted_in"),
        _text("ts"),
        _moment("posted_at", empty=True),
        _flag("twice"),
        _moment("refused_table", empty=True),
        _text("file"),
        _text("given_up"),
        sa.PrimaryKeyConstraint("channel", "day", name=op.f("pk_editions")),
    )
    _where("ix_editions_refused", "editions", ["refused_table"], "refused_table IS NOT NULL")


def _requests() -> None:
    op.create_table(
        "requests",
        _text("signature"),
        _moment("at"),
        sa.PrimaryKeyConstraint("signature", name=op.f("pk_requests")),
    )
    op.create_index("ix_requests_at", "requests", ["at"])


def _keep_on_sqlite() -> None:
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_events_refuse_{change.lower()} BEFORE {change} ON audit_events "
            "BEGIN SELECT RAISE(ABORT, 'audit events stay as they were written'); END"
        )


def _keep_on_postgres() -> None:
    # the same refusal; TRUNCATE fires no row trigger, so this one is for the statement. An owner of the table can
    # drop it: it keeps accidents out, and the signed checkpoints show everything else
    op.execute(
        "CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit events stay as they were written'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_events_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse()"
    )
