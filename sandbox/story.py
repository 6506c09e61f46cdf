"""The sandbox's cast and channels, and the steps of its guide through a first governed deploy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.guide import Guide, Scene, Step
from sandbox.slack.workspace import Channel, Person, UserGroup, Workspace

if TYPE_CHECKING:
    from sandbox.guide import DeployMessage

BOT = "U0NOMATRON"
ALICE, BOB, CAROL = "U0ALICE001", "U0BOB00001", "U0CAROL001"
SAM, GUS, NORA = "U0SAM00001", "U0GUS00001", "U0NORA0001"
STAGING, PRODUCTION, OPS, GENERAL = "C0STAGING1", "C0PROD0001", "C0OPS00001", "C0GENERAL1"
AUDIT = "C0AUDIT001"
DEVELOPERS, SRE = "S0DEV00001", "S0SRE00001"

SERVICE, OLD, NEW = "checkout", "v1.4.1", "v1.4.2"
TICKET = "SHOP-981"
PRODUCTION_NAMESPACE = "apps"

# The guide needs the view of Slack of those people who get a private refusal.
WATCHED = (ALICE, GUS, NORA)


@dataclass(frozen=True)
class CastMember:
    """One person: their Slack id and name, the colour of their picture, and their part in the story."""

    id: str
    name: str
    colour: str
    part: str
    guest: bool = False


CAST = (
    CastMember(ALICE, "Alice", "#b4477a", "developer, owner of checkout"),
    CastMember(BOB, "Bob", "#2f6fb5", "developer, owner of checkout"),
    CastMember(CAROL, "Carol", "#8a5cc2", "developer, owner of checkout"),
    CastMember(SAM, "Sam", "#1f7a5c", "sre"),
    CastMember(GUS, "Gus", "#a0561b", "guest, in the developers' group", guest=True),
    CastMember(NORA, "Nora", "#5c6672", "no permissions"),
)


def workspace() -> Workspace:
    """The workspace at the start: six people, five channels, two user groups, no messages."""
    everybody = [member.id for member in CAST]
    return Workspace(
        people=[
            Person(id=member.id, name=member.name.lower(), real_name=member.name, is_restricted=member.guest)
            for member in CAST
        ],
        channels=[
            Channel(id=STAGING, name="staging", members=everybody, topic="Deploys to staging"),
            Channel(id=PRODUCTION, name="production", members=everybody, topic="Deploys to production"),
            Channel(id=OPS, name="ops", members=everybody, topic="News for operators"),
            Channel(id=AUDIT, name="audit", members=everybody, topic="The daily digest of all deploys"),
            Channel(id=GENERAL, name="general", members=everybody, topic="Anything else"),
        ],
        groups=[
            UserGroup(id=DEVELOPERS, handle="developers", name="Developers", users=[ALICE, BOB, CAROL, GUS]),
            UserGroup(id=SRE, handle="sre", name="Site reliability", users=[SAM]),
        ],
    )


def about_the_cast() -> list[dict[str, Any]]:
    """The cast as JSON for the page: `{id, name, initials, colour, part}` for each, the bot last."""
    people = [
        {"id": one.id, "name": one.name, "initials": one.name[0], "colour": one.colour, "part": one.part}
        for one in CAST
    ]
    return [*people, {"id": BOT, "name": "Nomatron", "initials": "N", "colour": "#0b7d6e", "part": "app"}]


def guide() -> Guide:
    """The steps of a first governed deploy."""
    return Guide([*_request_steps(), *_refusal_steps(), *_approval_steps()])


def _request_steps() -> list[Step]:
    staging = f"/deploy {SERVICE} {NEW} to staging"
    production = f"/deploy {SERVICE} {NEW} to production because {TICKET}"
    return [
        Step(
            "Try production first",
            f"As Alice, type {production} and press Enter. Only Alice sees the reply: staging comes first.",
            _production_refused,
            ALICE, PRODUCTION, production,
        ),
        Step(
            "Deploy to staging",
            f"Type {staging} in #staging, as the reply suggests.",
            lambda scene: bool(_in_staging(scene)),
            ALICE, STAGING, staging,
        ),
        Step(
            "Watch the rollout",
            "Staging needs no approval. One message follows the rollout, and Nomad shows the same progress.",
            lambda scene: any(message.state == "Succeeded" for message in _in_staging(scene)),
            ALICE, STAGING,
        ),
        Step(
            "Promote to production",
            f"After 10 s in staging the message gets a Promote… button. Click it and enter the reason {TICKET}. "
            "#production then shows the plan, the differences from staging and the missing approvals.",
            lambda scene: bool(_in_production(scene)),
            ALICE, STAGING,
        ),
    ]  # fmt: skip


def _refusal_steps() -> list[Step]:
    reasons = {
        ALICE: "Alice requested the deploy, so production needs other people. Only Alice sees the refusal.",
        GUS: "Gus is in the right group, but he is a guest, and guests cannot approve.",
        NORA: "Nora is in no group that may approve. Each of the three refusals says who can approve instead.",
    }
    return [
        Step(
            f"Approve as {member.name}",
            f"Switch to {member.name} and click Approve in #production. {reasons[member.id]}",
            _approval_refused(member.id),
            member.id, PRODUCTION,
        )
        for member in CAST
        if member.id in WATCHED
    ]  # fmt: skip


def _approval_steps() -> list[Step]:
    return [
        Step(
            "Approve as Bob",
            "Switch to Bob and click Approve. He owns checkout and did not request this deploy: 1 of 2 approvals.",
            lambda scene: any("1 of 2" in one.block_texts or _is_past(one) for one in _in_production(scene)),
            BOB, PRODUCTION,
        ),
        Step(
            "Approve as Sam",
            "Switch to Sam and click Approve. The buttons disappear, and Nomatron registers the planned job.",
            lambda scene: any(_is_past(message) for message in _in_production(scene)),
            SAM, PRODUCTION,
        ),
        Step(
            "Watch production",
            "One canary starts first, then the rest. The message and Nomad both count the healthy allocations.",
            lambda scene: any(message.state == "Succeeded" for message in _in_production(scene)),
            SAM, PRODUCTION,
        ),
        Step(
            "Look at Nomad",
            f"In Nomad, {SERVICE} in namespace {PRODUCTION_NAMESPACE} has one version with {NEW}. "
            "Its submission names the deploy.",
            _is_one_version,
        ),
    ]  # fmt: skip


def _production_refused(scene: Scene) -> bool:
    """Whether Alice's request for production was refused, or a deploy to production exists already."""
    return scene.has_private_reply_to_command(ALICE, f"{SERVICE} {NEW} to production", "staging") or bool(
        _in_production(scene)
    )


def _in_staging(scene: Scene) -> list[DeployMessage]:
    return scene.deploys(SERVICE, NEW, "staging")


def _in_production(scene: Scene) -> list[DeployMessage]:
    return scene.deploys(SERVICE, NEW, "production")


def _is_past(message: DeployMessage) -> bool:
    """Whether the deploy has all its approvals."""
    return message.state in {"Ready", "Dispatching", "Rolling out", "Succeeded"}


def _approval_refused(person: str) -> Any:
    def done(scene: Scene) -> bool:
        return any(scene.has_private_reply_to_click(person, message.deploy) for message in _in_production(scene))

    return done


def _is_one_version(scene: Scene) -> bool:
    versions = scene.versions(SERVICE, PRODUCTION_NAMESPACE, NEW)
    ours = [message.deploy for message in _in_production(scene) if message.state == "Succeeded"]
    if len(versions) != 1:
        return False
    stamp = versions[0].get("submission_first_line") or ""
    return any(re.search(rf"\b{deploy}\b", stamp) for deploy in ours)
