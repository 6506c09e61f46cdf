from __future__ import annotations

import gzip
import json
import random
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

import pytest

from tests.builders import every_deploy
from tests.slackside import SECRET, a_command, door, signature

if TYPE_CHECKING:
    from tests.fakes import World
    from tests.slackside import Door, Slackside

JSON = "application/json"


async def rows(world: World) -> tuple[int, int]:
    """How many deploys and audit events there are."""
    async with world.store.read() as reading:
        return len(await every_deploy(reading)), len(await reading.events())


def a_click(**changes: Any) -> dict[str, Any]:
    payload = {
        "type": "block_actions",
        "team": {"id": "T0NOMATRON", "domain": "nomatron"},
        "user": {"id": "U0BOB00001", "team_id": "T0NOMATRON"},
        "api_app_id": "A0NOMATRON",
        "container": {"type": "message", "message_ts": "1.2", "channel_id": "C0PROD0001", "is_ephemeral": False},
        "channel": {"id": "C0PROD0001", "name": "production"},
        "response_url": "https://hooks.slack.com/actions/1",
        "trigger_id": "1.2.3",
        "actions": [{"type": "button", "action_id": "deploy.approve", "block_id": "b", "value": "D-1:1"}],
    }
    return {**payload, **changes}


def form(payload: object) -> str:
    return urlencode({"payload": json.dumps(payload)})


REQUEST = a_command("checkout v1.4.2 to staging")
PAGE = '{"verb": "audit", "service": "checkout", "before": "2026-11-21T12:00:00.000000Z/7"}'
TURNED = {"type": "button", "action_id": "page.older", "block_id": "b", "value": PAGE}


async def test_a_genuine_request_is_taken(knocking: Door, world: World) -> None:
    before = await rows(world)
    status, _ = await knocking.knock(REQUEST)

    assert status == 200
    assert await rows(world) == (before[0] + 1, before[1] + 1)


BAD_SIGNATURES = [
    {"X_Slack_Signature": "v0=" + "0" * 64},
    {"X_Slack_Signature": ""},
    {"X_Slack_Signature": "v0=" + "A" * 64},
    {"X_Slack_Signature": "v1=" + "0" * 64},
    {"X_Slack_Request_Timestamp": "abc"},
    {"X_Slack_Request_Timestamp": "1.5"},
    {"X_Slack_Request_Timestamp": "-1"},
    {"X_Slack_Request_Timestamp": "9" * 400},
    {"X_Slack_Request_Timestamp": "٣" * 10},
]


@pytest.mark.parametrize("headers", BAD_SIGNATURES)
async def test_a_wrong_signature_is_turned_away(knocking: Door, world: World, headers: dict[str, str]) -> None:
    before = await rows(world)

    assert await knocking.knock(REQUEST, **headers) == (401, "")
    assert await rows(world) == before


@pytest.mark.parametrize("off", [-301, -100_000, 302, 100_000])
async def test_a_timestamp_far_off_is_turned_away(knocking: Door, world: World, off: int) -> None:
    stamp = str(int(time.time()) + off)
    headers = {"X_Slack_Request_Timestamp": stamp, "X_Slack_Signature": signature(stamp, REQUEST.encode())}
    before = await rows(world)

    assert await knocking.knock(REQUEST, **headers) == (401, "")
    assert await rows(world) == before


async def test_another_secret_is_turned_away(knocking: Door) -> None:
    stamp = str(int(time.time()))
    headers = {
        "X_Slack_Request_Timestamp": stamp,
        "X_Slack_Signature": signature(stamp, REQUEST.encode(), SECRET[::-1]),
    }

    assert (await knocking.knock(REQUEST, **headers))[0] == 401


async def test_the_signature_comes_before_the_shape(knocking: Door) -> None:
    wrong = {"X_Slack_Signature": "v0=" + "0" * 64}

    assert (await knocking.knock("payload=%7Bnot json", **wrong))[0] == 401
    assert (await knocking.knock("{", "text/xml", **wrong))[0] == 401


async def test_an_exact_replay_does_nothing(knocking: Door, world: World) -> None:
    stamp = str(int(time.time()))
    headers = {"X_Slack_Request_Timestamp": stamp, "X_Slack_Signature": signature(stamp, REQUEST.encode())}
    first = await knocking.knock(REQUEST, **headers)
    before = await rows(world)

    assert first[0] == 200
    assert await knocking.knock(REQUEST, **headers) == (200, "")
    assert await rows(world) == before


