"""The tables of the database. They hold no rules and are not the domain's records (``mapping`` converts)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar, Final

from sqlalchemy import (
    Boolean,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    false,
    true,
)
from sqlalchemy import Text as Plain
from sqlmodel import SQLModel

from bot.domain.actor import Actor, SlackUser
from bot.domain.audit.events import EventType
from bot.domain.catalog.variable import Declaration
from bot.domain.decision import Reason
from bot.domain.deploy.deploy import Status, WayBack
from bot.domain.deploy.dispatch import Answer
from bot.domain.deploy.message import Delivery, Note
from bot.domain.deploy.plan import Base, Change, Deviation
from bot.domain.deploy.rollout import GroupHealth, RolloutKind, RolloutStatus, RolloutWait, TaskFailure
from bot.domain.digest.schedule import FileState
from store.sql.columns import Day, Document, Json, Who, Word
from store.sql.conditions import DUE, HELD, IS_OPEN, PENDING_CARD, REPLY, REQUESTED, TABLE_REFUSED, UNJUDGED, where
from store.sql.dialects import Instant
from store.sql.fields import BIG, NUMBERED
from store.sql.fields import always as _is
from store.sql.fields import may_be as _may_be
from store.sql.fields import number as _number
from store.sql.fields import of_deploy as _of_deploy


class Row(SQLModel):
    """The base of all tables. Gives every constraint a name, which Alembic's batch mode needs."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s",
    })  # fmt: skip


class DeployRow(Row, table=True):
    """A deploy; only ``claims`` uses the columns from ``worker`` to ``fence``, only ``judging`` uses ``unjudged``."""

    __tablename__ = "deploys"
    __table_args__ = (
        where("one_dispatching", "service", "environment", condition="status = 'dispatching'", unique=True),
        where("ix_deploys_open", "service", "environment", "requested_at", "id", condition=IS_OPEN),
        where("ix_deploys_due", "status", "due_at", "id", "lane", condition=DUE),
        where("ix_deploys_unjudged", "requested_at", "id", condition=UNJUDGED),
        Index("ix_deploys_place", "service", "environment", "id"),
        Index("ix_deploys_release", "service", "environment", "release", "changed_at", "id"),
        Index("ix_deploys_ended", "service", "environment", "status", "changed_at", "id"),
        Index("ix_deploys_landed", "service", "environment", "landed_at", "id"),
        Index("ix_deploys_asked", "requester", "requested_at"),
        Index("ix_deploys_changed", "changed_at", "requested_at", "environment"),
        NUMBERED,
    )

    id: int | None = _number()
    service: str = _is(Plain)
    environment: str = _is(Plain)
    version: str = _is(Plain)
    release: str = _is(Plain)
    overrides: dict[str, Any] = _is(Json)
    reason: str | None = _may_be(Plain)
    requester: Actor = _is(Who)
    requested_at: datetime = _is(Instant)
    expires_at: datetime = _is(Instant)
    catalog: str = _is(Plain)
    nonce: str | None = _may_be(Plain)
    promotes: str = _is(Plain)
    asked_in: str = _is(Plain)
    asked_via: str = _is(Plain)
    status: Status = _is(Word(Status))
    changed_at: datetime = _is(Instant)
    due_at: datetime | None = _may_be(Instant)
    plan: int = _is(Integer)
    detail: str = _is(Plain)
    blocked: tuple[Reason, ...] = _is(Document(tuple[Reason, ...]))
    replaces: bool = _is(Boolean)
    offers: list[str] = _is(Document(tuple[str, ...]))
    worker: str | None = _may_be(Plain)
    taken_at: datetime | None = _may_be(Instant)
    held_until: datetime | None = _may_be(Instant)
    fence: int = _is(Integer, server_default="0")
    revision: int = _is(Integer, server_default="1")
    lane: str = _is(Plain, server_default="")
    dispatches: int = _is(Integer, server_default="0")
    unjudged: bool = _is(Boolean, server_default=false())
    resolution: str = _is(Plain, server_default="")
    deviation: Deviation | None = _may_be(Document(Deviation))
    landed_at: datetime | None = _may_be(Instant)
    rollback: WayBack | None = _may_be(Document(WayBack))
    reminded_at: datetime | None = _may_be(Instant)
    auto_refused: list[str] = _is(Document(tuple[str, ...]), server_default="[]")
    auto_held: list[str] = _is(Document(tuple[str, ...]), server_default="[]")


