from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from slackblocks import _limits as slackblocks_limits
from slackblocks._surfaces import _BLOCK_TYPES_BY_SURFACE
from slackblocks.blocks import Block as OtherBlock
from slackblocks.errors import InvalidUsageError

from sandbox.slack.blockkit.blocks import SURFACES
from sandbox.slack.blockkit.filling import fill_blocks, fill_view
from sandbox.slack.blockkit.validator import message_problems, view_problems
from tests.sandbox.slack.blockkit import limits_of_messages, limits_of_newer_blocks, limits_of_views
from tests.sandbox.slack.blockkit.samples import (
    URL,
    accessory,
    actions,
    bars,
    button,
    card,
    confirm,
    container,
    data_table,
    field,
    group,
    image,
    line,
    modal,
    mrkdwn,
    option,
    pie,
    plain,
    raw,
    rich,
    section,
    select,
    table,
    task,
    twice,
    typed,
)

if TYPE_CHECKING:
    from tests.sandbox.slack.blockkit.limit import Limit

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMITS = [*limits_of_messages.LIMITS, *limits_of_views.LIMITS, *limits_of_newer_blocks.LIMITS]
ROWS = pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)


def problems(payload: Any) -> list[str]:
    found = view_problems(payload) if isinstance(payload, dict) else message_problems(payload)
    return [str(one) for one in found]


def slack_sdk_refuses(payload: Any) -> bool:
    """Whether Slack's own models raise for it; a block type they do not know counts as taken."""
    try:
        if isinstance(payload, dict):
            View(**payload).to_dict()
        else:
            for block in payload:
                parsed = Block.parse(block)
                if parsed is not None:
                    parsed.to_dict()
    except SlackObjectFormationError:
        return True
    return False


def slackblocks_refuses(payload: Any) -> bool:
    """Whether slackblocks raises for one of the blocks that it can read from JSON."""
    blocks = payload["blocks"] if isinstance(payload, dict) else payload
    try:
        for block in blocks:
            try:
                OtherBlock.from_dict(block)
            except NotImplementedError:
                continue
    except InvalidUsageError:
        return True
    return False


class TestLimits:
    @ROWS
    def test_the_largest_is_taken_by_us_and_by_slacks_own_models(self, limit: Limit) -> None:
        largest = limit.build(limit.most)

        assert problems(largest) == []
        assert not slack_sdk_refuses(largest)
        assert not slackblocks_refuses(largest)

    @ROWS
    def test_one_more_is_refused_with_a_pointer_to_it(self, limit: Limit) -> None:
        found = problems(limit.build(limit.most + 1))

        assert f"{limit.at}]" in [one.partition(" [json-pointer:")[2] for one in found]

    @pytest.mark.parametrize("limit", [one for one in LIMITS if one.oracle], ids=lambda limit: limit.name)
    def test_is_the_number_that_slackblocks_knows(self, limit: Limit) -> None:
        assert getattr(slackblocks_limits, limit.oracle) == limit.most

    def test_surfaces_are_those_of_slackblocks(self) -> None:
        assert {surface: set(types) for surface, types in _BLOCK_TYPES_BY_SURFACE.items()} == {
            surface: set(types) for surface, types in SURFACES.items()
        }