async def test_a_replay_after_a_restart_does_nothing(
    knocking: Door, world: World, ports: Any, slack: Slackside
) -> None:
    stamp = str(int(time.time()))
    headers = {"X_Slack_Request_Timestamp": stamp, "X_Slack_Signature": signature(stamp, REQUEST.encode())}
    await knocking.knock(REQUEST, **headers)
    before = await rows(world)
    async with door(ports, slack) as restarted:
        assert await restarted.knock(REQUEST, **headers) == (200, "")

    assert await rows(world) == before


MALFORMED: list[tuple[bytes | str, str]] = [
    ("", "application/x-www-form-urlencoded"),
    ("a=b", "application/x-www-form-urlencoded"),
    ("payload=", "application/x-www-form-urlencoded"),
    ("payload=%7Bnot+json", "application/x-www-form-urlencoded"),
    ("payload=1&payload=2", "application/x-www-form-urlencoded"),
    ("payload=%5B%5D", "application/x-www-form-urlencoded"),
    ("payload=%7B%7D", "application/x-www-form-urlencoded"),
    ("payload=%FF%FE", "application/x-www-form-urlencoded"),
    (b"payload=\xff", "application/x-www-form-urlencoded"),
    ("payload=NaN", "application/x-www-form-urlencoded"),
    ("&".join(f"a{n}=1" for n in range(65)), "application/x-www-form-urlencoded"),
    (a_command(team_id="nonsense"), "application/x-www-form-urlencoded"),
    (a_command(user_id="<!channel>"), "application/x-www-form-urlencoded"),
    (form(a_click(actions=[])), "application/x-www-form-urlencoded"),
    (form(a_click(actions="nope")), "application/x-www-form-urlencoded"),
    (form(a_click(actions=[{"type": "button"}])), "application/x-www-form-urlencoded"),
    (form(a_click(user=None)), "application/x-www-form-urlencoded"),
    (form(a_click(user="U0BOB00001")), "application/x-www-form-urlencoded"),
    (form(a_click(type="view_submission")), "application/x-www-form-urlencoded"),
    (form(a_click(type=7)), "application/x-www-form-urlencoded"),
    ("[]", JSON),
    ("{", JSON),
    ('{"type": "event_callback"}', JSON),
    ('{"type": "url_verification"}', JSON),
    ('{"type": "x", "deep": ' + "[" * 65 + "]" * 65 + "}", JSON),
    ("[" * 100_000, JSON),
    (b"\xff", JSON),
]


@pytest.mark.parametrize(("body", "kind"), MALFORMED)
async def test_rightly_signed_but_malformed(knocking: Door, world: World, body: bytes | str, kind: str) -> None:
    before = await rows(world)

    assert await knocking.knock(body, kind) == (400, "")
    assert await rows(world) == before


async def test_other_media_types_and_sizes(knocking: Door) -> None:
    assert (await knocking.knock(REQUEST, "text/plain"))[0] == 415
    assert (await knocking.knock(gzip.compress(REQUEST.encode()), Content_Encoding="gzip"))[0] == 415
    assert (await knocking.knock(b"a" * (1024 * 1024 + 1)))[0] == 413
    assert (await knocking.knock("payload=" + "1" * (512 * 1024 + 1)))[0] == 413


async def test_another_teams_or_apps_payload(knocking: Door, world: World) -> None:
    before = await rows(world)

    assert (await knocking.knock(a_command("checkout v1 to staging", team_id="T0OTHER001")))[0] == 403
    assert (await knocking.knock(a_command("checkout v1 to staging", api_app_id="A0OTHER001")))[0] == 403
    assert (await knocking.knock(form(a_click(team={"id": "T0OTHER001"}))))[0] == 403
    assert (await knocking.knock(form(a_click(api_app_id="A0OTHER001"))))[0] == 403
    assert (await knocking.knock('{"type": "event_callback", "team_id": "T0OTHER001"}', JSON))[0] == 403
    assert await rows(world) == before


async def test_somebody_of_another_organisation_is_told(knocking: Door, world: World) -> None:
    before = await rows(world)
    guest = {"id": "U0BOB00001", "team_id": "T0OTHER001"}
    status, body = await knocking.knock(form(a_click(user=guest)))
    shown = await knocking.knock(
        form(a_click(user=guest, type="view_submission", view={"type": "modal", "callback_id": "x"}))
    )

    assert status == 200
    assert "another organisation" in body["text"]
    assert "another organisation" in str(shown[1]["view"])
    assert await rows(world) == before


