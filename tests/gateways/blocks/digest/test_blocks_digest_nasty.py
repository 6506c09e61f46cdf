"""Whatever the audit log carries, Slack takes the digest and reads nothing into it that is not ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actor import CiIdentity, Operator, SlackUser, System
from bot.domain.audit.events import EventType
from bot.domain.audit.history import Outcome
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.rollout import RolloutStatus
from bot.domain.digest.report import CatalogChange, DigestCard, Layout, Listed, LockChange, Sign, Signs
from bot.domain.digest.schedule import Scope
from bot.gateways.blocks.digest.message import render
from tests.builders import ALICE, an_entry
from tests.gateways.blocks.digests import SCOPE, a_digest, a_report, link_to, tallied
from tests.gateways.blocks.nasty import texts
from tests.gateways.blocks.taken import taken
from tests.gateways.blocks.test_blocks_nasty import MANY, known_ids

actors = st.one_of(
    st.just(ALICE),
    st.builds(CiIdentity, issuer=texts, subject=texts, human=st.none() | known_ids),
    st.builds(Operator, name=texts),
    st.builds(System, part=texts),
    st.builds(SlackUser, team=texts, id=known_ids),
)
instants = st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis adds the zone itself
entries = st.builds(
    an_entry,
    st.integers(1, 1_999),
    service=texts,
    environment=texts,
    version=texts,
    requester=actors,
    requested_at=instants,
    expires_at=st.none() | instants,
    status=st.sampled_from(list(Status)),
    changed_at=instants,
    from_version=st.none() | texts,
    approvers=st.lists(known_ids, max_size=9).map(tuple),
    dispatched_at=st.none() | instants,
    stuck_at=st.none() | instants,
    detail=texts,
    reverted=st.none() | st.sampled_from(RolloutStatus),
)
signs = st.lists(st.builds(Sign, st.integers(1, 1_999), texts, texts, actors, instants), max_size=10)


@st.composite
def listed(draw: Any, most: int) -> Listed:
    shown = tuple(draw(st.lists(entries, max_size=most)))
    return Listed(shown, len(shown) + draw(st.integers(0, 3_000)) if shown else 0)


@st.composite
def nasty_digests(draw: Any) -> DigestCard:
    def some_signs() -> Signs:
        found = tuple(draw(signs))
        return Signs(found, len(found) + draw(st.integers(0, 99)) if found else 0)

    # Slack's own links alone are known; anything else that gets through as one is somebody else's
    links = st.just("") | texts | st.integers(1, 1_999).map(link_to)
    report = a_report(
        scope=Scope(SCOPE.span, draw(st.none() | st.frozensets(texts, max_size=9))),
        final=tuple(draw(st.lists(texts, max_size=9))),
        tally=tallied(draw(st.integers(0, 10**9)), draw(st.integers(0, 10**9)), approve=timedelta(days=9_999)),
        outcomes={outcome: draw(st.integers(0, 10**6)) for outcome in Outcome},
        changes=draw(listed(40)),
        failures=draw(listed(6)),
        reverts_failed=draw(listed(3)),
        stuck=draw(listed(3)),
        overdue=draw(listed(3)),
        self_approved=some_signs(),
        out_of_hours=some_signs(),
        catalogs=tuple(draw(st.lists(st.builds(CatalogChange, instants, actors, texts, texts), max_size=7))),
        locks=tuple(draw(st.lists(_locks, max_size=7))),
        refusals=draw(st.dictionaries(texts, st.integers(1, 10**6), max_size=9)),
        refused=draw(st.integers(0, 10**9)),
        posted=draw(st.dictionaries(st.integers(1, 1_999), links, max_size=40)),
    )
    return a_digest(report, late=draw(st.booleans()), twice=draw(st.booleans()), preview=draw(st.booleans()))


_locks = st.builds(
    LockChange,
    kind=st.sampled_from([EventType.LOCK_PLACED, EventType.LOCK_LIFTED, EventType.LOCK_EXPIRED]),
    at=instants,
    actor=actors,
    what=texts,
    reason=texts,
    until=st.none() | instants,
)


@given(nasty_digests(), st.sampled_from(list(Layout)))
@MANY
def test_nasty_digests(card: DigestCard, layout: Layout) -> None:
    taken(render(card, layout))
