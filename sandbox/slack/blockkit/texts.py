"""Shapes of text, confirmation and option objects (docs.slack.dev, reference/block-kit/composition-objects)."""

from __future__ import annotations

from sandbox.slack.blockkit.shapes import Arr, Flag, Obj, Shape, Str, Typed

URL = Str(3000, 1)
ID = Str(255)
TYPE = Str()


def plain(most: int, least: int = 1) -> Typed:
    """A plain_text object of at most that many characters."""
    fields: dict[str, Shape] = {"type": TYPE, "text": Str(most, least), "emoji": Flag()}
    return Typed({"plain_text": Obj(fields, needs=("text",))})


def text(most: int, least: int = 1) -> Typed:
    """A plain_text or mrkdwn object of at most that many characters."""
    fields: dict[str, Shape] = {"type": TYPE, "text": Str(most, least), "verbatim": Flag()}
    return Typed({**plain(most, least).table, "mrkdwn": Obj(fields, needs=("text",))})


CONFIRM = Obj(
    {
        "title": plain(100),
        "text": text(300),
        "confirm": plain(30),
        "deny": plain(30),
        "style": Str(one_of=frozenset({"primary", "danger"})),
    },
    needs=("title", "text", "confirm", "deny"),
)


def option(label: Shape) -> Obj:
    """An option with a value of 1 to 150 characters; `url` is only for overflow menus."""
    return Obj(
        {"text": label, "value": Str(150), "description": text(75), "url": URL},
        needs=("text", "value"),
    )


OPTION = option(plain(75))
RICH_OPTION = option(text(75))  # checkboxes and radio buttons may use mrkdwn
GROUP = Obj({"label": plain(75), "options": Arr(OPTION, 100, 1)}, needs=("label", "options"))
DISPATCH = Obj(
    {"trigger_actions_on": Arr(Str(one_of=frozenset({"on_enter_pressed", "on_character_entered"})), 2, 1)},
)
FILTER = Obj(
    {
        "include": Arr(Str(one_of=frozenset({"im", "mpim", "private", "public"})), least=1),
        "exclude_external_shared_channels": Flag(),
        "exclude_bot_users": Flag(),
    },
    one_of=("include", "exclude_external_shared_channels", "exclude_bot_users"),
)
SLACK_FILE = Obj({"id": Str(255, 1), "url": URL}, one_of=("id", "url"))
