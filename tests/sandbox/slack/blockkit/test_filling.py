from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from sandbox.slack.blockkit.filling import fill_blocks, fill_view
from sandbox.slack.blockkit.validator import message_problems, view_problems
from tests.sandbox.slack.blockkit import limits_of_messages, limits_of_newer_blocks, limits_of_views
from tests.sandbox.slack.blockkit.samples import actions, button, container, mrkdwn, plain, section

if TYPE_CHECKING:
    from tests.sandbox.slack.blockkit.limit import Limit


@given(limit=st.sampled_from([*limits_of_messages.LIMITS, *limits_of_newer_blocks.LIMITS, *limits_of_views.LIMITS]))
def test_what_is_filled_in_is_valid_again(limit: Limit) -> None:
    largest = limit.build(limit.most)

    if isinstance(largest, dict):
        assert view_problems(fill_view(largest)) == []
    else:
        assert message_problems(fill_blocks(largest)) == []


def test_ids_only_where_there_are_none() -> None:
    named, nameless = fill_blocks([section(block_id="mine"), *actions(button(), {"type": "button", "text": plain()})])

    assert named["block_id"] == "mine"
    assert nameless["block_id"]
    assert [one["action_id"] == "go" for one in nameless["elements"]] == [True, False]


def test_the_blocks_of_the_caller_stay_as_they_were() -> None:
    given_blocks = [container(section())]

    (outer,) = fill_blocks(given_blocks)

    assert outer["child_blocks"][0]["block_id"]
    assert given_blocks == [container(section())]


def test_defaults_of_text() -> None:
    (block,) = fill_blocks([section(fields=[plain(), mrkdwn()])])

    assert [one.get("emoji", one.get("verbatim")) for one in block["fields"]] == [True, False]
