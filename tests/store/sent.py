"""The statements that the store really sends: what it searches for at all, and what its loops ask again and again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import event

from bot.domain.audit.events import EventType
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import Way
from bot.domain.digest.schedule import Scope, Span
from bot.ports.claims import Wanted
from store.deploys.retention import Retention
from tests.builders import ALICE, a_draft
from tests.clocks import NOON

WANTED = Wanted(statuses=frozenset({Status.ROLLING, Status.FAILED}), within=timedelta(minutes=1))
DAY = Scope(Span(NOON - timedelta(days=1), NOON))
TODAY = date(2026, 11, 21)


async def statements(store, act):
    """What a store sends while it acts, with values filled in by the driver."""
    sent = []

    def keep(connection, cursor, statement, parameters, context, executemany):
        if not statement.startswith("BEGIN"):
            sent.append((statement, parameters))

    engine = store.engines.writing.sync_engine
    event.listen(engine, "before_cursor_execute", keep)
    await act(store)
    event.remove(engine, "before_cursor_execute", keep)
    return sent


def reads(name, *arguments):
    async def act(store):
        async with store.read() as reading:
            await getattr(reading, name)(*arguments)

    return pytest.param(act, id=name)


def claims(name, **arguments):
    async def act(store):
        mine = {} if name == "find" else {"owner": "one", "lease": timedelta(minutes=1)}
        await getattr(store, name)(now=NOON, **mine, **arguments)

    return pytest.param(act, id=name)


async def poll(store):
    # as many kinds of work as there are, each with its own rule
    await store.due([Wanted(statuses=frozenset({state}), within=timedelta(minutes=1)) for state in Status], NOON)


def takes(name, *arguments):
    """The claim itself, past the look that comes before it: an empty store would end there."""

    async def act(store):
        async with getattr(store, name)() as session:
            await session.take(*arguments)

    return pytest.param(act, id=name)


def retains(name):
    async def act(store):
        async with store.begin() as tx:
            await getattr(Retention(tx._connection, tx._parsed), name)(NOON)

    return pytest.param(act, id=f"retention_{name}")


SEARCHES = [
    reads("deploy", 1),
    reads("subject", 1),
    reads("open_deploys"),
    reads("open_deploys", "checkout", "staging"),
    reads("any_unjudged"),
    reads("locks"),
    reads("locks_on", "checkout", "staging"),
    reads("overdue", NOON, {"production": NOON, "staging": NOON}),
    reads("requested_by", ALICE, NOON, NOON),
    reads("last_succeeded", "checkout", "staging"),
    reads("runs", "checkout", "staging", "f"),
    reads("runs", "checkout", "staging", "f", NOON),
    reads("last_passed", "checkout", "staging"),
    reads("first_landed", "checkout", "staging", "v1"),
    reads("last_landed", "checkout", "staging"),
    reads("first_landing", "checkout", "staging"),
    reads("last_landing", "checkout", "staging"),
    reads("success_before", replace(a_draft(), landed_at=NOON)),
    reads("recorded", [("checkout", "staging"), ("checkout", "production")]),
    reads("last_succeeded_of", [("checkout", "staging"), ("checkout", "production")]),
    reads("knows_request", "5f3a"),
    reads("release", "f"),
    reads("revisions", "checkout", "v1", "web"),
    reads("plan", 1, 1),
    reads("approvals", 1),
    reads("attempts", 1, 1),
    reads("rollouts", 1),
    reads("versions_made", "checkout", "staging", 10),
    reads("posted", 1),
    reads("events", 1),
    reads("catalog", "f"),
    reads("requested_page", "checkout", None, None, 10),
    reads("requested_page", "checkout", "staging", 9, 10),
    reads("timelines", [1, 2]),
    reads("tally", DAY),
    reads("deploys_with", DAY, [EventType.DEPLOY_FAILED, EventType.DEPLOY_STUCK]),
    reads("deploys_with", DAY, [EventType.DEPLOY_FAILED], EventType.DEPLOY_LANDED),
    reads("events_of", DAY, [EventType.CATALOG_APPLIED]),
    reads("approvals_in", DAY),
    reads("own_approvals_in", replace(DAY, environments=frozenset({"production"}))),
    reads("maybe_open", DAY),
    reads("maybe_open", replace(DAY, environments=frozenset({"production"}))),
    reads("all_posted", [1, 2]),
    reads("digests_since"),
    reads("edition", "C0AUDIT001", TODAY),
    reads("last_edition", "C0AUDIT001", TODAY),
    reads("edition_days", "C0AUDIT001", TODAY),
    reads("table_refused", NOON),
    reads("newest_editions", TODAY),
    poll,
    claims("claim", wanted=WANTED),
    claims("claim", wanted=replace(WANTED, full=frozenset({"http://10.0.0.1:4646"}))),
    claims("claim_parcel"),
    claims("claim_parcel", resting=[(Way.UPDATE, ""), (Way.POST, "C0PROD0001")]),
    takes("_claims", WANTED, "one", timedelta(minutes=1), NOON),
    takes("_parcels", "one", timedelta(minutes=1), NOON),
    retains("due"),
    retains("empty"),
]
"""Every search of the store, each as it is really sent."""

LOOPS = [
    poll,
    *(claims("claim", wanted=Wanted(statuses=frozenset({state}), within=timedelta(minutes=1))) for state in Status),
    claims("find", wanted=WANTED),
    claims("find", wanted=replace(WANTED, full=frozenset({"http://10.0.0.1:4646"}), besides=frozenset({7}))),
    claims("claim_parcel"),
    reads("any_unjudged"),
    reads("any_of", [Status.DISPATCHING, Status.ROLLING], [("checkout", "staging"), ("checkout", "production")]),
    reads("overdue", NOON, {"production": NOON, "staging": NOON}),
    reads("open_deploys"),
    reads("open_deploys", "checkout", "staging"),
    reads("open_places"),
    reads("ages"),
    reads("last_succeeded", "checkout", "staging"),
    reads("last_passed", "checkout", "staging"),
    takes("_claims", WANTED, "one", timedelta(minutes=1), NOON),
    takes("_parcels", "one", timedelta(minutes=1), NOON),
]
"""What is asked again and again, however long the history is."""