VIOLATIONS: list[tuple[str, Any, str]] = [
    ("no block", ["text"], "must provide an object [json-pointer:/blocks/0]"),
    ("no type", [{"text": mrkdwn()}], "missing required field: type [json-pointer:/blocks/0]"),
    ("unknown type", [{"type": "poll"}], "unsupported type: poll [json-pointer:/blocks/0/type]"),
    ("unknown field", [section(colour="red")], "invalid additional property: colour [json-pointer:/blocks/0]"),
    ("empty section", [{"type": "section"}], "must define one of: text, fields [json-pointer:/blocks/0]"),
    ("empty text", [section(text=mrkdwn(""))], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ("text is a string", [section(text="web")], "must provide an object [json-pointer:/blocks/0/text]"),
    ("text is a number", [section(text={**mrkdwn(), "text": 3})], "must provide a string"),
    ("no fields", [section(fields=[])], "no fewer than 1 items allowed [json-pointer:/blocks/0/fields]"),
    ("header in mrkdwn", [{"type": "header", "text": mrkdwn()}], "unsupported type: mrkdwn"),
    ("button in mrkdwn", actions(button(text=mrkdwn())), "unsupported type: mrkdwn"),
    ("button style", actions(button(style="green")), "must be one of: danger, primary"),
    ("no elements", actions(), "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"),
    ("input among actions", actions({"type": "plain_text_input", "action_id": "go"}), "unsupported type"),
    ("button in an input", modal(field(button())), "unsupported type: button"),
    ("half a confirm", actions(button(confirm={"title": plain()})), "missing required field: text"),
    ("confirm style", actions(button(confirm=confirm(style="green"))), "must be one of"),
    ("select of nothing", accessory(select(options=[])), "no fewer than 1 items allowed"),
    ("select without options", accessory(select(options=None)), "must define one of: options, option_groups"),
    ("both options and groups", accessory(select(option_groups=[group()])), "only one"),
    ("picture without words", [image(alt_text=None)], "missing required field: alt_text"),
    ("picture without picture", [image(image_url=None)], "must define one of: image_url, slack_file"),
    ("min over max", typed(min_length=5, max_length=4), "must not be greater than max_length"),
    ("max_length 0", typed(max_length=0), "must be greater than or equal to 1"),
    ("min_length below 0", typed(min_length=-1), "must be greater than or equal to 0"),
    ("date", accessory({"type": "datepicker", "action_id": "go", "initial_date": "tomorrow"}), "must match"),
    ("flag as text", modal(field(optional="yes")), "must provide a boolean"),
    ("modal without blocks", {"type": "modal", "title": plain(), "blocks": []}, "no fewer than 1 items allowed"),
    ("modal without title", {"type": "modal", "blocks": [section()]}, "missing required field: title"),
    ("input without submit", modal(field(), submit=None), "missing required field: submit"),
    ("home with a title", {"type": "home", "title": plain(), "blocks": []}, "invalid additional property: title"),
    ("alert in a message", [{"type": "alert", "text": mrkdwn()}], "unsupported type: alert"),
    ("alert in a home", {"type": "home", "blocks": [{"type": "alert", "text": mrkdwn()}]}, "unsupported type: alert"),
    ("alert level", modal({"type": "alert", "text": mrkdwn(), "level": "fatal"}), "must be one of"),
    ("markdown in a modal", modal({"type": "markdown", "text": "x"}), "unsupported type: markdown"),
    ("markdown in a home", {"type": "home", "blocks": [{"type": "markdown", "text": "x"}]}, "unsupported type"),
    ("table in a modal", modal(*table(1, 1)), "unsupported type: table"),
    ("task_card in a modal", modal(task()), "unsupported type: task_card"),
    ("plan in a home", {"type": "home", "blocks": [{"type": "plan", "title": "x", "tasks": []}]}, "unsupported type"),
    ("same block_id", [section(block_id="a"), section(block_id="a")], "`block_id` a already exists"),
    ("same block_id in a view", modal(section(block_id="a"), section(block_id="a")), "`block_id` a already exists"),
    ("same action_id", actions(button(), button()), "`action_id` go already exists"),
    ("pending task on its own", [task(status="pending")], "only tasks of a plan may be pending"),
    ("tasks of one id", [{"type": "plan", "title": "x", "tasks": [task(), task()]}], "must be unique in the plan"),
    ("table without rows", table(0, 0), "no fewer than 1 items allowed"),
    ("cell of a table", [{"type": "table", "rows": [[plain()]]}], "unsupported type: plain_text"),
    ("alignment", table(1, 1, column_settings=[{"align": "middle"}]), "must be one of"),
    ("data_table of one row", data_table(1), "no fewer than 2 items allowed"),
    ("data_table without caption", data_table(2, caption=None), "missing required field: caption"),
    ("uneven data_table", [{**data_table(2)[0], "rows": [[raw()], [raw(), raw()]]}], "must have 1 cells"),
    ("empty cell", data_table(2, text=""), "must be more than 0 characters"),
    ("page of none", data_table(2, page_size=0), "must be greater than or equal to 1"),
    ("header column out of reach", data_table(2, row_header_column_index=1), "must be less than 1"),
    ("empty pie", pie(0), "no fewer than 1 items allowed"),
    ("chart of no kind", [{**pie(1)[0], "chart": {"type": "radar"}}], "unsupported type: radar"),
    ("points off the axis", bars(1, 2, categories=["c0"]), "one point"),
    ("card of nothing", [{"type": "card", "subtitle": plain()}], "must define one of"),
    ("container in a container", [container(container())], "unsupported type: container"),
    ("container without title", [container(title=None)], "must define one of: title, rich_text_title"),
    ("collapsed but not collapsible", [container(default_collapsed=True)], "needs is_collapsible"),
    ("empty rich text", [rich(line({"type": "text", "text": ""}))], "more than 0"),
    ("both icons", [card(icon=image(), slack_icon={"type": "icon", "name": "bot"})], "only one of: icon, slack_icon"),
    ("header divider", [container(is_collapsible=True, has_header_divider=True)], "not for collapsible"),
    ("both pictures", [{"type": "context", "elements": [image(slack_file={"id": "F1"})]}], "only one of: image_url"),
    ("rich text in a header cell", [{**data_table(2)[0], "rows": [[rich()], [raw()]]}], "unsupported type: rich_text"),
    ("series of one name", [twice(bars(1))], "must be unique"),
    ("empty slice", pie(1, value=0), "greater than 0"),
    ("length as text", typed(max_length="3"), "must provide an integer"),
    ("fields as text", [section(fields="x")], "must provide an array"),
    ("accessory as text", [section(accessory="x")], "must provide an object"),
    ("unknown rich text", [rich({"type": "rich_text_poem", "elements": []})], "unsupported type"),
    ("view of no kind", {"type": "workflow_step", "blocks": []}, "unsupported type: workflow_step"),
]  # fmt: skip


class TestViolations:
    @pytest.mark.parametrize(("payload", "said"), [row[1:] for row in VIOLATIONS], ids=[row[0] for row in VIOLATIONS])
    def test_is_refused_in_slacks_words(self, payload: Any, said: str) -> None:
        found = problems(payload)

        assert any(said in one for one in found), found

    def test_blocks_are_a_list(self) -> None:
        (found,) = message_problems({"type": "section"})

        assert str(found) == "must provide an array [json-pointer:/blocks]"

    def test_every_breach_is_told_not_only_the_first(self) -> None:
        found = problems([section(text=mrkdwn("")), {"type": "poll"}, actions(button(style="green"))[0]])

        assert len(found) == 3

    def test_the_wording_is_slacks(self) -> None:
        (found,) = problems([section(text=mrkdwn("x" * 3001))])

        assert found == "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"


VALID: list[tuple[str, Any]] = [
    ("deploy", [
        section(accessory={"type": "overflow", "action_id": "more", "options": [option(0), option(1)]}),
        section(fields=[mrkdwn("*Environment*\nproduction"), plain()]),
        *actions(button(style="primary", value="D-1042:2", confirm=confirm()), button(action_id="link", url=URL)),
        {"type": "context", "elements": [mrkdwn("`D-1042`"), image()]},
        {"type": "divider"},
    ]),
    ("rich text", [rich(
        line(
            {"type": "text", "text": "by ", "style": {"bold": True}},
            {"type": "user", "user_id": "U0ALICE001"},
            {"type": "usergroup", "usergroup_id": "S0SRE00001"},
            {"type": "link", "url": URL, "text": "here"},
            {"type": "emoji", "name": "wave"},
        ),
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "+ image"}], "border": 0},
        {"type": "rich_text_list", "style": "bullet", "indent": 1, "elements": [line({"type": "text", "text": "one"})]},
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "said"}]},
    )]),
    ("form", modal(
        field(select(placeholder=plain()), block_id="env", dispatch_action=True),
        field({"type": "external_select", "action_id": "job", "min_query_length": 0}, block_id="job"),
        field({"type": "datetimepicker", "action_id": "when"}, optional=True, hint=plain()),
        field({"type": "checkboxes", "action_id": "flags", "options": [option(text=mrkdwn("*dry run*"))]}),
        field({"type": "conversations_select", "action_id": "where", "filter": {"include": ["public"]}}),
        {"type": "alert", "text": mrkdwn("Frozen"), "level": "warning"},
        private_metadata="C0STAGING1", callback_id="deploy.submit", notify_on_close=True, close=plain("Cancel"),
    )),
    ("home", {"type": "home", "blocks": [{"type": "header", "text": plain()}, *table(2, 2), container()]}),
    ("plan", [{"type": "plan", "title": "Rollout", "tasks": [task(0, "complete"), task(1, "pending")]}, task()]),
    ("cards", [{"type": "carousel", "elements": [card(), card(hero_image=image())]}]),
    ("bars", bars(2, 3, x_label="day")),
]  # fmt: skip


