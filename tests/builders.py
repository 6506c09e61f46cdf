"""Records that are valid as they come; keywords make them differ."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.domain.access import Grant, Group, Membership, Permission, Person
from bot.domain.actor import SlackUser
from bot.domain.audit.events import Event, EventType
from bot.domain.audit.history import Entry
from bot.domain.catalog.catalog import SERVICE_OWNERS, Catalog
from bot.domain.catalog.environment import Cluster, Environment, Rule
from bot.domain.catalog.release import Release
from bot.domain.catalog.service import Placement, Service, Template
from bot.domain.deploy.approval import Approval
from bot.domain.deploy.deploy import Deploy, Status
from bot.domain.deploy.dispatch import Attempt
from bot.domain.deploy.message import Delivery, Note, Outgoing, Posted
from bot.domain.deploy.plan import Change, Plan, fingerprint, job_text
from bot.domain.deploy.rollout import AllocationState, GroupHealth, Rollout, RolloutKind, RolloutStatus
from bot.domain.locks import Lock
from tests.clocks import NOON

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from bot.domain.deploy.plan import Job
    from bot.ports.store import Reading

TEAM = "T0NOMATRON"
ALICE, BOB, CAROL = SlackUser(TEAM, "U0ALICE001"), SlackUser(TEAM, "U0BOB00001"), SlackUser(TEAM, "U0CAROL001")
SAM, GUS, NORA = SlackUser(TEAM, "U0SAM00001"), SlackUser(TEAM, "U0GUS00001"), SlackUser(TEAM, "U0NORA0001")
DEVELOPERS, SRE = "S0DEV00001", "S0SRE00001"
USERGROUPS = {
    DEVELOPERS: frozenset({ALICE.id, BOB.id, CAROL.id, GUS.id}),
    SRE: frozenset({SAM.id}),
}
JOBSPEC = 'variable "version" { type = string }\njob "checkout" {}\n'


def a_draft(**changes: Any) -> Deploy:
    """Alice requests checkout v1.4.2 in staging at noon: `a_release()` under `a_catalog()`; it has no number yet."""
    fields: dict[str, Any] = {
        "service": "checkout",
        "environment": "staging",
        "version": "v1.4.2",
        "overrides": {},
        "reason": None,
        "requester": ALICE,
        "requested_at": NOON,
        "expires_at": NOON + timedelta(hours=24),
        "catalog": a_catalog().fingerprint,
    }
    given = {**fields, **changes}
    given.setdefault("release", a_release(service=given["service"], version=given["version"]).fingerprint)
    given.setdefault("changed_at", given["requested_at"])
    given.setdefault("due_at", given["requested_at"])
    return Deploy(**given)


def a_deploy(id: int = 1, status: Status = Status.PLANNING, **changes: Any) -> Deploy:  # noqa: A002 -- the record's word
    """``a_draft()`` with a number, in any state."""
    return a_draft(id=id, status=status, **changes)


async def every_deploy(reading: Reading) -> tuple[Deploy, ...]:
    """All deploys there are, in order of their numbers; none may have been left out."""
    found: list[Deploy] = []
    while (deploy := await reading.deploy(len(found) + 1)) is not None:
        found.append(deploy)
    return tuple(found)


def a_job(image: str = "registry.example/checkout:v1.4.2", **changes: Any) -> Job:
    """The job that Nomad's parser would make: one group of two."""
    task = {"Name": "app", "Driver": "docker", "Config": {"image": image}}
    group = {"Name": "web", "Count": 2, "Tasks": [task]}
    return {"ID": "checkout", "Name": "checkout", "Type": "service", "TaskGroups": [group], **changes}


def a_live_job(version: int = 3, index: int = 41, **changes: Any) -> Job:
    """The job as a running Nomad shows it, with its own fields."""
    server = {"Version": version, "JobModifyIndex": index, "Stable": True, "Stop": False, "Status": "running"}
    return {**a_job("registry.example/checkout:v1.4.1"), **server, **changes}


