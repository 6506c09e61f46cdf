from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.access import Person
from bot.errors import MembershipUnknown, SlackRefused, SlackUnavailable
from bot.gateways.slack import directory as module
from bot.gateways.slack.directory import _address, person_from

if TYPE_CHECKING:
    from tests.slackside import Slackside

DEV, SRE = "S0DEV00001", "S0SRE00001"
ALICE, GUS, SAM = "U0ALICE001", "U0GUS00001", "U0SAM00001"


async def names(slack: Slackside) -> list[str]:
    return [call["method"] for call in await slack.calls()]


async def test_a_snapshot_says_who_is_where_and_what_they_are(slack: Slackside) -> None:
    found = await slack.directory.membership([DEV, SRE], [ALICE, GUS, "U0NOBODY01"])

    assert found.team == slack.directory.team == "T0NOMATRON"
    assert found.usergroups[SRE] == {SAM}
    assert ALICE in found.usergroups[DEV]
    assert set(found.people) == {ALICE, GUS}
    assert found.people[ALICE] == Person(ALICE, "T0NOMATRON", name="Alice")
    assert found.people[GUS].guest
    assert not found.counts(GUS)
    assert slack.directory.app == "A0NOMATRON"


async def test_user_groups_are_not_called_where_none_is_asked_for(slack: Slackside) -> None:
    await slack.directory.membership([], [ALICE])

    assert sorted(await names(slack)) == ["auth.test", "bots.info", "users.info"]


async def test_one_group_is_read_alone_and_several_in_one_call(slack: Slackside) -> None:
    await slack.directory.membership([SRE], [])
    await slack.directory.membership([SRE], [])
    assert (await names(slack)).count("usergroups.users.list") == 1
    assert "usergroups.list" not in await names(slack)


async def test_several_groups_take_one_call(slack: Slackside) -> None:
    await slack.directory.membership([DEV, SRE], [])
    await slack.directory.membership([SRE], [ALICE])
    await slack.directory.membership([DEV], [ALICE])

    assert (await names(slack)).count("usergroups.list") == 1
    assert (await names(slack)).count("usergroups.users.list") == 0
    assert (await names(slack)).count("users.info") == 1


async def test_one_that_is_stale_among_several_takes_the_one_call_for_all(slack: Slackside) -> None:
    await slack.directory.membership([SRE], [])
    await slack.directory.membership([DEV, SRE], [])

    assert (await names(slack)).count("usergroups.users.list") == 1
    assert (await names(slack)).count("usergroups.list") == 1


async def test_what_nobody_waits_for_leaves_something_for_a_click(
    slack: Slackside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack.directory._groups, "_fresh", 0.0)
    monkeypatch.setattr(slack.directory._lists, "_fresh", 0.0)
    looks = [slack.directory.membership([DEV, SRE], [], background=True) for _ in range(20)]
    # one after the other: those that come together share one read
    told = [isinstance((await asyncio.gather(look, return_exceptions=True))[0], MembershipUnknown) for look in looks]
    assert told[-1]

    assert (await slack.directory.membership([DEV, SRE], [])).usergroups[SRE] == {SAM}


async def test_who_asks_at_once_shares_one_read(slack: Slackside) -> None:
    await asyncio.gather(*(slack.directory.membership([DEV, SRE], [ALICE]) for _ in range(20)))

    assert sorted(await names(slack)) == ["auth.test", "bots.info", "usergroups.list", "users.info"]


async def test_a_group_is_read_anew_when_it_is_too_old(slack: Slackside, monkeypatch: pytest.MonkeyPatch) -> None:
    await slack.directory.membership([SRE], [])
    await slack.page.post("groups", group=SRE, users=[SAM, ALICE])
    slack.directory._groups._fresh = 0.0

    # no age at all is allowed: every look is a read
    assert (await slack.directory.membership([SRE], [])).usergroups[SRE] == {SAM, ALICE}


async def test_freshness_is_as_promised() -> None:
    assert (module.GROUPS_FRESH, module.PEOPLE_FRESH, module.TIME_OUT) == (5.0, 60.0, 1.5)


async def test_a_group_that_slack_does_not_know_is_empty(slack: Slackside) -> None:
    one = await slack.directory.membership(["S0GONE0001"], [])
    two = await slack.directory.membership(["S0GONE0001", "S0GONE0002"], [])

    assert one.usergroups == {"S0GONE0001": frozenset()}
    assert two.usergroups == {"S0GONE0001": frozenset(), "S0GONE0002": frozenset()}


@pytest.mark.parametrize("mode", ["silent", "500", "html", "429", "error:invalid_auth", "error:missing_scope"])
async def test_closed_while_slack_does_not_answer(slack: Slackside, mode: str) -> None:
    await slack.page.post("fault", method="*", mode=mode, seconds=5)
    with pytest.raises(MembershipUnknown):
        await slack.directory.membership([SRE], [ALICE])
    assert not slack.directory.team


