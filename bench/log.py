"""Generates an audit log of realistic deploys: ten thousand events a day, the same log each time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING, Any, Final

from bot.domain.actor import SlackUser, System
from bot.domain.audit.events import Event, EventType
from bot.domain.audit.history import STATES
from bot.domain.catalog.catalog import Catalog
from bot.domain.catalog.environment import After, Environment
from bot.domain.catalog.service import Placement, Service
from bot.domain.deploy.deploy import Deploy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.actor import Actor

FIRST_DAY: Final = datetime(2026, 8, 3, tzinfo=UTC)
DAY: Final = timedelta(days=1)
MOST_A_DAY: Final = 10_000
SERVICES: Final = tuple(f"service-{number:03}" for number in range(120))
ENVIRONMENTS: Final = ("staging", "production")
PEOPLE: Final = tuple(SlackUser("T0NOMATRON", f"U0PERSON{number:02}") for number in range(40))
CATALOG: Final = "5c" * 32
WORKER, RULES = System("worker"), System("rules")

_E = EventType
_SENT: Final = (_E.DEPLOY_READY, _E.DEPLOY_DISPATCHING, _E.DEPLOY_ATTEMPTED, _E.DEPLOY_ANSWERED, _E.DEPLOY_LANDED)
_REVERTED: Final = (_E.DEPLOY_FAILED, _E.DEPLOY_REVERTED, _E.DEPLOY_REVERTED)
_ENDS: Final[dict[tuple[EventType, ...], int]] = {
    (*_SENT, _E.DEPLOY_SUCCEEDED): 76,
    (*_SENT, _E.DEPLOY_FAILED): 5,
    (*_SENT, *_REVERTED): 3,
    (*_SENT, _E.DEPLOY_STUCK, _E.DEPLOY_SUCCEEDED): 1,
    (*_SENT, _E.DEPLOY_SUPERSEDED): 2,
    (_E.DEPLOY_READY, _E.DEPLOY_BLOCKED, *_SENT[1:], _E.DEPLOY_SUCCEEDED): 4,
    (_E.ACTION_REFUSED, *_SENT, _E.DEPLOY_SUCCEEDED): 2,
    (_E.DEPLOY_EXPIRED,): 2,
    (_E.DEPLOY_REJECTED,): 2,
    (_E.DEPLOY_WITHDRAWN,): 2,
    (_E.DEPLOY_INVALID,): 1,
}
"""The ways in which deploys continue after plan and approval, and how many of a hundred take each."""
_BY_PEOPLE: Final = frozenset({_E.DEPLOY_REQUESTED, _E.DEPLOY_APPROVED, _E.DEPLOY_REJECTED, _E.ACTION_REFUSED})


@dataclass
class Log:
    """A generated log, and its deploys in the state after the events that ``events`` has yielded so far."""

    count: int
    seed: int = 5
    deploys: dict[int, Deploy] = field(default_factory=dict)
    _chance: Random = field(init=False)
    _begun: int = 0

    def __post_init__(self) -> None:
        self._chance = Random(self.seed)

    @property
    def a_day(self) -> int:
        """The number of events on each day; a short log still has two days."""
        return min(MOST_A_DAY, max(self.count // 2, 1))

    def events(self) -> Iterator[Event]:
        """Yields ``count`` events in order of time; deploys may be unfinished at the end."""
        left, day = self.count, FIRST_DAY
        pending: list[Event] = []
        while left:
            pending = sorted((*pending, *self._events_of(day)), key=attrgetter("at"))
            day += DAY
            ready = [event for event in pending if event.at < day][:left]
            pending = [event for event in pending if event.at >= day]
            left -= len(ready)
            yield from map(self._apply, ready)

    def _apply(self, event: Event) -> Event:
        """Update the event's deploy, and return the event."""
        number = event.deploy_id
        if number is not None:
            if event.type is _E.DEPLOY_REQUESTED:
                self.deploys[number] = _deploy(number, event)
            elif event.type in STATES and self.deploys[number].status is not STATES[event.type]:
                # do not use `replace`: a million copies take longer than everything else
                object.__setattr__(self.deploys[number], "status", STATES[event.type])
                object.__setattr__(self.deploys[number], "changed_at", event.at)
        return event

    def _events_of(self, day: datetime) -> list[Event]:
        """All events of the deploys requested on that day, and the day's refusals and applied catalogs."""
        found = [_catalog_applied(day + timedelta(hours=9))]
        while len(found) < self.a_day:
            at = day + timedelta(seconds=self._chance.gauss(13 * 3600, 3 * 3600) % 86_400)
            found += [self._refusal(at)] if self._chance.random() < 0.05 else self._life(at)
        return found

    def _life(self, at: datetime) -> Iterator[Event]:
        self._begun += 1
        service, environment = self._chance.choice(SERVICES), self._chance.choice(ENVIRONMENTS)
        approvals = [_E.DEPLOY_APPROVED] * (2 if environment == "production" else self._chance.randrange(2))
        end = self._chance.choices(list(_ENDS), list(_ENDS.values()))[0]
        for kind in (_E.DEPLOY_REQUESTED, _E.DEPLOY_PLANNED, *approvals, *end):
            yield Event(
                type=kind,
                at=at,
                actor=self._actor(kind),
                deploy_id=self._begun,
                service=service,
                environment=environment,
                catalog=CATALOG,
                data=self._data(kind, at),
            )
            at += timedelta(seconds=self._chance.expovariate(1 / 240))

    def _actor(self, kind: EventType) -> Actor:
        return self._chance.choice(PEOPLE) if kind in _BY_PEOPLE else WORKER

    def _refusal(self, at: datetime) -> Event:
        return Event(
            type=_E.DEPLOY_REFUSED,
            at=at,
            actor=self._chance.choice(PEOPLE),
            service=self._chance.choice(SERVICES),
            environment=self._chance.choice(ENVIRONMENTS),
            catalog=CATALOG,
            data={"codes": ["not-granted"], "version": "v1.4.2", "judged": self._approval_data()},
        )

    def _data(self, kind: EventType, at: datetime) -> dict[str, Any]:
        match kind:
            case _E.DEPLOY_REQUESTED:
                return {"version": "v1.4.2", "reason": "", "expires_at": at + DAY, "judged": self._approval_data()}
            case _E.DEPLOY_PLANNED:
                plan = {"from_version": "v1.4.1", "fingerprint": "7e" * 32, "base_index": "104211", "voided": False}
                return {**plan, "plan": 1, "expires_at": at + DAY, "effect": "replaces 2 allocations of group web"}
            case _E.DEPLOY_REVERTED:
                return {"job_version": 7, "status": self._chance.choice(("running", "succeeded", "failed"))}
            case _E.ACTION_REFUSED:
                return {"codes": ["no-seat"], "judged": self._approval_data()}
            case _E.DEPLOY_APPROVED | _E.DEPLOY_READY | _E.DEPLOY_DISPATCHING:
                return {"plan": 1, "seats": 2, "judged": self._approval_data()}
            case _:
                return {"plan": 1, "detail": "2 of 2 allocations of group web are healthy. " * 7}

    def _approval_data(self) -> dict[str, Any]:
        seats = [{"label": label, "holder": self._chance.choice(PEOPLE).id} for label in ("sre", "developers")]
        return {"seats": seats, "groups": {seat["holder"]: ["developers", "sre"] for seat in seats}, "at": "5" * 64}


