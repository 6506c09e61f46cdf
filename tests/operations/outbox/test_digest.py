"""A day's digest is posted once, or marked as a possible duplicate, with its CSV; the operators hear of each fault."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.digest.report import Layout
from bot.domain.digest.schedule import FileState
from bot.errors import (
    AppRefused,
    BlocksRefused,
    ChannelGone,
    FileRefused,
    SlackRefused,
    SlackUnavailable,
    StoreBusy,
    StoreUnavailable,
    TokenRefused,
)
from bot.operations.outbox import deliver
from bot.operations.outbox import digest as post_digest
from tests.fakes import Upload
from tests.hooks import Hooks
from tests.operations.acts import asked, delivered, succeeded, texts
from tests.operations.digests import (
    AUDIT,
    FIRST,
    OPS,
    TEAM_CHANNEL,
    a_digest,
    clock_at,
    configured,
    day,
    edition,
    later,
    pending,
    sent,
    shown,
    ticked,
    troubled_after,
)

if TYPE_CHECKING:
    from tests.fakes import World


@pytest.fixture
async def due(world: World) -> World:
    """The first date is due, of a day with one deploy; whatever that had to say is said."""
    await configured(world, a_digest(timezone="Europe/Amsterdam", at="10:00"))
    await succeeded(world)
    await sent(world)
    world.chat.said.clear()
    await ticked(world, FIRST)
    return world


@pytest.fixture
async def quiet(world: World) -> World:
    """The first date is due, of a day without a deploy."""
    await configured(world)
    await ticked(world, FIRST)
    return world


class TestPosting:
    async def test_it_is_posted_to_its_channel_and_its_ts_is_saved(self, due: World):
        await delivered(due)

        (found,) = due.chat.digests
        assert (found.channel, found.layout, found.card.day) == (AUDIT, Layout.TABLE, FIRST)
        assert (found.card.late, found.card.twice, found.card.preview) == (False, False, False)
        assert found.card.report.requested == 1
        assert found.card.report.zone == "Europe/Amsterdam"
        row = await edition(due)
        assert (row.posted_in, row.ts, row.posting, row.posted_at) == (AUDIT, found.ts, None, due.clock.now())
        assert not await pending(due)

    async def test_ten_minutes_late_it_says_so(self, due: World):
        clock_at(due, FIRST, "09:10:00")
        await delivered(due)

        assert [each.card.late for each in due.chat.digests] == [True]

    async def test_it_says_what_was_so_at_its_time_under_the_catalog_of_then(self, due: World):
        await configured(due, admin_channel=None)
        await asked(due, version="v1.5.0")
        await delivered(due)

        (found,) = due.chat.digests
        assert found.card.report.requested == 1
        assert found.card.report.zone == "Europe/Amsterdam"
        assert found.card.report.final == ("staging", "production")

    async def test_it_is_posted_without_links_if_slack_does_not_tell_our_workspace(self, due: World):
        due.directory.trouble = SlackUnavailable("503")
        await delivered(due)

        assert shown(due) == [FIRST]

    async def test_it_has_links_if_slack_tells_our_workspace(self, due: World):
        due.directory.team, due.directory.introduces = "", "T0NOMATRON"
        await delivered(due)

        assert list(due.chat.digests[0].card.report.posted) == [1]


class TestTable:
    async def test_a_refused_table_is_replaced_by_lines_and_remembered(self, due: World):
        due.chat.refuses_tables = True
        await delivered(due)

        assert [each.layout for each in due.chat.digests] == [Layout.CLASSIC]
        assert not due.chat.digests[0].card.twice
        assert (await edition(due)).refused_table == due.clock.now()

    async def test_that_is_remembered_for_thirty_days_in_every_channel(self, world: World):
        await configured(world, a_digest(), a_digest(channel=TEAM_CHANNEL, at="10:00"))
        world.chat.refuses_tables = True
        tried = []
        for on, time in ((FIRST, "09:00:20"), (FIRST, "10:00:20"), (day(29), "10:00:20"), (day(30), "10:00:20")):
            world.chat.layouts.clear()
            await ticked(world, on, time)
            await sent(world)
            tried.append(world.chat.layouts.count(Layout.TABLE))

        # each of the first and of the one after thirty days, and of the fourteen between them none
        assert tried == [1, 0, 0, 1]
        assert {each.layout for each in world.chat.digests} == {Layout.CLASSIC}

    async def test_a_digest_that_slack_takes_in_no_layout_is_given_up(self, due: World):
        due.chat.refusals = [BlocksRefused("msg_too_long")]
        await delivered(due)

        assert due.chat.digests == []
        assert (await edition(due)).given_up == "msg_too_long"

    @pytest.mark.parametrize("error", [SlackUnavailable("503"), ChannelGone("is_archived")])
    async def test_a_refused_table_is_remembered_whatever_came_after_it(self, due: World, error):
        due.chat.refuses_tables = True
        due.chat.refusals = [error]
        await delivered(due)
        assert (await edition(due)).refused_table is not None
        await later(due)

        assert due.chat.layouts == [Layout.TABLE, Layout.CLASSIC]
        assert not due.chat.digests[0].card.twice


class TestLostAnswers:
    async def test_it_is_posted_again_and_says_so(self, due: World):
        due.chat.refusals = [SlackUnavailable("timed out", sent=True)]
        await delivered(due)
        await later(due)

        assert shown(due) == [FIRST, FIRST]
        assert [each.card.twice for each in due.chat.digests] == [False, True]
        row = await edition(due)
        assert (row.ts, row.twice, row.posting) == (due.chat.digests[1].ts, True, None)

    async def test_after_that_it_goes_on_saying_so_whatever_slack_says_meanwhile(self, due: World):
        due.chat.refusals = [SlackUnavailable("timed out", sent=True), SlackUnavailable("503")]
        await delivered(due)
        await later(due)
        await later(due)

        assert [each.card.twice for each in due.chat.digests] == [False, True]

    @pytest.mark.parametrize("error", [SlackUnavailable("503"), TokenRefused("token_revoked")])
    async def test_after_a_post_that_did_not_arrive_the_next_is_not_marked(self, due: World, error):
        due.chat.refusals = [error]
        await delivered(due)
        assert (await edition(due)).posting is None
        await later(due)

        assert [each.card.twice for each in due.chat.digests] == [False]

    async def test_a_process_that_died_while_posting_leaves_an_attempt_that_says_so(self, due: World):
        due.chat.refusals = [KeyboardInterrupt()]
        with pytest.raises(KeyboardInterrupt):
            await deliver.step(due.ports())
        assert (await edition(due)).posting == due.clock.now()
        await due.store.take_over()
        await delivered(due)

        assert [each.card.twice for each in due.chat.digests] == [True]

    async def test_one_who_lost_it_to_another_does_not_overwrite_where_it_stands(self, due: World):
        async def lost() -> None:
            await due.store.take_over()
            assert await deliver.step(due.ports("worker-2"))

        due.chat.hooks.after("post_digest", lost)
        assert await deliver.step(due.ports("worker-1"))

        row = await edition(due)
        assert (row.ts, row.twice) == (due.chat.digests[1].ts, True)
        assert [each.card.twice for each in due.chat.digests] == [False, True]
        assert len(due.chat.uploads) == 1

    @pytest.mark.parametrize("trouble", [StoreBusy("locked"), StoreUnavailable("gone")])
    async def test_a_database_that_is_busy_right_after_it_is_no_second_copy(self, due: World, trouble):
        troubled_after(due, "post_digest", trouble)
        await delivered(due)

        assert [each.card.twice for each in due.chat.digests] == [False]
        assert (await edition(due)).ts == due.chat.digests[0].ts

    async def test_nor_is_one_that_is_busy_right_after_slack_said_no(self, due: World):
        due.chat.refusals = [AppRefused("accesslimited"), None, SlackUnavailable("503")]
        troubled_after(due, "post_digest", StoreBusy("locked"))
        troubled_after(due, "upload", StoreBusy("locked"))
        await delivered(due)
        await later(due)
        await later(due)

        assert [each.card.twice for each in due.chat.digests] == [False]
        assert [each.title for each in due.chat.uploads] == ["Deployments of 2026-11-22"]

    async def test_one_that_stays_away_for_a_lease_costs_a_marked_copy_and_loses_nothing(self, due: World):
        async def away() -> None:
            for call in ("begin", "parcel_later"):
                due.store.hooks.before(call, StoreUnavailable("gone"), always=True)

        due.chat.hooks.before("post_digest", away)
        # not even the parcel can be put back: it comes again when its lease is over
        with pytest.raises(StoreUnavailable):
            await deliver.step(due.ports(lease=timedelta(milliseconds=300)))
        due.store.hooks = Hooks()
        await due.store.take_over()
        await delivered(due)

        assert [each.card.twice for each in due.chat.digests] == [False, True]


class TestRefusals:
    async def test_a_dead_channels_digest_goes_to_the_operators_who_are_told_why(self, due: World):
        due.chat.refusals = [ChannelGone("is_archived")]
        await delivered(due)

        (found,) = due.chat.digests
        row = await edition(due)
        assert (found.channel, row.posted_in, row.ts) == (OPS, OPS, found.ts)
        ((_, note, where),) = due.chat.said
        assert note.text == "The digest of 2026-11-22 could not be posted to its channel (is_archived), so it is here."
        assert note.lines == (f"Invite the app to {AUDIT}, unarchive it, or name another channel.",)
        assert where == {"channel": OPS}
        assert [each.channel for each in due.chat.uploads] == [OPS]

    @pytest.mark.parametrize(
        "refusals", [[ChannelGone("restricted_action"), ChannelGone("is_archived")], [SlackRefused("odd_reason")]]
    )
    async def test_what_slack_will_never_take_is_given_up_and_told(self, due: World, refusals):
        due.chat.refusals = list(refusals)
        await delivered(due)

        row = await edition(due)
        assert (due.chat.digests, due.chat.uploads) == ([], [])
        assert (row.ts, row.posting, row.given_up) == ("", None, refusals[-1].error)
        assert texts(due, "announce") == [f"Slack refuses the digest of 2026-11-22 in {AUDIT}: {refusals[-1].error}."]
        assert not await pending(due)

    async def test_without_an_admin_channel_a_dead_one_blocks_nothing(self, world: World, caplog):
        await configured(world, admin_channel=None)
        await ticked(world, FIRST)
        world.chat.refusals = [ChannelGone("is_archived")]
        await delivered(world)
        await ticked(world, day(1))
        await delivered(world)

        assert shown(world) == [day(1)]
        assert "slack refused a digest" in caplog.messages
        assert "the catalog names no admin channel: a note was dropped" in caplog.messages

    async def test_what_was_given_up_is_not_posted_by_an_intent_that_is_still_there(self, due: World):
        due.chat.refusals = [SlackRefused("odd_reason")]
        parcel = await due.store.claim_parcel(owner="one", lease=timedelta(seconds=60), now=due.clock.now())
        assert parcel is not None
        await post_digest.post(due.ports(), parcel)
        await post_digest.post(due.ports(), parcel)

        assert due.chat.digests == []


class TestFile:
    async def test_the_csv_of_the_days_deploys_lies_under_it(self, due: World):
        await delivered(due)

        (message,), (found,) = due.chat.digests, due.chat.uploads
        assert (found.channel, found.ts) == (AUDIT, message.ts)
        assert (found.name, found.title) == ("deployments-2026-11-22.csv", "Deployments of 2026-11-22")
        rows = list(csv.DictReader(io.StringIO(found.content.decode("utf-8-sig"))))
        assert [(row["deploy"], row["outcome"]) for row in rows] == [("D-1", "deployed")]
        assert rows[0]["asked at"] == "2026-11-21T13:00:00+01:00"
        assert (await edition(due)).file is FileState.SENT

    async def test_a_day_without_deploys_has_none(self, quiet: World):
        await delivered(quiet)

        assert shown(quiet) == [FIRST]
        assert quiet.chat.uploads == []
        assert (await edition(quiet)).file is FileState.NONE

    async def test_a_file_that_did_not_arrive_is_uploaded_again_alone(self, due: World):
        due.chat.refusals = [None, SlackUnavailable("503")]
        await delivered(due)
        assert (await edition(due)).file is FileState.NONE
        await later(due)

        assert shown(due) == [FIRST]
        assert [each.title for each in due.chat.uploads] == ["Deployments of 2026-11-22"]

    async def test_a_file_that_may_have_arrived_is_uploaded_again_and_says_so(self, due: World):
        due.chat.refusals = [None, SlackUnavailable("timed out", sent=True), SlackUnavailable("503")]
        await delivered(due)
        assert (await edition(due)).file is FileState.BEGUN
        await later(due)
        assert (await edition(due)).file is FileState.BEGUN
        await later(due)

        first, second = due.chat.uploads
        title = f"{first.title} (again: Slack did not confirm the first one)"
        assert second == Upload(
            first.channel,
            first.ts,
            first.name,
            title,
            first.content,
        )
        assert shown(due) == [FIRST]

    async def test_a_process_that_died_between_the_two_leaves_the_file_to_the_next(self, due: World):
        due.chat.refusals = [None, KeyboardInterrupt()]
        with pytest.raises(KeyboardInterrupt):
            await deliver.step(due.ports())
        await due.store.take_over()
        await delivered(due)

        assert shown(due) == [FIRST]
        assert len(due.chat.uploads) == 1
        assert (await edition(due)).file is FileState.SENT

    @pytest.mark.parametrize(
        ("error", "fix"),
        [
            (FileRefused("missing_scope", lacks_scope=True), "nomatron manifest --url URL"),
            (FileRefused("file_uploads_disabled"), "nomatron history SERVICE"),
        ],
    )
    async def test_if_slack_refuses_the_file_the_digest_stays_and_the_operators_are_told_once(
        self, due: World, error, fix
    ):
        due.chat.refusals = [None, error]
        await delivered(due)
        await later(due)

        assert shown(due) == [FIRST]
        assert (await edition(due)).file is FileState.GIVEN_UP
        (_, in_thread, where), (_, note, _) = due.chat.said
        assert in_thread.text.startswith("The CSV is missing")
        assert where == {"channel": AUDIT, "ts": (await edition(due)).ts}
        said = f"The digest of 2026-11-22 in {AUDIT} has no CSV: Slack refused the file ({error.error})."
        assert note.text == said
        assert fix in note.lines[0]
        assert not await pending(due)

    async def test_the_operators_are_told_even_if_the_thread_cannot_be(self, due: World):
        due.chat.refusals = [None, FileRefused("missing_scope", lacks_scope=True), SlackUnavailable("ratelimited")]
        await delivered(due)

        assert (await edition(due)).file is FileState.GIVEN_UP
        ((kind, note, _),) = due.chat.said
        assert (kind, "has no CSV" in note.text) == ("announce", True)

    async def test_a_token_that_is_revoked_meanwhile_is_waited_for(self, due: World):
        due.chat.refusals = [None, TokenRefused("token_revoked")]
        await delivered(due)
        assert (await edition(due)).file is FileState.NONE
        await later(due)

        assert len(due.chat.uploads) == 1

    async def test_a_file_that_could_not_be_sent_is_not_tried_by_an_intent_that_is_still_there(self, due: World):
        due.chat.refusals = [None, FileRefused("missing_scope", lacks_scope=True)]
        parcel = await due.store.claim_parcel(owner="one", lease=timedelta(seconds=60), now=due.clock.now())
        assert parcel is not None
        for _ in range(2):
            await post_digest.post(due.ports(), parcel)

        assert (len(due.chat.digests), due.chat.uploads) == (1, [])