async def test_it_takes_up_again_when_slack_is_back(slack: Slackside) -> None:
    await slack.page.post("fault", method="usergroups.users.list", mode="500")
    with pytest.raises(MembershipUnknown):
        await slack.directory.membership([SRE], [ALICE])
    await slack.page.post("fault", method="usergroups.users.list", mode="none")

    assert (await slack.directory.membership([SRE], [ALICE])).usergroups[SRE] == {SAM}


async def test_a_token_that_may_not_ask_for_its_app_compares_none(slack: Slackside) -> None:
    await slack.page.post("fault", method="bots.info", mode="error:missing_scope")
    identity = await slack.directory.introduce()

    assert (identity.team, identity.app) == ("T0NOMATRON", "")


async def test_a_message_has_its_address_once_slack_said_where_we_are(slack: Slackside) -> None:
    assert slack.directory.link("C0PROD0001", "1763712000.000005") == ""
    await slack.directory.introduce()

    assert slack.directory.link("C0PROD0001", "1763712000.000005") == (
        "https://nomatron.slack.com/archives/C0PROD0001/p1763712000000005"
    )
    assert slack.directory.link("C0 <x>", "1|2") == "https://nomatron.slack.com/archives/C0%20%3Cx%3E/p1%7C2"


@pytest.mark.parametrize("url", ["", "http://nomatron.slack.com/", "javascript:alert(1)"])
def test_an_address_that_is_none_makes_no_links(url: str) -> None:
    assert _address(url) == ""
    assert _address("https://nomatron.slack.com") == "https://nomatron.slack.com/"


async def standing(slack: Slackside) -> str:
    """The code that our token gets by what is known now, and once what is asked in the background is known."""
    found = ""
    try:
        await slack.directory.standing()
    except SlackRefused as error:
        found = error.error
    await asyncio.gather(*slack.directory._standings._reads.values())
    return found


async def test_a_token_that_is_revoked_later_is_noticed_by_any_call(slack: Slackside) -> None:
    assert await standing(slack) == ""
    await slack.page.post("fault", method="users.info", mode="error:token_revoked")
    with pytest.raises(MembershipUnknown):
        await slack.directory.membership([], [ALICE])

    assert await standing(slack) == "token_revoked"


async def test_where_nothing_is_called_the_token_is_asked_for_once_a_minute(
    slack: Slackside, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await standing(slack) == ""
    await slack.page.post("fault", method="auth.test", mode="error:account_inactive")
    for _ in range(3):
        assert await standing(slack) == ""
    assert (await names(slack)).count("auth.test") == 2

    monkeypatch.setattr(slack.directory._standings, "_fresh", 0.0)
    assert [await standing(slack), await standing(slack)] == ["", "account_inactive"]
    await slack.page.post("fault", method="auth.test", mode="none")
    assert [await standing(slack), await standing(slack)] == ["account_inactive", ""]


async def test_what_slack_refuses_to_a_good_token_says_nothing_about_it(slack: Slackside) -> None:
    await slack.directory.introduce()
    await slack.page.post("fault", method="users.info", mode="error:missing_scope")
    with pytest.raises(MembershipUnknown):
        await slack.directory.membership([], [ALICE])

    assert await standing(slack) == ""


async def test_a_silent_slack_has_no_standing_and_holds_nobody_up(slack: Slackside) -> None:
    await slack.page.post("fault", method="auth.test", mode="silent", seconds=5)

    with pytest.raises(SlackUnavailable, match=r"within 1\.5 s"):
        await slack.directory.standing()


async def test_one_who_gives_up_does_not_end_the_read_for_the_others(slack: Slackside) -> None:
    await slack.directory.introduce()
    first = asyncio.create_task(slack.directory.membership([SRE], []))
    second = asyncio.create_task(slack.directory.membership([SRE], []))
    await asyncio.sleep(0)
    first.cancel()

    assert (await second).usergroups[SRE] == {SAM}
    with pytest.raises(asyncio.CancelledError):
        await first


@pytest.mark.parametrize(
    ("info", "flag"),
    [
        ({"deleted": True}, "deleted"),
        ({"is_bot": True}, "bot"),
        ({"is_app_user": True}, "bot"),
        ({"is_restricted": True}, "guest"),
        ({"is_ultra_restricted": True}, "guest"),
        ({"is_stranger": True}, "stranger"),
    ],
)
def test_flags(info: dict[str, bool], flag: str) -> None:
    found = person_from(ALICE, {"team_id": "T1", **info})
    flags = {name for name in ("deleted", "bot", "guest", "stranger") if getattr(found, name)}

    assert flags == {flag}
    assert person_from(ALICE, {}) == Person(ALICE, "")


@pytest.mark.parametrize(
    ("info", "teams"),
    [
        ({"enterprise_user": {"id": ALICE, "enterprise_id": "E1", "teams": ["T1", "T2"]}}, {"T1", "T2"}),
        ({"enterprise_user": {"id": ALICE, "enterprise_id": "E1"}}, set()),
        ({"enterprise_user": {"teams": None}}, set()),
        ({"enterprise_user": None}, set()),
    ],
)
def test_workspaces_on_enterprise_grid(info: dict[str, Any], teams: set[str]) -> None:
    assert person_from(ALICE, {"team_id": "T1", **info}).teams == teams
