from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack.stand import STAGING, Page

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient


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


async def test_nothing_is_shared_before_it_is_uploaded(client: AsyncWebClient) -> None:
    answer = await client.files_getUploadURLExternal(filename="day.csv", length=3)

    with pytest.raises(SlackApiError, match="file_update_failed"):
        await client.files_completeUploadExternal(files=[{"id": answer["file_id"]}], channel_id=STAGING)
    with pytest.raises(SlackApiError, match="file_not_found"):
        await client.files_completeUploadExternal(files=[{"id": "F0"}], channel_id=STAGING)