async def test_what_slack_asks_while_it_is_set_up(knocking: Door) -> None:
    assert await knocking.knock("ssl_check=1&token=x") == (200, "")
    assert await knocking.knock('{"type": "url_verification", "challenge": "abc"}', JSON) == (200, {"challenge": "abc"})
    assert await knocking.knock('{"type": "event_callback", "team_id": "T0NOMATRON", "event": {}}', JSON) == (200, "")
    assert await knocking.knock(form(a_click(type="shortcut"))) == (200, "")


async def test_slack_away_since_the_start_is_said(knocking: Door, world: World, slack: Slackside) -> None:
    await slack.page.post("fault", method="*", mode="500")
    before = await rows(world)
    status, body = await knocking.knock(REQUEST)
    await slack.page.post("fault", method="*", mode="none")

    assert status == 200
    assert "Slack group membership is unavailable right now" in body["text"]
    assert await rows(world) == before
    assert "Recorded as" in (await knocking.knock(a_command("checkout v1.4.2 to staging")))[1]["text"]


async def test_a_button_nobody_knows_and_a_modal_nobody_knows(knocking: Door) -> None:
    odd = {"type": "button", "action_id": "deploy.explode", "value": "D-1:1"}
    assert (await knocking.knock(form(a_click(actions=[odd]))))[0] == 200
    view = {"type": "modal", "callback_id": "other", "private_metadata": "D-1:1", "state": {"values": []}}
    status, body = await knocking.knock(form(a_click(type="view_submission", view=view)))

    assert status == 200
    assert body["response_action"] == "update"


async def test_mutations_never_make_a_5xx(knocking: Door, caplog: pytest.LogCaptureFixture) -> None:
    """A genuine payload with a few bytes changed, signed rightly: an answer, and nothing of ours broke on the way."""
    dice = random.Random(20261122)
    view = {"type": "modal", "callback_id": "deploy.reject", "private_metadata": "D-1:1", "state": {"values": {}}}
    seeds = [REQUEST, form(a_click()), form(a_click(type="view_submission", view=view)), json.dumps(a_click())]
    seeds += [a_command("audit today by <@U0ALICE001|alice>"), form(a_click(actions=[TURNED]))]
    for _ in range(400):
        body = bytearray(dice.choice(seeds).encode())
        for _ in range(dice.randint(1, 8)):
            _mutate(body, dice)
        status, text = await knocking.knock(bytes(body), dice.choice(["application/x-www-form-urlencoded", JSON]))
        assert status < 500, (bytes(body), text)
    assert not broken(caplog)


def broken(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged as an error."""
    return [record.getMessage() for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}]


def _mutate(body: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(body))
    match dice.randrange(4):
        case 0:
            body[at] = dice.randrange(256)
        case 1:
            body[at:at] = dice.choice(
                [b"%00", b"&", b"=", b"%ff", b"[", b"%22", quote_plus("\\ud800").encode(), b"null"]
            )
        case 2:
            del body[at : at + dice.randint(1, 20)]
            body[:] = body or b"x"
        case _:
            body[at:at] = body[at : at + dice.randint(1, 200)]


VALUES: list[Any] = [
    None,
    0,
    -1,
    1.5,
    True,
    "",
    "x",
    [],
    {},
    [[]],
    {"id": None},
    "D-1:1",
    "\ud800",
    "😱" * 50,
    {"value": {"a": 1}},
]


async def test_wrong_types_never_make_a_5xx(knocking: Door, caplog: pytest.LogCaptureFixture) -> None:
    """Each field of a click and of a submission replaced by values of every kind."""
    view = {
        "type": "modal",
        "callback_id": "deploy.reject",
        "private_metadata": "D-1:1",
        "state": {"values": {"reason": {"text": {"type": "plain_text_input", "value": "no"}}}},
    }
    for payload in (a_click(), a_click(actions=[TURNED]), a_click(type="view_submission", view=view)):
        for path in _paths(payload):
            for value in VALUES:
                status, text = await knocking.knock(form(_with(payload, path, value)))
                assert status < 500, (path, value, text)
    assert not broken(caplog)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, each in inner for found in [(*path, key), *_paths(each, (*path, key))]]


def _with(payload: Any, path: tuple[Any, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(payload))
    target = copy
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return copy
