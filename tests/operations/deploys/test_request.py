from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.actor import System
from bot.domain.catalog.variable import Bound, Declaration
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import MOST_A_MINUTE, MOST_OPEN
from bot.domain.deploy.message import PLANNING_SHOWN_AFTER
from bot.errors import CatalogMissing, Replayed
from bot.operations.catalog import apply
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.request import Requested, request
from tests.builders import ALICE, BOB, GUS, NORA, SAM, a_catalog, a_service, a_template, an_environment
from tests.operations.acts import (
    HERE,
    SOAK,
    after_staging,
    an_ask,
    applied,
    asked,
    change,
    events,
    now,
    planned,
    succeeded,
    types,
)

if TYPE_CHECKING:
    from tests.fakes import World


async def refusal(world: World, actor=ALICE, **changes) -> tuple[str, ...]:
    answer = await request(world.ports(), actor, an_ask(**changes), origin=HERE)
    assert isinstance(answer, Refused), answer
    return answer.codes


async def test_a_request_is_numbered_recorded_and_due_for_planning(world: World):
    answer = await request(world.ports(), ALICE, an_ask(), origin=HERE)

    assert isinstance(answer, Requested)
    assert not answer.existing
    assert answer.deploy.number == "D-1"
    assert await now(world, 1) == answer.deploy
    assert answer.deploy.status is Status.PLANNING
    assert answer.deploy.due_at == world.clock.now()
    assert (answer.deploy.asked_in, answer.deploy.asked_via) == (HERE.channel, HERE.response_url)
    assert await types(world, 1) == ["deploy.requested"]
    assert world.bell.rings > 0


async def test_its_message_waits_ten_seconds_for_the_plan(world: World):
    await asked(world)

    assert await world.store.claim_parcel(owner="w", lease=world.limits.lease, now=world.clock.now()) is None
    later = world.clock.now() + PLANNING_SHOWN_AFTER
    assert await world.store.claim_parcel(owner="w", lease=world.limits.lease, now=later) is not None


async def test_asked_again_while_open_it_answers_with_the_same_number(world: World):
    first = await asked(world)

    answer = await request(world.ports(), BOB, an_ask(), origin=Origin())

    assert answer == Requested(first, existing=True)


@pytest.mark.parametrize("other", [{"version": "v1.4.3"}, {"overrides": {"count": "3"}}, {"environment": "production"}])
async def test_anything_else_is_another_deploy(world: World, other: dict):
    await asked(world)

    assert (await asked(world, **other)).number == "D-2"


async def test_one_that_has_ended_is_not_the_same(world: World):
    first = await asked(world)
    await change(world, first.advance(Status.WITHDRAWN, world.clock.now()))

    assert (await asked(world)).number == "D-2"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"service": "chekout"}, "unknown-service"),
        ({"environment": "prod"}, "unknown-environment"),
        ({"environment": None}, "environment-missing"),
        ({"version": "not a version"}, "version-form"),
        ({"overrides": {"memory": "1"}}, "not-settable"),
        ({"reason": "x" * 1001}, "reason-too-long"),
    ],
)
async def test_a_malformed_request_is_refused_and_recorded_without_a_number(world: World, changes: dict, code: str):
    assert await refusal(world, **changes) == (code,)

    body = (await events(world))[-1]
    assert body["type"] == "deploy.refused"
    assert body["data"]["codes"] == [code]
    assert "deploy" not in body


async def test_it_asks_slack_nothing_for_a_malformed_request(world: World):
    await refusal(world, service="nothing")

    assert world.directory.asked == 0


@pytest.mark.parametrize(
    ("actor", "code"), [(NORA, "no-permission"), (GUS, "person-guest"), (System("x"), "nobody-behind")]
)
async def test_without_the_permission_it_is_refused_and_recorded(world: World, actor, code: str):
    assert await refusal(world, actor) == (code,)
    assert (await types(world))[-1] == "deploy.refused"


async def test_who_could_is_said(world: World):
    answer = await request(world.ports(), NORA, an_ask(), origin=HERE)

    assert isinstance(answer, Refused)
    assert answer.reasons[0].groups == ("S0DEV00001", "S0SRE00001")


