"""Digests of every size and kind, as the golden files and the pictures have them; all times in Amsterdam."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.domain.actor import CiIdentity, Operator, System
from bot.domain.audit.events import EventType
from bot.domain.audit.history import Entry, Outcome
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.rollout import RolloutStatus
from bot.domain.digest.report import CatalogChange, DigestCard, Layout, Listed, LockChange, Report, Sign, Signs, Tally
from bot.domain.digest.schedule import Scope, Span
from bot.gateways.blocks.digest.message import render
from tests.builders import ALICE, BOB, CAROL, NORA, SAM, an_entry
from tests.gateways.blocks.cards import GOLDEN as CARDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.domain.actor import Actor

GOLDEN = CARDS / "digests"
DAY = date(2025, 11, 22)
BEGINS, ENDS = datetime(2025, 11, 21, 8, tzinfo=UTC), datetime(2025, 11, 22, 8, tzinfo=UTC)
SCOPE = Scope(Span(BEGINS, ENDS))
CALENDAR_DAY = Scope(Span(datetime(2025, 11, 20, 23, tzinfo=UTC), datetime(2025, 11, 21, 23, tzinfo=UTC)))
ZONE = "Europe/Amsterdam"
SERVICES = ("checkout", "mailer", "catalogue", "search", "billing", "web")
CAUSE = "task app of web: Terminated: Exit Code: 1"
WHY = f"Failed due to unhealthy allocations; Nomad reverted to version 3; {CAUSE}"
KNOWN_PEOPLE = frozenset({ALICE.id, BOB.id, CAROL.id, SAM.id, NORA.id})


def link_to(deploy_id: int) -> str:
    """The address of a deploy's message."""
    return f"https://nomatron.slack.com/archives/C0PROD0001/p17637120000{deploy_id:05}"


def a_report(**changes: Any) -> Report:
    """A day without anything."""
    tally = Tally(events=0, types={}, reverted=0, to_approve=(), to_succeed=())
    fields: dict[str, Any] = {
        "scope": SCOPE,
        "zone": ZONE,
        "final": ("production",),
        "tally": tally,
        "outcomes": dict.fromkeys(Outcome, 0),
        "changes": Listed(),
    }
    return Report(**{**fields, **changes})


def a_digest(report: Report | None = None, **changes: Any) -> DigestCard:
    """The digest of that report."""
    return DigestCard(**{"day": DAY, "report": report or a_report(), **changes})


def a_change(number: int, after: timedelta, **changes: Any) -> Entry:
    """D-n of production, so long after the beginning: asked for, approved by two, and there three minutes later."""
    at = BEGINS + after
    minor = number % 40
    fields: dict[str, Any] = {
        "service": SERVICES[number % len(SERVICES)],
        "version": f"v1.{minor + 1}.0",
        "from_version": f"v1.{minor}.2",
        "requester": (ALICE, BOB, CAROL)[number % 3],
        "requested_at": at - timedelta(minutes=14),
        "status": Status.SUCCEEDED,
        "approvers": (SAM.id,) if number % 4 else (SAM.id, (BOB if number % 3 != 1 else CAROL).id),
        "approved_at": at - timedelta(seconds=4),
        "dispatched_at": at,
        "landed_at": at + timedelta(seconds=1),
        "to_approve": timedelta(minutes=14),
        "changed_at": at + timedelta(minutes=2, seconds=40 + number % 50),
    }
    return an_entry(number, **{**fields, **changes})


def failing(number: int, after: timedelta, reverted: str = "succeeded", **changes: Any) -> Entry:
    """One that failed and that Nomad reverted."""
    status = RolloutStatus(reverted) if reverted else None
    return a_change(
        number, after, **{"status": Status.FAILED, "detail": WHY, "cause": CAUSE, "reverted": status, **changes}
    )


def counted(**numbers: int) -> dict[Outcome, int]:
    """Every outcome, those named with their numbers."""
    return {outcome: numbers.get(outcome.value, 0) for outcome in Outcome}


