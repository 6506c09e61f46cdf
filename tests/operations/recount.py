"""What a digest has to say, counted a second time and in the most naive way: from the bodies of all audit events."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from bot.domain.digest.schedule import Scope

ENDS = {
    "deploy.succeeded": "deployed",
    "deploy.failed": "failed",
    "deploy.rejected": "rejected",
    "deploy.expired": "expired",
    "deploy.withdrawn": "withdrawn",
    "deploy.superseded": "superseded",
    "deploy.invalid": "invalid",
    "deploy.unchanged": "unchanged",
}
LEADS_FROM_WAITING = {*ENDS, "deploy.ready", "deploy.replanning"}

Bodies = list[dict[str, Any]]


def at(body: dict[str, Any]) -> datetime:
    return _read(body["at"])


_read = cache(datetime.fromisoformat)


def person(key: str) -> str:
    """The Slack id in an actor's key; empty where a part of Nomatron acts, or somebody at the host."""
    kind, _, rest = key.partition(":")
    return {"slack": rest.rpartition(":")[2], "ci": rest.rpartition("|")[2]}.get(kind, "")


@dataclass(frozen=True)
class Recount:
    """The events of a whole log, asked about one scope."""

    log: Bodies
    scope: Scope
    final: tuple[str, ...]
    zone: ZoneInfo

    @property
    def begins(self) -> datetime:
        return self.scope.span.begins

    @property
    def ends(self) -> datetime:
        return self.scope.span.ends

    def mine(self, *types: str) -> Bodies:
        """The scope's events of these types; of all where none is named."""
        environments = self.scope.environments
        return [
            body
            for body in self.log
            if self.begins <= at(body) < self.ends
            and (environments is None or body.get("environment", "") in {"", *environments})
            and (not types or body["type"] in types)
        ]

    def of(self, deploy: int, *types: str) -> Bodies:
        """What happened to a deploy before the end."""
        found = [body for body in self.log if body.get("deploy") == deploy and at(body) < self.ends]
        return [body for body in found if not types or body["type"] in types]

    def deploys(self) -> list[int]:
        """Those of the scope's environments that were asked for before the end."""
        environments = self.scope.environments
        return [
            body["deploy"]
            for body in self.log
            if body["type"] == "deploy.requested"
            and at(body) < self.ends
            and (environments is None or body["environment"] in environments)
        ]

    def outcomes(self) -> dict[int, str]:
        """Of each deploy that ended in the span, or was open at its end."""
        found: dict[int, str] = {}
        for deploy in self.deploys():
            ends = self.of(deploy, *ENDS)
            assert len(ends) <= 1, ends
            if not ends:
                found[deploy] = "open"
            elif at(ends[0]) >= self.begins:
                reverted = ENDS[ends[0]["type"]] == "failed" and self.of(deploy, "deploy.reverted")
                found[deploy] = "reverted" if reverted else ENDS[ends[0]["type"]]
        return found

    def counts(self) -> dict[str, int]:
        outcomes = Counter(self.outcomes().values())
        return {name: outcomes[name] for name in {*ENDS.values(), "reverted", "open"}}

    def types(self) -> dict[str, int]:
        return dict(Counter(body["type"] for body in self.mine()))

    def to_approve(self) -> list[timedelta]:
        """Newest approval before the newest dispatch, of those that were dispatched in the span, since the request."""
        found = []
        for deploy in dict.fromkeys(body["deploy"] for body in self.mine("deploy.dispatching")):
            events = self.of(deploy)
            last = max(n for n, body in enumerate(events) if body["type"] == "deploy.dispatching")
            approved = [at(body) for body in events[:last] if body["type"] == "deploy.approved"]
            if approved:
                found.append(approved[-1] - at(events[0]))
        return sorted(found)

    def to_succeed(self) -> list[timedelta]:
        succeeded = self.mine("deploy.succeeded")
        return sorted(at(body) - at(self.of(body["deploy"], "deploy.dispatching")[-1]) for body in succeeded)

    def changes(self) -> list[int]:
        """What landed in a final environment: by its end, then what was still rolling out."""
        ended = self.mine("deploy.succeeded", "deploy.failed", "deploy.superseded")
        there = [body["deploy"] for body in ended if body["environment"] in self.final]
        landed = [deploy for deploy in there if self.of(deploy, "deploy.landed")]
        still = [deploy for deploy, outcome in self.outcomes().items() if outcome == "open"]
        rolling = [deploy for deploy in still if self.of(deploy, "deploy.landed")]
        return landed + [deploy for deploy in rolling if self.of(deploy)[0]["environment"] in self.final]

    def stuck(self) -> list[int]:
        """Called stuck, and neither has the rollout or the revert that was meant ended since, nor moved."""
        found = set()
        for deploy in self.deploys():
            events = self.of(deploy)
            called = [n for n, body in enumerate(events) if body["type"] == "deploy.stuck"]
            after = [body["type"] for body in events[called[-1] + 1 :]] if called else []
            in_span = any(at(events[n]) >= self.begins for n in called)
            is_open = not self.of(deploy, *ENDS)
            if called and not {*ENDS, "deploy.reverted", "deploy.moving"} & {*after} and (is_open or in_span):
                found.add(deploy)
        return sorted(found)

    def overdue(self) -> list[int]:
        """Waiting for people since more than half of the time that the request, or a plan that moved, gave them."""
        found = []
        for deploy in self.deploys():
            events = self.of(deploy)
            states = [body["type"] for body in events if body["type"] in {*LEADS_FROM_WAITING, *_WAITS}]
            starts = [body for body in events if body["type"] == "deploy.requested" or body["data"].get("voided")]
            begins, until = at(starts[-1]), datetime.fromisoformat(starts[-1]["data"]["expires_at"])
            if states and states[-1] in _WAITS and self.ends >= begins + (until - begins) / 2:
                found.append(deploy)
        return found

    def out_of_hours(self) -> list[tuple[int, str]]:
        approved = self.mine("deploy.approved")
        local = [(body, at(body).astimezone(self.zone)) for body in approved]
        return [
            (body["deploy"], person(body["actor"]))
            for body, when in local
            if when.isoweekday() > 5 or not 8 <= when.hour < 18
        ]

    def self_approved(self) -> list[tuple[int, str]]:
        approved = [(body["deploy"], person(body["actor"])) for body in self.mine("deploy.approved")]
        return [(deploy, who) for deploy, who in approved if person(self.of(deploy)[0]["actor"]) == who]

    def refusals(self) -> dict[str, int]:
        refused = self.mine("deploy.refused", "action.refused")
        return dict(Counter(code for body in refused for code in body["data"]["codes"]))

    def reverts_failed(self) -> list[int]:
        return [body["deploy"] for body in self.mine("deploy.reverted") if body["data"]["status"] == "failed"]

    def catalogs(self) -> list[tuple[str, str]]:
        return [(body["data"]["before"], body["data"]["after"]) for body in self.mine("catalog.applied")]


_WAITS = {"deploy.planned", "deploy.waiting"}


def middle(durations: Sequence[timedelta]) -> timedelta | None:
    """The statisticians' median, to the microsecond."""
    exact = [Fraction(each // timedelta(microseconds=1)) for each in durations]
    return timedelta(microseconds=round(median(exact))) if exact else None
