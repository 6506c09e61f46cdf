"""The audit log as it is read: pages, timelines, and a scope's numbers, which are those of the events themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from itertools import product
from random import Random

import pytest

from bot.domain.actor import CiIdentity, Operator, System
from bot.domain.audit.events import EventType
from bot.domain.audit.history import Outcome, entry_of
from bot.domain.deploy.deploy import Status
from bot.domain.digest.report import Sign, Tally
from bot.domain.digest.schedule import Scope, Span
from bot.ports.audit import AuditQuery, Cursor
from tests.builders import ALICE, BOB, SAM, a_draft, a_posted, an_event
from tests.clocks import NOON

E = EventType
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
TODAY = Scope(Span(NOON, NOON + DAY))
STAGING = replace(TODAY, environments=frozenset({"staging"}))
PIPELINE = CiIdentity("https://ci.example", "repo:checkout", ALICE.id)
WORKER = System("worker")


def happened(kind, minutes=0, deploy_id=1, **changes):
    return an_event(kind, deploy_id=deploy_id, at=NOON + minutes * MINUTE, **changes)


def a_life(deploy_id, *kinds, begins=0, step=1, **changes):
    """A deploy's events, ``step`` minutes apart."""
    data = {E.DEPLOY_REQUESTED: {"version": "v1"}, E.DEPLOY_REVERTED: {"status": "running"}}
    return [
        happened(kind, begins + step * number, deploy_id, data=data.get(kind, {}), **changes)
        for number, kind in enumerate(kinds)
    ]


async def record(store, *events):
    async with store.begin() as tx:
        for event in events:
            await tx.record(event)


async def read(store, name, *arguments):
    async with store.read() as reading:
        return await getattr(reading, name)(*arguments)


def number_of(stored):
    return json.loads(stored.body)["data"]["number"]


async def pages(store, query, limit):
    """All pages of a query, each after the last event of the one before."""
    found, before = [], None
    while page := await read(store, "audit_page", replace(query, before=before), limit):
        assert len(page) <= limit
        found += page
        last = json.loads(page[-1].body)
        before = Cursor(an_event(at=NOON).at.fromisoformat(last["at"]), page[-1].index)
    return found


@pytest.fixture
async def log(one):
    """Hundreds of events of every combination, several at each instant, none in the order of time."""
    chance = Random(5)
    places = [("checkout", "staging"), ("checkout", "production"), ("mailer", "staging"), (None, None)]
    events = [
        an_event(
            E.ACTION_REFUSED,
            at=NOON + chance.randrange(8) * MINUTE,
            actor=chance.choice([ALICE, SAM, WORKER]),
            service=place[0],
            environment=place[1],
            deploy_id=chance.choice([7, 7, 8, None]),
            data={"number": number, "codes": [f"reason-{number}"]},
        )
        for number, place in enumerate(chance.choices(places, k=240))
    ]
    await record(one, *events)
    return one, events


SPAN = Span(NOON + 2 * MINUTE, NOON + 6 * MINUTE)


async def test_pages_hold_what_fits_each_once_newest_first(log):
    store, events = log
    every = product((None, "checkout"), (None, "staging"), (None, ALICE), (None, 7), (None, SPAN))
    for service, environment, actor, deploy, span in every:
        fitting = [
            (event.at, number)
            for number, event in enumerate(events)
            if service in {None, event.service}
            and environment in {None, event.environment}
            and actor in {None, event.actor}
            and deploy in {None, event.deploy_id}
            and (span is None or event.at in span)
        ]
        assert len(fitting) > 1
        query = AuditQuery(span=span, service=service, environment=environment, actor=actor, deploy=deploy)
        found = await pages(store, query, 10)
        assert [number_of(stored) for stored in found] == [number for _, number in sorted(fitting, reverse=True)], query


async def test_a_page_after_a_cursor_outside_of_the_span_begins_at_the_spans_end(log):
    store, _ = log
    whole = await read(store, "audit_page", AuditQuery(span=SPAN), 50)
    cursors = (Cursor(SPAN.ends, 99), Cursor(NOON, 99))
    after = [await read(store, "audit_page", AuditQuery(span=SPAN, before=each), 50) for each in cursors]
    assert after == [whole, ()]


async def test_requests_of_a_service_by_number(one):
    await record(
        one,
        *(happened(E.DEPLOY_REQUESTED, deploy_id=number) for number in (3, 1, 7)),
        happened(E.DEPLOY_REQUESTED, deploy_id=5, environment="production"),
        happened(E.DEPLOY_REQUESTED, deploy_id=6, service="mailer"),
        happened(E.DEPLOY_PLANNED, deploy_id=8),
    )
    assert await read(one, "requested_page", "checkout", None, None, 3) == (7, 5, 3)
    assert await read(one, "requested_page", "checkout", None, 3, 3) == (1,)
    assert await read(one, "requested_page", "checkout", "staging", 7, 3) == (3, 1)
    assert await read(one, "requested_page", "checkout", "nowhere", None, 3) == ()