def tallied(requested: int, events: int, **durations: timedelta) -> Tally:
    """A tally of so many requests and events; ``approve`` and ``succeed`` are the medians."""
    medians = {name: (durations[name],) if name in durations else () for name in ("approve", "succeed")}
    return Tally(
        events=events,
        types={EventType.DEPLOY_REQUESTED: requested},
        reverted=0,
        to_approve=medians["approve"],
        to_succeed=medians["succeed"],
    )


def linked(*entries: Entry) -> dict[int, str]:
    """The links of their messages."""
    return {entry.deploy_id: link_to(entry.deploy_id) for entry in entries}


def a_quiet_day() -> DigestCard:
    """Nothing at all."""
    return a_digest()


def a_day_with_one() -> DigestCard:
    """One change, all well."""
    change = a_change(1042, timedelta(hours=5), service="checkout", version="v1.4.2", from_version="v1.4.1")
    tally = tallied(1, 9, approve=timedelta(minutes=14), succeed=timedelta(seconds=202))
    changes = Listed((change,), 1)
    return a_digest(a_report(tally=tally, outcomes=counted(deployed=1), changes=changes, posted=linked(change)))


def a_day_with_forty() -> DigestCard:
    """As many as the table has rows; some of them are to be looked at."""
    changes = [a_change(1001 + each, timedelta(minutes=10 + 13 * each)) for each in range(40)]
    changes[7] = failing(1008, timedelta(minutes=101))
    changes[23] = failing(1024, timedelta(minutes=309), "")
    changes[39] = a_change(1040, timedelta(hours=17), status=Status.ROLLING, stuck_at=BEGINS + timedelta(hours=18))
    waiting = an_entry(
        1043, service="billing", version="v3.0.0", requester=BOB, status=Status.WAITING,
        requested_at=BEGINS + timedelta(hours=3), expires_at=BEGINS + timedelta(hours=27),
    )  # fmt: skip
    late = Sign(1031, "search", "production", SAM, BEGINS + timedelta(hours=9, minutes=12))
    return a_digest(
        a_report(
            tally=tallied(48, 431, approve=timedelta(minutes=14), succeed=timedelta(seconds=175)),
            outcomes=counted(deployed=41, failed=1, reverted=1, rejected=2, withdrawn=1, superseded=1, open=2),
            changes=Listed(tuple(changes), 40),
            failures=Listed((changes[7], changes[23]), 2),
            stuck=Listed((changes[39],), 1),
            overdue=Listed((waiting,), 1),
            out_of_hours=Signs((late,), 1),
            refusals={"not-an-approver": 3, "not-passed": 2},
            refused=5,
            posted=linked(*changes, waiting),
        )
    )


def a_day_with_two_thousand() -> DigestCard:
    """Far more than a message holds, of everything."""
    changes = [
        failing(each, timedelta(seconds=40 * each)) if each % 9 == 4 else a_change(each, timedelta(seconds=40 * each))
        for each in range(1, 41)
    ]
    failures = tuple(each for each in changes if each.status is Status.FAILED)
    signs = tuple(
        Sign(each, "checkout", "production", SAM, BEGINS + timedelta(hours=13, minutes=each)) for each in range(1, 11)
    )
    return a_digest(
        a_report(
            tally=tallied(2311, 21_904, approve=timedelta(minutes=3), succeed=timedelta(seconds=158)),
            outcomes=counted(
                deployed=1_871, failed=38, reverted=129, rejected=61, expired=17, withdrawn=44, superseded=120,
                invalid=9, unchanged=14, open=8,
            ),
            changes=Listed(tuple(changes), 2_000),
            failures=Listed(failures, 167),
            out_of_hours=Signs(signs, 212),
            refusals={"not-an-approver": 96, "not-passed": 41, "own-request": 17, "turn": 3, "seats-missing": 1},
            refused=158,
            posted=linked(*changes),
        )
    )  # fmt: skip


