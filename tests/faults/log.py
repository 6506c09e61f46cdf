"""What the audit log tells, replayed against the table of state changes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from bot.domain.audit.events import EventType
from bot.domain.deploy.deploy import TRANSITIONS, Status

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tests.fakes import World

_E, _S = EventType, Status
BECOMES = {
    _E.DEPLOY_PLANNED: _S.WAITING,
    _E.DEPLOY_REPLANNING: _S.PLANNING,
    _E.DEPLOY_READY: _S.READY,
    _E.DEPLOY_WAITING: _S.WAITING,
    _E.DEPLOY_DISPATCHING: _S.DISPATCHING,
    _E.DEPLOY_LANDED: _S.ROLLING,
    _E.DEPLOY_SUCCEEDED: _S.SUCCEEDED,
    _E.DEPLOY_FAILED: _S.FAILED,
    _E.DEPLOY_SUPERSEDED: _S.SUPERSEDED,
    _E.DEPLOY_REJECTED: _S.REJECTED,
    _E.DEPLOY_EXPIRED: _S.EXPIRED,
    _E.DEPLOY_WITHDRAWN: _S.WITHDRAWN,
    _E.DEPLOY_UNCHANGED: _S.UNCHANGED,
    _E.DEPLOY_INVALID: _S.INVALID,
}
"""The state that each event which changes it leads to."""
DECIDED = {
    _E.DEPLOY_REQUESTED,
    _E.DEPLOY_APPROVED,
    _E.DEPLOY_RETRACTED,
    _E.DEPLOY_REJECTED,
    _E.DEPLOY_READY,
    _E.DEPLOY_WAITING,
    _E.DEPLOY_DISPATCHING,
}
"""What is decided by the catalog in force, so that each of these events names that one."""
_LOCKS = {_E.LOCK_PLACED, _E.LOCK_LIFTED, _E.LOCK_EXPIRED}
_ALL = 1_000_000


def _scope(body: dict[str, Any]) -> tuple[str | None, str | None]:
    return body.get("service"), body.get("environment")


async def every_event(world: World) -> list[dict[str, Any]]:
    """The bodies of all audit events, oldest first."""
    async with world.store.read() as reading:
        return [json.loads(stored.body) for stored in await reading.events(limit=_ALL)]


class Replay:
    """The deploys as the audit log alone tells of them; what it may not tell fails.

    Between two states there is an arrow in the table; a decision is by the catalog in force; a service has at most one
    deploy in DISPATCHING in an environment; a plan lands at most once and each number is planned once; each person has
    one approval at a time, and the seats of whatever becomes ready or is dispatched are filled, each by a person whose
    approval is of the present change. Nothing is dispatched where a lock is in force, but for a rollback, which its own
    lock and those of its requester do not hold. ``seats`` are those of each catalog in production: a decision has them,
    and no other; one about a rollback that is free has none.
    """

    def __init__(self, bodies: Iterable[dict[str, Any]], seats: Mapping[str, Collection[str]] | None = None) -> None:
        self._seats = seats or {}
        self.status: dict[int, Status] = {}
        self.landed: Counter[int] = Counter()
        self._place: dict[int, tuple[str, str]] = {}
        self._approved: defaultdict[int, dict[str, int]] = defaultdict(dict)
        self._once: Counter[tuple[Any, ...]] = Counter()
        self._locks: dict[int, dict[str, Any]] = {}
        self.locked = 0
        self.rolled_back = 0
        self._free: dict[int, bool] = {}
        self._asked_by: dict[int, str] = {}
        in_force = ""
        for body in bodies:
            if body["type"] == _E.CATALOG_APPLIED:
                in_force = body["catalog"]
            if body["type"] in DECIDED and "judged" in body["data"]:
                assert body["catalog"] == in_force, f"decided by a catalog that was replaced: {body}"
            if body["type"] in _LOCKS:
                self._close(body)
            if body.get("deploy") is not None:
                self._follow(body)

    def _close(self, body: dict[str, Any]) -> None:
        number = body["data"]["lock"]
        if body["type"] == _E.LOCK_PLACED:
            same = [other for other in self._locks.values() if _scope(other) == _scope(body)]
            assert same == [], f"locked twice: {body}"
            self._locks[number], self.locked = body, self.locked + 1
        else:
            assert self._locks.pop(number, None), f"ended what was not in force: {body}"
            over = body["type"] == _E.LOCK_EXPIRED
            assert over == str(body["actor"]).startswith("system:"), body

    def _check_locks(self, body: dict[str, Any]) -> None:
        place = (body["service"], body["environment"])
        for lock in self._locks.values():
            until = lock["data"].get("until")
            mine = lock["data"].get("rollback") == body["deploy"] or lock["actor"] == self._asked_by[body["deploy"]]
            if body["deploy"] in self._free and mine:
                continue
            in_force = until is None or body["at"] < until
            covers = all(mine in {None, there} for mine, there in zip(_scope(lock), place, strict=True))
            assert not (covers and in_force), f"dispatched under {lock}: {body}"

    def _follow(self, body: dict[str, Any]) -> None:
        deploy, kind, data = body["deploy"], EventType(body["type"]), body.get("data", {})
        if kind is _E.DEPLOY_REQUESTED:
            assert deploy not in self.status, f"requested twice: {body}"
            self.status[deploy], self._place[deploy] = _S.PLANNING, (body["service"], body["environment"])
            self._asked_by[deploy] = body["actor"]
            if "rollback" in data:
                self._free[deploy] = data["rollback"]["free"]
        elif kind is _E.DEPLOY_APPROVED:
            assert body["actor"] not in self._approved[deploy], f"approved twice: {body}"
            self._approved[deploy][body["actor"]] = data["plan"]
        elif kind is _E.DEPLOY_RETRACTED:
            assert self._approved[deploy].pop(body["actor"], None), f"retracted what did not count: {body}"
        elif kind is _E.DEPLOY_PLANNED and data["voided"]:
            self._approved[deploy].clear()
        elif kind is _E.DEPLOY_ATTEMPTED:
            self._only_once(kind, deploy, data["plan"], data["number"])
        if kind is _E.DEPLOY_PLANNED and deploy in self._free:
            # it may lose that with a new plan, and never gets it back
            assert self._free[deploy] or not data["free"], body
            self._free[deploy] = data["free"]
        if kind in BECOMES:
            self._change(deploy, BECOMES[kind], body)
        if kind in {_E.DEPLOY_READY, _E.DEPLOY_DISPATCHING} and "judged" in data:
            self._check_seats(deploy, body)

    def _change(self, deploy: int, to: Status, body: dict[str, Any]) -> None:
        before = self.status[deploy]
        assert to in TRANSITIONS[before], f"from {before} to {to}: {body}"
        self.status[deploy] = to
        if to is _S.DISPATCHING:
            there = [other for other, place in self._place.items() if place == self._place[deploy]]
            busy = [other for other in there if self.status[other] is _S.DISPATCHING]
            assert busy == [deploy], f"dispatched at once: {busy}"
            self._check_locks(body)
        if to is _S.ROLLING:
            self._only_once(body["type"], deploy)
            self.landed[deploy] += 1
            self.rolled_back += deploy in self._free

    def _only_once(self, *what: Any) -> None:
        self._once[what] += 1
        assert self._once[what] == 1, f"twice: {what}"

    def _check_seats(self, deploy: int, body: dict[str, Any]) -> None:
        labels = [seat["label"] for seat in body["data"]["judged"]["seats"]]
        if self._seats and body["environment"] == "production":
            rules = () if self._free.get(deploy) else self._seats[body["catalog"]]
            assert sorted(labels) == sorted(rules), f"by the rules of another catalog: {body}"
        holders = [seat["holder"] for seat in body["data"]["judged"]["seats"]]
        assert len(set(holders)) == len(holders), f"two seats for one person: {body}"
        approvers = {actor.rsplit(":", 1)[-1] for actor in self._approved[deploy]}
        assert set(holders) <= approvers, f"seats without an approval of this change ({approvers}): {body}"
