"""A deploy's card in every state, as the golden files have them; run it to write those files anew."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.domain.decision import Reason
from bot.domain.deploy.approval import Seating, seat
from bot.domain.deploy.deploy import Status, WayBack
from bot.domain.deploy.gates import seats_for
from bot.domain.deploy.message import Card
from bot.domain.deploy.plan import Base, Change, Flag, JobState
from bot.domain.deploy.rollout import GroupHealth, RolloutKind, RolloutStatus, TaskFailure
from bot.domain.locks import reason_of
from bot.gateways.blocks.card.message import render
from tests.builders import ALICE, BOB, SAM, a_catalog, a_deploy, a_lock, a_membership, a_plan, a_rollout, an_approval
from tests.clocks import NOON

if TYPE_CHECKING:
    from bot.domain.access import Membership
    from bot.domain.deploy.rollout import Rollout

GOLDEN = Path(__file__).parent / "golden"
LINKS = {
    "Compare": "https://git.example/checkout/compare/v1.4.1...v1.4.2?a=1&b=2",
    "Open in Nomad": "https://nomad.eu/ui/jobs/checkout@apps",
}
KNOWN = frozenset(
    {ALICE.id, BOB.id, SAM.id, "U0CAROL001", "S0SRE00001", "S0DEV00001", "C0PROD0001"}
    | {link.replace("&", "&amp;") for link in LINKS.values()}
)
FAILED_WORDS = (
    "Failed due to unhealthy allocations; "
    "Nomad reverted to version 3, as version 5; task app of web: Terminated: Exit Code: 1"
)
_APPROVED = frozenset({Status.READY, Status.DISPATCHING, Status.ROLLING, Status.SUCCEEDED, Status.FAILED})
_UNPLANNED = frozenset({Status.PLANNING, Status.INVALID})


def a_seating(*approvers: str, membership: Membership | None = None) -> Seating:
    """Production's two seats, filled by these."""
    return seat(seats_for(a_catalog(), "checkout", "production"), approvers, membership or a_membership())


def a_card(status: Status = Status.WAITING, **changes: Any) -> Card:
    """Alice's checkout v1.4.2 for production, as it stands in that state."""
    approved = status in _APPROVED
    number = 0 if status in _UNPLANNED else 2
    changed_at = NOON + timedelta(minutes=7)
    reason = "SHOP-981 & <b>urgent</b>"
    deploy = {"environment": "production", "reason": reason, "plan": number, "changed_at": changed_at}
    both = (an_approval(12, 2, BOB, note="looks good"), an_approval(12, 2, SAM, at=NOON + timedelta(minutes=5)))
    fields: dict[str, Any] = {
        "deploy": replace(a_deploy(12, status, **deploy), **changes.pop("deploy", {})),
        "plan": a_plan(12, 2, warnings=("count kept at 6: the group scales itself",)) if number else None,
        "seating": a_seating(BOB.id, SAM.id) if approved else a_seating(),
        "approvals": both if approved else (),
        "rollouts": (),
        "channel": "C0PROD0001",
        "from_version": "v1.4.1" if number else None,
        "links": LINKS if number else {},
        "job": "checkout",
        "namespace": "apps",
    }
    return Card(**{**fields, **changes})


