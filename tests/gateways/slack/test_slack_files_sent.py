from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from bot.domain.digest.report import Layout
from bot.errors import BlocksRefused, ChannelGone, FileRefused, SlackUnavailable, TokenRefused
from bot.gateways.slack.chat import SlackChat
from bot.gateways.slack.connection import Connection
from tests.gateways.blocks.digests import DIGESTS, a_day_with_everything

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.slackside import Slackside

AUDIT = "C0AUDIT001"
CSV = "\ufeffnumber,service\r\nD-1,größer\r\n".encode()
STEPS = ["files.getUploadURLExternal", "upload", "files.completeUploadExternal"]


async def sent(chat: SlackChat, ts: str, content: bytes = CSV) -> None:
    await chat.upload(AUDIT, ts, name="deploys.csv", title="All deploys", content=content)


@pytest.mark.parametrize("name", DIGESTS)
async def test_a_digest_of_every_size_and_layout_is_taken_by_slack(slack: Slackside, name: str) -> None:
    made, layout = DIGESTS[name]
    ts, plainer = await slack.chat.post_digest(made(), AUDIT, layout)

    (message,) = await slack.page.messages(AUDIT)
    assert message["ts"] == ts
    assert not plainer
    assert message["text"].startswith("Deployments ")
    assert bool(message["blocks"]) is (layout is not Layout.PLAIN)
    (call,) = await slack.calls("chat.postMessage")
    assert call["args"]["unfurl_links"] is False


@pytest.mark.parametrize(("refused", "blocks"), [(1, True), (2, False)])
async def test_refused_blocks_are_drawn_plainer_at_once(slack: Slackside, refused: int, blocks: bool) -> None:  # noqa: FBT001 -- a parameter
    await slack.page.post("fault", method="chat.postMessage", mode="error:invalid_blocks", times=refused)
    ts, plainer = await slack.chat.post_digest(a_day_with_everything(), AUDIT, Layout.TABLE)

    assert plainer
    assert len(await slack.calls("chat.postMessage")) == refused + 1
    (message,) = await slack.page.messages(AUDIT)
    assert message["ts"] == ts
    assert "table" not in {block["type"] for block in message["blocks"]}
    assert bool(message["blocks"]) is blocks


async def test_an_error_after_a_refused_table_tells_of_both(slack: Slackside) -> None:
    await slack.page.post("fault", method="chat.postMessage", mode="error:invalid_blocks", times=1)
    await slack.page.post("channels", channel=AUDIT, archived=True)
    with pytest.raises(ChannelGone) as found:
        await slack.chat.post_digest(a_day_with_everything(), AUDIT, Layout.TABLE)

    assert found.value.plainer


async def test_a_digest_that_slack_takes_in_no_layout_is_tried_in_each(slack: Slackside) -> None:
    await slack.page.post("fault", method="chat.postMessage", mode="error:msg_too_long")
    with pytest.raises(BlocksRefused):
        await slack.chat.post_digest(a_day_with_everything(), AUDIT, Layout.TABLE)

    assert len(await slack.calls("chat.postMessage")) == 3


async def test_a_file_lands_in_the_thread_byte_by_byte(slack: Slackside) -> None:
    ts, _ = await slack.chat.post_digest(a_day_with_everything(), AUDIT, Layout.TABLE)
    await sent(slack.chat, ts)

    (message,) = await slack.page.messages(AUDIT)
    (reply,) = message["replies"]
    (file,) = reply["files"]
    assert (file["name"], file["title"], file["size"]) == ("deploys.csv", "All deploys", len(CSV))
    assert slack.server.state.files[file["id"]]["content"] == CSV
    assert [call["method"] for call in (await slack.calls())[1:]] == STEPS


async def test_a_file_of_millions_of_bytes_is_sent_whole(slack: Slackside) -> None:
    ts, _ = await slack.chat.post_digest(a_day_with_everything(), AUDIT, Layout.TABLE)
    await sent(slack.chat, ts, b"D-1,checkout\r\n" * 200_000)

    ((file,),) = [reply["files"] for message in await slack.page.messages(AUDIT) for reply in message["replies"]]
    assert file["size"] == 2_800_000


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("mode", ["500", "html", "429"])
async def test_a_problem_at_any_step_is_worth_another_try(slack: Slackside, step: str, mode: str) -> None:
    await slack.page.post("fault", method=step, mode=mode, times=1, seconds=0.2)
    with pytest.raises(SlackUnavailable):
        await sent(slack.chat, "1.1")

    made = [call["method"] for call in await slack.calls()]
    assert made == STEPS[: STEPS.index(step) + 1]