def a_plan(deploy_id: int = 1, number: int = 1, *, job: Job | None = None, **changes: Any) -> Plan:
    """A plan against ``a_live_job()``."""
    rendered, live = job or a_job(), a_live_job()
    fields: dict[str, Any] = {
        "deploy_id": deploy_id,
        "number": number,
        "at": NOON,
        "job": job_text(rendered),
        "fingerprint": fingerprint(rendered, live, release="0" * 64, environment="staging"),
        "base_index": live["JobModifyIndex"],
        "base_version": live["Version"],
        "from_version": "v1.4.1",
        "changes": (Change(path=("group web", "task app", "image"), kind="Edited", old="v1.4.1", new="v1.4.2"),),
        "effect": "replaces 2 allocations of group web",
    }
    return Plan(**{**fields, **changes})


def an_approval(deploy_id: int = 1, plan: int = 1, user: SlackUser = SAM, **changes: Any) -> Approval:
    """Sam's yes, a minute after noon."""
    fields: dict[str, Any] = {"at": NOON + timedelta(minutes=1)}
    return Approval(deploy_id=deploy_id, plan=plan, user=user, **{**fields, **changes})


def an_attempt(deploy_id: int = 1, plan: int = 1, number: int = 1, **changes: Any) -> Attempt:
    """An attempt without an answer yet."""
    fields: dict[str, Any] = {"at": NOON + timedelta(minutes=2)}
    return Attempt(deploy_id=deploy_id, plan=plan, number=number, **{**fields, **changes})


def a_rollout(deploy_id: int = 1, number: int = 1, **changes: Any) -> Rollout:
    """Our own rollout, one of two allocations healthy."""
    fields: dict[str, Any] = {
        "kind": RolloutKind.DEPLOY,
        "status": RolloutStatus.RUNNING,
        "started_at": NOON + timedelta(minutes=3),
        "changed_at": NOON + timedelta(minutes=3),
        "job_version": 4,
        "job_modify_index": 47,
        "groups": (GroupHealth(name="web", desired=2, placed=2, healthy=1),),
    }
    return Rollout(deploy_id=deploy_id, number=number, **{**fields, **changes})


def an_allocation(**changes: Any) -> AllocationState:
    """A running allocation of job version 1."""
    fields: dict[str, Any] = {"group": "web", "job_version": 1, "client_status": "running", "desired_status": "run"}
    return AllocationState(**{"id": "a-1", **fields, **changes})


def a_release(**changes: Any) -> Release:
    """checkout v1.4.2 with its template's text."""
    fields: dict[str, Any] = {
        "service": "checkout",
        "version": "v1.4.2",
        "template_name": "web",
        "template": JOBSPEC,
        "declared": frozenset({"version"}),
        "required": frozenset({"version"}),
    }
    return Release(**{**fields, **changes})


def an_event(type: EventType = EventType.DEPLOY_REQUESTED, **changes: Any) -> Event:  # noqa: A002 -- the record's word
    """Something Alice did with D-1 at noon."""
    fields: dict[str, Any] = {
        "at": NOON,
        "actor": ALICE,
        "deploy_id": 1,
        "service": "checkout",
        "environment": "staging",
    }
    return Event(type=type, **{**fields, **changes})


def an_entry(deploy_id: int = 1, **changes: Any) -> Entry:
    """What D-1's events tell right after Alice asked for it at noon."""
    fields: dict[str, Any] = {
        "service": "checkout",
        "environment": "production",
        "version": "v1.4.2",
        "requester": ALICE,
        "requested_at": NOON,
        "expires_at": NOON + timedelta(hours=24),
        "reason": "",
        "changed_at": NOON,
    }
    return Entry(deploy_id=deploy_id, **{**fields, **changes})


def a_lock(**changes: Any) -> Lock:
    """Sam closed production at noon, until somebody lifts the lock."""
    fields: dict[str, Any] = {
        "environment": "production",
        "reason": "the database moves",
        "holder": SAM,
        "placed_at": NOON,
    }
    return Lock(**{**fields, **changes})


