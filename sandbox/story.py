"""Who is in the sandbox, and the story that its guide tells: the first governed deploy."""

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

# Whose view of Slack the guide looks at: those who are refused, in private.
WATCHED = (ALICE, GUS, NORA)


@dataclass(frozen=True)
class CastMember:
    """One person: how Slack names them, the colour of their picture, and what they are in the story."""

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
    CastMember(NORA, "Nora", "#5c6672", "no rights here"),
)


def workspace() -> Workspace:
    """The workspace at the start: six people, five channels, two user groups, nothing said yet."""
    everybody = [member.id for member in CAST]
    return Workspace(
        people=[
            Person(id=member.id, name=member.name.lower(), real_name=member.name, is_restricted=member.guest)
            for member in CAST
        ],
        channels=[
            Channel(id=STAGING, name="staging", members=everybody, topic="Deploys to staging"),
            Channel(id=PRODUCTION, name="production", members=everybody, topic="Deploys to production"),
            Channel(id=OPS, name="ops", members=everybody, topic="What operators must know"),
            Channel(id=AUDIT, name="audit", members=everybody, topic="The daily digest of all deploys"),
            Channel(id=GENERAL, name="general", members=everybody, topic="Anything else"),
        ],
        groups=[
            UserGroup(id=DEVELOPERS, handle="developers", name="Developers", users=[ALICE, BOB, CAROL, GUS]),
            UserGroup(id=SRE, handle="sre", name="Site reliability", users=[SAM]),
        ],
    )


def about_the_cast() -> list[dict[str, Any]]:
    """The cast as the page draws it: `{id, name, initials, colour, part}`, the bot last."""
    people = [
        {"id": one.id, "name": one.name, "initials": one.name[0], "colour": one.colour, "part": one.part}
        for one in CAST
    ]
    return [*people, {"id": BOT, "name": "Nomatron", "initials": "N", "colour": "#0b7d6e", "part": "app"}]


def guide() -> Guide:
    """The guided first deploy."""
    return Guide([*_asking(), *_refusals(), *_approving()])


def _asking() -> list[Step]:
    staging = f"/deploy {SERVICE} {NEW} to staging"
    production = f"/deploy {SERVICE} {NEW} to production because {TICKET}"
    return [
        Step(
            "Ask for production",
            f"As Alice, type {production} and press Enter. Only Alice sees the answer: staging comes first.",
            _turned_away,
            ALICE, PRODUCTION, production,
        ),
        Step(
            "Ask for staging",
            f"Type {staging} in #staging, as the answer says.",
            lambda scene: bool(_in_staging(scene)),
            ALICE, STAGING, staging,
        ),
        Step(
            "Watch it run",
            "Nobody needs to approve in staging. One message keeps up with the rollout; Nomad shows the same.",
            lambda scene: any(message.state == "Succeeded" for message in _in_staging(scene)),
            ALICE, STAGING,
        ),
        Step(
            "Promote it",
            f"After 10 s in staging the message gets a button: click Promote…, and give the reason {TICKET}. "
            "In #production come the plan, what differs from staging, and the missing approvals.",
            lambda scene: bool(_in_production(scene)),
            ALICE, STAGING,
        ),
    ]  # fmt: skip


def _refusals() -> list[Step]:
    whys = {
        ALICE: "You asked for it, and production needs other people. The refusal is for your eyes only.",
        GUS: "Gus is in the right group, but a guest: guests never count.",
        NORA: "Nora is in no group that a rule names. Three clicks, three reasons, and who can approve instead.",
    }
    return [
        Step(
            f"Approve as {member.name}",
            f"Be {member.name}, and click Approve in #production. {whys[member.id]}",
            _refused(member.id),
            member.id, PRODUCTION,
        )
        for member in CAST
        if member.id in WATCHED
    ]  # fmt: skip


def _approving() -> list[Step]:
    return [
        Step(
            "Approve as Bob",
            "Be Bob, and click Approve. He owns checkout and did not ask: he fills the owners' seat, 1 of 2.",
            lambda scene: any("1 of 2" in message.shown or _is_past(message) for message in _in_production(scene)),
            BOB, PRODUCTION,
        ),
        Step(
            "Approve as Sam",
            "Be Sam, and click Approve. The buttons go at once, and exactly the job that was planned is registered.",
            lambda scene: any(_is_past(message) for message in _in_production(scene)),
            SAM, PRODUCTION,
        ),
        Step(
            "Watch production",
            "First a canary, then the rest: the healthy count rises in the message and in Nomad.",
            lambda scene: any(message.state == "Succeeded" for message in _in_production(scene)),
            SAM, PRODUCTION,
        ),
        Step(
            "Look at Nomad",
            f"apps / {SERVICE}, on the right: one version with {NEW}, and its submission names the deploy.",
            _is_one_version,
        ),
    ]  # fmt: skip


def _turned_away(scene: Scene) -> bool:
    """Whether production was refused; who has come there all the same has nothing left to try."""
    return scene.told(ALICE, f"staging has not passed {SERVICE} {NEW}") or bool(_in_production(scene))


def _in_staging(scene: Scene) -> list[DeployMessage]:
    return scene.deploys(SERVICE, NEW, "staging")


def _in_production(scene: Scene) -> list[DeployMessage]:
    return scene.deploys(SERVICE, NEW, "production")


def _is_past(message: DeployMessage) -> bool:
    """Whether it has its approvals: what follows never asks for one again."""
    return message.state in {"Ready", "Dispatching", "Rolling out", "Succeeded"}


def _refused(person: str) -> Any:
    def done(scene: Scene) -> bool:
        return any(scene.told_after_click(person, message.deploy) for message in _in_production(scene))

    return done


def _is_one_version(scene: Scene) -> bool:
    versions = scene.versions(SERVICE, PRODUCTION_NAMESPACE, NEW)
    ours = [message.deploy for message in _in_production(scene) if message.state == "Succeeded"]
    if len(versions) != 1:
        return False
    stamp = versions[0].get("submission_first_line") or ""
    return any(re.search(rf"\b{deploy}\b", stamp) for deploy in ours)