class TestValid:
    @pytest.mark.parametrize("payload", [row[1] for row in VALID], ids=[row[0] for row in VALID])
    def test_is_taken_by_us_and_by_both_oracles(self, payload: Any) -> None:
        assert problems(payload) == []
        assert not slack_sdk_refuses(payload)
        assert not slackblocks_refuses(payload)


# What Slack's own models refuse must be refused here: sizes around every limit, and each violation above.
class TestOracles:
    @given(limit=st.sampled_from(LIMITS), over=st.integers(-3, 3))
    def test_what_slacks_models_or_slackblocks_refuse_by_size_is_refused_here(self, limit: Limit, over: int) -> None:
        size = limit.most + over
        if size < 1:
            return
        payload = limit.build(size)

        if slack_sdk_refuses(payload) or slackblocks_refuses(payload):
            assert problems(payload) != []

    @pytest.mark.parametrize(
        "limit", [one for one in LIMITS if slack_sdk_refuses(one.build(one.most + 1))], ids=lambda one: one.name
    )
    def test_slacks_models_draw_the_line_at_the_same_place(self, limit: Limit) -> None:
        assert not slack_sdk_refuses(limit.build(limit.most))
        assert problems(limit.build(limit.most + 1)) != []

    def test_slacks_models_know_enough_limits_for_that_to_mean_something(self) -> None:
        assert sum(slack_sdk_refuses(one.build(one.most + 1)) for one in LIMITS) > 30


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 5000) | st.text(max_size=5) | st.sampled_from(["plain_text", "button"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "value"]), inner),
    max_leaves=6,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where every part of a JSON value stands, its own place first."""
    yield at
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*at, key))


def replaced(value: Any, at: tuple[Any, ...], by: Any) -> Any:
    if not at:
        return by
    copy = value.copy()
    copy[at[0]] = replaced(value[at[0]], at[1:], by)
    return copy


class TestAnything:
    @given(data=st.data(), payload=st.sampled_from([row[1] for row in VALID]), by=JSON)
    def test_a_good_payload_with_one_part_replaced_is_judged_and_never_breaks(
        self, data: st.DataObject, payload: Any, by: Any
    ) -> None:
        at = data.draw(st.sampled_from(list(places(payload))))
        changed = replaced(payload, at, by)
        is_view = isinstance(payload, dict)

        found = view_problems(changed) if is_view else message_problems(changed)

        if not found:
            again = view_problems(fill_view(changed)) if is_view else message_problems(fill_blocks(changed))
            assert again == []
