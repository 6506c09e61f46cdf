from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack.stand import STAGING, Page

if TYPE_CHECKING:
    import aiohttp
    from slack_sdk.web.async_client import AsyncWebClient

    from sandbox.slack.server import SimulatedSlack


async def test_an_upload_lands_in_the_thread(client: AsyncWebClient, page: Page) -> None:
    ts = (await client.chat_postMessage(channel=STAGING, text="digest"))["ts"]

    await client.files_upload_v2(
        channel=STAGING,
        thread_ts=ts,
        content="id,service\n",
        filename="day.csv",
        title="The day",
        initial_comment="All",
    )

    (shown,) = await page.messages(STAGING)
    (reply,) = shown["replies"]
    assert reply["text"] == "All"
    assert [(one["name"], one["title"], one["size"]) for one in reply["files"]] == [("day.csv", "The day", 11)]


async def test_what_was_shared_can_be_read_and_nothing_before(
    client: AsyncWebClient, session: aiohttp.ClientSession, page: Page
) -> None:
    place = await client.files_getUploadURLExternal(filename="day.csv", length=7)
    await session.post(place["upload_url"], data=b"<b>x\xc3\xa9;")
    address = f"{page.base}/sandbox/files/{place['file_id']}"
    async with session.get(address) as early:
        assert early.status == 404
    await client.files_completeUploadExternal(files=[{"id": place["file_id"]}], channel_id=STAGING)
    async with session.get(address) as answer:
        assert (answer.status, answer.content_type, await answer.text()) == (200, "text/plain", "<b>xé;")


async def test_the_upload_has_to_be_whole(
    client: AsyncWebClient, session: aiohttp.ClientSession, slack: SimulatedSlack
) -> None:
    url = (await client.files_getUploadURLExternal(filename="day.csv", length=3))["upload_url"]

    async with session.post(url, data=b"id") as short:
        assert (short.status, await short.text()) == (400, "expected 3 bytes, got 2")
    async with session.post(url, data={"file": io.BytesIO(b"id\n")}) as form:
        assert form.status == 200
    async with session.post(f"{slack.world.base}/upload/F0", data=b"id\n") as unknown:
        assert unknown.status == 404


async def test_nothing_is_shared_before_it_is_uploaded(client: AsyncWebClient) -> None:
    answer = await client.files_getUploadURLExternal(filename="day.csv", length=3)

    with pytest.raises(SlackApiError, match="file_update_failed"):
        await client.files_completeUploadExternal(files=[{"id": answer["file_id"]}], channel_id=STAGING)
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.api_call("files.completeUploadExternal", json={"files": []})
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.files_getUploadURLExternal(filename="day.csv", length=0)
    with pytest.raises(SlackApiError, match="file_not_found"):
        await client.files_completeUploadExternal(files=[{"id": "F0"}], channel_id=STAGING)