def a_day_with_everything() -> DigestCard:
    """Something of every kind, by every kind of actor, in two final environments; late, and maybe a second copy."""
    hours = timedelta(hours=1)
    pipeline = CiIdentity("https://ci.example", "repo:shop/checkout:ref:refs/heads/main", CAROL.id)
    actors: tuple[Actor, ...] = (ALICE, pipeline, CiIdentity("https://ci.example", "nightly"), Operator("root"))
    changes = [
        a_change(each, each * hours, requester=actor, environment=("production", "canada")[each % 2])
        for each, actor in enumerate(actors, 1)
    ]
    changes.append(failing(5, 5 * hours, "failed", from_version=None))
    changes.append(a_change(6, 6 * hours, from_version="v1.7.0", version="v1.7.0", approvers=()))
    changes.append(a_change(7, 23 * hours, status=Status.ROLLING, version="sha256:" + 64 * "a"))
    stuck = a_change(8, -30 * hours, status=Status.ROLLING, stuck_at=BEGINS, service="search", detail="No capacity")
    waiting = an_entry(9, status=Status.WAITING, requested_at=BEGINS, expires_at=ENDS)
    own = Sign(3, "catalogue", "production", ALICE, BEGINS + 3 * hours)
    night = Sign(4, "search", "canada", SAM, BEGINS + 18 * hours)
    return a_digest(
        a_report(
            scope=Scope(SCOPE.span, frozenset({"production", "canada"})),
            final=("production", "canada"),
            tally=tallied(12, 214, approve=timedelta(minutes=14), succeed=timedelta(hours=1, minutes=5)),
            outcomes=dict.fromkeys(Outcome, 1) | {Outcome.DEPLOYED: 5, Outcome.OPEN: 3},
            changes=Listed((*changes, stuck), 8),
            failures=Listed((changes[4],), 1),
            reverts_failed=Listed((changes[4],), 1),
            stuck=Listed((stuck,), 1),
            overdue=Listed((waiting,), 1),
            self_approved=Signs((own,), 1),
            out_of_hours=Signs((night,), 1),
            catalogs=(
                CatalogChange(BEGINS, Operator("root"), "", "0a" * 32),
                CatalogChange(BEGINS + hours, SAM, "0a" * 32, "b1" * 32),
            ),
            locks=(
                LockChange(
                    kind=EventType.LOCK_PLACED,
                    at=BEGINS,
                    actor=SAM,
                    what="production",
                    reason="the database moves",
                    until=BEGINS + 2 * hours,
                ),
                LockChange(
                    kind=EventType.LOCK_LIFTED,
                    at=BEGINS + hours,
                    actor=Operator("root"),
                    what="production",
                    reason="it has moved",
                ),
                LockChange(
                    kind=EventType.LOCK_EXPIRED,
                    at=BEGINS + hours,
                    actor=System("expiry"),
                    what="checkout in canada",
                    reason="it loses orders",
                ),
            ),
            refusals={"own-request": 2, "no-permission": 7},
            refused=8,
            posted=linked(*changes[:6], waiting),
        ),
        late=True,
        twice=True,
    )


def a_preview() -> DigestCard:
    """A calendar day with rejections alone, as one person looks at it."""
    report = a_report(scope=CALENDAR_DAY, tally=tallied(2, 8), outcomes=counted(rejected=2))
    return a_digest(report, preview=True)


DIGESTS: dict[str, tuple[Callable[[], DigestCard], Layout]] = {
    "quiet": (a_quiet_day, Layout.TABLE),
    "one": (a_day_with_one, Layout.TABLE),
    "forty": (a_day_with_forty, Layout.TABLE),
    "two-thousand": (a_day_with_two_thousand, Layout.TABLE),
    "everything": (a_day_with_everything, Layout.TABLE),
    "everything-classic": (a_day_with_everything, Layout.CLASSIC),
    "everything-plain": (a_day_with_everything, Layout.PLAIN),
    "preview": (a_preview, Layout.TABLE),
}
"""Digests of every size and layout, by name."""
GOLDEN_NAMES = tuple(name for name in DIGESTS if name not in {"forty", "two-thousand"})
"""Those with a golden file: the large ones are asserted instead, since nobody reads three thousand lines of JSON."""


def golden_digest(name: str) -> str:
    """What that golden file holds."""
    made, layout = DIGESTS[name]
    return json.dumps(render(made(), layout).arguments(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for each in GOLDEN_NAMES:
        (GOLDEN / f"{each}.json").write_text(golden_digest(each), "utf-8")