async def test_timelines_are_whole_and_in_the_order_they_were_recorded(one):
    later, earlier = happened(E.DEPLOY_REQUESTED, 5), happened(E.DEPLOY_APPROVED, 1)
    await record(one, later, happened(E.DEPLOY_REQUESTED, 0, 2), earlier, happened(E.DEPLOY_REQUESTED, 0, 3))
    found = await read(one, "timelines", [2, 1, 1, *range(4, 2000)])
    assert {deploy: [stored.index for stored in events] for deploy, events in found.items()} == {1: [1, 3], 2: [2]}
    assert [stored.body for stored in found[1]] == [later.body(), earlier.body()]


async def test_a_scope_has_its_span_its_environments_and_what_belongs_to_none(one):
    await record(
        one,
        happened(E.DEPLOY_FAILED, -1, 1),
        happened(E.DEPLOY_FAILED, 0, 2),
        happened(E.DEPLOY_FAILED, 24 * 60, 3),
        happened(E.DEPLOY_FAILED, 1, 4, environment="production"),
        happened(E.DEPLOY_REFUSED, 2, None, environment=""),
        happened(E.CATALOG_APPLIED, 3, None, service=None, environment=None),
    )
    types = {E.DEPLOY_FAILED, E.DEPLOY_REFUSED, E.CATALOG_APPLIED}
    everywhere, here, nowhere = (TODAY, STAGING, replace(TODAY, environments=frozenset()))
    for scope, indexes, deploys in ((everywhere, [2, 4, 5, 6], (2, 4)), (here, [2, 5, 6], (2,)), (nowhere, [5, 6], ())):
        assert [stored.index for stored in await read(one, "events_of", scope, types)] == indexes
        assert await read(one, "deploys_with", scope, types) == deploys
        assert (await read(one, "tally", scope)).events == len(indexes)
    assert await read(one, "events_of", everywhere, {E.CATALOG_APPLIED, E.DEPLOY_PLANNED}) == (
        await read(one, "events", None, 1)
    )


async def test_deploys_come_once_in_the_order_of_their_first_such_event(one):
    await record(
        one,
        happened(E.DEPLOY_PLANNED, 0, 1),
        *(happened(E.DEPLOY_STUCK, 1, number) for number in (9, 2, 9)),
        happened(E.DEPLOY_FAILED, 2, 1),
        happened(E.DEPLOY_FAILED, 2, 2),
    )
    types = (E.DEPLOY_FAILED, E.DEPLOY_STUCK)
    assert await read(one, "deploys_with", TODAY, types) == (9, 2, 1)
    assert await read(one, "deploys_with", TODAY, types, E.DEPLOY_PLANNED) == (1,)
    assert await read(one, "deploys_with", TODAY, types, E.DEPLOY_STUCK) == (9, 2)
    assert await read(one, "deploys_with", TODAY, (E.DEPLOY_EXPIRED,)) == ()


async def test_approvals_and_those_of_ones_own_request(one):
    asked = {1: ALICE, 2: PIPELINE, 3: SAM, 4: Operator("alice")}
    await record(
        one,
        *(happened(E.DEPLOY_REQUESTED, -60, number, actor=actor) for number, actor in asked.items()),
        *(happened(E.DEPLOY_APPROVED, number, number, actor=ALICE) for number in asked),
        happened(E.DEPLOY_APPROVED, 5, 2, actor=BOB),
        happened(E.DEPLOY_APPROVED, 6, 1, actor=ALICE, environment="production"),
        happened(E.DEPLOY_APPROVED, -5, 1, actor=ALICE),
    )
    signs = await read(one, "approvals_in", STAGING)
    assert signs[0] == Sign(1, "checkout", "staging", ALICE, NOON + MINUTE)
    assert [(sign.deploy_id, sign.actor) for sign in signs] == [
        (1, ALICE),
        (2, ALICE),
        (3, ALICE),
        (4, ALICE),
        (2, BOB),
    ]
    assert await read(one, "own_approvals_in", STAGING) == signs[:2]


async def test_durations_are_those_of_the_newest_dispatch(one):
    twice = (E.DEPLOY_REQUESTED, E.DEPLOY_APPROVED, E.DEPLOY_DISPATCHING, E.DEPLOY_APPROVED, E.DEPLOY_DISPATCHING)
    await record(
        one,
        *a_life(1, *twice, E.DEPLOY_APPROVED, E.DEPLOY_SUCCEEDED, begins=-2),
        *a_life(2, E.DEPLOY_REQUESTED, E.DEPLOY_DISPATCHING, E.DEPLOY_SUCCEEDED, step=10),
        *a_life(3, E.DEPLOY_REQUESTED, E.DEPLOY_APPROVED, E.DEPLOY_DISPATCHING, begins=-9, step=2),
    )
    tally = await read(one, "tally", TODAY)
    assert (tally.to_approve, sorted(tally.to_succeed)) == ((3 * MINUTE,), [2 * MINUTE, 10 * MINUTE])