def cards() -> dict[str, Card]:
    """By the name of the golden file."""
    moved = a_plan(12, 2, moved=("LOG_LEVEL: info → debug (changed outside Nomatron)",))
    differing = a_plan(
        12, 2, differs=("group web count 1 → 6", "group web task app env LOG_LEVEL differs"), compared_with="staging"
    )
    void = (an_approval(12, 2, BOB, void="the plan changed"),)
    turn = (Reason("turn", "D-11 (v1.4.0) is rolling out; this one goes after it."),)
    away = (Reason("nomad-unavailable", "Nomad: connection refused", since=NOON),)
    locks = (a_lock(service="checkout", until=NOON + timedelta(hours=2), reason="it loses orders"), a_lock())
    closed = tuple(reason_of(each, a_catalog()) for each in locks)
    half, whole = (_half(),), (_whole(),)
    return {
        "planning": a_card(Status.PLANNING, deploy={"blocked": away}),
        "waiting": a_card(),
        "waiting-one-of-two": a_card(seating=a_seating(BOB.id), approvals=(an_approval(12, 2, BOB),)),
        "waiting-moved": a_card(plan=moved, approvals=void),
        "ready-held": a_card(Status.READY, deploy={"blocked": turn}),
        "waiting-locked": a_card(locks=closed),
        "ready-locked": a_card(Status.READY, locks=closed[:1], deploy={"blocked": closed[:1]}),
        "dispatching": a_card(Status.DISPATCHING),
        "rolling": a_card(Status.ROLLING, rollouts=half),
        "succeeded": a_card(Status.SUCCEEDED, rollouts=whole),
        "succeeded-promotable": a_card(
            Status.SUCCEEDED, rollouts=whole, deploy={"environment": "staging"}, promotes_to=("production", "canada")
        ),
        "waiting-promoted": a_card(plan=differing, deploy={"promotes": "staging"}),
        "failed": a_card(Status.FAILED, deploy={"detail": FAILED_WORDS}, rollouts=_failed()),
        "rejected": a_card(Status.REJECTED, deploy={"detail": "not on a Friday"}, ended_by=SAM),
        "expired": a_card(Status.EXPIRED, deploy={"detail": "Nobody approved it within 24 hours."}),
        "withdrawn": a_card(Status.WITHDRAWN, ended_by=ALICE),
        "superseded": a_card(Status.SUPERSEDED, deploy={"detail": "D-13 (v1.4.3) is newer."}),
        "invalid": a_card(Status.INVALID, deploy={"detail": "Nomad: group web, task app: missing driver"}),
        "unchanged": a_card(Status.UNCHANGED, deploy={"detail": "Nomad would change nothing."}, twice=True),
        **rollbacks(),
        **situations(),
    }


def rollbacks() -> dict[str, Card]:
    """A rollback that needs no new approvals, one that does, and the button for them."""
    back = WayBack(deploy=3, plan=1, undoes=11, undone="v1.4.2", catalog="c", free=True, approvers=(BOB.id, SAM.id))
    late = replace(back, free=False, approvers=(), why="D-11 was not dispatched within the last 1h.")
    deploy = {"version": "v1.4.1", "replaces": True, "overrides": {"count": 3}}
    nobody = {"seating": Seating((), ()), "approvals": (), "from_version": "v1.4.2"}
    return {
        "rollback-ready": a_card(Status.READY, deploy={**deploy, "rollback": back}, **nobody),
        "rollback-waiting": a_card(deploy={**deploy, "rollback": late}, from_version="v1.4.2"),
        "rollback-succeeded": a_card(
            Status.SUCCEEDED, deploy={**deploy, "rollback": back}, rollouts=(_whole(),), **nobody
        ),
        "failed-to-roll-back": a_card(
            Status.FAILED, deploy={"detail": FAILED_WORDS}, rollouts=_failed(), rolls_back_to="v1.4.1 (D-3)"
        ),
    }


