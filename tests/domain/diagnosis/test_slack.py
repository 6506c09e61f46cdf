from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.access import Group, Person
from bot.domain.catalog.digest import Digest
from bot.domain.diagnosis import slack
from bot.domain.diagnosis.finding import Severity
from bot.domain.diagnosis.slack import BotToken, Channel, UserGroup
from tests.builders import TEAM, a_catalog

NEEDED = frozenset({"commands", "chat:write"})
TOKEN = BotToken(team=TEAM, team_name="Nomatron", scopes=NEEDED, date=None)
OPEN = Channel(id="C1", name="ops")
USED = "channel C1 (staging)"


@pytest.mark.parametrize(
    ("scopes", "line"),
    [
        (NEEDED, "ok: slack scopes: all are granted"),
        (NEEDED | {"im:write"}, "ok: slack scopes: all are granted (not needed: im:write)"),
        (frozenset({"commands"}), "error: slack scopes: the token lacks chat:write; paste the output"),
        (None, "unknown: slack scopes: Slack's answer lists no scopes; compare"),
    ],
)
def test_scopes(scopes: frozenset[str] | None, line: str) -> None:
    assert str(slack.scopes(replace(TOKEN, scopes=scopes), NEEDED)).startswith(line)


def test_a_token_for_the_whole_organisation_is_no_use() -> None:
    assert str(slack.token(TOKEN)) == f"ok: slack token: belongs to a bot in Nomatron ({TEAM})"
    assert str(slack.token(replace(TOKEN, org_wide=True))).startswith("error: slack token: belongs to an installation")


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        (OPEN, [f"ok: {USED}: #ops is public"]),
        (replace(OPEN, private=True, member=True), [f"ok: {USED}: #ops is private, and the app is in it"]),
        (None, [f"error: {USED}: does not exist, or is private and the app is not in it; invite"]),
        (replace(OPEN, direct=True), [f"error: {USED}: is a direct message, not a channel; name"]),
        (replace(OPEN, private=True), [f"error: {USED}: #ops is private and the app is not in it; invite"]),
        (
            replace(OPEN, archived=True, external=True),
            [f"error: {USED}: #ops is archived; unarchive", f"error: {USED}: #ops is shared with another organisation"],
        ),
    ],
)
def test_channels(found: Channel | None, lines: list[str]) -> None:
    said = slack.channel("C1", "staging", found)

    assert len(said) == len(lines)
    assert all(str(each).startswith(line) for each, line in zip(said, lines, strict=True))


def test_every_channel_of_the_catalog_is_known_by_its_uses() -> None:
    catalog = a_catalog()
    staging = catalog.environments["staging"].channel
    placed = replace(catalog.services["checkout"].placements["staging"], channel="C0TEAM0001")
    checkout = replace(
        catalog.services["checkout"], placements={**catalog.services["checkout"].placements, "staging": placed}
    )
    digests = (Digest(channel="C0AUDIT001", at="09:00"), Digest(channel="C0TEAM0001", at="18:30"))
    catalog = replace(catalog, admin_channel=staging, services={"checkout": checkout}, digests=digests)

    uses = slack.channel_uses(catalog)

    assert uses[staging] == "admin_channel, staging"
    assert uses["C0TEAM0001"] == "checkout in staging, digest at 18:30"
    assert uses["C0AUDIT001"] == "digest at 09:00"


def test_a_missing_admin_channel_is_a_warning() -> None:
    assert slack.admin_channel(replace(a_catalog(), admin_channel="C1")) == ()
    (missing,) = slack.admin_channel(replace(a_catalog(), admin_channel=None))
    assert missing.severity is Severity.WARNING
    assert "C1" not in slack.channel_uses(replace(a_catalog(), admin_channel=None))


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (UserGroup(id="S1", handle="sre", disabled=False, members=1), "ok: user group S1 (sre): @sre has 1 member"),
        (UserGroup(id="S1", handle="sre", disabled=False, members=2), "ok: user group S1 (sre): @sre has 2 members"),
        (None, "error: user group S1 (sre): does not exist in this workspace; correct"),
        (
            UserGroup(id="S1", handle="sre", disabled=True, members=2),
            "error: user group S1 (sre): @sre is disabled; en",
        ),
        (
            UserGroup(id="S1", handle="sre", disabled=False, members=0),
            "error: user group S1 (sre): @sre has no members",
        ),
    ],
)
def test_user_groups(found: UserGroup | None, line: str) -> None:
    assert str(slack.usergroup("S1", "sre", found)).startswith(line)


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (Person("U1", TEAM, name="Alice"), "ok: person U1 (owners): Alice can request and approve"),
        (Person("U1", TEAM), "ok: person U1 (owners): this person can request and approve"),
        (None, "error: person U1 (owners): Slack knows nobody with this id; correct or remove"),
        (Person("U1", TEAM, deleted=True), "error: person U1 (owners): This Slack account is deactivated"),
        (Person("U1", TEAM, guest=True), "error: person U1 (owners): Guests of this Slack workspace"),
        (Person("U1", "T0OTHER001"), "error: person U1 (owners): People of another organisation"),
    ],
)
def test_people(found: Person | None, line: str) -> None:
    assert str(slack.person("U1", "owners", found, TEAM)).startswith(line)


def test_groups_and_people_are_known_by_the_names_that_the_catalog_gives_them() -> None:
    groups = {
        "sre": Group("sre", usergroup="S1"),
        "admins": Group("admins", usergroup="S1"),
        "owners": Group("owners", users=frozenset({"U1", "U2"})),
        "others": Group("others", users=frozenset({"U2"})),
    }
    catalog = replace(a_catalog(), groups=groups)

    assert slack.usergroup_uses(catalog) == {"S1": "sre, admins"}
    assert slack.people_uses(catalog) == {"U1": "owners", "U2": "owners, others"}
