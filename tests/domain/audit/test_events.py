from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from bot.domain.actor import CiIdentity, System
from bot.domain.audit.events import Event, EventType
from tests.builders import ALICE, an_event


def test_the_bytes_of_an_event_are_these_for_ever():
    event = Event(
        type=EventType.DEPLOY_REQUESTED,
        at=datetime(2026, 11, 21, 13, 0, 0, 250, tzinfo=timezone(timedelta(hours=1))),
        actor=ALICE,
        deploy_id=1042,
        service="checkout",
        environment="production",
        catalog="c" * 64,
        data={"version": "v1.4.2", "reason": "Größe", "set": ["count"], "again": False},
    )

    assert (
        event.body()
        == (
            '{"actor":"slack:T0NOMATRON:U0ALICE001","at":"2026-11-21T12:00:00.000250Z","catalog":"' + "c" * 64 + '",'
            '"data":{"again":false,"reason":"Größe","set":["count"],"version":"v1.4.2"},"deploy":1042,'
            '"environment":"production","service":"checkout","type":"deploy.requested","v":1}'
        ).encode()
    )


def test_what_it_is_not_about_is_left_out():
    event = Event(type=EventType.CATALOG_APPLIED, at=an_event().at, actor=System("catalog"))

    assert event.body() == (
        b'{"actor":"system:catalog","at":"2026-11-21T12:00:00.000000Z","data":{},"type":"catalog.applied","v":1}'
    )


def test_a_pipeline_is_named_with_the_person_behind_it():
    body = json.loads(an_event(actor=CiIdentity("github", "repo:shop", ALICE.id)).body())

    assert body["actor"] == f"ci:github|repo:shop|{ALICE.id}"


@pytest.mark.parametrize("data", [{"index": 2**53}, {"é": "x"}])
def test_data_without_one_form_is_refused(data: dict):
    with pytest.raises(ValueError, match="canonical"):
        an_event(data=data).body()


def test_names_are_kept_for_ever():
    """Append here; a name that leaves this list is a record that nobody can read any more."""
    assert {each.value for each in EventType} >= {
        "catalog.applied",
        "deploy.requested",
        "deploy.refused",
        "deploy.planned",
        "deploy.replanning",
        "deploy.approved",
        "deploy.retracted",
        "deploy.rejected",
        "deploy.replaces",
        "deploy.withdrawn",
        "deploy.expired",
        "deploy.ready",
        "deploy.waiting",
        "deploy.blocked",
        "deploy.dispatching",
        "deploy.attempted",
        "deploy.answered",
        "deploy.landed",
        "deploy.unchanged",
        "deploy.invalid",
        "deploy.succeeded",
        "deploy.failed",
        "deploy.superseded",
        "deploy.reverted",
        "action.refused",
    }