def _deploy(number: int, event: Event) -> Deploy:
    return Deploy(
        id=number,
        service=event.service or "",
        environment=event.environment or "",
        version="v1.4.2",
        release="5c" * 32,
        overrides={},
        reason=None,
        requester=event.actor,
        requested_at=event.at,
        expires_at=event.at + DAY,
        catalog=CATALOG,
        changed_at=event.at,
        due_at=event.at,
    )


def _catalog_applied(at: datetime) -> Event:
    data = {"before": CATALOG, "after": CATALOG}
    return Event(type=_E.CATALOG_APPLIED, at=at, actor=RULES, catalog=CATALOG, data=data)


def catalog() -> Catalog:
    """A catalog with every service in staging and then in production."""
    placements = {name: Placement(environment=name, variables={}) for name in ENVIRONMENTS}
    return Catalog(
        timezone="Europe/Prague",
        admin_channel=None,
        groups={},
        grants=(),
        clusters={},
        environments={
            "staging": _environment("staging"),
            "production": _environment("production", After(environment="staging")),
        },
        templates={},
        services={name: _service(name, placements) for name in SERVICES},
    )


def _environment(name: str, *after: After) -> Environment:
    return Environment(name=name, cluster="main", channel="C0STAGING1", variables={}, approvals=(), after=after)


def _service(name: str, placements: dict[str, Placement]) -> Service:
    return Service(
        name=name,
        template="web",
        owners=None,
        job=name,
        version_variable="version",
        compare=None,
        variables={},
        settable=frozenset(),
        show=frozenset(),
        placements=placements,
    )