async def test_a_rule_that_nobody_else_can_meet_is_refused_with_the_numbers(world: World):
    answer = await request(world.ports(), SAM, an_ask(environment="production"), origin=HERE)

    assert isinstance(answer, Refused)
    assert answer.codes == ("rule-unmeetable",)
    assert answer.reasons[0].text == (
        "Nobody can approve this: you are the only member of sre. Ask one of these people to request it instead."
    )
    assert answer.reasons[0].users == ("U0ALICE001", "U0BOB00001", "U0CAROL001")


async def test_when_slack_does_not_say_who_is_who_the_refusal_is_recorded_and_nothing_else(world: World):
    world.directory.silent = True

    assert await refusal(world) == ("membership-unknown",)
    body = (await events(world))[-1]
    assert (body["type"], body["environment"], body["data"]["codes"]) == (
        "deploy.refused",
        "staging",
        ["membership-unknown"],
    )
    world.directory.silent = False
    assert (await asked(world)).number == "D-1"


async def test_a_refusal_is_recorded_with_what_it_was_judged_on(world: World):
    await refusal(world, NORA)

    body = (await events(world))[-1]
    assert body["catalog"] == a_catalog().fingerprint
    assert body["data"]["judged"] == {"people": {NORA.id: []}, "uncounted": {}}


async def test_a_guest_is_told_who_can(world: World):
    answer = await request(world.ports(), GUS, an_ask(), origin=HERE)

    assert isinstance(answer, Refused)
    assert answer.reasons[0].groups == ("S0DEV00001", "S0SRE00001")


async def settable(world: World, **declarations: Declaration) -> None:
    """A catalog in which a request may set these variables."""
    names = frozenset(declarations)
    template = a_template(declared=names | {"version"}, declarations=declarations)
    await applied(world, services={"checkout": a_service(settable=names)}, templates={"web": template})


COUNT = Declaration(type="number", whole=True, bounds=(Bound(">=", 1), Bound("<=", 10)))


async def test_what_it_sets_is_recorded_in_the_declared_type(world: World):
    await settable(world, count=COUNT, greeting=Declaration(type="string"))

    deploy = await asked(world, overrides={"count": "3", "greeting": 7})
    again = await asked(world, overrides={"count": 3, "greeting": "7"})

    assert deploy.overrides == {"count": 3, "greeting": "7"}
    assert again.number == deploy.number
    assert (await events(world, deploy.id))[-1]["data"]["set"] == ["count=3", "greeting=7"]


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"api_key": "s.Zk9hunter2secret"}, "setting-secret"),
        ({"greeting": "postgres://sam:Zk9hunter2@db"}, "setting-secret"),
        ({"greeting": "{{ Zk9hunter2 }}"}, "setting-value"),
        ({"greeting": "a\nZk9hunter2=1"}, "setting-value"),
        ({"count": "Zk9hunter2"}, "setting-value"),
        ({"zones": '["\\u000aZk9hunter2"]'}, "setting-value"),
        ({f"v{number}": "Zk9hunter2" for number in range(11)}, "not-settable"),
    ],
)
async def test_a_setting_that_is_not_plain_is_refused_and_its_value_is_written_nowhere(
    world: World, overrides: dict, code: str
):
    await settable(
        world, count=COUNT, greeting=Declaration(), api_key=Declaration(), zones=Declaration(type="list(string)")
    )

    assert (await refusal(world, overrides=overrides))[0] == code

    assert "Zk9hunter2" not in json.dumps(await events(world))
    assert (await types(world))[-1] == "deploy.refused"
    async with world.store.read() as reading:
        assert await reading.deploy(1) is None


async def test_a_promoted_release_is_judged_by_what_it_declared_itself(world: World):
    catalog = await after_staging(world)
    first = a_template(declarations={"count": COUNT})
    newer = replace(first, text="newer", declarations={"count": replace(COUNT, bounds=())})
    await apply(world.ports(), System("test"), replace(catalog, templates={"web": first}))
    source = await succeeded(world)
    world.clock.advance(SOAK)
    await apply(world.ports(), System("test"), replace(catalog, templates={"web": newer}))

    again: dict[str, Any] = {"release": source.release, "promotes": "staging", "environment": "production"}

    assert await refusal(world, overrides={"count": 11}, **again) == ("setting-value",)
    assert (await asked(world, overrides={"count": 10}, **again)).overrides == {"count": 10}