async def test_a_revert_counts_once_and_only_when_it_began_by_the_end(one):
    reverting = (E.DEPLOY_REQUESTED, E.DEPLOY_FAILED, E.DEPLOY_REVERTED, E.DEPLOY_REVERTED)
    await record(
        one,
        *a_life(1, *reverting),
        *a_life(2, *reverting, begins=24 * 60 - 2),
        *a_life(3, *reverting, begins=-2),
        *a_life(4, E.DEPLOY_REQUESTED, E.DEPLOY_FAILED),
    )
    tally = await read(one, "tally", TODAY)
    assert (tally.reverted, tally.types[E.DEPLOY_FAILED]) == (1, 3)
    assert (tally.ended()[Outcome.REVERTED], tally.ended()[Outcome.FAILED]) == (1, 2)


async def test_of_nothing_there_is_nothing(one):
    assert await read(one, "tally", TODAY) == Tally(events=0, types={}, reverted=0, to_approve=(), to_succeed=())
    for name in ("approvals_in", "own_approvals_in", "maybe_open"):
        assert await read(one, name, STAGING) == ()
    assert await read(one, "timelines", []) == {}
    assert await read(one, "all_posted", []) == ()


WALKS = (
    (E.DEPLOY_PLANNED,),
    (E.DEPLOY_APPROVED,),
    (E.DEPLOY_APPROVED, E.DEPLOY_DISPATCHING),
    (E.DEPLOY_DISPATCHING, E.DEPLOY_REPLANNING, E.DEPLOY_PLANNED),
    (E.DEPLOY_DISPATCHING, E.DEPLOY_LANDED),
)
ENDS = ((), (E.DEPLOY_SUCCEEDED,), (E.DEPLOY_FAILED,), (E.DEPLOY_FAILED, E.DEPLOY_REVERTED), (E.DEPLOY_EXPIRED,))


def any_life(number, chance):
    kinds = [E.DEPLOY_REQUESTED, *(kind for walk in chance.choices(WALKS, k=3) for kind in walk), *chance.choice(ENDS)]
    place = chance.choice(("staging", "production"))
    return a_life(number, *kinds, begins=chance.randrange(-300, 1500), step=chance.randrange(40), environment=place)


@pytest.mark.parametrize("seed", range(4))
async def test_the_numbers_are_those_of_the_deploys_as_their_events_tell_them(one, seed):
    chance = Random(seed)
    lives = {number: any_life(number, chance) for number in range(1, 60)}
    await record(one, *sorted((event for life in lives.values() for event in life), key=lambda event: event.at))
    for scope in (TODAY, STAGING):
        await assert_tally(one, scope, lives)


async def assert_tally(one, scope, lives):
    """The store's numbers are those that these lives' events add up to."""
    told = [entry_of((json.loads(event.body()) for event in life), scope.span.ends) for life in lives.values()]
    entries = [entry for entry in told if entry and scope.has(entry.environment)]
    ended = [entry for entry in entries if entry.ended_at is not None and entry.ended_at in scope.span]
    sent = [entry for entry in entries if entry.dispatched_at is not None and entry.dispatched_at in scope.span]
    tally = await read(one, "tally", scope)
    counts = {outcome: sum(entry.outcome is outcome for entry in ended) for outcome in tally.ended()}
    assert tally.ended() == counts
    assert sorted(tally.to_approve) == sorted(entry.to_approve for entry in sent if entry.to_approve is not None)
    assert sorted(tally.to_succeed) == sorted(entry.to_succeed for entry in ended if entry.to_succeed is not None)
    assert len(tally.to_approve) > 3
    assert len(tally.to_succeed) > 0


async def test_what_may_have_been_open_at_the_end(one):
    async with one.begin() as tx:
        ended = {2: NOON, 3: TODAY.span.ends, 4: TODAY.span.ends + DAY}
        for number in range(1, 8):
            begun = TODAY.span.ends if number == 5 else NOON - DAY
            place = "production" if number == 6 else "staging"
            deploy = await tx.add_deploy(a_draft(environment=place, requested_at=begun))
            if number in ended:
                await tx.save_deploy(deploy.advance(Status.EXPIRED, ended[number]))
    assert await read(one, "maybe_open", TODAY) == (1, 3, 4, 6, 7)
    assert await read(one, "maybe_open", STAGING) == (1, 3, 4, 7)


async def test_messages_of_many_deploys_those_that_stand(one):
    async with one.begin() as tx:
        for number in (1, 2, 3, 4):
            await tx.add_deploy(a_draft())
            if number != 2:
                await tx.save_posted(a_posted(number, ts="" if number == 3 else f"1.{number}"))
    found = await read(one, "all_posted", [4, 3, 2, 1, *range(5, 2000)])
    assert found == (a_posted(1, ts="1.1"), a_posted(4, ts="1.4"))