class PlanRow(Row, table=True):
    """A numbered plan of a deploy; changes only if nothing but scaled counts moved. ``retention`` has ``kept_from``."""

    __tablename__ = "plans"
    __table_args__ = (where("ix_plans_kept", "kept_from", condition="kept_from IS NOT NULL"),)

    deploy_id: int = _of_deploy(primary_key=True)
    number: int = _is(Integer, primary_key=True, autoincrement=False)
    at: datetime = _is(Instant)
    job: str = _is(Plain)
    fingerprint: str = _is(Plain)
    base_index: int = _is(BIG)
    base_version: int | None = _may_be(BIG)
    from_version: str | None = _may_be(Plain)
    changes: tuple[Change, ...] = _is(Document(tuple[Change, ...]))
    effect: str = _is(Plain)
    replaced: str = _is(Plain)
    warnings: list[str] = _is(Document(tuple[str, ...]))
    moved: list[str] = _is(Document(tuple[str, ...]))
    differs: list[str] = _is(Document(tuple[str, ...]))
    unchanged: bool = _is(Boolean)
    healthy: bool = _is(Boolean)
    compared_with: str = _is(Plain, server_default="")
    base: Base | None = _may_be(Document(Base))
    kept_from: datetime | None = _may_be(Instant)


class ApprovalRow(Row, table=True):
    """One person's approval; a void approval stays."""

    __tablename__ = "approvals"
    __table_args__ = (
        where("one_yes_each", "deploy_id", "user", condition="void = ''", unique=True),
        Index("ix_approvals_deploy", "deploy_id", "at", "id"),
        NUMBERED,
    )

    id: int | None = _number()
    deploy_id: int = _of_deploy()
    plan: int = _is(Integer)
    user: SlackUser = _is(Who)
    at: datetime = _is(Instant)
    note: str = _is(Plain)
    void: str = _is(Plain)


class AttemptRow(Row, table=True):
    """One attempt to register a plan's job with Nomad."""

    __tablename__ = "attempts"

    deploy_id: int = _of_deploy(primary_key=True)
    plan: int = _is(Integer, primary_key=True, autoincrement=False)
    number: int = _is(Integer, primary_key=True, autoincrement=False)
    at: datetime = _is(Instant)
    answer: Answer | None = _may_be(Word(Answer))
    text: str = _is(Plain)
    taken_over: datetime | None = _may_be(Instant)
    dispatch: int = _is(Integer, server_default="0")


class RolloutRow(Row, table=True):
    """A rollout in Nomad after a register, with its newest counters."""

    __tablename__ = "rollouts"

    deploy_id: int = _of_deploy(primary_key=True)
    number: int = _is(Integer, primary_key=True, autoincrement=False)
    kind: RolloutKind = _is(Word(RolloutKind))
    status: RolloutStatus = _is(Word(RolloutStatus))
    started_at: datetime = _is(Instant)
    changed_at: datetime = _is(Instant)
    job_version: int | None = _may_be(BIG)
    job_modify_index: int | None = _may_be(BIG)
    evaluation: str = _is(Plain)
    nomad_deployment: str = _is(Plain)
    groups: tuple[GroupHealth, ...] = _is(Document(tuple[GroupHealth, ...]))
    detail: str = _is(Plain)
    failure: TaskFailure | None = _may_be(Document(TaskFailure))
    reverted_to: int | None = _may_be(BIG)
    ended_at: datetime | None = _may_be(Instant)
    reverted_as: int | None = _may_be(BIG)
    waits_for: RolloutWait | None = _may_be(Word(RolloutWait))
    unplaced: tuple[str, ...] = _is(Document(tuple[str, ...]), server_default="[]")
    evaluated: bool = _is(Boolean, server_default=true())
    stuck: bool = _is(Boolean, server_default=false())
    task_failed: bool = _is(Boolean, server_default=false())


