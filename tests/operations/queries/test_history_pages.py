"""``history``: pages of a service's deploys, each as its events tell of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.domain.audit.history import HistoryPage, Outcome
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.errors import CatalogMissing
from bot.operations.queries.history import history
from tests.builders import ALICE, BOB, SAM, a_placement, a_service
from tests.operations.acts import (
    applied,
    asked,
    delivered,
    ended,
    environments,
    planned,
    ready,
    succeeded,
)

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World

LINK = "https://t0nomatron.slack.com/archives/C0STAGING1/p10"


async def page(
    world: World,
    service: str = "checkout",
    environment: str | None = None,
    before: int | None = None,
    limit: int = 20,
) -> HistoryPage:
    found = await history(world.ports(), service, environment, before, limit)
    assert isinstance(found, HistoryPage), found
    return found


def ids(found: HistoryPage) -> list[int]:
    return [entry.deploy_id for entry in found.entries]


async def three(world: World) -> list[Deploy]:
    return [
        await asked(world, version="v1"),
        await asked(world, version="v2", environment="production"),
        await asked(world, version="v3"),
    ]


async def test_each_deploy_is_told_by_its_events(world: World) -> None:
    first = await succeeded(world)
    waiting = await ready(world, version="v1.4.3")
    done = await ended(world, waiting)

    newest, oldest = (await page(world)).entries

    assert (newest.deploy_id, newest.status, newest.outcome) == (done.id, Status.SUCCEEDED, Outcome.DEPLOYED)
    assert (newest.version, newest.environment, newest.requester) == ("v1.4.3", "production", ALICE)
    assert set(newest.approvers) == {BOB.id, SAM.id}
    assert (oldest.deploy_id, oldest.version, oldest.environment) == (first.id, "v1.4.2", "staging")


async def test_a_page_holds_as_many_as_asked_for_and_says_where_the_next_begins(world: World) -> None:
    deploys = [deploy.id for deploy in await three(world)]

    first = await page(world, limit=2)
    last = await page(world, limit=2, before=first.next)

    assert (ids(first), first.next) == (deploys[:0:-1], deploys[1])
    assert (ids(last), last.next) == (deploys[:1], None)
    # a page that is just full is the last one, not followed by an empty one
    assert (await page(world, limit=3)).next is None


async def test_one_environment_alone(world: World) -> None:
    _, production, _ = await three(world)

    assert ids(await page(world, environment="production")) == [production.id]
    assert ids(await page(world, environment="production", before=production.id)) == []


async def test_the_messages_that_stand_have_links(world: World) -> None:
    first = await planned(world)
    await delivered(world)
    await asked(world, version="v9")

    assert (await page(world)).posted == {first.id: LINK}

    world.directory.team = ""
    assert (await page(world)).posted == {}


async def test_a_message_that_is_still_being_posted_has_none(world: World) -> None:
    await planned(world)
    world.chat.refusals.append(RuntimeError("nobody knows whether it was posted"))
    await delivered(world)

    assert (await page(world)).posted == {}


async def test_times_are_of_the_catalogs_zone(world: World) -> None:
    await applied(world, timezone="Asia/Tokyo")

    assert (await page(world)).zone == "Asia/Tokyo"


async def test_what_nobody_asked_for_is_empty_where_the_catalog_has_it(world: World) -> None:
    assert await page(world, environment="production") == HistoryPage((), None, {}, "UTC")


@pytest.mark.parametrize(
    ("service", "environment", "code", "words"),
    [
        (
            "chekout",
            None,
            "unknown-service",
            "no service `chekout`. Did you mean `checkout`? The catalog has checkout.",
        ),
        (
            "checkout",
            "prod",
            "unknown-environment",
            "no environment `prod`. Did you mean `production`? The catalog has staging, production.",
        ),
    ],
)
async def test_what_nobody_knows_is_refused_with_the_names(
    world: World, service: str, environment: str | None, code: str, words: str
) -> None:
    await three(world)

    refused = await history(world.ports(), service, environment, None, 20)

    assert isinstance(refused, Refused)
    assert [(reason.code, reason.text) for reason in refused.reasons] == [(code, f"There is {words}")]


async def test_what_the_catalog_no_longer_has_is_found_by_its_requests(world: World) -> None:
    staging, production, again = await three(world)
    left = environments("staging")
    del left["production"]
    mailer = a_service("mailer", placements={"staging": a_placement()})
    await applied(world, environments=left, services={"mailer": mailer})

    assert ids(await page(world)) == [again.id, production.id, staging.id]
    assert ids(await page(world, environment="production")) == [production.id]


async def test_without_a_catalog_there_is_nothing_to_look_up(bare: World) -> None:
    with pytest.raises(CatalogMissing):
        await history(bare.ports(), "checkout", None, None, 20)
