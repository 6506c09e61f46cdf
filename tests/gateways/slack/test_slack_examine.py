from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from bot.domain.diagnosis.slack import Channel, UserGroup
from bot.errors import SlackRefused
from bot.gateways.slack.connection import Connection
from bot.gateways.slack.examine import SlackExaminer, _instant
from bot.gateways.slack.manifest import scopes
from bot.gateways.slack.methods import CHANNEL

if TYPE_CHECKING:
    from tests.slackside import Slackside

STAGING, ALICE, SRE = "C0STAGING1", "U0ALICE001", "S0SRE00001"


@pytest.fixture
def examiner(slack: Slackside) -> SlackExaminer:
    return SlackExaminer(slack.connection)


async def test_the_token_and_its_scopes(slack: Slackside, examiner: SlackExaminer) -> None:
    await slack.page.post("workspace", scopes=["commands", "chat:write"])

    token = await examiner.token()

    assert (token.team, token.team_name) == ("T0NOMATRON", "Nomatron")
    assert token.scopes == {"commands", "chat:write"}
    assert token.date is not None
    assert abs((datetime.now(UTC) - token.date).total_seconds()) < 5
    assert examiner.needed == set(scopes())


async def test_a_token_of_an_organisation_wide_installation(slack: Slackside, examiner: SlackExaminer) -> None:
    assert not (await examiner.token()).org_wide
    await slack.page.post("workspace", enterprise_id="E0GRID0001", org_wide=True)
    assert (await examiner.token()).org_wide


async def test_slacks_clock(slack: Slackside, examiner: SlackExaminer) -> None:
    await slack.page.post("workspace", clock=400)

    date = (await examiner.token()).date

    assert date is not None
    assert 390 < (date - datetime.now(UTC)).total_seconds() < 410


def test_a_date_that_is_none() -> None:
    assert _instant("") is None


async def test_an_answer_that_names_no_scopes() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"ok": True, "team_id": "T1"})

    app = web.Application()
    app.router.add_get("/api/auth.test", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with Connection("xoxb-1", f"http://127.0.0.1:{runner.addresses[0][1]}/api/") as connection:
        token = await SlackExaminer(connection).token()
    await runner.cleanup()

    assert (token.team, token.team_name, token.scopes) == ("T1", "", None)


async def test_channels(slack: Slackside, examiner: SlackExaminer) -> None:
    assert await examiner.channel(STAGING) == Channel(id=STAGING, name="staging")
    await slack.page.post("channels", channel=STAGING, archived=True, is_ext_shared=True)
    assert await examiner.channel(STAGING) == Channel(id=STAGING, name="staging", archived=True, external=True)
    await slack.page.post("channels", channel=STAGING, private=True)
    assert await examiner.channel(STAGING) is None
    await slack.page.post("channels", channel=STAGING, members=["U0NOMATRON"])
    found = await examiner.channel(STAGING)
    assert found is not None
    assert (found.private, found.member) == (True, True)
    assert await examiner.channel("C0NOWHERE1") is None


async def test_a_direct_message_is_no_channel(slack: Slackside, examiner: SlackExaminer) -> None:
    direct = slack.server.state.workspace.direct_with(ALICE)

    found = await examiner.channel(direct.id)

    assert found is not None
    assert found.direct


async def test_user_groups_with_the_disabled_ones(slack: Slackside, examiner: SlackExaminer) -> None:
    await slack.page.post("groups", group=SRE, disabled=True)

    groups = await examiner.usergroups()

    assert groups[SRE] == UserGroup(id=SRE, handle="sre", disabled=True, members=1)
    assert groups["S0DEV00001"].members == 4


async def test_people(examiner: SlackExaminer) -> None:
    found = await examiner.person(ALICE)

    assert found is not None
    assert found.name == "Alice"
    assert await examiner.person("U0NOBODY01") is None


@pytest.mark.parametrize("method", ["conversations.info", "users.info", "usergroups.list"])
async def test_a_scope_that_is_missing_is_refused_as_it_is(
    slack: Slackside, examiner: SlackExaminer, method: str
) -> None:
    await slack.page.post("workspace", scopes=["commands"])
    look = {
        "conversations.info": lambda: examiner.channel(STAGING),
        "users.info": lambda: examiner.person(ALICE),
        "usergroups.list": examiner.usergroups,
    }[method]

    with pytest.raises(SlackRefused, match="missing_scope"):
        await look()


async def test_it_waits_for_its_turn_within_the_budget(slack: Slackside, examiner: SlackExaminer) -> None:
    bucket = slack.connection.budget._of(CHANNEL, "")[0]
    bucket.rate, bucket.tokens = 1000.0, 0.0

    assert await examiner.channel(STAGING) is not None