class ReleaseRow(Row, table=True):
    """One version of one service, with the text of its template; never changes."""

    __tablename__ = "releases"
    __table_args__ = (
        Index("uq_releases_fingerprint", "fingerprint", unique=True),
        Index("ix_releases_version", "service", "version", "template_name", "id"),
        NUMBERED,
    )

    id: int | None = _number()
    fingerprint: str = _is(Plain)
    service: str = _is(Plain)
    version: str = _is(Plain)
    template_name: str = _is(Plain)
    template: str = _is(Plain)
    declared: list[str] = _is(Document(frozenset[str]))
    required: list[str] = _is(Document(frozenset[str]))
    declarations: dict[str, Any] = _is(Document(Mapping[str, Declaration]), server_default="{}")


class CatalogRow(Row, table=True):
    """A catalog, with a row for each time it became active; the newest row is the active catalog."""

    __tablename__ = "catalogs"
    __table_args__ = (Index("ix_catalogs_fingerprint", "fingerprint"), NUMBERED)

    id: int | None = _number()
    fingerprint: str = _is(Plain)
    document: str = _is(Plain)
    applied_at: datetime = _is(Instant)


class AuditEventRow(Row, table=True):
    """An audit event: ``body`` is the event, and triggers keep it from being changed; other columns are for searching.

    Each filter of a page has its own index in the page's order, so that a page reads only the rows that it shows.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_at", "at", "index"),
        Index("ix_audit_events_service", "service", "at", "index"),
        Index("ix_audit_events_environment", "environment", "at", "index"),
        Index("ix_audit_events_place", "service", "environment", "at", "index"),
        Index("ix_audit_events_actor", "actor", "at", "index"),
        Index("ix_audit_events_actor_service", "actor", "service", "at", "index"),
        Index("ix_audit_events_actor_environment", "actor", "environment", "at", "index"),
        Index("ix_audit_events_actor_place", "actor", "service", "environment", "at", "index"),
        # these two answer the counts of a day without reading the bodies
        Index("ix_audit_events_type", "type", "at", "environment", "deploy", "index"),
        Index("ix_audit_events_deploy", "deploy", "type", "index", "at"),
        where("ix_audit_events_requested", "service", "deploy", condition=REQUESTED),
        where("ix_audit_events_requested_place", "service", "environment", "deploy", condition=REQUESTED),
        NUMBERED,
    )

    index: int | None = _number()
    body: bytes = _is(LargeBinary)
    at: datetime = _is(Instant)
    type: EventType = _is(Word(EventType))
    deploy: int | None = _may_be(BIG)
    service: str | None = _may_be(Plain)
    environment: str | None = _may_be(Plain)
    actor: Actor = _is(Who)


class OutboxRow(Row, table=True):
    """A message to send to Slack. Workers hold at most one row at a time of those that change a deploy's message."""

    __tablename__ = "outbox"
    __table_args__ = (
        where("one_held_for_a_message", "deploy_id", condition=HELD, unique=True),
        where("one_pending_card", "deploy_id", condition=PENDING_CARD, unique=True),
        Index("ix_outbox_due", "due_at"),
        where("ix_outbox_held", "held_until", condition="held_until IS NOT NULL"),
        Index("ix_outbox_asker", "asker", "turn"),
        Index("ix_outbox_turn", "turn"),
        where("ix_outbox_threads", "deploy_id", "id", condition=REPLY),
        NUMBERED,
    )

    id: int | None = _number()
    kind: Delivery = _is(Word(Delivery))
    deploy_id: int | None = _of_deploy(nullable=True)
    note: Note | None = _may_be(Document(Note))
    user: str = _is(Plain)
    channel: str = _is(Plain)
    ts: str = _is(Plain)
    day: str = _is(Plain)
    response_url: str = _is(Plain)
    not_before: datetime | None = _may_be(Instant)
    urgent: bool = _is(Boolean)
    created_at: datetime = _is(Instant)
    due_at: datetime = _is(Instant)
    tries: int = _is(Integer)
    worker: str | None = _may_be(Plain)
    held_until: datetime | None = _may_be(Instant)
    fence: int = _is(Integer)
    begun: bool = _is(Boolean, server_default=false())
    lane: str = _is(Plain, server_default="")
    asker: str = _is(Plain, server_default="")
    turn: int = _is(BIG, server_default="0")
    crashes: int = _is(Integer, server_default="0")
    put_at: datetime | None = _may_be(Instant)