async def test_a_secret_where_the_version_belongs_is_not_recorded(world: World):
    assert await refusal(world, version="token=s.Zk9hunter2secret") == ("version-form",)
    assert (await events(world))[-1]["data"]["version"] == "(hidden)"

    commit = "4f2a9c01" * 5
    assert await refusal(world, version=commit, overrides={"other": 1}) == ("not-settable",)
    assert (await events(world))[-1]["data"]["version"] == commit


async def test_whoever_goes_before_is_told_with_the_answer(world: World):
    first = await planned(world)
    assert first.status is Status.READY

    answer = await request(world.ports(), ALICE, an_ask(version="v1.5.0"), origin=HERE)

    assert isinstance(answer, Requested)
    said = "D-1 (v1.4.2) was requested earlier. This deploy goes after it, with a new plan."
    assert (answer.notes, [reason.text for reason in answer.holds]) == ((), [said])


@pytest.mark.parametrize("status", [Status.WITHDRAWN, Status.EXPIRED, Status.INVALID, Status.WAITING])
async def test_the_address_for_a_private_answer_goes_with_planning(world: World, status: Status):
    deploy = await asked(world)
    assert deploy.asked_via

    assert deploy.advance(status, world.clock.now()).asked_via == ""


async def test_missing_and_unknown_variables_are_named(world: World):
    catalog = a_catalog(services={"checkout": a_service(variables={"colour": "blue"}, version_variable="tag")})
    await apply(world.ports(), System("test"), catalog)

    answer = await request(world.ports(), ALICE, an_ask(), origin=HERE)

    assert isinstance(answer, Refused)
    assert answer.codes == ("unknown-variable", "missing-variable")
    assert "colour, tag" in answer.reasons[0].text
    assert "version" in answer.reasons[1].text


async def test_a_reason_may_be_required(world: World):
    staging = an_environment(reason_required=True)
    await apply(world.ports(), System("test"), a_catalog(environments={"staging": staging, "production": staging}))

    assert await refusal(world) == ("reason-missing",)
    assert await refusal(world, reason="  ") == ("reason-missing",)
    assert (await asked(world, reason="SHOP-981")).reason == "SHOP-981"


async def test_the_same_slack_request_is_taken_once(world: World):
    origin = Origin(signature="a" * 64)
    await asked(world, origin=origin)

    with pytest.raises(Replayed):
        await request(world.ports(), ALICE, an_ask(version="v2"), origin=origin)
    with pytest.raises(Replayed):
        await request(world.ports(), ALICE, an_ask(service="nothing"), origin=origin)
    assert (await asked(world, version="v3")).version == "v3"


async def test_without_a_catalog_it_cannot_be_asked(bare: World):
    with pytest.raises(CatalogMissing):
        await request(bare.ports(), ALICE, an_ask(), origin=HERE)


async def test_a_catalog_that_changes_while_slack_is_asked_is_asked_under_again(world: World):
    async def applying():
        await apply(world.ports(), System("test"), a_catalog(timezone="Europe/Amsterdam"))

    world.directory.hooks.before("membership", applying)

    deploy = await asked(world)

    assert world.directory.asked == 2
    assert deploy.catalog == a_catalog(timezone="Europe/Amsterdam").fingerprint


async def test_a_catalog_that_never_stands_still_is_refused_in_words(world: World):
    async def applying():
        await apply(world.ports(), System("test"), a_catalog(admin_channel=f"C0{world.directory.asked}"))

    world.directory.hooks.before("membership", applying, always=True)

    assert await refusal(world) == ("catalog-busy",)


async def test_a_person_with_too_many_open_deploys_is_told_what_to_do_and_others_go_on(world: World):
    for number in range(MOST_OPEN):
        world.clock.advance(seconds=10)
        await asked(world, version=f"v1.0.{number}")

    assert await refusal(world, version="v2.0.0") == ("too-many-open",)
    assert (await request(world.ports(), ALICE, an_ask(version="v1.0.0"), origin=HERE)).existing
    assert (await types(world))[-1] == "deploy.refused"
    await asked(world, BOB, version="v2.0.0")


async def test_too_many_requests_within_a_minute_are_refused_until_it_is_over(world: World):
    for number in range(MOST_A_MINUTE):
        await asked(world, version=f"v1.0.{number}")

    assert await refusal(world, version="v2.0.0") == ("too-many-requests",)
    world.clock.advance(seconds=60)
    await asked(world, version="v2.0.0")
