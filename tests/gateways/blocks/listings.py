"""Pages of history and of the audit log, as the golden files have them; run it to write those files anew."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot.domain.actor import CiIdentity, Operator, System
from bot.domain.audit.events import EventType
from bot.domain.audit.history import HistoryPage
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.rollout import RolloutStatus
from bot.domain.digest.schedule import day_of
from bot.gateways.blocks import audit, history
from bot.gateways.blocks.pages import Pages
from bot.ports.audit import AuditQuery
from tests.builders import ALICE, BOB, CAROL, SAM, an_entry, an_event
from tests.clocks import NOON
from tests.gateways.blocks.cards import GOLDEN as CARDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.domain.audit.history import Body, Entry
    from bot.gateways.blocks.parts import Message

GOLDEN = CARDS / "listings"
ZONE = ZoneInfo("Europe/Amsterdam")
LINK = "https://nomatron.slack.com/archives/C0PROD0001/p1763726400000100"
BOTH = Pages('{"verb": "older"}', '{"verb": "newest"}')
PIPELINE = CiIdentity("https://ci.example", "repo:shop/checkout", CAROL.id)
_MINUTE = timedelta(minutes=1)


def entries() -> list[Entry]:
    """A deploy in every way that one can go."""
    dispatched: dict[str, Any] = {
        "approvers": (BOB.id, SAM.id),
        "approved_at": NOON + 5 * _MINUTE,
        "dispatched_at": NOON + 6 * _MINUTE,
        "to_approve": 5 * _MINUTE,
        "changed_at": NOON + 9 * _MINUTE,
        "from_version": "v1.4.1",
    }
    failed = {**dispatched, "status": Status.FAILED, "detail": "2 of 6 unhealthy"}
    return [
        an_entry(12, status=Status.SUCCEEDED, **{**dispatched, "reason": "SHOP-981 & <b>urgent</b>"}),
        an_entry(11, status=Status.ROLLING, **{**dispatched, "from_version": "v1.4.2"}),
        an_entry(10, status=Status.WAITING, requester=PIPELINE, from_version=None),
        an_entry(9, **failed),
        an_entry(8, **failed, reverted=RolloutStatus.RUNNING),
        an_entry(7, **failed, reverted=RolloutStatus.FAILED),
        an_entry(6, **failed, reverted=RolloutStatus.SUCCEEDED),
        an_entry(5, status=Status.REJECTED, detail="not on a Friday"),
        an_entry(4, status=Status.SUCCEEDED, **{**dispatched, "approvers": (ALICE.id,)}),
        an_entry(3, status=Status.UNCHANGED, requester=Operator("root"), detail="Nothing would change."),
    ]


def bodies() -> list[Body]:
    """Events of two days, of every kind of actor, the newest first."""
    rejected = {"reason": "no & <!channel> D-12"}
    events = [
        an_event(EventType.DEPLOY_REJECTED, at=NOON, actor=SAM, deploy_id=12, data=rejected),
        an_event(EventType.DEPLOY_APPROVED, at=NOON - _MINUTE, actor=BOB, deploy_id=12, data={"seats": 2, "filled": 1}),
        an_event(EventType.DEPLOY_SUCCEEDED, at=NOON - 2 * _MINUTE, actor=System("worker"), deploy_id=11),
        an_event(
            EventType.DEPLOY_REQUESTED, at=NOON - 3 * _MINUTE, actor=PIPELINE, deploy_id=12, data={"version": "v1.4.2"}
        ),
        an_event(
            EventType.CATALOG_APPLIED,
            at=NOON - timedelta(days=1),
            actor=Operator("root"),
            deploy_id=None,
            service=None,
            environment=None,
            data={"before": "", "after": "0a" * 32},
        ),
    ]
    return [json.loads(event.body()) for event in events]


TODAY = day_of(NOON.date(), ZONE)
NO_PAGE = HistoryPage((), None, {})


def a_page() -> HistoryPage:
    """Every deploy of ``entries``, one of which has a message."""
    return HistoryPage(tuple(entries()), None, {12: LINK})


ASKED = AuditQuery(span=TODAY, service="checkout", environment="production", actor=BOB)
LISTINGS: dict[str, Callable[[], Message]] = {
    "history": lambda: history.render("checkout", None, a_page(), Pages(older=BOTH.older)),
    "history-none": lambda: history.render("checkout", "staging", NO_PAGE, Pages()),
    "audit": lambda: audit.render(AuditQuery(), bodies(), ZONE, {12: LINK}, BOTH),
    "audit-narrowed": lambda: audit.render(ASKED, bodies()[1:2], ZONE, {}, Pages()),
    "audit-deploy": lambda: audit.render(AuditQuery(deploy=12), bodies()[:2], ZONE, {12: LINK}, Pages()),
    "audit-folded": lambda: audit.render(
        AuditQuery(deploy=12), bodies()[:2], ZONE, {12: LINK}, Pages(steps='{"verb": "steps"}'), 1200
    ),
    "audit-none": lambda: audit.render(ASKED, [], ZONE, {}, Pages()),
}
"""By the name of the golden file."""


def golden_listing(name: str) -> str:
    """What that golden file holds."""
    return json.dumps(LISTINGS[name]().arguments(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for each in LISTINGS:
        (GOLDEN / f"{each}.json").write_text(golden_listing(each), "utf-8")