OURS = Base(state=JobState.RUNNING, job_version=3, deploy=3, version="v1.4.1")
OUTSIDE = Base(
    state=JobState.RUNNING, job_version=7, first=True, token="3fa9c2d1", at=datetime(2026, 11, 20, 17, 5, tzinfo=UTC)
)
_APP = ("group web", "task app")
IMAGE = Change(path=(*_APP, "image registry.example/checkout"), kind="Edited", old="v1.4.1", new="v1.4.2")
MEMORY = Change(path=(*_APP, "resources", "memory MB"), kind="Edited", old="2048", new="512", flags=(Flag.LESS_MEMORY,))
CPU = Change(path=(*_APP, "resources", "cpu"), kind="Edited", old="500", new="100", flags=(Flag.LESS_CPU,))
DB_URL = Change(path=(*_APP, "env DB_URL"), kind="Deleted", old="", new="", hidden=True, flags=(Flag.REMOVED,))
HOTFIX = Change(
    path=(*_APP, "env HOTFIX"), kind="Deleted", old="true", new="", flags=(Flag.REMOVED, Flag.UNDOES_OUTSIDE), outside=6
)
LEVEL = Change(path=(*_APP, "env LOG_LEVEL"), kind="Edited", old="info", new="debug")
TEMPLATE = Change(
    path=(*_APP, "template local/app.conf", "data"),
    kind="Edited",
    old="",
    new="",
    hidden=True,
    diff=("~upstream = •••", "-timeout = •••", "+timeout = •••", "+retries = •••"),
)
SETTING = Change(path=("setting count",), kind="Added", old="", new="8", flags=(Flag.OVERRIDE,))
CHECK = Change(
    path=("group web", "service checkout", "check alive", "args"),
    kind="Edited",
    old="-c exit 0",
    new="-c curl -f localhost/health",
    flags=(Flag.HEALTH_LOOSENED,),
)


def situations() -> dict[str, Card]:
    """What an approver may meet, by the name of the golden file and of the picture."""
    first = a_plan(12, 2, base=OUTSIDE, base_version=7, from_version=None, changes=(MEMORY, CPU, DB_URL, IMAGE))
    many = tuple(replace(LEVEL, path=(*_APP, f"env SETTING_{number:03}")) for number in range(60))
    stopped = replace(OURS, state=JobState.STOPPED)
    older = replace(IMAGE, old="v1.4.3", new="v1.4.2", flags=(Flag.OLDER_VERSION,))
    settings = {"check_args": "-c curl -f localhost/health", "count": 8, "greeting": "Good night, and good luck. " * 7}
    whole = (_whole(),)

    def waiting(*changes: Change, base: Base = OURS, **fields: Any) -> Card:
        return a_card(plan=a_plan(12, 2, base=base, changes=changes, effect=_EFFECT), **fields)

    return {
        "takeover": a_card(plan=first, from_version=None),
        "flagged": waiting(HOTFIX, MEMORY, DB_URL, IMAGE, LEVEL),
        "template": waiting(TEMPLATE, IMAGE),
        "overrides": waiting(CHECK, SETTING, IMAGE, deploy={"overrides": settings}),
        "downgrade": waiting(older, LEVEL, base=replace(OURS, version="v1.4.3", deploy=11), from_version="v1.4.3"),
        "stopped": waiting(IMAGE, base=stopped),
        "harmless": waiting(IMAGE, LEVEL),
        "every-flag": every_flag(),
        "many": waiting(MEMORY, HOTFIX, IMAGE, *many),
        "running": a_card(Status.ROLLING, plan=a_plan(12, 2, base=OURS, changes=(MEMORY, IMAGE)), rollouts=(_half(),)),
        "ended": a_card(Status.SUCCEEDED, plan=a_plan(12, 2, base=OURS, changes=(MEMORY, IMAGE)), rollouts=whole),
        "periodic": a_card(Status.SUCCEEDED, plan=a_plan(12, 2, base=OURS, changes=(IMAGE,)), rollouts=(_scheduled(),)),
    }