# the first step changes nothing, and is asked for again at once
@pytest.mark.parametrize("step", STEPS[1:])
async def test_after_a_lost_answer_a_file_may_be_seen_only_where_it_was_the_last_one(
    slack: Slackside, step: str
) -> None:
    await slack.page.post("fault", method=step, mode="lost", times=1)
    with pytest.raises(SlackUnavailable) as found:
        await sent(slack.chat, "1.1")

    assert found.value.sent is (step == STEPS[-1])


async def test_without_the_scope_the_file_is_refused_with_what_is_needed(slack: Slackside) -> None:
    await slack.page.post("workspace", scopes=["chat:write", "chat:write.public"])
    with pytest.raises(FileRefused, match="missing_scope: needs files:write") as found:
        await sent(slack.chat, "1.1")

    assert found.value.lacks_scope


async def test_for_a_channel_that_is_gone_the_file_is_refused(slack: Slackside) -> None:
    await slack.page.post("channels", channel=AUDIT, archived=True)
    with pytest.raises(FileRefused, match="is_archived") as found:
        await sent(slack.chat, "1.1")

    assert not found.value.lacks_scope


async def test_a_bad_token_is_not_the_files_fault(slack: Slackside) -> None:
    await slack.page.post("fault", method="*", mode="error:token_revoked")
    with pytest.raises(TokenRefused):
        await sent(slack.chat, "1.1")


async def test_an_address_that_was_never_given_is_a_refusal(slack: Slackside) -> None:
    with pytest.raises(FileRefused, match="HTTP 404"):
        await slack.connection.put(f"{slack.page.base}/upload/F0", CSV)


class OddSlack:
    """Answers the first step with an address of the test's choice, and counts what comes to its upload."""

    def __init__(self) -> None:
        self.place: Any = None
        self.status = 200
        self.headers: dict[str, str] = {}
        self.uploads: list[tuple[bytes, dict[str, str]]] = []
        self.base = ""

    async def get_place(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True, "file_id": "F1", "upload_url": self.place})

    async def upload(self, request: web.Request) -> web.Response:
        self.uploads.append((await request.read(), dict(request.headers)))
        return web.Response(status=self.status, headers=self.headers)


@pytest.fixture
async def odd() -> AsyncIterator[tuple[OddSlack, SlackChat]]:
    server = OddSlack()
    app = web.Application()
    app.router.add_route("*", "/api/files.getUploadURLExternal", server.get_place)
    app.router.add_route("*", "/{any:.*}", server.upload)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    server.place = f"{server.base}/upload"
    async with Connection("xoxb-secret", f"{server.base}/api") as connection:
        yield server, SlackChat(connection)
    await runner.cleanup()


@pytest.mark.parametrize("place", ["https://evil.example/upload", "file:///etc/passwd", "http://10.1.2.3/x", ""])
async def test_the_bytes_go_nowhere_else(odd: tuple[OddSlack, SlackChat], place: str) -> None:
    server, chat = odd
    server.place = place
    with pytest.raises(FileRefused, match="upload_address"):
        await sent(chat, "1.1")


@pytest.mark.parametrize("place", [None, 7, ["x"]])
async def test_an_answer_without_an_address_is_an_error(odd: tuple[OddSlack, SlackChat], place: Any) -> None:
    server, chat = odd
    server.place = place
    with pytest.raises(SlackUnavailable, match="no usable answer"):
        await sent(chat, "1.1")


async def test_the_token_stays_with_the_api_and_nothing_is_followed(odd: tuple[OddSlack, SlackChat]) -> None:
    server, chat = odd
    server.status, server.headers = 302, {"Location": f"{server.base}/elsewhere"}
    with pytest.raises(SlackUnavailable):
        await sent(chat, "1.1")

    ((content, headers),) = server.uploads
    assert content == CSV
    assert "Authorization" not in headers
    assert "xoxb" not in str(headers)
    assert headers["Content-Length"] == str(len(CSV))


@pytest.mark.parametrize(("status", "kind"), [(403, FileRefused), (408, SlackUnavailable), (503, SlackUnavailable)])
async def test_statuses_of_an_upload(
    odd: tuple[OddSlack, SlackChat], status: int, kind: type[FileRefused | SlackUnavailable]
) -> None:
    server, chat = odd
    server.status = status
    with pytest.raises(kind, match=f"HTTP {status}"):
        await sent(chat, "1.1")


async def test_a_host_that_is_not_there_took_nothing(odd: tuple[OddSlack, SlackChat]) -> None:
    server, chat = odd
    server.place = "http://127.0.0.1:1/upload"
    with pytest.raises(SlackUnavailable, match="cannot be reached") as found:
        await sent(chat, "1.1")

    assert not found.value.sent


async def test_an_upload_that_takes_too_long_is_given_up(
    odd: tuple[OddSlack, SlackChat], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, chat = odd

    async def silent(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(aiohttp.ClientSession, "_request", silent)
    with pytest.raises(SlackUnavailable, match="did not answer"):
        await chat._connection.put(f"{odd[0].base}/upload", CSV)