class MessageRow(Row, table=True):
    """The channel and timestamp of a deploy's message in Slack."""

    __tablename__ = "messages"

    deploy_id: int = _of_deploy(primary_key=True)
    channel: str = _is(Plain)
    ts: str = _is(Plain)
    posting: datetime | None = _may_be(Instant)
    twice: bool = _is(Boolean)


class DigestRow(Row, table=True):
    """A channel that has a digest in the catalog, and the time from which it has had one without a break."""

    __tablename__ = "digests"

    channel: str = _is(Plain, primary_key=True)
    since: datetime = _is(Instant)


class EditionRow(Row, table=True):
    """The digest of one channel and date; the primary key prevents a second one."""

    __tablename__ = "editions"
    __table_args__ = (where("ix_editions_refused", "refused_table", condition=TABLE_REFUSED),)

    channel: str = _is(Plain, primary_key=True)
    day: date = _is(Day, primary_key=True)
    begins: datetime = _is(Instant)
    ends: datetime = _is(Instant)
    environments: tuple[str, ...] | None = _may_be(Document(tuple[str, ...]))
    timezone: str = _is(Plain)
    catalog: str = _is(Plain)
    posting: datetime | None = _may_be(Instant)
    posted_in: str = _is(Plain)
    ts: str = _is(Plain)
    posted_at: datetime | None = _may_be(Instant)
    twice: bool = _is(Boolean)
    refused_table: datetime | None = _may_be(Instant)
    file: FileState = _is(Word(FileState))
    given_up: str = _is(Plain)


class RequestRow(Row, table=True):
    """The hash of a Slack request's signature, for the replay cache."""

    __tablename__ = "requests"
    __table_args__ = (Index("ix_requests_at", "at"),)

    signature: str = _is(Plain, primary_key=True)
    at: datetime = _is(Instant)


class RefusalRow(Row, table=True):
    """A refusal that may be repeated: when it was last appended to the audit log, and how often it came since."""

    __tablename__ = "refusals"

    key: str = _is(Plain, primary_key=True)
    at: datetime = _is(Instant)
    repeated: int = _is(Integer)


deploys: Final[Table] = Row.metadata.tables["deploys"]
plans: Final[Table] = Row.metadata.tables["plans"]
approvals: Final[Table] = Row.metadata.tables["approvals"]
attempts: Final[Table] = Row.metadata.tables["attempts"]
rollouts: Final[Table] = Row.metadata.tables["rollouts"]
releases: Final[Table] = Row.metadata.tables["releases"]
catalogs: Final[Table] = Row.metadata.tables["catalogs"]
audit_events: Final[Table] = Row.metadata.tables["audit_events"]
outbox: Final[Table] = Row.metadata.tables["outbox"]
messages: Final[Table] = Row.metadata.tables["messages"]
digests: Final[Table] = Row.metadata.tables["digests"]
editions: Final[Table] = Row.metadata.tables["editions"]
requests: Final[Table] = Row.metadata.tables["requests"]
refusals: Final[Table] = Row.metadata.tables["refusals"]