def every_flag() -> Card:
    """One example of each flag, in the order of the closed list; the pictures of ``docs/approving.md`` show it."""
    group, task = ("group web",), _APP
    image = (*task, "image")

    def edited(path: tuple[str, ...], old: str, new: str, *flags: Flag) -> Change:
        return Change(path=path, kind="Edited", old=old, new=new, flags=flags)

    examples = (
        Change(path=(*task, "env DB_URL"), kind="Deleted", old="", new="", hidden=True, flags=(Flag.REMOVED,)),
        MEMORY,
        CPU,
        edited((*group, "count"), "6", "2", Flag.LESS_COUNT),
        edited(("group worker", "count"), "3", "0", Flag.COUNT_ZERO, Flag.LESS_COUNT),
        edited(("version",), "v1.4.3", "v1.4.2", Flag.OLDER_VERSION),
        edited(image, "registry.example/checkout:v1.4.1", "docker.example/checkout:v1.4.2", Flag.IMAGE_REGISTRY),
        edited(image, "registry.example/checkout:v1.4.1", "registry.example/fork:v1.4.2", Flag.IMAGE_REPOSITORY),
        edited(image, "registry.example/checkout:v1.4.1", "registry.example/checkout:latest", Flag.MUTABLE_TAG),
        edited((*task, "driver"), "docker", "podman", Flag.DRIVER),
        edited(("group web", "task sync", "driver"), "docker", "raw_exec", Flag.RAW_EXEC, Flag.DRIVER),
        edited((*task, "user"), "app", "root", Flag.USER),
        edited((*task, "privileged"), "false", "true", Flag.PRIVILEGED),
        Change(path=(*task, "cap_add"), kind="Added", old="", new="net_admin", flags=(Flag.CAPABILITIES,)),
        Change(path=(*task, "device nvidia/gpu"), kind="Added", old="", new="", flags=(Flag.DEVICES,)),
        Change(path=(*group, "volume data", "source"), kind="Edited", old="shop", new="etc", flags=(Flag.HOST_VOLUME,)),
        edited((*group, "network", "mode"), "bridge", "host", Flag.HOST_NETWORK),
        edited(("node_pool",), "default", "gpu", Flag.NODE_POOL),
        edited(("datacenters",), "ams1", "ams1, fra1", Flag.DATACENTER),
        edited(("namespace",), "apps", "default", Flag.NAMESPACE),
        edited(("region",), "eu", "global", Flag.REGION),
        edited(("type",), "service", "batch", Flag.TYPE),
        edited(("priority",), "50", "90", Flag.PRIORITY),
        edited((*group, "update", "auto_revert"), "true", "false", Flag.AUTO_REVERT_OFF),
        edited((*group, "update", "canary"), "1", "0", Flag.CANARIES_OFF),
        edited((*group, "update", "min_healthy_time"), "30s", "1s", Flag.HEALTH_LOOSENED),
        edited((*group, "update", "progress_deadline"), "10m", "2h", Flag.DEADLINE_LOOSENED),
        SETTING,
        HOTFIX,
    )
    return a_card(plan=a_plan(12, 2, base=OURS, changes=examples, effect=_EFFECT))


_EFFECT = "web: 6 replaced one by one, auto-revert on"


def _half() -> Rollout:
    return a_rollout(12, groups=(GroupHealth(name="web", desired=6, placed=6, healthy=4, unhealthy=1),))


def _whole() -> Rollout:
    return a_rollout(12, status=RolloutStatus.SUCCEEDED, groups=(GroupHealth(name="web", desired=6, healthy=6),))


def _scheduled() -> Rollout:
    detail = "registered: it starts on its schedule"
    return a_rollout(12, status=RolloutStatus.SUCCEEDED, detail=detail, groups=(GroupHealth(name="web", desired=1),))


def _failed() -> Any:
    failure = TaskFailure(
        allocation="a1b2c3d4", group="web", task="app", event="Terminated", message="Exit Code: 1", exit_code=1
    )
    ours = a_rollout(
        12,
        status=RolloutStatus.FAILED,
        groups=(GroupHealth(name="web", desired=6, placed=1, unhealthy=1, canaries=1),),
        detail="Failed due to unhealthy allocations",
        nomad_deployment="6f1c",
        failure=failure,
        task_failed=True,
        reverted_to=3,
    )
    revert = a_rollout(
        12, 2, kind=RolloutKind.REVERT, groups=(GroupHealth(name="web", desired=6, healthy=2),), job_version=5
    )
    return ours, revert


def golden_text(card: Card) -> str:
    """What a golden file holds."""
    return json.dumps(render(card).arguments(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, card in cards().items():
        (GOLDEN / f"{name}.json").write_text(golden_text(card), "utf-8")