def a_note(text: str = "Something happened.", **changes: Any) -> Note:
    """A sentence to say."""
    return Note(text=text, **changes)


def an_outgoing(kind: Delivery = Delivery.CARD, deploy_id: int | None = 1, **changes: Any) -> Outgoing:
    """An intent of any kind; every kind but CARD and STRIP comes with a note."""
    fields: dict[str, Any] = {} if kind in {Delivery.CARD, Delivery.STRIP} else {"note": a_note()}
    return Outgoing(kind=kind, deploy_id=deploy_id, **{**fields, **changes})


def a_posted(deploy_id: int = 1, **changes: Any) -> Posted:
    """A message that stands in #staging."""
    fields: dict[str, Any] = {"channel": "C0STAGING1", "ts": "1763726400.000100"}
    return Posted(deploy_id=deploy_id, **{**fields, **changes})


def a_person(user: SlackUser = ALICE, **changes: Any) -> Person:
    """An active person of our own team."""
    return Person(**{"id": user.id, "team": user.team, **changes})


def a_membership(
    *people: Person, usergroups: Mapping[str, Iterable[str]] | None = None, at: datetime = NOON
) -> Membership:
    """The cast as Slack knows it, Gus being a guest; ``people`` replace or join them."""
    cast = [*(a_person(user) for user in (ALICE, BOB, CAROL, SAM, NORA)), a_person(GUS, guest=True), *people]
    groups = usergroups if usergroups is not None else USERGROUPS
    return Membership(
        team=TEAM,
        at=at,
        usergroups={key: frozenset(users) for key, users in groups.items()},
        people={person.id: person for person in cast},
    )


def a_template(name: str = "web", **changes: Any) -> Template:
    """A template whose one required variable is the version."""
    fields: dict[str, Any] = {
        "file": f"templates/{name}.nomad.hcl",
        "text": JOBSPEC,
        "declared": frozenset({"version", "region", "count"}),
        "required": frozenset({"version"}),
        "variables": {},
    }
    return Template(name=name, **{**fields, **changes})


def an_environment(name: str = "staging", **changes: Any) -> Environment:
    """An environment of the one cluster, with no approval rule."""
    fields: dict[str, Any] = {
        "cluster": "main",
        "namespace": name,
        "channel": "C0STAGING1",
        "variables": {},
        "approvals": (),
    }
    return Environment(name=name, **{**fields, **changes})


def a_placement(environment: str = "staging", **changes: Any) -> Placement:
    """Deployed there, with nothing special."""
    return Placement(environment=environment, **{"variables": {}, **changes})


def a_service(name: str = "checkout", **changes: Any) -> Service:
    """A service of the developers, deployed to staging and production."""
    fields: dict[str, Any] = {
        "template": "web",
        "owners": "developers",
        "job": name,
        "version_variable": "version",
        "compare": None,
        "variables": {},
        "settable": frozenset({"count"}),
        "show": frozenset(),
        "placements": {each: a_placement(each) for each in ("staging", "production")},
    }
    return Service(name=name, **{**fields, **changes})


def a_catalog(**changes: Any) -> Catalog:
    """Staging is free; production needs one of sre and one of the service's owners. Developers may request."""
    production = {"channel": "C0PROD0001", "approvals": (Rule("sre"), Rule(SERVICE_OWNERS))}
    fields: dict[str, Any] = {
        "timezone": "UTC",
        "admin_channel": "C0OPS00001",
        "groups": {
            "developers": Group("developers", usergroup=DEVELOPERS),
            "sre": Group("sre", usergroup=SRE),
        },
        "grants": (
            Grant("developers", frozenset({Permission.REQUEST, Permission.WITHDRAW, Permission.ROLLBACK})),
            Grant("sre", frozenset(Permission)),
        ),
        "clusters": {"main": Cluster(name="main", address="http://127.0.0.1:4646")},
        "environments": {
            "staging": an_environment(),
            "production": an_environment("production", **production),
        },
        "templates": {"web": a_template()},
        "services": {"checkout": a_service()},
    }
    return Catalog(**{**fields, **changes})
